// A lean load generator for streamed chat completions: one thread, epoll, no JSON parser, so that its own cost does not hide the server's.
//
//   cc -O2 -o load load.c && ./load PORT CLIENTS REPLY_TOKENS SECONDS [PROMPT_WORDS]
//
// Each client sends one request after the other on one kept-alive connection. Printed: requests, errors by status, tokens a second (counted
// as events with text, which is what a reader gets), time to first token, CPU seconds of this program.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { buffer_size = 1 << 16, max_samples = 1 << 20 };

struct client {
    int socket;
    int number;
    int has_first_token;
    size_t used;
    double sent_at;
    char bytes[buffer_size];
};

static int port, clients, reply_tokens, prompt_words;
static long requests, tokens, refused, resets, other_errors;
static long reads;
static double first_token[max_samples];
static long first_tokens;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int open_connection(void) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

static void send_request(struct client *client) {
    static const char *const words[] = {"river", "lamp", "quiet", "stone", "seven", "green", "window", "story", "north", "paper"};
    char body[16384], request[20480];
    int length = snprintf(body, sizeof body, "{\"stream\":true,\"ignore_eos\":true,\"temperature\":0,\"max_tokens\":%d,\"messages\":"
        "[{\"role\":\"user\",\"content\":\"Client %d, request %ld.", reply_tokens, client->number, requests);
    for (int i = 0; i < prompt_words && length < 15000; i++)
        length += snprintf(body + length, sizeof body - (size_t)length, " %s", words[(i * 7 + client->number) % 10]);
    length += snprintf(body + length, sizeof body - (size_t)length, "\"}]}");
    int total = snprintf(request, sizeof request,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, body);
    if (write(client->socket, request, (size_t)total) != total) resets++;
    client->used = 0;
    client->has_first_token = 0;
    client->sent_at = now();
}

static void reopen(struct client *client, int poll) {
    close(client->socket);
    client->socket = open_connection();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(poll, EPOLL_CTL_ADD, client->socket, &event);
    send_request(client);
}

// Takes whole lines out of the buffer. Returns whether the response is complete.
static int take_lines(struct client *client) {
    char *start = client->bytes, *end = client->bytes + client->used, *newline;
    int is_complete = 0;
    while ((newline = memchr(start, '\n', (size_t)(end - start)))) {
        size_t length = (size_t)(newline - start);
        if (length > 9 && memcmp(start, "HTTP/1.1 ", 9) == 0 && memcmp(start + 9, "200", 3) != 0) {
            if (memcmp(start + 9, "503", 3) == 0 || memcmp(start + 9, "429", 3) == 0) refused++; else other_errors++;
            return 2;
        }
        if (length > 6 && memcmp(start, "data: ", 6) == 0) {
            if (memcmp(start + 6, "[DONE]", 6) == 0) is_complete = 1;
            else if (memmem(start, length, "\"content\":\"", 11) && !memmem(start, length, "\"role\"", 6)) {
                tokens++;
                if (!client->has_first_token) {
                    client->has_first_token = 1;
                    if (first_tokens < max_samples) first_token[first_tokens++] = now() - client->sent_at;
                }
            } else if (memmem(start, length, "{\"error\"", 8)) other_errors++;
        }
        // The end of a chunked body: "0\r\n\r\n".
        if (is_complete == 0 && length == 2 && start[0] == '0') is_complete = 0;
        start = newline + 1;
    }
    client->used = (size_t)(end - start);
    memmove(client->bytes, start, client->used);
    return is_complete;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments) {
    if (count < 5) {
        fprintf(stderr, "usage: load PORT CLIENTS REPLY_TOKENS SECONDS [PROMPT_WORDS]\n");
        return 2;
    }
    port = atoi(arguments[1]);
    clients = atoi(arguments[2]);
    reply_tokens = atoi(arguments[3]);
    double seconds = atof(arguments[4]);
    prompt_words = count > 5 ? atoi(arguments[5]) : 30;
    int poll = epoll_create1(0);
    struct client *all = calloc((size_t)clients, sizeof *all);
    double start = now(), stop = start + seconds;
    for (int i = 0; i < clients; i++) {
        all[i].number = i;
        all[i].socket = open_connection();
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, all[i].socket, &event);
        send_request(&all[i]);
    }
    double last_token = start;
    while (now() < stop) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, 100);
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            ssize_t got = read(client->socket, client->bytes + client->used, buffer_size - client->used);
            reads++;
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) continue;
                resets++;
                reopen(client, poll);
                continue;
            }
            client->used += (size_t)got;
            long before = tokens;
            int state = take_lines(client);
            if (tokens > before) last_token = now();
            if (state == 1) {
                requests++;
                send_request(client);
            } else if (state == 2) {
                usleep(20000);
                reopen(client, poll);
            } else if (client->used == buffer_size) client->used = 0;
        }
    }
    double elapsed = last_token - start;
    qsort(first_token, (size_t)first_tokens, sizeof *first_token, by_value);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    printf("clients %d  seconds %.1f  requests %ld  tokens/s %.1f  first token p50 %.3f s p99 %.3f s  refused %ld  resets %ld  errors %ld  "
        "reads %ld  own cpu %.2f s\n", clients, elapsed, requests, (double)tokens / elapsed,
        first_tokens ? first_token[first_tokens / 2] : 0, first_tokens ? first_token[first_tokens * 99 / 100] : 0, refused, resets,
        other_errors, reads, cpu);
    return 0;
}

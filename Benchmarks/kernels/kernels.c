// Measures the product kernels against the limits of the machine: GB/s of weights read, and giga-operations a second.
//
//   kernels [--threads N] [--json [--working-set BYTES]]
//
// The matrices are those of a small model (30 layers of 960 x 576, 576 x 576, 3072 x 576, 576 x 1536, and a head of 49152 x 576), packed in
// one stretch of memory with huge pages; a pass walks through all of them, each thread through its half of every matrix. The limits, reading
// memory and multiply-add peaks, are not known from data sheets here but measured in the same run.
// With --json only the read bandwidth is measured, of a working set of that size that is read again and again, as decoding does with weights:
// one that fits the last cache is read faster than memory. By default 512 MiB.

#define _GNU_SOURCE
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "stellar_kernels.h"
#include "stellar_packed.h"

enum { layers = 30, most_threads = 64, most_rows = 512, longest_input = 1536, widest_output = 49152 };

typedef struct matrix {
    size_t outputs, inputs, offset;
} matrix;

static matrix matrices[layers * 4 + 1];
static size_t matrix_count;
static int threads = 2;
static const stellar_kernels *kernels;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *huge_memory(size_t bytes) {
    const size_t page = 2 << 20;
    bytes = (bytes + page - 1) / page * page;
    char *map = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        perror("memory");
        exit(1);
    }
    char *start = (char *)(((uintptr_t)map + page - 1) / page * page);
    madvise(start, bytes, MADV_HUGEPAGE);
    return start;
}

// MARK: Running something on all threads

typedef struct share {
    int thread;
    void (*work)(int thread, void *context);
    void *context;
    pthread_barrier_t *barrier;
    int repetitions;
    double seconds;
} share;

static void *run_share(void *argument) {
    share *s = argument;
    s->work(s->thread, s->context);  // warms up
    pthread_barrier_wait(s->barrier);
    const double start = now();
    for (int i = 0; i < s->repetitions; i++) { s->work(s->thread, s->context); }
    pthread_barrier_wait(s->barrier);
    s->seconds = (now() - start) / s->repetitions;
    return NULL;
}

/// Seconds of one run of `work` on all threads.
static double measure(void (*work)(int, void *), void *context, int repetitions) {
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    pthread_t handles[most_threads];
    share shares[most_threads];
    for (int i = 0; i < threads; i++) {
        shares[i] = (share){i, work, context, &barrier, repetitions, 0};
        if (i > 0) { pthread_create(&handles[i], NULL, run_share, &shares[i]); }
    }
    run_share(&shares[0]);
    for (int i = 1; i < threads; i++) { pthread_join(handles[i], NULL); }
    pthread_barrier_destroy(&barrier);
    return shares[0].seconds;
}

// MARK: Limits

static char *reading;
static size_t reading_bytes = 512u << 20;
static volatile uint64_t sink;

typedef uint64_t line __attribute__((vector_size(64)));

typedef struct way {
    size_t streams;  // that a thread reads in turn
    size_t ahead;    // bytes
} way;

static inline __attribute__((always_inline)) void read_part(int thread, const way *way) {
    const size_t lines = reading_bytes / (size_t)threads / way->streams / 256 * 4;
    const line *start = (const line *)reading + (size_t)thread * way->streams * lines;
    line sums[4] = {{0}};
    for (size_t i = 0; i < lines; i += 4) {
        for (size_t stream = 0; stream < way->streams; stream++) {
            const line *p = start + stream * lines + i;
            for (size_t j = 0; j < 4; j++) { __builtin_prefetch((const char *)(p + j) + way->ahead, 0, 3); }
            for (size_t j = 0; j < 4; j++) { sums[j] ^= p[j]; }
        }
    }
    sink += (sums[0] ^ sums[1] ^ sums[2] ^ sums[3])[0];
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void read_avx512(int thread, void *context) { read_part(thread, context); }
__attribute__((target("avx2"))) static void read_avx2(int thread, void *context) { read_part(thread, context); }
#endif
static void read_plain(int thread, void *context) { read_part(thread, context); }

/// Gigabytes a second: the best of several ways to read, each for a third of a second, as programs are measured over more than a moment.
static double read_bandwidth(void) {
    void (*reader)(int, void *) = read_plain;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) { reader = read_avx2; }
    if (__builtin_cpu_supports("avx512f")) { reader = read_avx512; }
#endif
    double best = 0;
    for (size_t streams = 1; streams <= 4; streams *= 2) {
        for (size_t ahead = 512; ahead <= 8192; ahead *= 4) {
            way way = {streams, ahead};
            const int repetitions = 1 + (int)(0.33 / measure(reader, &way, 1));
            const double rate = (double)reading_bytes / measure(reader, &way, repetitions) / 1e9;
            best = rate > best ? rate : best;
        }
    }
    return best;
}

typedef float lanes __attribute__((vector_size(64)));

enum { multiply_add_steps = 10000000, most_chains = 12, word_chains = 10, lane_count = sizeof(lanes) / sizeof(float) };

/// Fused multiply-adds in registers: as many independent chains as hide their latency.
static inline __attribute__((always_inline)) void multiply_add(size_t chains) {
    lanes sums[most_chains] = {{0}};
    const lanes x = sums[0] + 0.999f, y = sums[0] + 0.001f;
    for (long step = 0; step < multiply_add_steps; step++) {
        for (size_t i = 0; i < chains; i++) { sums[i] = sums[i] * x + y; }
    }
    float total = 0;
    for (size_t i = 0; i < chains; i++) { total += sums[i][0]; }
    sink += (uint64_t)total;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void multiply_add_avx512(int thread, void *context) { (void)thread, (void)context, multiply_add(12); }
__attribute__((target("avx2,fma"))) static void multiply_add_avx2(int thread, void *context) { (void)thread, (void)context, multiply_add(4); }

/// As the product kernels without VNNI add pairs of words.
__attribute__((target("avx2"))) static void multiply_words_avx2(int thread, void *context) {
    (void)thread, (void)context;
    __m256i sums[word_chains], x = _mm256_set1_epi16(3);
    const __m256i y = _mm256_set1_epi16(5);
    for (size_t i = 0; i < word_chains; i++) { sums[i] = _mm256_set1_epi32((int)i); }
    for (long step = 0; step < multiply_add_steps; step++) {
        for (size_t i = 0; i < word_chains; i++) {
            __asm__("" : "+x"(x));  // each product anew
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(x, y));
        }
    }
    for (size_t i = 1; i < word_chains; i++) { sums[0] = _mm256_add_epi32(sums[0], sums[i]); }
    sink += (uint64_t)_mm256_extract_epi32(sums[0], 0);
}

__attribute__((target("avx512f,avx512vnni"))) static void multiply_bytes_vnni(int thread, void *context) {
    (void)thread, (void)context;
    __m512i sums[most_chains];
    for (size_t i = 0; i < most_chains; i++) { sums[i] = _mm512_set1_epi32((int)i); }
    const __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(5);
    for (long step = 0; step < multiply_add_steps; step++) {
        for (size_t i = 0; i < most_chains; i++) { sums[i] = _mm512_dpbusd_epi32(sums[i], x, y); }
    }
    for (size_t i = 0; i < most_chains; i++) { sink += (uint64_t)_mm512_reduce_add_epi32(sums[i]); }
}
#endif
static void multiply_add_plain(int thread, void *context) { (void)thread, (void)context, multiply_add(4); }

/// Giga-operations a second of all threads, a multiplication and an addition each counted; the best of several runs.
static double peak(void (*work)(int, void *), double operations_per_step) {
    double best = 0;
    for (int i = 0; i < 5; i++) {
        const double rate = operations_per_step * multiply_add_steps * threads / measure(work, NULL, 1) / 1e9;
        best = rate > best ? rate : best;
    }
    return best;
}

static void print_peaks(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        printf("FP32 multiply-adds: %.0f Gop/s\n", peak(multiply_add_avx512, 12 * 2.0 * lane_count));
        if (__builtin_cpu_supports("avx512vnni")) {
            printf("products of bytes (vpdpbusd): %.0f Gop/s\n", peak(multiply_bytes_vnni, most_chains * 2.0 * 64));
        }
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        printf("FP32 multiply-adds: %.0f Gop/s\n", peak(multiply_add_avx2, 4 * 2.0 * lane_count));
        printf("products of words (vpmaddwd, vpaddd): %.0f Gop/s\n", peak(multiply_words_avx2, word_chains * 2.0 * 16));
        return;
    }
#endif
    printf("FP32 multiply-adds: %.0f Gop/s\n", peak(multiply_add_plain, 4 * 2.0 * lane_count));
}

// MARK: Products

typedef struct pass {
    stellar_packing packing;
    const char *weights;
    const uint8_t *x;
    float *y;
    size_t rows;
    size_t count;  // matrices
} pass;

static void run_pass(int thread, void *context) {
    const pass *p = context;
    for (size_t i = 0; i < p->count; i++) {
        const matrix *m = &matrices[i];
        const size_t panels = m->outputs / stellar_panel_outputs;
        const size_t from = panels * (size_t)thread / (size_t)threads * stellar_panel_outputs;
        const size_t to = panels * ((size_t)thread + 1) / (size_t)threads * stellar_panel_outputs;
        const size_t group = stellar_packing_group_outputs(p->packing);
        stellar_product product = {
            .packing = p->packing,
            .weights = p->weights + m->offset + from / group * stellar_packing_group_bytes(p->packing, m->inputs),
            .outputs = to - from,
            .inputs = m->inputs,
            .x = p->x,
            .row_bytes = stellar_input_row_bytes(stellar_packing_input(p->packing), m->inputs),
            .rows = p->rows,
            .y = p->y + (size_t)thread * most_rows * 3072,
            .ldy = to - from,
        };
        kernels->product(&product);
    }
}

static size_t place(stellar_packing packing) {
    static const size_t shapes[4][2] = {{960, 576}, {576, 576}, {3072, 576}, {576, 1536}};
    size_t offset = 0;
    matrix_count = 0;
    for (size_t i = 0; i <= layers * 4; i++) {
        matrix *m = &matrices[matrix_count++];
        m->outputs = i == layers * 4 ? widest_output : shapes[i % 4][0];
        m->inputs = i == layers * 4 ? 576 : shapes[i % 4][1];
        m->offset = offset;
        offset += stellar_packed_bytes(packing, m->outputs, m->inputs);
    }
    return offset;
}

static const char *const names[] = {"F32", "F16", "BF16", "BF16 pairs", "Q8_0", "Q4_0", "Q4_1"};

int main(int count, char **arguments) {
    int json = 0;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0) {
            json = 1;
        } else if (strcmp(arguments[i], "--threads") == 0 && i + 1 < count) {
            threads = atoi(arguments[++i]);
        } else if (strcmp(arguments[i], "--working-set") == 0 && i + 1 < count) {
            reading_bytes = strtoull(arguments[++i], NULL, 10);
        } else {
            fprintf(stderr, "usage: kernels [--threads N] [--json [--working-set BYTES]]\n");
            return 64;
        }
    }
    if (threads < 1 || threads > most_threads) {
        fprintf(stderr, "kernels: --threads takes 1 to %d\n", most_threads);
        return 64;
    }
    kernels = stellar_kernels_active();
    reading = huge_memory(reading_bytes);
    memset(reading, 1, reading_bytes);
    if (json) {
        printf("{\"read_gigabytes_per_second\": %.1f, \"threads\": %d}\n", read_bandwidth(), threads);
        return 0;
    }
    printf("kernels: %s, %d threads; reading memory: %.1f GB/s\n", stellar_isa_name(kernels->isa), threads, read_bandwidth());
    print_peaks();
    printf("\n");
    printf("%-11s %5s %12s %10s %10s\n", "weights", "rows", "rows/s", "GB/s", "Gop/s");

    char *weights = huge_memory(place(STELLAR_PACKING_F32) + 4096);
    memset(weights, 0x11, place(STELLAR_PACKING_F32));
    uint8_t *x = huge_memory((size_t)most_rows * longest_input * 8);
    float *y = huge_memory((size_t)threads * most_rows * 3072 * sizeof(float));
    static const size_t row_counts[] = {1, 4, 16, 64, 512};
    for (stellar_packing packing = STELLAR_PACKING_F32; packing <= STELLAR_PACKING_Q4_1; packing++) {
        if (packing == STELLAR_PACKING_BF16_PAIRS && !kernels->bf16_pairs) { continue; }
        const size_t bytes = place(packing);
        for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
            // The head is computed for the last tokens of prompts only.
            pass p = {packing, weights, x, y, row_counts[i], row_counts[i] <= 16 ? matrix_count : matrix_count - 1};
            double operations = 0;
            for (size_t m = 0; m < p.count; m++) { operations += 2.0 * (double)(matrices[m].outputs * matrices[m].inputs); }
            const double seconds = measure(run_pass, &p, row_counts[i] >= 64 ? 2 : 10);
            const double rate = (double)p.rows / seconds;
            printf("%-11s %5zu %12.0f %10.1f %10.0f\n", names[packing], p.rows, rate, (double)bytes / seconds / 1e9, operations * rate / 1e9);
        }
    }
    return 0;
}

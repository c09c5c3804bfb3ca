"""Clients and signals that come at the worst time: killed clients, slow ones, half-open connections, SIGTERM among many streams.

STELLAR_FAULTS sets how often clients are killed (20) and how many seconds the slow reader reads (4).
"""

import concurrent.futures
import contextlib
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from conftest import CAPITAL, STORY, need, wait_for
from daemon import Daemon

TIMES = int(os.environ.get("STELLAR_FAULTS") or 0)
ENDLESS = {"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 6000, "temperature": 0}
TCP_REPAIR = 19


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def resident(daemon):
    """Bytes."""
    pages = int(pathlib.Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def request(body):
    text = json.dumps(body).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


def open_socket(daemon, *, receive_buffer=None):
    made = socket.socket()
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.settimeout(60)
    made.connect(("127.0.0.1", daemon.port))
    return made


def answers(daemon):
    """Another client is served as ever."""
    body = {"messages": CAPITAL, "max_tokens": 12, "temperature": 0}
    response = httpx.post(f"{daemon.base_url}/v1/chat/completions", json=body, timeout=60)
    return response.status_code == 200 and "Paris" in response.json()["choices"][0]["message"]["content"]


def test_clients_killed_in_the_middle_leave_nothing_behind(daemon, tmp_path):
    body = tmp_path / "body.json"
    body.write_text(json.dumps(ENDLESS))
    command = ["curl", "--silent", "--no-buffer", "--json", f"@{body}", f"{daemon.base_url}/v1/chat/completions"]

    def kill_one(number):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
            for _ in range(1 + number % 7):
                assert client.stdout.readline()
            client.kill()

    assert answers(daemon)
    wait_for(lambda: daemon.is_idle, "it is idle")
    before = descriptors(daemon)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(kill_one, range(TIMES or 20)))
    wait_for(lambda: daemon.is_idle, "all places are free")
    wait_for(lambda: descriptors(daemon) <= before, "all connections are closed")
    assert answers(daemon)


def test_a_reader_of_one_byte_a_second_costs_no_memory_and_nobody_waits_for_it():
    with Daemon(MAX_BATCH=4) as own, contextlib.ExitStack() as resources:
        own.wait_until_ready()
        assert answers(own)
        before = resident(own)
        readers = [resources.enter_context(contextlib.closing(open_socket(own, receive_buffer=2048))) for _ in range(2)]
        for reader in readers:
            reader.sendall(request(ENDLESS | {"logprobs": True, "top_logprobs": 20}))
            assert reader.recv(1) == b"H"
        for _ in range(TIMES or 4):
            time.sleep(1)
            for reader in readers:
                assert reader.recv(1)
            assert answers(own)
        queue = own.health()["queue"]
        assert queue["running"] + queue["paused"] == 2, "its reply is neither given up nor finished into a buffer"
        assert resident(own) - before < 48 << 20
        resources.close()
        wait_for(lambda: own.is_idle, "their places are free")


def test_connections_that_say_half_a_request_or_nothing_harm_nobody(daemon):
    before = descriptors(daemon)
    with contextlib.ExitStack() as resources:
        whole = request(ENDLESS)
        for number in range(200):
            connection = resources.enter_context(contextlib.closing(open_socket(daemon)))
            connection.sendall(whole[: number * (len(whole) - 1) // 199])
        assert answers(daemon)
        assert daemon.is_idle
    wait_for(lambda: descriptors(daemon) <= before + 2, "all connections are closed")


def vanish(connection):
    """Closes a socket so that its peer is not told, as when a machine loses its power (TCP_REPAIR of Linux)."""
    try:
        connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except PermissionError:
        need(False, "CAP_NET_ADMIN is needed to make half-open connections")
    connection.close()


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
def test_a_peer_that_vanished_without_a_word_frees_its_place(daemon, streaming):
    body = ENDLESS if streaming else ENDLESS | {"stream": False, "max_tokens": 100}
    connections = [open_socket(daemon) for _ in range(4)]
    for connection in connections:
        connection.sendall(request(body))
        if streaming:
            assert connection.recv(12) == b"HTTP/1.1 200"
    wait_for(lambda: daemon.health()["queue"]["running"] == 4, "all of them run")
    for connection in connections:
        vanish(connection)
    wait_for(lambda: daemon.is_idle, "all places are free", 60)
    assert answers(daemon)


def test_a_stop_signal_among_sixteen_streams_cuts_none_of_them():
    with Daemon(MAX_BATCH=20) as own:
        own.wait_until_ready()
        body = {"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 48, "temperature": 0}
        begun = threading.Semaphore(0)

        def stream(_):
            lines = []
            with httpx.stream("POST", f"{own.base_url}/v1/chat/completions", json=body, timeout=120) as response:
                for line in response.iter_lines():
                    if not lines:
                        begun.release()
                    lines.append(line)
            return [line for line in lines if line.startswith("data: ")]

        def chat(_):
            events = []
            with connect(own.base_url.replace("http", "ws") + "/api/ws/chat", open_timeout=30) as connection:
                message = {"type": "chat.message", "content": "Tell me a story.", "max_tokens": 48, "ignore_eos": True}
                connection.send(json.dumps(message))
                try:
                    while True:
                        events.append(json.loads(connection.recv(timeout=120))["event"])
                        if len(events) == 2:
                            begun.release()
                except ConnectionClosed as closed:
                    return events, closed.rcvd and closed.rcvd.code

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            streams = [pool.submit(stream, number) for number in range(16)]
            chats = [pool.submit(chat, number) for number in range(4)]
            for _ in range(20):
                assert begun.acquire(timeout=60)
            own.process.send_signal(signal.SIGTERM)
            for lines in (future.result() for future in streams):
                assert lines[-1] == "data: [DONE]"
                assert json.loads(lines[-2][6:])["choices"][0]["finish_reason"] == "length"
            for events, code in (future.result() for future in chats):
                assert events[-1] == "message_stop" and code == 1001
        assert own.wait() == 0, own.log[-4000:]


@pytest.mark.parametrize("years", [10, -10])
def test_a_clock_that_jumps_ends_nothing_and_disorders_nothing(tmp_path, years):
    """Ten years ahead or back in the middle of a stream: limits of time, rates, order of messages and the connection stay what they are."""
    library, offset = tmp_path / "clock.so", tmp_path / "offset"
    source = pathlib.Path(__file__).with_name("clock.c")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
    offset.write_text("0")
    variables = {"LD_PRELOAD": library, "STELLAR_CLOCK_OFFSET": offset, "REQUEST_TIMEOUT": 600, "RATE_LIMIT": "requests=60"}
    with Daemon(**variables) as own, httpx.Client(base_url=own.wait_until_ready().base_url, timeout=120) as http:
        body = {"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 200, "temperature": 0}
        with http.stream("POST", "/api/chat/completions", params={"session_id": "s"}, json=body) as response:
            lines = response.iter_lines()
            before = json.loads(next(line for line in lines if line.startswith("data: "))[6:])["created"]
            uptime = own.health()["uptime_seconds"]
            offset.write_text(str(years * 365 * 24 * 3600))
            events = [line for line in lines if line.startswith("data: ")]
        assert events[-1] == "data: [DONE]"
        assert json.loads(events[-2][6:])["choices"][0]["finish_reason"] == "length"
        answer = http.post("/api/chat/completions", params={"session_id": "s"}, json={"messages": CAPITAL, "max_tokens": 8, "temperature": 0})
        assert answer.status_code == 200
        assert abs((answer.json()["created"] - before) / (365 * 24 * 3600) - years) < 0.01, "the clock did jump"
        assert 0 <= own.health()["uptime_seconds"] - uptime < 3600
        tokenize = functools.partial(http.post, "/v1/tokenize", json={"content": "x"})
        refused = next(answer for answer in (tokenize() for _ in range(1000)) if answer.status_code == 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        wait_for(lambda: tokenize().status_code == 200, "the allowance grows as ever")
        roles = [message["role"] for message in http.get("/api/sessions/s/history").json()["data"]]
        assert roles == ["user", "assistant", "user", "assistant"]
        own.terminate()
        assert own.wait() == 0

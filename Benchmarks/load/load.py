#!/usr/bin/env python3
"""Load on the running daemon, and what it costs it.

    load.py stream [--clients 64] [--seconds 600] [--tokens 64] [--words 60]     streaming chats, one after the other on each connection
    load.py idle [--connections 1000]                                            WebSockets that say nothing

Both start a daemon of their own (--set NAME=VALUE for its settings; STELLAR_BIN, STELLAR_TEST_MODEL as in the tests), or take a running
one: --port and --pid. The clients are one lean C program (load.c), so that their own cost does not hide the server's. Printed as JSON:
errors, connection resets, time to first token, tokens a second, resident memory over time. The exit status is 1 if anything but 429 and
503 went wrong.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Tests/clients"))


def memory(pid):
    """Resident bytes."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def target(options):
    """Port and process id of the daemon."""
    if options.port:
        yield options.port, options.pid
        return
    from daemon import Daemon

    with Daemon(**dict(setting.split("=", 1) for setting in options.set)) as daemon:
        daemon.wait_until_ready()
        yield daemon.port, daemon.process.pid
        if daemon.process.poll() is not None:
            sys.exit(f"the daemon ended with {daemon.process.returncode}:\n{daemon.log[-4000:]}")


def figures(line):
    """The line that load.c prints, as a dictionary."""
    names = {
        "clients": r"clients (\d+)", "seconds": r"seconds ([\d.]+)", "requests": r"requests (\d+)",
        "tokens_per_second": r"tokens/s ([\d.]+)",
        "first_token_p50": r"p50 ([\d.]+)", "first_token_p99": r"p99 ([\d.]+)", "refused": r"refused (\d+)", "resets": r"resets (\d+)",
        "errors": r"errors (\d+)", "client_cpu_seconds": r"own cpu ([\d.]+)",
    }
    return {name: float(re.search(pattern, line)[1]) for name, pattern in names.items()}


def stream(options):
    with tempfile.TemporaryDirectory() as directory, target(options) as (port, pid):
        program = pathlib.Path(directory) / "load"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, HERE / "load.c"], check=True)
        numbers = [port, options.clients, options.tokens, options.seconds, options.words]
        start, samples = time.monotonic(), []
        cpu = processor_seconds(pid) if pid else 0
        with subprocess.Popen([program, *map(str, numbers)], stdout=subprocess.PIPE, text=True) as clients:
            while clients.poll() is None:
                if pid:
                    samples.append((round(time.monotonic() - start, 1), memory(pid)))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    clients.wait(min(1, options.seconds / 10))
            report = figures(clients.stdout.read())
        if pid:
            report |= memory_over_time(samples, options.seconds) | {"server_cpu_seconds": round(processor_seconds(pid) - cpu, 2)}
    print(json.dumps(report, indent=2))
    return report["resets"] + report["errors"] == 0


def memory_over_time(samples, seconds):
    """Megabytes; `drift` is the largest difference to the value after the first minute (of short runs: the first tenth), as a share."""
    settled = [bytes for at, bytes in samples if at >= min(60, seconds / 10)] or [samples[-1][1]]
    step = max(1, len(samples) // 20)
    return {
        "memory_mb": {str(at): round(bytes / 1e6, 1) for at, bytes in samples[::step]},
        "memory_drift": round(max(abs(bytes - settled[0]) for bytes in settled) / settled[0], 4),
    }


def open_websocket(port):
    made = socket.create_connection(("127.0.0.1", port), timeout=60)
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET /api/ws/chat HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    made.sendall(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    received = b""
    while b"session_start" not in received:
        piece = made.recv(4096)
        if not piece:
            raise ConnectionError(f"the server closed the connection after {received[:80]!r}")
        received += piece
    if not received.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(received[:80])
    return made


def idle(options):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = options.connections + 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, wanted)), hard))
    with target(options) as (port, pid), contextlib.ExitStack() as open_ones:
        for _ in range(50):  # what the first connections of a process cost is not theirs
            open_websocket(port).close()
        time.sleep(1)
        before = memory(pid)
        for _ in range(options.connections):
            open_ones.enter_context(contextlib.closing(open_websocket(port)))
        time.sleep(1)
        after, cpu = memory(pid), processor_seconds(pid)
        time.sleep(options.seconds)
        report = {
            "connections": options.connections,
            "memory_before_mb": round(before / 1e6, 1),
            "memory_with_connections_mb": round(after / 1e6, 1),
            "bytes_per_connection": round((after - before) / options.connections),
            "idle_cpu_share": round((processor_seconds(pid) - cpu) / options.seconds, 4),
        }
    print(json.dumps(report, indent=2))
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["stream", "idle"])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--tokens", type=int, default=64, help="of each reply")
    parser.add_argument("--words", type=int, default=60, help="of each prompt")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--port", type=int, help="of a running daemon")
    parser.add_argument("--pid", type=int, help="its process: for its memory")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the daemon that is started")
    options = parser.parse_args()
    if options.kind == "idle" and options.port and not options.pid:
        parser.error("--pid is needed too: memory is what is measured")
    options.seconds = options.seconds or (600 if options.kind == "stream" else 10)
    sys.exit(0 if (stream if options.kind == "stream" else idle)(options) else 1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Load on the running daemon, and what it costs it.

    load.py stream [--clients 64] [--seconds 600] [--tokens 64] [--words 60]     streaming chats, one after the other on each connection
    load.py idle [--connections 1000]                                            WebSockets that say nothing
    load.py soak [--minutes 10]                                                  everything, with checks: see below; also as `soak`
    load.py compare --llama-server PROGRAM [--clients 16] [--seconds 60]         the same clients on llama.cpp's server and on ours, in turn

They start a daemon of their own (--set NAME=VALUE for its settings; STELLAR_BIN, STELLAR_TEST_MODEL as in the tests), or take a running
one: --port and --pid. The clients are one lean C program (load.c), so that their own cost does not hide the server's. Printed as JSON:
errors, connection resets, time to first token, tokens a second, resident memory over time. The exit status is 1 if anything but 429 and
503 went wrong.

`soak` takes the engine alone (`stellarchat bench`), then 16 and 64 clients of the daemon with MAX_BATCH=16, the 64 for the given time, then
1,000 idle WebSockets, all on one daemon. It fails if a request fails with anything but 429 and 503, a connection is reset, or the resident
memory leaves ±3 % of what it was after the first minute. The context is 1,024 tokens unless --set says otherwise: the cache of prompts is
part of the memory, and has to be full before memory can be flat. `of_engine` is the rate of reply tokens as a share of what the engine
alone would need for the same work: prompt tokens that were not cached at its prefill rate, reply tokens at its decode rate.

`compare` starts each server alone, with the same model file, two threads and a slot of 1,024 tokens for each client, runs the clients, ends
it, and so on in turn, --repetitions times each; the medians are printed, and their ratios to the faster of llama-server with the flash
attention that it chooses itself and without. llama-server is built from llama.cpp's source,
which the source distribution of llama-cpp-python holds in vendor/llama.cpp:
`cmake -B build -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON && cmake --build build --target llama-server`.
"""

import argparse
import base64
import collections
import contextlib
import functools
import json
import os
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

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


def scrape(port):
    """Totals of the counters, over all their labels."""
    totals = collections.Counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        for line in answer.read().decode().splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                totals[name.partition("{")[0]] += float(value)
    return totals


def figures(line):
    """The line that load.c prints, as a dictionary."""
    names = {
        "clients": r"clients (\d+)", "seconds": r"seconds ([\d.]+)", "requests": r"requests (\d+)",
        "tokens_per_second": r"tokens/s ([\d.]+)",
        "first_token_p50": r"p50 ([\d.]+)", "first_token_p99": r"p99 ([\d.]+)", "refused": r"refused (\d+)", "resets": r"resets (\d+)",
        "errors": r"errors (\d+)", "client_cpu_seconds": r"own cpu ([\d.]+)",
    }
    return {name: float(re.search(pattern, line)[1]) for name, pattern in names.items()}


def run_clients(port, pid, clients, seconds, options):
    """A run of load.c, with the daemon's memory and processor time if its process is known."""
    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory) / "load"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, HERE / "load.c"], check=True)
        numbers = [port, clients, options.tokens, seconds, options.words]
        start, samples = time.monotonic(), []
        cpu = processor_seconds(pid) if pid else 0
        with subprocess.Popen([program, *map(str, numbers)], stdout=subprocess.PIPE, text=True) as running:
            while running.poll() is None:
                if pid:
                    samples.append((round(time.monotonic() - start, 1), memory(pid)))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(min(1, seconds / 10))
            report = figures(running.stdout.read())
    if pid:
        report |= memory_over_time(samples, seconds) | {"server_cpu_seconds": round(processor_seconds(pid) - cpu, 2)}
    return report


def stream(options):
    with target(options) as (port, pid):
        report = run_clients(port, pid, options.clients, options.seconds, options)
    print(json.dumps(report, indent=2))
    return report["resets"] + report["errors"] == 0


def engine_alone(sequences, options):
    """Rates of `stellarchat bench` for prompts and replies of the same length as the clients'."""
    from daemon import MODEL, PROGRAMS

    prompt = 50 + options.words
    command = [PROGRAMS / "stellarchat", "bench", MODEL, "--json", "--sequences", sequences, "--prompt-tokens", prompt, "--depth", prompt]
    command += ["--generate-tokens", options.tokens, "--repetitions", "3"]
    report = json.loads(subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout)
    return {name: report[name]["median"] for name in ("prefill_tokens_per_second", "decode_tokens_per_second")}


def soak(options):
    """See the top."""
    options.set = ["MAX_BATCH=16", "CONTEXT_LENGTH=1024", *options.set]
    report, failures = {"engine_alone": engine_alone(16, options)}, []
    with target(options) as (port, pid):
        for clients, seconds in ((16, min(60, options.minutes * 60)), (64, options.minutes * 60)):
            before = scrape(port)
            run = run_clients(port, pid, clients, seconds, options)
            work = scrape(port) - before
            prompts = work["stellar_prompt_tokens_total"] - work["stellar_cached_prompt_tokens_total"]
            replies = work["stellar_generation_tokens_total"]
            alone = report["engine_alone"]
            needed = prompts / alone["prefill_tokens_per_second"] + replies / alone["decode_tokens_per_second"]
            run["of_engine"] = round(needed / run["seconds"], 3)
            run["server_cpu_ms_per_token"] = round(run["server_cpu_seconds"] * 1000 / max(1, replies), 4)
            report[f"{clients}_clients"] = run
            failures += [f"{clients} clients: {run[kind]:.0f} {kind}" for kind in ("errors", "resets") if run[kind]]
        if report["64_clients"]["memory_drift"] > 0.03:
            failures.append("resident memory is not flat")
        report["idle"] = idle_websockets(port, pid, options.connections, 10)
    print(json.dumps(report | {"failures": failures}, indent=2))
    return not failures


@contextlib.contextmanager
def llama_server(flash_attention, options):
    """Port and process id of a llama-server that is ready."""
    from daemon import MODEL, free_port

    port = free_port()
    model = MODEL if str(MODEL).endswith(".gguf") else next(pathlib.Path(MODEL).glob("*.gguf"))
    command = [options.llama_server, "-m", model, "--host", "127.0.0.1", "--port", port]
    command += ["-np", options.clients, "-c", 1024 * options.clients, "-t", 2, "-tb", 2, "-fa", flash_attention]
    running = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            if running.poll() is not None:
                sys.exit(f"{options.llama_server} ended with {running.returncode}")
            time.sleep(0.2)
        else:
            sys.exit(f"{options.llama_server} is not ready after a minute")
        yield port, running.pid
    finally:
        running.terminate()
        running.wait(30)


def compare(options):
    """See the top."""
    options.set = [f"MAX_BATCH={options.clients}", "CONTEXT_LENGTH=1024", "THREADS=2", *options.set]
    servers = {"stellarchatd": target}
    servers |= {f"llama-server -fa {choice}": functools.partial(llama_server, choice) for choice in ("auto", "off")}
    runs = collections.defaultdict(list)
    for _ in range(options.repetitions):
        for name, server in servers.items():
            with server(options) as (port, pid):
                runs[name].append(run_clients(port, pid, options.clients, options.seconds, options))
    names = ("tokens_per_second", "first_token_p50", "first_token_p99", "resets", "errors", "refused")
    medians = {side: {name: round(statistics.median(run[name] for run in of), 3) for name in names} for side, of in runs.items()}
    ours = medians["stellarchatd"]
    theirs = max((of for side, of in medians.items() if of is not ours), key=lambda of: of["tokens_per_second"])
    ratios = {name: round(ours[name] / theirs[name], 3) for name in names[:3]}
    print(json.dumps({"clients": options.clients, "seconds": options.seconds, "medians": medians, "ratios": ratios, "runs": runs}, indent=2))
    return all(run["resets"] + run["errors"] == 0 for run in runs["stellarchatd"])


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


def idle_websockets(port, pid, connections, seconds):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, connections + 256)), hard))
    with contextlib.ExitStack() as open_ones:
        for _ in range(50):  # what the first connections of a process cost is not theirs
            open_websocket(port).close()
        time.sleep(1)
        before = memory(pid)
        for _ in range(connections):
            open_ones.enter_context(contextlib.closing(open_websocket(port)))
        time.sleep(1)
        after, cpu = memory(pid), processor_seconds(pid)
        time.sleep(seconds)
        return {
            "connections": connections,
            "memory_before_mb": round(before / 1e6, 1),
            "memory_with_connections_mb": round(after / 1e6, 1),
            "bytes_per_connection": round((after - before) / connections),
            "idle_cpu_share": round((processor_seconds(pid) - cpu) / seconds, 4),
        }


def idle(options):
    with target(options) as (port, pid):
        print(json.dumps(idle_websockets(port, pid, options.connections, options.seconds), indent=2))
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["stream", "idle", "soak", "compare"])
    parser.add_argument("--clients", type=int, help="64, of compare 16")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--minutes", type=float, default=10, help="of 64 clients (soak)")
    parser.add_argument("--tokens", type=int, default=64, help="of each reply")
    parser.add_argument("--words", type=int, default=60, help="of each prompt")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--port", type=int, help="of a running daemon")
    parser.add_argument("--pid", type=int, help="its process: for its memory")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the daemon that is started")
    parser.add_argument("--llama-server", type=pathlib.Path, help="the program (compare)")
    parser.add_argument("--repetitions", type=int, default=3, help="of each side (compare)")
    options = parser.parse_args()
    if options.kind == "compare" and not options.llama_server:
        parser.error("compare needs --llama-server")
    if options.kind != "stream" and options.port and not options.pid:
        parser.error("--pid is needed too: memory is what is measured")
    options.clients = options.clients or (16 if options.kind == "compare" else 64)
    options.seconds = options.seconds or {"stream": 600, "compare": 60}.get(options.kind, 10)
    sys.exit(0 if {"stream": stream, "idle": idle, "soak": soak, "compare": compare}[options.kind](options) else 1)


if __name__ == "__main__":
    main()

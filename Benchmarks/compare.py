"""Runs the same work on StellarChat, on llama.cpp and on transformers, interleaved, and writes medians and ratios.

Called by Benchmarks/compare, which sets up what it needs. Every repetition of a case runs all programs one after the other, each in a
process of its own, so that what else the machine does meets all of them alike.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent

# Kind of file, and what is measured on it: (name, prompt tokens, generated tokens, depth, sequences).
PREFILL = ("prefill 512", 512, 0, 0, 1)
DECODE = ("decode 128", 0, 128, 0, 1)
DEEP = ("decode at depth 2048", 0, 64, 2048, 1)
DEEPER = ("decode at depth 6144", 0, 32, 6144, 1)
CROWD = ("decode, 16 sequences (sum)", 0, 128, 0, 16)
CASES = {
    "Q4_1": [PREFILL, DECODE, DEEP, DEEPER, CROWD],
    "Q4_0": [PREFILL, DECODE, DEEP, DEEPER, CROWD],
    "Q8_0": [PREFILL, DECODE, CROWD],
    "F16": [PREFILL, DECODE, CROWD],
    "F32": [PREFILL, DECODE],
    "F32-BF16": [PREFILL, DECODE],
}
GROWTH_PREFILL = [128, 256, 512, 1024, 2048, 4096, 8000]
GROWTH_DEPTH = [0, 512, 1024, 2048, 4096, 6144, 8000]


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def options(case, threads, repetitions=1):
    _, prompt, generate, depth, sequences = case
    values = {"prompt-tokens": prompt, "generate-tokens": generate, "depth": depth, "sequences": sequences}
    values |= {"threads": threads, "repetitions": repetitions}
    return [word for key, value in values.items() for word in (f"--{key}", str(value))]


def ours(arguments, file, case):
    result = run([arguments.stellarchat, "bench", file, "--json"] + options(case, arguments.threads))
    key = "prefill_tokens_per_second" if case[1] else "decode_tokens_per_second"
    return result[key]["median"], result["peak_resident_bytes"]["median"] / 1e6, result["load_seconds"]["median"]


def llama(arguments, file, case):
    """With flash attention where llama.cpp chooses it; at depth also without, and the faster one counts."""
    command = [sys.executable, HERE / "peers/llama_cpp_bench.py", file] + options(case, arguments.threads)
    choices = ("auto", "off") if case[3] else ("auto",)
    return max(peer_result(command + ["--flash-attention", choice], case) for choice in choices)


def transformers(arguments, file, case):
    command = [arguments.transformers_python, HERE / "peers/transformers_bench.py", file] + options(case, arguments.threads)
    return peer_result(command, case)


def peer_result(command, case):
    """Rate, peak megabytes and load seconds, as the programs in peers/ print them."""
    result = run(command)
    return statistics.median(result["prefill" if case[1] else "decode"]), result["peak_megabytes"], result["load_seconds"]


def measure(arguments, file, case, programs, repetitions=None):
    values = {name: [] for name in programs}
    for _ in range(repetitions or arguments.repetitions):
        for name, program in programs.items():
            values[name].append(program(arguments, file, case))
    return {
        name: {
            "rate": statistics.median(v[0] for v in list_),
            "rates": [v[0] for v in list_],
            "peak_megabytes": max(v[1] for v in list_),
            "load_seconds": statistics.median(v[2] for v in list_),
        }
        for name, list_ in values.items()
    }


def prepare(arguments):
    """The files to measure: the given one, and the same weights in other kinds of storage."""
    files = {"Q4_1": str(arguments.model)}
    for kind in CASES:
        if kind in files:
            continue
        path = arguments.cache / f"{arguments.model.stem}.{kind}.gguf"
        if not path.exists():
            subprocess.run([sys.executable, HERE / "peers/convert.py", arguments.model, path, kind], check=True)
        files[kind] = str(path)
    return files


def read_limit(arguments, file, case):
    """Gigabytes a second at which memory of the file's size is read again and again. In the shape of a program's result."""
    command = [arguments.limits, "--json", "--threads", str(arguments.threads), "--working-set", str(os.path.getsize(file))]
    return run(command)["read_gigabytes_per_second"], 0, 0


def instruction_set(arguments, file):
    """What StellarChat's kernels use here."""
    return run([arguments.stellarchat, "bench", file, "--json"] + options(PREFILL, arguments.threads))["machine"]["instruction_set"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="the test model's Q4_1 file")
    parser.add_argument("--stellarchat", required=True)
    parser.add_argument("--limits", help="the program that measures the machine's limits")
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--kinds", default=",".join(CASES))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--growth", action="store_true", help="also how cost grows with the prompt and with depth")
    parser.add_argument("--growth-repetitions", type=int, default=2)
    parser.add_argument("--with-transformers", action="store_true")
    parser.add_argument("--transformers-python", default=sys.executable, help="a Python that has torch and transformers")
    arguments = parser.parse_args()
    arguments.growth_repetitions = min(arguments.growth_repetitions, arguments.repetitions)
    arguments.cache.mkdir(parents=True, exist_ok=True)

    files = prepare(arguments)
    report = {"date": time.strftime("%Y-%m-%d"), "threads": arguments.threads, "repetitions": arguments.repetitions, "cases": []}
    report["instruction_set"] = instruction_set(arguments, files["Q4_1"])
    programs = {"stellarchat": ours, "llama.cpp": llama}
    for kind in arguments.kinds.split(","):
        for case in CASES[kind]:
            # Of F32-BF16 half the bytes are held, so that reading all of them is no limit.
            also = {"limit": read_limit} if case == DECODE and arguments.limits and kind != "F32-BF16" else {}
            also |= {"transformers": transformers} if kind == "F32" and arguments.with_transformers else {}
            result = measure(arguments, files[kind], case, programs | also)
            limit = result.pop("limit", None)
            ratio = result["stellarchat"]["rate"] / result["llama.cpp"]["rate"]
            entry = {"file": kind, "bytes": os.path.getsize(files[kind]), "work": case[0], "results": result, "ratio": ratio}
            entry |= {"read_gigabytes_per_second": limit["rate"]} if limit else {}
            report["cases"].append(entry)
            rates = ", ".join(f"{name} {value['rate']:.0f}" for name, value in result.items())
            print(f"{kind:5} {case[0]:28} {rates}  ratio {ratio:.2f}", flush=True)
            write(arguments, report)

    if arguments.growth:
        report["growth"] = []
        for tokens in GROWTH_PREFILL:
            case = (f"prefill {tokens}", tokens, 0, 0, 1)
            report["growth"].append({"kind": "prefill", "tokens": tokens} | growth(arguments, files, case, programs))
            write(arguments, report)
        for depth in GROWTH_DEPTH:
            case = (f"decode at {depth}", 0, 32, depth, 1)
            report["growth"].append({"kind": "decode", "tokens": depth} | growth(arguments, files, case, programs))
            write(arguments, report)


def write(arguments, report):
    """After every case, so that a run that is cut short leaves what it has."""
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def growth(arguments, files, case, programs):
    result = measure(arguments, files["Q4_1"], case, programs, arguments.growth_repetitions)
    rates = {name: value["rate"] for name, value in result.items()}
    if "Q4_0" in files:
        rates["llama.cpp, Q4_0"] = measure(arguments, files["Q4_0"], case, {"x": llama}, arguments.growth_repetitions)["x"]["rate"]
    print(case[0], {name: round(rate) for name, rate in rates.items()}, flush=True)
    return {"rates": rates}


if __name__ == "__main__":
    main()

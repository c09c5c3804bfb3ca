"""Turns a result of compare.py into the tables of docs/performance.md and docs/performance.zh-CN.md, and draws its plots.

Tables stand between `<!-- NAME -->` and `<!-- /NAME -->` in the documents, those of processors with an instruction set between
`<!-- avx2 NAME -->` and `<!-- /avx2 NAME -->`.
"""

import json
import pathlib
import re
import sys

# Factors that we set ourselves, by (file, work).
GOALS = {
    ("Q4_1", "prefill 512"): 5,
    ("Q4_1", "decode 128"): 2.7,
    ("Q4_1", "decode at depth 2048"): 3,
    ("Q4_1", "decode, 16 sequences (sum)"): 6,
    ("F16", "decode 128"): 1.6,
    ("F16", "prefill 512"): 1.7,
    ("Q8_0", "prefill 512"): 3,
    ("Q8_0", "decode 128"): 1.8,
    ("F32", "prefill 512"): 1.7,
    ("F32", "decode 128"): 1.6,
}
HEADS = {
    "en": "| file | work | StellarChat | llama.cpp | ratio | goal |",
    "zh": "| 文件 | 工作 | StellarChat | llama.cpp | 倍数 | 目标 |",
}
BEST_HEADS = {
    "en": "| work | StellarChat, best file | llama.cpp, best file | ratio |",
    "zh": "| 工作 | StellarChat 最佳文件 | llama.cpp 最佳文件 | 倍数 |",
}


def markdown(head, rows, texts=1):
    """A table. The first `texts` columns are aligned to the left, the others to the right."""
    rule = "|" + "---|" * texts + "--:|" * (head.count("|") - 1 - texts)
    return "\n".join([head, rule, *("| " + " | ".join(row) + " |" for row in rows)])


def spread(result):
    rates = result["rates"]
    return f"{result['rate']:.0f} ({min(rates):.0f}–{max(rates):.0f})"


def table(report, language):
    rows = []
    for case in report["cases"]:
        goal = GOALS.get((case["file"], case["work"]))
        results = case["results"]
        ours, peer = spread(results["stellarchat"]), spread(results["llama.cpp"])
        rows.append((case["file"], case["work"], ours, peer, f"**{case['ratio']:.2f}**", str(goal or "–")))
    return markdown(HEADS[language], rows, texts=2)


def best(report, language):
    rows = []
    for work in dict.fromkeys(case["work"] for case in report["cases"]):
        cases = [case for case in report["cases"] if case["work"] == work]
        winners = []
        for name in ("stellarchat", "llama.cpp"):
            case = max(cases, key=lambda case: case["results"][name]["rate"])
            winners.append((case["results"][name]["rate"], case["file"]))
        (ours, our_file), (peer, peer_file) = winners
        rows.append((work, f"{ours:.0f} ({our_file})", f"{peer:.0f} ({peer_file})", f"**{ours / peer:.2f}**"))
    return markdown(BEST_HEADS[language], rows)


def memory(report, language):
    head = {"en": "| file | size, MB | load, s | peak, MB |", "zh": "| 文件 | 大小（MB） | 加载（秒） | 内存峰值（MB） |"}
    rows = []
    for case in report["cases"]:
        if case["work"] == "prefill 512":
            ours = case["results"]["stellarchat"]
            rows.append((case["file"], f"{case['bytes'] / 1e6:.0f}", f"{ours['load_seconds']:.2f}", f"{ours['peak_megabytes']:.0f}"))
    return markdown(head[language], rows)


def limits(report, language):
    """How much of the measured read bandwidth decoding uses."""
    head = {
        "en": "| file | read bandwidth, GB/s | limit, tokens/s | reached | share | llama.cpp |",
        "zh": "| 文件 | 读带宽（GB/s） | 上限（词元/秒） | 达到 | 比例 | llama.cpp |",
    }
    rows = []
    for case in report["cases"]:
        if bandwidth := case.get("read_gigabytes_per_second"):
            limit = bandwidth * 1e9 / case["bytes"]
            ours, peer = (case["results"][name]["rate"] for name in ("stellarchat", "llama.cpp"))
            shares = f"**{100 * ours / limit:.0f} %**", f"{100 * peer / limit:.0f} %"
            rows.append((case["file"], f"{bandwidth:.0f}", f"{limit:.0f}", f"{ours:.0f}", *shares))
    return markdown(head[language], rows)


def transformers(report, language):
    head = {"en": "| work, F32 | StellarChat | transformers | ratio |", "zh": "| 工作（F32） | StellarChat | transformers | 倍数 |"}
    rows = []
    for case in report["cases"]:
        if peer := case["results"].get("transformers"):
            ours = case["results"]["stellarchat"]
            rows.append((case["work"], f"{ours['rate']:.0f}", f"{peer['rate']:.0f}", f"**{ours['rate'] / peer['rate']:.1f}**"))
    return markdown(head[language], rows)


def plots(report, path):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6))
    labels = {"prefill": "prompt tokens", "decode": "depth, tokens"}
    for axis, kind in zip(axes, ("prefill", "decode")):
        points = [point for point in report["growth"] if point["kind"] == kind]
        for name in points[0]["rates"]:
            axis.plot([p["tokens"] for p in points], [p["rates"][name] for p in points], marker="o", label=name)
        axis.set(xlabel=labels[kind], ylabel=f"{kind}, tokens/s", ylim=(0, None))
        axis.grid(alpha=0.3)
        axis.legend()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    plt.rcParams["svg.hashsalt"] = "stellarchat"
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def replace(docs, parts, report):
    """Writes the parts, functions of report and language, into both documents."""
    for name, language in (("performance.md", "en"), ("performance.zh-CN.md", "zh")):
        path = docs / name
        text = path.read_text()
        for part, make in parts.items():
            block = f"<!-- {part} -->\n{make(report, language)}\n<!-- /{part} -->"
            text = re.sub(f"<!-- {part} -->.*?<!-- /{part} -->", lambda _: block, text, flags=re.S)
        path.write_text(text)


def main():
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    docs = pathlib.Path(sys.argv[2])
    isa = report["instruction_set"]
    tables = {"results": table, "best": best, "memory": memory, "limits": limits, "transformers": transformers}
    replace(docs, {f"{isa} {name}": make for name, make in tables.items()}, report)
    if report.get("growth"):
        plots(report, docs / f"images/performance-growth-{isa}.svg")


if __name__ == "__main__":
    main()

"""Perplexity of one fixed public text with every form of weights, beside the FP32 path on the same file.

Called by Benchmarks/quality, which sets up what it needs. Writes JSON, and the table between `<!-- quality -->` and `<!-- /quality -->` of
docs/performance.md and docs/performance.zh-CN.md. The exit status is 1 if a form is more than 0.5 % off.
"""

import argparse
import gzip
import hashlib
import json
import pathlib
import subprocess
import sys

from report import markdown, replace

HERE = pathlib.Path(__file__).resolve().parent
POLICY = pathlib.Path("/usr/share/doc/debian-policy/policy.txt.gz")
WINDOW = (160_000, 220_000)  # bytes of the text
ALLOWED = 0.005

# (name, how its file is made, options of the path that is measured). "given" is the model itself; "gguf": by peers/convert.py, as
# llama.cpp's own package would; "quantize": by our program, from F32.
FORMS = [
    ("F32", "gguf", []),
    ("F16", "gguf", []),
    ("BF16", "F32", ["--precision", "bf16"]),
    ("Q8_0", "gguf", []),
    ("Q4_0", "gguf", []),
    ("Q4_1", "given", []),
    ("Q4_K", "quantize", []),
    ("Q6_K", "quantize", []),
    ("Q4_1, KV cache F32", "given", ["--kv-cache", "f32"]),
    ("Q4_1, KV cache Q8", "given", ["--kv-cache", "q8"]),
    ("Q8_0, KV cache Q8", "Q8_0", ["--kv-cache", "q8"]),
]
HEADS = {
    "en": "| weights | perplexity, FP32 path | as stored | difference |",
    "zh": "| 权重 | 困惑度（FP32 路径） | 按存储格式 | 差异 |",
}


def perplexity(arguments, file, text, options):
    command = [arguments.stellarchat, "perplexity", file, text, "--json", *options]
    return json.loads(subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout)["perplexity"]


def file_of(arguments, name, made):
    if made == "given":
        return arguments.model
    kind = name if made in ("gguf", "quantize") else made
    path = arguments.cache / f"{arguments.model.stem}.{kind}.gguf"
    if not path.exists():
        if made == "quantize":
            subprocess.run([arguments.stellarchat, "quantize", file_of(arguments, "F32", "gguf"), path, "--type", kind], check=True)
        else:
            subprocess.run([sys.executable, HERE / "peers/convert.py", arguments.model, path, kind], check=True)
    return path


def table(rows, language):
    cells = [(row["name"], f"{row['fp32']:.4f}", f"{row['stored']:.4f}", f"{100 * row['difference']:+.3f} %") for row in rows]
    return markdown(HEADS[language], cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "stellarchat", "cache", "out", "docs"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    content = gzip.decompress(POLICY.read_bytes())[slice(*WINDOW)].decode(errors="ignore").encode()
    text = arguments.cache / "policy.txt"
    text.write_bytes(content)
    print(f"bytes {WINDOW[0]} to {WINDOW[1]} of {POLICY}, SHA-256 {hashlib.sha256(content).hexdigest()}")

    rows, references = [], {}
    for name, made, options in FORMS:
        file = file_of(arguments, name, made)
        if file not in references:
            references[file] = perplexity(arguments, file, text, ["--precision", "fp32", "--kv-cache", "f32"])
        stored = perplexity(arguments, file, text, options)
        rows.append({"name": name, "fp32": references[file], "stored": stored, "difference": stored / references[file] - 1})
        print(f"{name:20} FP32 path {references[file]:.4f}, as stored {stored:.4f}: {100 * rows[-1]['difference']:+.3f} %", flush=True)
    arguments.out.write_text(json.dumps({"sha256": hashlib.sha256(content).hexdigest(), "rows": rows}, indent=1) + "\n")
    replace(arguments.docs, {"quality": table}, rows)
    sys.exit(0 if all(abs(row["difference"]) <= ALLOWED for row in rows) else 1)


if __name__ == "__main__":
    main()

"""Exports a GGUF file of a Llama-like model to a Hugging Face directory with `transformers`, which reads GGUF files.

    python Tests/reference/export_huggingface.py MODEL.gguf DIRECTORY [float32|float16|bfloat16]

Both must give the same greedy text:

    stellarchat generate MODEL.gguf --precision fp32 --temperature 0 --max-tokens 64 --prompt "The capital of France is"
    stellarchat generate DIRECTORY --precision fp32 --temperature 0 --max-tokens 64 --prompt "The capital of France is"

Needs torch, transformers and gguf.
"""

import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    dtype = getattr(torch, sys.argv[3] if len(sys.argv) > 3 else "float32")
    arguments = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    loaded = AutoModelForCausalLM.from_pretrained(**arguments, dtype=dtype)
    # What was read from a GGUF file counts as quantised and can't be saved, so the weights go to a model that does not know.
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = type(loaded)(config).to(dtype)
    model.load_state_dict(loaded.state_dict())
    model.generation_config = loaded.generation_config
    tokenizer = AutoTokenizer.from_pretrained(**arguments)
    model.save_pretrained(target, safe_serialization=True, max_shard_size="200MB")
    tokenizer.save_pretrained(target)
    print(f"{target}: {sorted(path.name for path in target.iterdir())}")


main()

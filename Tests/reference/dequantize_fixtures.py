"""Writes Tests/StellarInferenceTests/Fixtures/dequantize/blocks.json: blocks of every quantised type with the values that the `gguf`
package gives them, as hexadecimal bytes. Run it with no arguments; needs gguf and numpy."""

import json
import pathlib

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

OUTPUT = pathlib.Path(__file__).parents[1] / "StellarInferenceTests" / "Fixtures" / "dequantize" / "blocks.json"

# Where the 16-bit floats of a block are, in bytes.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2],
    "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [], "F16": [0], "BF16": [], "F32": [],
}
# Ordinary, greatest, least normal, greatest and least denormal, zero, negative.
SCALES = [0.0123, -0.75, 65504.0, -65504.0, 6.104e-05, 6.0976e-05, 5.9605e-08, 0.0, -0.0]


def special(name: str, size: int) -> list[bytes]:
    """All-zero blocks, blocks of the greatest and least codes, each with every scale."""
    blocks = []
    fills, scales = ((0x00, 0xFF, 0x7F, 0x80), SCALES) if size < 64 else ((0x00, 0xFF, 0x88), SCALES[:7:3])
    for fill in fills:
        for scale in scales if HALVES[name] else [None]:
            block = np.full(size, fill, dtype=np.uint8)
            for index, offset in enumerate(HALVES[name]):
                value = np.float16(scale if index == 0 else -scale)
                block[offset : offset + 2] = np.frombuffer(value.tobytes(), dtype=np.uint8)
            blocks.append(block.tobytes())
    return blocks


def random(name: str, size: int, count: int, generator: np.random.Generator) -> list[bytes]:
    blocks = []
    for _ in range(count):
        block = generator.integers(0, 256, size, dtype=np.uint8)
        for offset in HALVES[name]:
            value = np.float16(generator.normal() * 2.0 ** generator.integers(-20, 8))
            block[offset : offset + 2] = np.frombuffer(value.tobytes(), dtype=np.uint8)
        blocks.append(block.tobytes())
    return blocks


def main() -> None:
    generator = np.random.default_rng(7)
    fixtures = []
    for name in HALVES:
        type = GGMLQuantizationType[name]
        elements, size = GGML_QUANT_SIZES[type]
        if elements == 1:
            blocks = [generator.integers(0, 256, size, dtype=np.uint8).tobytes() for _ in range(64)]
        else:
            blocks = special(name, size) + random(name, size, 5 if elements == 256 else 24, generator)
        data = np.frombuffer(b"".join(blocks), dtype=np.uint8).reshape(len(blocks), size)
        with np.errstate(all="ignore"):
            values = dequantize(data, type).astype(np.float32).reshape(len(blocks), elements)
        finite = np.isfinite(values).all(axis=1)
        data, values = data[finite], values[finite]
        fixtures.append({
            "type": name,
            "number": int(type),
            "blocks": data.tobytes().hex(),
            "values": values.astype("<f4").tobytes().hex(),
        })
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text("[\n" + ",\n".join(json.dumps(fixture) for fixture in fixtures) + "\n]\n")
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes")


main()

"""Writes the weights of a GGUF file in another type of storage, with the `gguf` package: python convert.py IN OUT KIND

KIND: F32, F16, Q8_0, Q4_0, or F32-BF16: FP32 whose numbers are BF16 ones, as files made from models that were trained in BF16 are.
"""

import sys

import gguf
import numpy as np


def main():
    source, target, kind = sys.argv[1:]
    reader = gguf.GGUFReader(source)
    architecture = reader.get_field("general.architecture").contents()
    writer = gguf.GGUFWriter(target, architecture)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        is_array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=field.types[-1] if is_array else None)
    wanted = gguf.GGMLQuantizationType[kind.split("-")[0]]
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if kind == "F32-BF16" and len(tensor.shape) > 1:
            bf16 = gguf.GGMLQuantizationType.BF16
            values = gguf.quants.dequantize(gguf.quants.quantize(values, bf16), bf16)
        if len(tensor.shape) == 1 or wanted == gguf.GGMLQuantizationType.F32:
            writer.add_tensor(tensor.name, values.astype(np.float32))
        elif kind == "F16":
            writer.add_tensor(tensor.name, values.astype(np.float16))
        else:
            writer.add_tensor(tensor.name, gguf.quants.quantize(values, wanted), raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()

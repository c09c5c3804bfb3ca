// Quantisation: rows of floats to the blocks of GGUF files.
//
// Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 give the same bytes as the `gguf` Python package. Q4_K and Q6_K search for the scales with the least
// weighted error. Block layouts: ggml-common.h of the ggml project.

#ifndef STELLAR_QUANTIZE_H
#define STELLAR_QUANTIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Whether `type`, a tensor type's number in GGUF files, is one of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K and Q6_K.
bool stellar_quantizable(uint32_t type);

/// Writes `count` finite elements (a multiple of the type's block size) as blocks to `dst`. Does nothing if the type is not quantizable.
/// Needs no alignment of dst; keeps no state; any number of threads may call at once.
void stellar_quantize(uint32_t type, const float *src, void *dst, size_t count);

#ifdef __cplusplus
}
#endif

#endif

// Values of the block-quantised storage kinds of GGUF files that have no product kernels of their own: such weights are expanded when a
// model is loaded.
//
// Block layouts: ggml-common.h of the ggml project; values: bit for bit those of its reference implementation. MXFP4: OCP Microscaling
// Formats (MX) specification 1.0.

#ifndef STELLAR_DEQUANTIZE_H
#define STELLAR_DEQUANTIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Whether `type`, a tensor type's number in GGUF files, is one of Q5_0, Q5_1, Q2_K to Q6_K, IQ4_NL, IQ4_XS and MXFP4.
bool stellar_expandable(uint32_t type);

/// dst[i] = value of element i, for `count` elements (a multiple of the type's block size) that begin at the block `src`. Does nothing if
/// the type is not expandable. Needs no alignment; keeps no state; any number of threads may call at once.
void stellar_expand(uint32_t type, const void *src, float *dst, size_t count);

#ifdef __cplusplus
}
#endif

#endif

// Weights rearranged for the matrix product kernels, and rows of activations in the form that these read.
//
// A weight matrix [outputs][inputs] is cut into groups of outputs whose elements lie side by side, so that one vector holds the same input
// of neighbouring outputs: a product walks through memory in one direction, once, and needs no sum across lanes. Numbers keep the values
// that they have in the file.
//
//   Plain kinds        groups of 32: [inputs][32] elements. BF16 pairs: [inputs / 2, rounded up][32][2], what `vdpbf16ps` multiplies.
//   Quantised kinds    groups of 16: the scales of all blocks, padded to 64 bytes, then the numbers. Four neighbouring inputs of one
//                      output are four neighbouring bytes: [input / 4][16][4], what `vpdpbusd` multiplies. Of two 4-bit numbers in a
//                      byte the high one belongs to the input 16 further on.
//
// Outputs are padded to whole groups with zeros.

#ifndef STELLAR_PACKED_H
#define STELLAR_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How packed weights are stored.
typedef enum stellar_packing {
    STELLAR_PACKING_F32 = 0,
    STELLAR_PACKING_F16 = 1,
    STELLAR_PACKING_BF16 = 2,
    /// BF16, multiplied with activations rounded to BF16. Only where stellar_kernels.bf16_pairs is set.
    STELLAR_PACKING_BF16_PAIRS = 3,
    /// w = scale * (q - 128), F16 scales.
    STELLAR_PACKING_Q8_0 = 4,
    /// w = scale * (q - 8), F16 scales.
    STELLAR_PACKING_Q4_0 = 5,
    /// w = scale * q + minimum, both F16.
    STELLAR_PACKING_Q4_1 = 6,
    /// w = (d * scale) * q - (dmin * minimum): F16 d and dmin for 256 inputs, 6-bit scale and minimum for 32.
    STELLAR_PACKING_Q4_K = 7,
    /// w = d * (scale * (q - 32)): F16 d for 256 inputs, 8-bit scale for 16. Four bits of q are stored apart from the other two.
    STELLAR_PACKING_Q6_K = 8,
} stellar_packing;

/// What a kernel of a packing reads as activations.
typedef enum stellar_input {
    /// Floats.
    STELLAR_INPUT_F32 = 0,
    /// Rounded to BF16, an even number of them: the last of an odd row is followed by a zero.
    STELLAR_INPUT_BF16 = 1,
    /// stellar_input_block, one for 32 inputs.
    STELLAR_INPUT_BLOCKS = 2,
} stellar_input;

/// 32 activations x as whole numbers of fourteen bits: x is about scale * (q + 128 * high).
///
/// Eight bits are not enough: a few activations are many times greater than their neighbours, and numbers that reach as far as those
/// leave too little of the others (perplexity of a small model 1.5 % worse). Two bytes cost a second product with each weight that has
/// been loaded, which decoding does not feel, as it waits for memory.
typedef struct stellar_input_block {
    /// max |x| / 8128. NaN if an x is not finite; 0 (and all numbers are 0) if all |x| are below 2^-100.
    float scale;
    /// scale * (sum of the numbers), rounded once.
    float sum;
    /// -(sum of the numbers), and -(sum of the first 16).
    int32_t negative_sum;
    int32_t negative_low_sum;
    /// The numbers are x * (8128 / max |x|), rounded to nearest even.
    union {
        /// number = q + 128 * high, with q from -64 to 63.
        struct {
            int8_t q[32];
            int8_t high[32];
        };
        /// Where stellar_kernels.word_inputs is set; of four neighbours the first and the third come first, then the others.
        int16_t words[32];
    };
} stellar_input_block;

/// Number `i` of a block.
static inline int32_t stellar_input_number(const stellar_input_block *block, bool words, size_t i) {
    return words ? block->words[(i & ~(size_t)3) + (i & 1) * 2 + (i >> 1 & 1)] : block->q[i] + 128 * block->high[i];
}

/// Outputs that share a group of memory in every packing: the grain in which threads share a product.
enum { stellar_panel_outputs = 32 };

static inline stellar_input stellar_packing_input(stellar_packing packing) {
    if (packing >= STELLAR_PACKING_Q8_0) { return STELLAR_INPUT_BLOCKS; }
    return packing == STELLAR_PACKING_BF16_PAIRS ? STELLAR_INPUT_BF16 : STELLAR_INPUT_F32;
}

/// Outputs of a group: 32 or 16.
static inline size_t stellar_packing_group_outputs(stellar_packing packing) { return packing >= STELLAR_PACKING_Q8_0 ? 16 : 32; }

/// Inputs that can't be separated: 1, 32 or 256.
static inline size_t stellar_packing_block_inputs(stellar_packing packing) {
    if (packing < STELLAR_PACKING_Q8_0) { return 1; }
    return packing < STELLAR_PACKING_Q4_K ? 32 : 256;
}

/// Bytes of the scales of a group.
static inline size_t stellar_packing_header_bytes(stellar_packing packing, size_t inputs) {
    size_t bytes = 0;
    switch (packing) {
    case STELLAR_PACKING_Q8_0:
    case STELLAR_PACKING_Q4_0: bytes = inputs / 32 * 32; break;
    case STELLAR_PACKING_Q4_1: bytes = inputs / 32 * 64; break;
    case STELLAR_PACKING_Q4_K: bytes = inputs / 256 * 320; break;
    case STELLAR_PACKING_Q6_K: bytes = inputs / 256 * 288; break;
    default: break;
    }
    return (bytes + 63) / 64 * 64;
}

/// Bytes of 32 inputs of a group of a quantised packing, without scales.
static inline size_t stellar_packing_block_bytes(stellar_packing packing) {
    switch (packing) {
    case STELLAR_PACKING_Q8_0: return 512;
    case STELLAR_PACKING_Q6_K: return 384;
    default: return 256;
    }
}

/// Bytes of one group of outputs, a multiple of 64.
static inline size_t stellar_packing_group_bytes(stellar_packing packing, size_t inputs) {
    switch (packing) {
    case STELLAR_PACKING_F32: return inputs * 128;
    case STELLAR_PACKING_F16:
    case STELLAR_PACKING_BF16: return inputs * 64;
    case STELLAR_PACKING_BF16_PAIRS: return (inputs + 1) / 2 * 128;
    default: return stellar_packing_header_bytes(packing, inputs) + inputs / 32 * stellar_packing_block_bytes(packing);
    }
}

/// Bytes of a whole matrix.
static inline size_t stellar_packed_bytes(stellar_packing packing, size_t outputs, size_t inputs) {
    const size_t group = stellar_packing_group_outputs(packing);
    return (outputs + group - 1) / group * stellar_packing_group_bytes(packing, inputs);
}

/// Bytes of a row of activations.
static inline size_t stellar_input_row_bytes(stellar_input input, size_t inputs) {
    switch (input) {
    case STELLAR_INPUT_BLOCKS: return inputs / 32 * sizeof(stellar_input_block);
    case STELLAR_INPUT_BF16: return (inputs + 1) / 2 * 4;
    default: return inputs * 4;
    }
}

/// y[r * ldy + n] = sum over k of W[n][k] * x[r][k] for r in 0..<rows and n in 0..<outputs.
typedef struct stellar_product {
    stellar_packing packing;
    /// The first group; 64-byte alignment is faster.
    const void *weights;
    size_t outputs;
    size_t inputs;
    /// Rows in the form that stellar_packing_input names, row_bytes apart.
    const void *x;
    size_t row_bytes;
    size_t rows;
    float *y;
    size_t ldy;
} stellar_product;

/// Packs `count` outputs at `output` (both multiples of stellar_panel_outputs, but that the last part may be shorter) of a matrix of
/// `outputs` x `inputs` into `packed`, which points at the whole packed matrix.
///
/// `rows` points at output `output` of the source, in the layout of the GGUF format, row_bytes from one to the next. Quantised packings
/// and their source have the same type. For plain packings the rows are floats, and the conversion rounds to nearest even.
void stellar_pack(stellar_packing packing, const void *rows, size_t row_bytes, size_t outputs, size_t inputs, size_t output, size_t count,
                  void *packed);

/// The values of one output of a packed matrix, [inputs]; exact but for one rounding where a minimum is added.
void stellar_unpack(stellar_packing packing, const void *packed, size_t inputs, size_t output, float *values);

#endif

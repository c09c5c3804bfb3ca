// What the files of this library share.

#ifndef STELLAR_KERNELS_INTERNAL_H
#define STELLAR_KERNELS_INTERNAL_H

#include "stellar_kernels.h"

#if defined(__x86_64__)
#define STELLAR_X86 1
extern const stellar_kernels stellar_kernels_avx2;
extern const stellar_kernels stellar_kernels_avx2_vnni;
extern const stellar_kernels stellar_kernels_avx512;
extern const stellar_kernels stellar_kernels_avx512_bf16;
/// stellar_kernels.quantize with AVX2; the second where stellar_kernels.word_inputs is set.
void stellar_quantize_bytes_x86(const float *x, stellar_input_block *blocks, size_t n);
void stellar_quantize_words_x86(const float *x, stellar_input_block *blocks, size_t n);
#elif defined(__aarch64__)
#define STELLAR_ARM64 1
extern const stellar_kernels stellar_kernels_neon;
extern const stellar_kernels stellar_kernels_neon_dot;
#endif

extern const stellar_kernels stellar_kernels_scalar;

void stellar_quantize_scalar(const float *x, stellar_input_block *blocks, size_t n);
void stellar_product_scalar(const stellar_product *p);

#define STELLAR_INLINE static inline __attribute__((always_inline))

/// Before a loop over the registers of a tile: arrays of vectors only live in registers when every index is a constant.
#define STELLAR_UNROLL _Pragma("clang loop unroll(full)")

STELLAR_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/// A number at an address of any alignment.
STELLAR_INLINE uint16_t stellar_load_u16(const void *address) {
    uint16_t value;
    memcpy(&value, address, sizeof value);
    return value;
}

STELLAR_INLINE float stellar_load_f32(const void *address) {
    float value;
    memcpy(&value, address, sizeof value);
    return value;
}

// MARK: Keys and values of bytes

/// Where the scale of place `slot` stands (see stellar_kv_block_bytes).
STELLAR_INLINE const uint8_t *stellar_kv_scale(const void *block, size_t elements, size_t slot) {
    return (const uint8_t *)block + elements + 4 * slot;
}

/// `n` numbers as bytes, `stride` from one to the next, and their scale.
STELLAR_INLINE void stellar_kv_store_bytes(const float *x, size_t n, int8_t *bytes, size_t stride, void *scale_address) {
    float greatest = 0;
    bool is_finite = true;
    for (size_t i = 0; i < n; i++) {
        const float magnitude = __builtin_fabsf(x[i]);
        is_finite &= magnitude < __builtin_inff();
        greatest = magnitude > greatest ? magnitude : greatest;
    }
    // Numbers too small for a factor are 0.
    const bool is_zero = !is_finite || greatest < 0x1p-100f;
    const float factor = is_zero ? 0 : 127 / greatest, scale = !is_finite ? __builtin_nanf("") : is_zero ? 0 : greatest / 127;
    for (size_t i = 0; i < n; i++) { bytes[i * stride] = is_zero ? 0 : (int8_t)__builtin_rintf(x[i] * factor); }
    memcpy(scale_address, &scale, sizeof scale);
}

STELLAR_INLINE void stellar_kv_store_q8(const float *key, const float *value, void *keys, void *values, size_t slot, size_t head_size,
                                        size_t block_tokens) {
    const size_t elements = head_size * block_tokens;
    stellar_kv_store_bytes(key, head_size, (int8_t *)keys + slot, block_tokens, (uint8_t *)keys + elements + 4 * slot);
    stellar_kv_store_bytes(value, head_size, (int8_t *)values + slot * head_size, 1, (uint8_t *)values + elements + 4 * slot);
}

// MARK: Blocks of activations

/// The greatest number of a block of activations, and the magnitude below which all of them are 0.
static const float stellar_block_most = 8128, stellar_block_least = 0x1p-100f;

/// Scale of a block of activations and the factor that makes numbers of them, from the bits of the greatest magnitude.
/// Not finite: the scale is NaN and the factor 0; below 2^-100: both are 0.
STELLAR_INLINE void stellar_block_scale(uint32_t greatest_bits, float *scale, float *inverse) {
    float greatest;
    memcpy(&greatest, &greatest_bits, sizeof greatest);
    const bool is_finite = greatest_bits < 0x7f800000u;
    const bool is_tiny = is_finite && greatest < stellar_block_least;
    *scale = is_tiny ? 0 : is_finite ? greatest / stellar_block_most : __builtin_nanf("");
    *inverse = is_tiny || !is_finite ? 0 : stellar_block_most / greatest;
}

/// Fills in what follows from the scale and the sums of the numbers of the two halves.
STELLAR_INLINE void stellar_finish_block(stellar_input_block *block, float scale, int32_t low_sum, int32_t high_sum) {
    block->scale = scale;
    block->sum = scale * (float)(low_sum + high_sum);
    block->negative_sum = -(low_sum + high_sum);
    block->negative_low_sum = -low_sum;
}

#endif

// Kernels for AArch64 Advanced SIMD (32 registers of 4 floats); kernels_neon_dot.c adds dot products of bytes.
//
// Not run on such a processor yet. The kernels are those of the other instruction sets over the primitives below; this file has been
// compiled for AArch64, and its float primitives have passed all tests on x86 with each intrinsic replaced by a loop that does what its
// description says.

#include "kernels_internal.h"

#if STELLAR_ARM64

#include <arm_neon.h>
#include <math.h>
#include <stdlib.h>

#pragma STDC FP_CONTRACT OFF
#ifdef STELLAR_WITH_DOT_PRODUCTS
#define TABLE stellar_kernels_neon_dot
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#define TABLE stellar_kernels_neon
#pragma clang attribute push(__attribute__((target("neon"))), apply_to = function)
#endif

#define VEC_LANES 4
#define PLAIN_TILE_ROWS 6
#define PLAIN_TILES(packing)                                                                                                       \
    STELLAR_PLAIN_ROWS(packing, 1, 8) STELLAR_PLAIN_ROWS(packing, 2, 8) STELLAR_PLAIN_ROWS(packing, 3, 4)                          \
    STELLAR_PLAIN_ROWS(packing, 4, 4) STELLAR_PLAIN_ROWS(packing, 5, 4) STELLAR_PLAIN_ROWS(packing, 6, 4)
#define PLAIN_STEPS 1
#define FETCHES_FLOATS 1
#define BLOCK_TILE_GROUPS 1
#define BLOCK_TILE_ROWS 3
#define BLOCK_TILES(packing) STELLAR_BLOCK_ROWS(packing, 1) STELLAR_BLOCK_ROWS(packing, 2) STELLAR_BLOCK_ROWS(packing, 3)
#define QUERY_TILE 4
#define SCORE_VECTORS 4
#define FULL_TILE_SCORE_VECTORS 4
#define VALUE_VECTORS 4
#define FULL_TILE_VALUE_VECTORS 4
#define ISA STELLAR_ISA_NEON

typedef float32x4_t vec;
typedef int32x4_t ivec;

STELLAR_INLINE vec v_zero(void) { return vdupq_n_f32(0); }
STELLAR_INLINE vec v_set1(float x) { return vdupq_n_f32(x); }
STELLAR_INLINE vec v_load(const float *p) { return vreinterpretq_f32_u8(vld1q_u8((const uint8_t *)p)); }
STELLAR_INLINE void v_store(float *p, vec v) { vst1q_f32(p, v); }
STELLAR_INLINE vec v_load_n(const float *p, size_t n) {
    float lanes[4] = {0};
    memcpy(lanes, p, n * sizeof(float));
    return vld1q_f32(lanes);
}
STELLAR_INLINE void v_store_n(float *p, vec v, size_t n) {
    float lanes[4];
    vst1q_f32(lanes, v);
    memcpy(p, lanes, n * sizeof(float));
}
STELLAR_INLINE vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
STELLAR_INLINE vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
STELLAR_INLINE vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
STELLAR_INLINE vec v_div(vec a, vec b) { return vdivq_f32(a, b); }
STELLAR_INLINE vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
STELLAR_INLINE vec v_min(vec a, vec b) { return vminq_f32(a, b); }
STELLAR_INLINE vec v_max(vec a, vec b) { return vmaxq_f32(a, b); }
STELLAR_INLINE vec v_max_number(vec x, vec best) { return vmaxnmq_f32(x, best); }
STELLAR_INLINE vec v_round(vec v) { return vrndnq_f32(v); }
STELLAR_INLINE vec v_zero_below(vec v, vec x, float limit) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), vcltq_f32(x, vdupq_n_f32(limit))));
}
STELLAR_INLINE float v_first(vec v) { return vgetq_lane_f32(v, 0); }

STELLAR_INLINE vec v_keep(vec v, size_t n, float fill) {
    const uint32x4_t lane = {0, 1, 2, 3};
    return vbslq_f32(vcltq_u32(lane, vdupq_n_u32((uint32_t)n)), v, vdupq_n_f32(fill));
}

STELLAR_INLINE vec power_of_two(int32x4_t n) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23)); }

/// In two steps, each of which is a normal number, so that the result may be infinite.
STELLAR_INLINE vec v_scale(vec p, vec n) {
    const int32x4_t whole = vcvtnq_s32_f32(n);
    const int32x4_t half = vshrq_n_s32(whole, 1);
    return vmulq_f32(vmulq_f32(p, power_of_two(half)), power_of_two(vsubq_s32(whole, half)));
}

STELLAR_INLINE float v_reduce_add(vec v) {
    const float32x2_t two = vadd_f32(vget_low_f32(v), vget_high_f32(v));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

STELLAR_INLINE float v_reduce_max(vec v) { return vmaxnmvq_f32(v); }

STELLAR_INLINE int v_first_equal(vec a, vec b) {
    uint32_t equal[4];
    vst1q_u32(equal, vceqq_f32(a, b));
    for (int lane = 0; lane < 4; lane++) {
        if (equal[lane]) { return lane; }
    }
    return -1;
}

STELLAR_INLINE void v_load_pairs(const float *p, vec *even, vec *odd) {
    const float32x4x2_t pairs = vld2q_f32(p);
    *even = pairs.val[0];
    *odd = pairs.val[1];
}

STELLAR_INLINE void v_store_pairs(float *p, vec even, vec odd) {
    const float32x4x2_t pairs = {{even, odd}};
    vst2q_f32(p, pairs);
}

/// The first n of four 16-bit elements, the others 0.
STELLAR_INLINE uint16x4_t load_halves(const void *p, size_t n) {
    uint16_t halves[4] = {0};
    memcpy(halves, p, 2 * n);
    return vld1_u16(halves);
}

STELLAR_INLINE vec widen_f16(uint16x4_t halves) { return vcvt_f32_f16(vreinterpret_f16_u16(halves)); }
STELLAR_INLINE vec v_load_f16(const void *p) { return widen_f16(load_halves(p, 4)); }
STELLAR_INLINE vec v_load_f16_n(const void *p, size_t n) { return widen_f16(load_halves(p, n)); }
STELLAR_INLINE void v_store_f16(void *p, vec v) {
    const uint16x4_t halves = vreinterpret_u16_f16(vcvt_f16_f32(v));
    memcpy(p, &halves, 8);
}

STELLAR_INLINE vec widen_bf16(uint16x4_t halves) { return vreinterpretq_f32_u32(vshll_n_u16(halves, 16)); }
STELLAR_INLINE vec v_load_bf16(const void *p) { return widen_bf16(load_halves(p, 4)); }
STELLAR_INLINE vec v_load_bf16_n(const void *p, size_t n) { return widen_bf16(load_halves(p, n)); }

/// Sixteen signed bytes as floats.
STELLAR_INLINE void widen_bytes(int8x16_t bytes, vec values[4]) {
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
    values[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(low)));
    values[1] = vcvtq_f32_s32(vmovl_s16(vget_high_s16(low)));
    values[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(high)));
    values[3] = vcvtq_f32_s32(vmovl_s16(vget_high_s16(high)));
}

/// The nibbles minus `offset`, as floats in element order.
STELLAR_INLINE void widen_nibbles(const uint8_t *nibbles, int8_t offset, vec values[8]) {
    const uint8x16_t pairs = vld1q_u8(nibbles);
    const int8x16_t shift = vdupq_n_s8(offset);
    widen_bytes(vsubq_s8(vreinterpretq_s8_u8(vandq_u8(pairs, vdupq_n_u8(15))), shift), values);
    widen_bytes(vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(pairs, 4)), shift), values + 4);
}

STELLAR_INLINE void expand_q4_0(const uint8_t *block, vec values[8]) {
    const vec d = vdupq_n_f32(stellar_f16_to_f32(stellar_load_u16(block)));
    widen_nibbles(block + 2, 8, values);
    for (int i = 0; i < 8; i++) { values[i] = vmulq_f32(values[i], d); }
}

STELLAR_INLINE void expand_q4_1(const uint8_t *block, vec values[8]) {
    const vec d = vdupq_n_f32(stellar_f16_to_f32(stellar_load_u16(block)));
    const vec m = vdupq_n_f32(stellar_f16_to_f32(stellar_load_u16(block + 2)));
    widen_nibbles(block + 4, 0, values);
    for (int i = 0; i < 8; i++) { values[i] = vfmaq_f32(m, values[i], d); }  // q * d is exact: rounds like a product and a sum
}

STELLAR_INLINE void expand_q8_0(const uint8_t *block, vec values[8]) {
    const vec d = vdupq_n_f32(stellar_f16_to_f32(stellar_load_u16(block)));
    widen_bytes(vreinterpretq_s8_u8(vld1q_u8(block + 2)), values);
    widen_bytes(vreinterpretq_s8_u8(vld1q_u8(block + 18)), values + 4);
    for (int i = 0; i < 8; i++) { values[i] = vmulq_f32(values[i], d); }
}

// MARK: Integers

STELLAR_INLINE ivec i_set1(int32_t x) { return vdupq_n_s32(x); }
STELLAR_INLINE ivec i_load(const uint8_t *p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
STELLAR_INLINE ivec i_add(ivec a, ivec b) { return vaddq_s32(a, b); }
STELLAR_INLINE ivec i_mul(ivec a, ivec b) { return vmulq_s32(a, b); }
STELLAR_INLINE ivec i_times_128(ivec a) { return vshlq_n_s32(a, 7); }
STELLAR_INLINE vec i_to_float(ivec a) { return vcvtq_f32_s32(a); }
STELLAR_INLINE uint8x16_t bytes_of(ivec a) { return vreinterpretq_u8_s32(a); }
STELLAR_INLINE ivec i_low_nibbles(ivec a) { return vreinterpretq_s32_u8(vandq_u8(bytes_of(a), vdupq_n_u8(15))); }
STELLAR_INLINE ivec i_high_nibbles(ivec a) { return vreinterpretq_s32_u8(vshrq_n_u8(bytes_of(a), 4)); }

STELLAR_INLINE ivec i_broadcast4(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vdupq_n_s32(four);
}

STELLAR_INLINE uint8x8_t four_bytes(const uint8_t *p) {
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return vreinterpret_u8_u32(vdup_n_u32(four));
}

STELLAR_INLINE ivec i_widen_u8(const uint8_t *p) {
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four_bytes(p)))));
}
STELLAR_INLINE ivec i_widen_s8(const uint8_t *p) {
    return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four_bytes(p)))));
}

STELLAR_INLINE ivec i_add_high_bits(ivec low, ivec fields, size_t j) {
    const uint8x16_t moved = vshlq_u8(bytes_of(fields), vdupq_n_s8((int8_t)(4 - 2 * (int)j)));  // a negative shift goes right
    return vreinterpretq_s32_u8(vorrq_u8(bytes_of(low), vandq_u8(moved, vdupq_n_u8(0x30))));
}

STELLAR_INLINE ivec i_dot(ivec sum, ivec numbers, ivec x) {
    const int8x16_t a = vreinterpretq_s8_s32(numbers), b = vreinterpretq_s8_s32(x);
#ifdef STELLAR_WITH_DOT_PRODUCTS
    return vdotq_s32(sum, a, b);
#else
    const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b)), high = vmull_s8(vget_high_s8(a), vget_high_s8(b));
    return vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}

STELLAR_INLINE ivec i_q8_start(int32_t negative_sum) {
    (void)negative_sum;
    return vdupq_n_s32(0);
}

STELLAR_INLINE ivec i_dot_q8(ivec sum, ivec numbers, ivec x) {
    return i_dot(sum, vreinterpretq_s32_u8(veorq_u8(bytes_of(numbers), vdupq_n_u8(0x80))), x);
}

static void quantize_row(const float *x, stellar_input_block *blocks, size_t n) {
    for (size_t b = 0; b < n / 32; b++, x += 32) {
        uint32x4_t greatest = vdupq_n_u32(0);
        for (size_t i = 0; i < 8; i++) {
            greatest = vmaxq_u32(greatest, vandq_u32(vreinterpretq_u32_f32(v_load(x + 4 * i)), vdupq_n_u32(0x7fffffffu)));
        }
        const uint32_t most = vmaxvq_u32(greatest);
        float scale, inverse;
        stellar_block_scale(most, &scale, &inverse);
        int32x4_t q[8], high[8];
        for (size_t i = 0; i < 8; i++) {
            // Without a factor all numbers are 0, also those of x that are not finite.
            q[i] = inverse == 0 ? vdupq_n_s32(0) : vcvtnq_s32_f32(vmulq_n_f32(v_load(x + 4 * i), inverse));
            high[i] = vshrq_n_s32(vaddq_s32(q[i], vdupq_n_s32(64)), 7);
        }
        int32x4_t sums[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
        for (size_t i = 0; i < 8; i += 2) {
            const ivec first = vsubq_s32(q[i], i_times_128(high[i])), second = vsubq_s32(q[i + 1], i_times_128(high[i + 1]));
            sums[i / 4] = vaddq_s32(sums[i / 4], vaddq_s32(q[i], q[i + 1]));
            vst1_s8(blocks[b].q + 4 * i, vmovn_s16(vcombine_s16(vmovn_s32(first), vmovn_s32(second))));
            vst1_s8(blocks[b].high + 4 * i, vmovn_s16(vcombine_s16(vmovn_s32(high[i]), vmovn_s32(high[i + 1]))));
        }
        stellar_finish_block(&blocks[b], scale, vaddvq_s32(sums[0]), vaddvq_s32(sums[1]));
    }
}

#include "kernels_simd.h"

#pragma clang attribute pop

#endif

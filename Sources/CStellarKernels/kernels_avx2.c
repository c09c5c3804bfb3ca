// Kernels for AVX2 with FMA and F16C (16 registers of 8 floats); kernels_avx2_vnni.c adds AVX-VNNI.

#include "kernels_internal.h"

#if STELLAR_X86

#include <immintrin.h>
#include <math.h>
#include <stdlib.h>

#pragma STDC FP_CONTRACT OFF
#ifdef STELLAR_WITH_VNNI
#define TABLE stellar_kernels_avx2_vnni
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#else
#define TABLE stellar_kernels_avx2
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#endif

#define VEC_LANES 8
#define PLAIN_TILE_ROWS 6
#define PLAIN_TILES(packing)                                                                                                       \
    STELLAR_PLAIN_ROWS(packing, 1, 4) STELLAR_PLAIN_ROWS(packing, 2, 4) STELLAR_PLAIN_ROWS(packing, 3, 4)                          \
    STELLAR_PLAIN_ROWS(packing, 4, 2) STELLAR_PLAIN_ROWS(packing, 5, 2) STELLAR_PLAIN_ROWS(packing, 6, 2)
#define PLAIN_STEPS 4
#define FETCHES_FLOATS 0  // decoding is a third slower with them on an AMD Zen 3, whose own prefetcher does better
#define BLOCK_TILE_GROUPS 1
#ifdef STELLAR_WITH_VNNI
#define BLOCK_TILE_ROWS 3
#define BLOCK_TILES(packing) STELLAR_BLOCK_ROWS(packing, 1) STELLAR_BLOCK_ROWS(packing, 2) STELLAR_BLOCK_ROWS(packing, 3)
#else
#define HAS_WORD_DOTS 1
#define BLOCK_TILE_ROWS 5
#define BLOCK_TILES(packing)                                                                                                       \
    STELLAR_BLOCK_ROWS(packing, 1) STELLAR_BLOCK_ROWS(packing, 2) STELLAR_BLOCK_ROWS(packing, 3)                                   \
    STELLAR_BLOCK_ROWS(packing, 4) STELLAR_BLOCK_ROWS(packing, 5)
#endif
#define QUERY_TILE 4
#define SCORE_VECTORS 2
#define FULL_TILE_SCORE_VECTORS 2
#define VALUE_VECTORS 2
#define FULL_TILE_VALUE_VECTORS 2
#define ISA STELLAR_ISA_AVX2

typedef __m256 vec;
typedef __m256i ivec;

STELLAR_INLINE __m256i first_lanes(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

STELLAR_INLINE vec v_zero(void) { return _mm256_setzero_ps(); }
STELLAR_INLINE vec v_set1(float x) { return _mm256_set1_ps(x); }
STELLAR_INLINE vec v_load(const float *p) { return _mm256_loadu_ps(p); }
STELLAR_INLINE vec v_load_n(const float *p, size_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
STELLAR_INLINE void v_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
STELLAR_INLINE void v_store_n(float *p, vec v, size_t n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
STELLAR_INLINE vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
STELLAR_INLINE vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
STELLAR_INLINE vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
STELLAR_INLINE vec v_div(vec a, vec b) { return _mm256_div_ps(a, b); }
STELLAR_INLINE vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
STELLAR_INLINE vec v_min(vec a, vec b) { return _mm256_min_ps(a, b); }
STELLAR_INLINE vec v_max(vec a, vec b) { return _mm256_max_ps(a, b); }
STELLAR_INLINE vec v_max_number(vec x, vec best) { return _mm256_max_ps(x, best); }  // the second operand if either is NaN
STELLAR_INLINE vec v_round(vec v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
STELLAR_INLINE vec v_keep(vec v, size_t n, float fill) {
    return _mm256_blendv_ps(_mm256_set1_ps(fill), v, _mm256_castsi256_ps(first_lanes(n)));
}
STELLAR_INLINE vec v_zero_below(vec v, vec x, float limit) {
    return _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_set1_ps(limit), _CMP_LT_OQ), v);
}
STELLAR_INLINE float v_first(vec v) { return _mm256_cvtss_f32(v); }

STELLAR_INLINE vec power_of_two(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

/// In two steps, each of which is a normal number, so that the result may be infinite.
STELLAR_INLINE vec v_scale(vec p, vec n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    return _mm256_mul_ps(_mm256_mul_ps(p, power_of_two(half)), power_of_two(_mm256_sub_epi32(whole, half)));
}

STELLAR_INLINE float v_reduce_add(vec v) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

STELLAR_INLINE float v_reduce_max(vec v) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

STELLAR_INLINE int v_first_equal(vec a, vec b) {
    const int equal = _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ));
    return equal ? __builtin_ctz((unsigned)equal) : -1;
}

STELLAR_INLINE vec swap_middle(vec v) {
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), _MM_SHUFFLE(3, 1, 2, 0)));
}

STELLAR_INLINE void v_load_pairs(const float *p, vec *even, vec *odd) {
    const vec low = v_load(p), high = v_load(p + 8);
    *even = swap_middle(_mm256_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)));
    *odd = swap_middle(_mm256_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)));
}

STELLAR_INLINE void v_store_pairs(float *p, vec even, vec odd) {
    const vec low = _mm256_unpacklo_ps(even, odd), high = _mm256_unpackhi_ps(even, odd);
    v_store(p, _mm256_permute2f128_ps(low, high, 0x20));
    v_store(p + 8, _mm256_permute2f128_ps(low, high, 0x31));
}

/// The first n of eight 16-bit elements, the others 0.
STELLAR_INLINE __m128i load_halves(const void *p, size_t n) {
    uint16_t halves[8] = {0};
    memcpy(halves, p, 2 * n);
    return _mm_loadu_si128((const __m128i *)halves);
}

STELLAR_INLINE vec v_load_f16(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
STELLAR_INLINE vec v_load_f16_n(const void *p, size_t n) { return _mm256_cvtph_ps(load_halves(p, n)); }
STELLAR_INLINE void v_store_f16(void *p, vec v) {
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

STELLAR_INLINE vec widen_bf16(__m128i halves) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16)); }
STELLAR_INLINE vec v_load_bf16(const void *p) { return widen_bf16(_mm_loadu_si128((const __m128i *)p)); }
STELLAR_INLINE vec v_load_bf16_n(const void *p, size_t n) { return widen_bf16(load_halves(p, n)); }

/// Sixteen signed bytes as floats.
STELLAR_INLINE void widen_bytes(__m128i bytes, vec values[2]) {
    values[0] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    values[1] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes)));
}

/// The nibbles minus `offset`, as floats in element order.
STELLAR_INLINE void widen_nibbles(const uint8_t *nibbles, char offset, vec values[4]) {
    const __m128i pairs = _mm_loadu_si128((const __m128i *)nibbles), low = _mm_set1_epi8(15), shift = _mm_set1_epi8(offset);
    widen_bytes(_mm_sub_epi8(_mm_and_si128(pairs, low), shift), values);
    widen_bytes(_mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(pairs, 4), low), shift), values + 2);
}

/// The two half-precision numbers at `p`, in lanes 0 and 1 (four bytes are read).
STELLAR_INLINE __m128 two_halves(const uint8_t *p) { return _mm_cvtph_ps(_mm_loadu_si32(p)); }

STELLAR_INLINE void expand_q4_0(const uint8_t *block, vec values[4]) {
    const vec d = _mm256_broadcastss_ps(two_halves(block));
    widen_nibbles(block + 2, 8, values);
    for (int i = 0; i < 4; i++) { values[i] = _mm256_mul_ps(values[i], d); }
}

STELLAR_INLINE void expand_q4_1(const uint8_t *block, vec values[4]) {
    const __m128 header = two_halves(block);
    const vec d = _mm256_broadcastss_ps(header), m = _mm256_broadcastss_ps(_mm_movehdup_ps(header));
    widen_nibbles(block + 4, 0, values);
    for (int i = 0; i < 4; i++) { values[i] = _mm256_fmadd_ps(values[i], d, m); }  // q * d is exact: rounds like a product and a sum
}

STELLAR_INLINE void expand_q8_0(const uint8_t *block, vec values[4]) {
    const vec d = _mm256_broadcastss_ps(two_halves(block));
    widen_bytes(_mm_loadu_si128((const __m128i *)(block + 2)), values);
    widen_bytes(_mm_loadu_si128((const __m128i *)(block + 18)), values + 2);
    for (int i = 0; i < 4; i++) { values[i] = _mm256_mul_ps(values[i], d); }
}

// MARK: Integers

STELLAR_INLINE ivec i_set1(int32_t x) { return _mm256_set1_epi32(x); }
STELLAR_INLINE ivec i_load(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
STELLAR_INLINE ivec i_add(ivec a, ivec b) { return _mm256_add_epi32(a, b); }
STELLAR_INLINE ivec i_mul(ivec a, ivec b) { return _mm256_mullo_epi32(a, b); }
STELLAR_INLINE vec i_to_float(ivec a) { return _mm256_cvtepi32_ps(a); }
STELLAR_INLINE ivec i_widen_u8(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
STELLAR_INLINE ivec i_widen_s8(const uint8_t *p) { return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
STELLAR_INLINE ivec i_low_nibbles(ivec a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
STELLAR_INLINE ivec i_high_nibbles(ivec a) { return _mm256_and_si256(_mm256_srli_epi16(a, 4), _mm256_set1_epi8(15)); }
STELLAR_INLINE ivec i_add_high_bits(ivec low, ivec fields, size_t j) {
    const ivec moved = j < 2 ? _mm256_slli_epi16(fields, 4 - 2 * (int)j) : _mm256_srli_epi16(fields, 2 * (int)j - 4);
    return _mm256_or_si256(low, _mm256_and_si256(moved, _mm256_set1_epi8(0x30)));
}

#ifdef STELLAR_WITH_VNNI
STELLAR_INLINE ivec i_times_128(ivec a) { return _mm256_slli_epi32(a, 7); }
STELLAR_INLINE ivec i_broadcast4(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}
STELLAR_INLINE ivec i_dot(ivec sum, ivec numbers, ivec x) { return _mm256_dpbusd_avx_epi32(sum, numbers, x); }
STELLAR_INLINE ivec i_q8_start(int32_t negative_sum) { return _mm256_set1_epi32(negative_sum); }
STELLAR_INLINE ivec i_dot_q8(ivec sum, ivec numbers, ivec x) { return _mm256_dpbusd_avx_epi32(sum, numbers, x); }
#else
STELLAR_INLINE ivec i_even_bytes(ivec a) { return _mm256_and_si256(a, _mm256_set1_epi16(0xff)); }
STELLAR_INLINE ivec i_odd_bytes(ivec a) { return _mm256_srli_epi16(a, 8); }
STELLAR_INLINE ivec i_broadcast2(const int16_t *p) {
    int32_t two;
    memcpy(&two, p, sizeof two);
    return _mm256_set1_epi32(two);
}

/// The empty assembly keeps the compiler from adding in another order, in which it has to put weights aside (a fifth of the speed).
STELLAR_INLINE ivec i_dot_words(ivec sum, ivec numbers, ivec x) {
    ivec result = _mm256_add_epi32(sum, _mm256_madd_epi16(numbers, x));
    __asm__("" : "+x"(result));
    return result;
}
#endif

#ifdef HAS_WORD_DOTS
#define quantize_row stellar_quantize_words_x86
#else
#define quantize_row stellar_quantize_bytes_x86
#endif
#include "kernels_simd.h"

#pragma clang attribute pop

#endif

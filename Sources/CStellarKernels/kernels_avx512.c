// Kernels for AVX-512 F, BW, DQ, VL and VNNI (32 registers of 16 floats); kernels_avx512_bf16.c adds BF16.

#include "kernels_internal.h"

#if STELLAR_X86

#include <immintrin.h>
#include <math.h>
#include <stdlib.h>

#pragma STDC FP_CONTRACT OFF
#define AVX512_FEATURES "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"
#ifdef STELLAR_WITH_BF16
#define HAS_BF16_PAIRS 1
#define TABLE stellar_kernels_avx512_bf16
#pragma clang attribute push(__attribute__((target(AVX512_FEATURES ",avx512bf16"))), apply_to = function)
#else
#define TABLE stellar_kernels_avx512
#pragma clang attribute push(__attribute__((target(AVX512_FEATURES))), apply_to = function)
#endif

#define VEC_LANES 16
#define PLAIN_TILE_ROWS 12
#define PLAIN_TILES(packing)                                                                                                       \
    STELLAR_PLAIN_ROWS(packing, 1, 2) STELLAR_PLAIN_ROWS(packing, 2, 2) STELLAR_PLAIN_ROWS(packing, 3, 2)                          \
    STELLAR_PLAIN_ROWS(packing, 4, 2) STELLAR_PLAIN_ROWS(packing, 5, 2) STELLAR_PLAIN_ROWS(packing, 6, 2)                          \
    STELLAR_PLAIN_ROWS(packing, 7, 2) STELLAR_PLAIN_ROWS(packing, 8, 2) STELLAR_PLAIN_ROWS(packing, 9, 2)                          \
    STELLAR_PLAIN_ROWS(packing, 10, 2) STELLAR_PLAIN_ROWS(packing, 11, 2) STELLAR_PLAIN_ROWS(packing, 12, 2)
#define PLAIN_STEPS 1
#define FETCHES_FLOATS 1
#define BLOCK_TILE_GROUPS 2
#define BLOCK_TILE_ROWS 6
#define BLOCK_TILES(packing)                                                                                                       \
    STELLAR_BLOCK_ROWS(packing, 1) STELLAR_BLOCK_ROWS(packing, 2) STELLAR_BLOCK_ROWS(packing, 3) STELLAR_BLOCK_ROWS(packing, 4)    \
    STELLAR_BLOCK_ROWS(packing, 5) STELLAR_BLOCK_ROWS(packing, 6)
#define QUERY_TILE 8
#define SCORE_VECTORS 4
#define FULL_TILE_SCORE_VECTORS 2
#define VALUE_VECTORS 4
#define FULL_TILE_VALUE_VECTORS 2
#define ISA STELLAR_ISA_AVX512

typedef __m512 vec;
typedef __m512i ivec;

STELLAR_INLINE __mmask16 first_lanes(size_t n) { return (__mmask16)((1u << n) - 1); }

STELLAR_INLINE vec v_zero(void) { return _mm512_setzero_ps(); }
STELLAR_INLINE vec v_set1(float x) { return _mm512_set1_ps(x); }
STELLAR_INLINE vec v_load(const float *p) { return _mm512_loadu_ps(p); }
STELLAR_INLINE vec v_load_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
STELLAR_INLINE void v_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
STELLAR_INLINE void v_store_n(float *p, vec v, size_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }
STELLAR_INLINE vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
STELLAR_INLINE vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
STELLAR_INLINE vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
STELLAR_INLINE vec v_div(vec a, vec b) { return _mm512_div_ps(a, b); }
STELLAR_INLINE vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
STELLAR_INLINE vec v_min(vec a, vec b) { return _mm512_min_ps(a, b); }
STELLAR_INLINE vec v_max(vec a, vec b) { return _mm512_max_ps(a, b); }
STELLAR_INLINE vec v_max_number(vec x, vec best) { return _mm512_max_ps(x, best); }  // the second operand if either is NaN
STELLAR_INLINE vec v_round(vec v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
STELLAR_INLINE vec v_scale(vec p, vec n) { return _mm512_scalef_ps(p, n); }
STELLAR_INLINE vec v_keep(vec v, size_t n, float fill) { return _mm512_mask_mov_ps(_mm512_set1_ps(fill), first_lanes(n), v); }
STELLAR_INLINE vec v_zero_below(vec v, vec x, float limit) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(limit), _CMP_NLT_UQ), v);
}
STELLAR_INLINE float v_first(vec v) { return _mm512_cvtss_f32(v); }

STELLAR_INLINE float v_reduce_add(vec v) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

STELLAR_INLINE float v_reduce_max(vec v) { return _mm512_reduce_max_ps(v); }

STELLAR_INLINE int v_first_equal(vec a, vec b) {
    const uint32_t equal = _cvtmask16_u32(_mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ));
    return equal ? __builtin_ctz(equal) : -1;
}

STELLAR_INLINE void v_load_pairs(const float *p, vec *even, vec *odd) {
    const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const vec low = v_load(p), high = v_load(p + 16);
    *even = _mm512_permutex2var_ps(low, evens, high);
    *odd = _mm512_permutex2var_ps(low, _mm512_add_epi32(evens, _mm512_set1_epi32(1)), high);
}

STELLAR_INLINE void v_store_pairs(float *p, vec even, vec odd) {
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    v_store(p, _mm512_permutex2var_ps(even, first, odd));
    v_store(p + 16, _mm512_permutex2var_ps(even, _mm512_add_epi32(first, _mm512_set1_epi32(8)), odd));
}

STELLAR_INLINE vec v_load_f16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
STELLAR_INLINE vec v_load_f16_n(const void *p, size_t n) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p)); }
STELLAR_INLINE void v_store_f16(void *p, vec v) {
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

STELLAR_INLINE vec widen_bf16(__m256i halves) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16)); }
STELLAR_INLINE vec v_load_bf16(const void *p) { return widen_bf16(_mm256_loadu_si256((const __m256i *)p)); }
STELLAR_INLINE vec v_load_bf16_n(const void *p, size_t n) { return widen_bf16(_mm256_maskz_loadu_epi16(first_lanes(n), p)); }

// A block of nibbles has 16 different values: they are computed once and each nibble picks its own by a permutation, which looks at
// the low four bits of an index only.

STELLAR_INLINE vec numbers(float first) {
    return _mm512_add_ps(_mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_ps(first));
}

STELLAR_INLINE void pick(const uint8_t *nibbles, vec table, vec values[2]) {
    const __m512i pairs = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)nibbles));
    values[0] = _mm512_permutexvar_ps(pairs, table);
    values[1] = _mm512_permutexvar_ps(_mm512_srli_epi32(pairs, 4), table);
}

/// The two half-precision numbers at `p`, in lanes 0 and 1 (four bytes are read).
STELLAR_INLINE __m128 two_halves(const uint8_t *p) { return _mm_cvtph_ps(_mm_loadu_si32(p)); }

STELLAR_INLINE void expand_q4_0(const uint8_t *block, vec values[2]) {
    pick(block + 2, _mm512_mul_ps(_mm512_broadcastss_ps(two_halves(block)), numbers(-8)), values);
}

STELLAR_INLINE void expand_q4_1(const uint8_t *block, vec values[2]) {
    const __m128 header = two_halves(block);
    const vec d = _mm512_broadcastss_ps(header), m = _mm512_broadcastss_ps(_mm_movehdup_ps(header));
    pick(block + 4, _mm512_fmadd_ps(d, numbers(0), m), values);  // d * q is exact, so this rounds like a product and a sum
}

STELLAR_INLINE void expand_q8_0(const uint8_t *block, vec values[2]) {
    const vec d = _mm512_broadcastss_ps(two_halves(block));
    for (int i = 0; i < 2; i++) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(block + 2 + 16 * i));
        values[i] = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)), d);
    }
}

// MARK: Integers

STELLAR_INLINE ivec i_set1(int32_t x) { return _mm512_set1_epi32(x); }
STELLAR_INLINE ivec i_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
STELLAR_INLINE ivec i_add(ivec a, ivec b) { return _mm512_add_epi32(a, b); }
STELLAR_INLINE ivec i_mul(ivec a, ivec b) { return _mm512_mullo_epi32(a, b); }
STELLAR_INLINE ivec i_times_128(ivec a) { return _mm512_slli_epi32(a, 7); }
STELLAR_INLINE vec i_to_float(ivec a) { return _mm512_cvtepi32_ps(a); }
STELLAR_INLINE ivec i_widen_u8(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); }
STELLAR_INLINE ivec i_widen_s8(const uint8_t *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)); }
STELLAR_INLINE ivec i_low_nibbles(ivec a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
STELLAR_INLINE ivec i_high_nibbles(ivec a) { return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15)); }
STELLAR_INLINE ivec i_broadcast4(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

/// Two bits of field j of each byte, as bits 4 and 5.
STELLAR_INLINE ivec i_add_high_bits(ivec low, ivec fields, size_t j) {
    const ivec moved = j < 2 ? _mm512_slli_epi16(fields, 4 - 2 * (unsigned)j) : _mm512_srli_epi16(fields, 2 * (unsigned)j - 4);
    return _mm512_or_si512(low, _mm512_and_si512(moved, _mm512_set1_epi8(0x30)));
}

STELLAR_INLINE ivec i_dot(ivec sum, ivec numbers, ivec x) { return _mm512_dpbusd_epi32(sum, numbers, x); }
STELLAR_INLINE ivec i_q8_start(int32_t negative_sum) { return _mm512_set1_epi32(negative_sum); }
STELLAR_INLINE ivec i_dot_q8(ivec sum, ivec numbers, ivec x) { return _mm512_dpbusd_epi32(sum, numbers, x); }

#ifdef HAS_BF16_PAIRS
STELLAR_INLINE vec v_add_pairs(vec sum, vec weights, vec x) {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(weights), (__m512bh)_mm512_castps_si512(x));
}
#endif

#define quantize_row stellar_quantize_bytes_x86
#include "kernels_simd.h"

#pragma clang attribute pop

#endif

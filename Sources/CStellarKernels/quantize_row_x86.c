// Rows of activations become blocks (stellar_kernels.quantize) with AVX2, also for the AVX-512 kernels: batches of eight, for which what is
// one number a block is computed at once. Batches of sixteen with 512 bits took 8.8 ns a block in rows of 576 and 6.5 in rows of 1,536,
// where these take 7.6 and 7.0.

#include "kernels_internal.h"

#if STELLAR_X86

#include <immintrin.h>
#include <stddef.h>

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

enum { batch_blocks = 8 };

STELLAR_INLINE __m256i joined(__m256i a, __m256i b, bool adds) { return adds ? _mm256_add_epi32(a, b) : _mm256_max_epu32(a, b); }

/// Of eight vectors, at place b the sum or the greatest of the numbers of vector b.
STELLAR_INLINE __m256i joined_each(const __m256i v[batch_blocks], bool adds) {
    __m256i fours[2];
    for (size_t i = 0; i < 2; i++, v += 4) {
        const __m256i first = joined(_mm256_unpacklo_epi32(v[0], v[1]), _mm256_unpackhi_epi32(v[0], v[1]), adds);
        const __m256i second = joined(_mm256_unpacklo_epi32(v[2], v[3]), _mm256_unpackhi_epi32(v[2], v[3]), adds);
        fours[i] = joined(_mm256_unpacklo_epi64(first, second), _mm256_unpackhi_epi64(first, second), adds);
    }
    return joined(_mm256_permute2x128_si256(fours[0], fours[1], 0x20), _mm256_permute2x128_si256(fours[0], fours[1], 0x31), adds);
}

/// The bits of the greatest magnitudes of the blocks.
STELLAR_INLINE __m256i greatest_magnitudes(const float *x, size_t blocks) {
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    __m256i most[batch_blocks] = {0};
    for (size_t b = 0; b < blocks; b++, x += 32) {
        __m256i parts[4];
        for (size_t i = 0; i < 4; i++) { parts[i] = _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x + 8 * i)), magnitude); }
        most[b] = _mm256_max_epu32(_mm256_max_epu32(parts[0], parts[1]), _mm256_max_epu32(parts[2], parts[3]));
    }
    return joined_each(most, false);
}

/// stellar_block_scale of eight blocks; returns which have a factor.
STELLAR_INLINE __m256 block_scales(__m256i greatest_bits, __m256 *scale, __m256 *inverse) {
    const __m256 greatest = _mm256_castsi256_ps(greatest_bits), most = _mm256_set1_ps(stellar_block_most);
    const __m256 finite = _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(0x7f800000), greatest_bits));
    const __m256 kept = _mm256_and_ps(finite, _mm256_cmp_ps(greatest, _mm256_set1_ps(stellar_block_least), _CMP_GE_OQ));
    *scale = _mm256_blendv_ps(_mm256_set1_ps(__builtin_nanf("")), _mm256_and_ps(_mm256_div_ps(greatest, most), kept), finite);
    *inverse = _mm256_and_ps(_mm256_div_ps(most, greatest), kept);
    return kept;
}

/// Writes what stands before the numbers of the blocks: stellar_finish_block of eight blocks.
STELLAR_INLINE void finish_blocks(stellar_input_block *blocks, size_t count, __m256 scale, __m256i low_sum, __m256i high_sum) {
    const __m256i sum = _mm256_add_epi32(low_sum, high_sum), none = _mm256_setzero_si256();
    const __m256 scaled = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(sum));
    const __m256 negative = _mm256_castsi256_ps(_mm256_sub_epi32(none, sum));
    const __m256 negative_low = _mm256_castsi256_ps(_mm256_sub_epi32(none, low_sum));
    const __m256d scales0 = _mm256_castps_pd(_mm256_unpacklo_ps(scale, scaled));
    const __m256d scales2 = _mm256_castps_pd(_mm256_unpackhi_ps(scale, scaled));
    const __m256d sums0 = _mm256_castps_pd(_mm256_unpacklo_ps(negative, negative_low));
    const __m256d sums2 = _mm256_castps_pd(_mm256_unpackhi_ps(negative, negative_low));
    const __m256d headers[4] = {_mm256_unpacklo_pd(scales0, sums0), _mm256_unpackhi_pd(scales0, sums0),  // of blocks i and i + 4
                                _mm256_unpacklo_pd(scales2, sums2), _mm256_unpackhi_pd(scales2, sums2)};
    const size_t header = offsetof(stellar_input_block, q);
    for (size_t b = 0; b < count; b++) { memcpy(&blocks[b], (const uint8_t *)&headers[b % 4] + b / 4 * header, header); }
}

/// The 32 numbers of a block: each vector has sixteen of them, in the order in which _mm256_packs_epi32 leaves them.
STELLAR_INLINE void store_words(stellar_input_block *block, const __m256i words[2]) {
    for (size_t i = 0; i < 2; i++) {
        const __m256i in_order = _mm256_permute4x64_epi64(words[i], _MM_SHUFFLE(3, 1, 2, 0));
        const __m256i pairs = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(in_order, _MM_SHUFFLE(3, 1, 2, 0)), _MM_SHUFFLE(3, 1, 2, 0));
        _mm256_storeu_si256((__m256i *)(block->words + 16 * i), pairs);
    }
}

STELLAR_INLINE void store_bytes(stellar_input_block *block, const __m256i words[2]) {
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i high[2], low[2];
    for (size_t i = 0; i < 2; i++) {
        high[i] = _mm256_srai_epi16(_mm256_add_epi16(words[i], _mm256_set1_epi16(64)), 7);
        low[i] = _mm256_sub_epi16(words[i], _mm256_slli_epi16(high[i], 7));
    }
    _mm256_storeu_si256((__m256i *)block->q, _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low[0], low[1]), in_order));
    _mm256_storeu_si256((__m256i *)block->high, _mm256_permutevar8x32_epi32(_mm256_packs_epi16(high[0], high[1]), in_order));
}

/// At most eight blocks.
STELLAR_INLINE void quantize_batch(const float *x, stellar_input_block *blocks, size_t count, bool as_words) {
    float inverses[batch_blocks], masks[batch_blocks];
    __m256i low_sums[batch_blocks] = {0}, high_sums[batch_blocks] = {0};
    __m256 scale, inverse;
    const __m256 kept = block_scales(greatest_magnitudes(x, count), &scale, &inverse);
    _mm256_storeu_ps(inverses, inverse);
    _mm256_storeu_ps(masks, kept);
    for (size_t b = 0; b < count; b++, x += 32) {
        // Without a factor all numbers are 0, also those of x that are not finite.
        const __m256 factor = _mm256_broadcast_ss(inverses + b), mask = _mm256_broadcast_ss(masks + b);
        __m256i q[4], words[2];
        for (size_t i = 0; i < 4; i++) {
            q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_and_ps(_mm256_loadu_ps(x + 8 * i), mask), factor));
        }
        for (size_t i = 0; i < 2; i++) { words[i] = _mm256_packs_epi32(q[2 * i], q[2 * i + 1]); }
        if (as_words) {
            store_words(&blocks[b], words);
        } else {
            store_bytes(&blocks[b], words);
        }
        low_sums[b] = _mm256_madd_epi16(words[0], _mm256_set1_epi16(1));
        high_sums[b] = _mm256_madd_epi16(words[1], _mm256_set1_epi16(1));
    }
    finish_blocks(blocks, count, scale, joined_each(low_sums, true), joined_each(high_sums, true));
}

STELLAR_INLINE void quantize(const float *x, stellar_input_block *blocks, size_t n, bool as_words) {
    for (size_t b = 0; b < n / 32; b += batch_blocks) {
        quantize_batch(x + b * 32, blocks + b, smaller(n / 32 - b, batch_blocks), as_words);
    }
}

void stellar_quantize_bytes_x86(const float *x, stellar_input_block *blocks, size_t n) { quantize(x, blocks, n, false); }
void stellar_quantize_words_x86(const float *x, stellar_input_block *blocks, size_t n) { quantize(x, blocks, n, true); }

#pragma clang attribute pop

#endif

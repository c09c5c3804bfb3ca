// All vector kernels of one instruction set. A file that includes this defines before
//
//   VEC_LANES                  floats of a vector, 4, 8 or 16
//   PLAIN_TILES(packing)       STELLAR_PLAIN_ROWS(packing, rows, vectors) for each size of a register tile of a product of plain weights:
//   PLAIN_TILE_ROWS            1 to so many rows, and vectors of outputs
//   PLAIN_STEPS                steps of a sum that the loop takes at once: more are faster until registers run out
//   FETCHES_FLOATS             whether floats are asked for ahead (1 or 0), as other weights are
//   BLOCK_TILES(packing)       STELLAR_BLOCK_ROWS(packing, rows) likewise for quantised weights:
//   BLOCK_TILE_ROWS            1 to so many rows,
//   BLOCK_TILE_GROUPS          and 16 or 32 outputs (1 or 2)
//   HAS_BF16_PAIRS             if there is v_add_pairs(sum, w, x): sum + w[0] * x[0] + w[1] * x[1] of two BF16 numbers in each lane
//   HAS_WORD_DOTS              if activations of quantised weights are words, and there are the primitives for them instead of those for bytes
//   QUERY_TILE                 queries that share loads of keys and values in attention, 4 or more
//   SCORE_VECTORS              vectors of scores held in registers for up to 4 queries,
//   FULL_TILE_SCORE_VECTORS    and for QUERY_TILE queries (not more than SCORE_VECTORS)
//   VALUE_VECTORS              vectors of a head's values held in registers for up to 4 queries,
//   FULL_TILE_VALUE_VECTORS    and for QUERY_TILE queries (not more than VALUE_VECTORS)
//   ISA, TABLE                 the stellar_isa and the name of the table
//
// and, on a type `vec`, always inlined:
//
//   v_zero v_set1 v_load v_store v_add v_sub v_mul v_div v_fma (a * b + c) v_round (to nearest even) v_first (lane 0)
//   v_load_n(p, n), v_store_n(p, v, n)    n of 0 to VEC_LANES lanes; memory beyond is not touched; the other lanes load as 0
//   v_min(a, b), v_max(a, b)              NaN if b is NaN
//   v_max_number(x, best)                 best where x is NaN
//   v_keep(v, n, fill)                    the first n lanes, the others `fill`
//   v_zero_below(v, x, limit)             0 where x < limit, else v
//   v_reduce_add, v_reduce_max            over the lanes in a fixed order
//   v_scale(p, n)                         p * 2^n for integral n in -126 to 129
//   v_first_equal(a, b)                   lowest lane where they are equal, or -1
//   v_load_pairs(p, &a, &b), v_store_pairs(p, a, b)     a takes the even, b the odd elements of 2 * VEC_LANES
//   v_load_f16(p), v_load_f16_n(p, n), v_load_bf16(p), v_load_bf16_n(p, n), v_store_f16(p, v)       p of any alignment
//   i_set1 i_load i_add i_mul i_times_128 i_to_float          vectors `ivec` of VEC_LANES 32-bit integers
//   i_widen_u8(p), i_widen_s8(p)                  VEC_LANES bytes as integers
//   i_broadcast4(p)                               four bytes in every lane
//   i_low_nibbles(v), i_high_nibbles(v)           of each byte
//   i_add_high_bits(v, fields, j)                 v | (fields >> 2 j & 3) << 4 of each byte
//   i_dot(sum, numbers, x)                        sum + products of the four bytes of a lane: numbers of 0 to 63, x of -127 to 127
//   i_even_bytes(v), i_odd_bytes(v)               bytes 0 and 2, 1 and 3 of each lane as words
//   i_broadcast2(p)                               two words in every lane
//   i_dot_words(sum, numbers, x)                  sum + products of the two words of a lane
//   i_q8_start(negative sum of x), i_dot_q8       the same for the sum of (number - 128) * x, with what that sum starts with
//   quantize_row(x, blocks, n)                    stellar_kernels.quantize
//   expand_q4_0, expand_q4_1, expand_q8_0(block, vec values[32 / VEC_LANES])       exact values of a block, in element order

#include "simd_dequantize.h"
#include "simd_packed_plain.h"
#include "simd_packed_blocks.h"
#include "simd_rows.h"
#include "simd_attention.h"

const stellar_kernels TABLE = {
    .isa = ISA,
    .dequantize = dequantize,
    .quantize = quantize_row,
#ifdef HAS_WORD_DOTS
    .word_inputs = true,
#endif
    .product = product,
#ifdef HAS_BF16_PAIRS
    .bf16_pairs = true,
#endif
    .rms_norm = rms_norm,
    .rope_interleaved = rope_interleaved,
    .rope_half = rope_half,
    .silu_multiply = silu_multiply,
    .gelu_multiply = gelu_multiply,
    .soft_cap = soft_cap,
    .add = add,
    .f32_to_f16 = f32_to_f16,
    .f16_to_f32 = f16_to_f32,
    .f32_to_bf16 = f32_to_bf16,
    .bf16_to_f32 = bf16_to_f32,
    .attention = attention,
    .attention_merge = attention_merge,
    .attention_finish = attention_finish,
    .kv_store = kv_store,
    .argmax = argmax,
    .max = max,
    .log_sum_exp = log_sum_exp,
    .softmax = softmax,
};

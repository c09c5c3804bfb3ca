// All vector kernels of one instruction set. A file that includes this defines before
//
//   VEC_LANES                  floats of a vector, 4, 8 or 16
//   PLAIN_WIDTHS, BLOCK_WIDTHS outputs of a register tile of 1, 2, 3, 4 rows, for plain and quantised weights
//   QUERY_TILE                 queries that share loads of keys and values in attention, 4 or more
//   SPAN                       tokens of a softmax step in attention, 16 or 32
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
//   v_reduce_add, v_reduce_max            over the lanes in a fixed order
//   v_scale(p, n)                         p * 2^n for integral n in -152 to 129
//   v_first_equal(a, b)                   lowest lane where they are equal, or -1
//   v_load_pairs(p, &a, &b), v_store_pairs(p, a, b)     a takes the even, b the odd elements of 2 * VEC_LANES
//   v_load_f16(p), v_load_f16_n(p, n), v_load_bf16(p), v_load_bf16_n(p, n), v_store_f16(p, v)       p of any alignment
//   expand_q4_0, expand_q4_1, expand_q8_0(block, vec values[32 / VEC_LANES])       exact values of a block, in element order

#include "simd_matmul.h"
#include "simd_rows.h"
#include "simd_attention.h"

const stellar_kernels TABLE = {
    .isa = ISA,
    .dequantize = dequantize,
    .matmul = matmul,
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
    .attention_start = attention_start,
    .attention_block = attention_block,
    .attention_finish = attention_finish,
    .kv_store = kv_store,
    .argmax = argmax,
    .max = max,
    .log_sum_exp = log_sum_exp,
    .softmax = softmax,
};

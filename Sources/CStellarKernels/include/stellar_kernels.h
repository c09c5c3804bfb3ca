// Numeric kernels of StellarChat: products of stored weights with float activations, norms, rotary embedding, activation functions and
// attention over a blocked key/value cache. One table of functions per instruction set; the best one is chosen at run time.
//
// Rules that hold for every function unless its comment says otherwise
//   - Thread contract: no function keeps state between calls. Any number of threads may call at once on memory that none of them writes.
//   - Activations are 32-bit floats and sums are accumulated in 32-bit floats.
//   - Reproducible: for one instruction set the result for one element (an output of one row, a query of attention) is the same bit for
//     bit, whatever else is computed by the same call. Different instruction sets differ in rounding.
//   - No function reads or writes past the ranges given by its arguments. Nothing needs alignment beyond that of the element type;
//     weights and key/value blocks need none.
//   - Sizes of zero are valid and do nothing (functions that return a value say which).
//   - Arguments are the caller's responsibility: nothing here checks them, so validate whatever comes from a file first.

#ifndef STELLAR_KERNELS_H
#define STELLAR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stellar_packed.h"

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Storage kinds

/// How weights are stored. The numbers are the tensor type ids of the GGUF format; ids not listed are not supported.
typedef enum stellar_type {
    STELLAR_TYPE_F32 = 0,
    STELLAR_TYPE_F16 = 1,
    /// 32 elements in 18 bytes: f16 d, then 16 bytes of nibbles q; value = d * (q - 8).
    /// The low nibbles are elements 0 to 15, the high nibbles elements 16 to 31.
    STELLAR_TYPE_Q4_0 = 2,
    /// 32 elements in 20 bytes: f16 d, f16 m, 16 bytes of nibbles q as in Q4_0; value = d * q + m.
    STELLAR_TYPE_Q4_1 = 3,
    /// 32 elements in 34 bytes: f16 d, then 32 signed bytes q; value = d * q.
    STELLAR_TYPE_Q8_0 = 8,
    STELLAR_TYPE_BF16 = 30,
} stellar_type;

/// Number of elements in one indivisible block of `type`: 1 for plain floats, 32 for quantised kinds, 0 for a kind that is not supported.
static inline size_t stellar_type_block_elements(stellar_type type) {
    switch (type) {
    case STELLAR_TYPE_F32:
    case STELLAR_TYPE_F16:
    case STELLAR_TYPE_BF16: return 1;
    case STELLAR_TYPE_Q4_0:
    case STELLAR_TYPE_Q4_1:
    case STELLAR_TYPE_Q8_0: return 32;
    default: return 0;
    }
}

/// Number of bytes of one block of `type`, 0 for a kind that is not supported.
static inline size_t stellar_type_block_bytes(stellar_type type) {
    switch (type) {
    case STELLAR_TYPE_F32: return 4;
    case STELLAR_TYPE_F16:
    case STELLAR_TYPE_BF16: return 2;
    case STELLAR_TYPE_Q4_0: return 18;
    case STELLAR_TYPE_Q4_1: return 20;
    case STELLAR_TYPE_Q8_0: return 34;
    default: return 0;
    }
}

/// Whether the kernels can read weights of this kind.
static inline bool stellar_type_supported(stellar_type type) { return stellar_type_block_elements(type) != 0; }

// MARK: Scalar conversions

/// Exact value of an IEEE 754 binary16 number. Signalling NaNs become quiet, as the processors' own conversion does.
static inline float stellar_f16_to_f32(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t exponent = (half >> 10) & 31u;
    const uint32_t fraction = half & 0x3ffu;
    uint32_t bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000u | (fraction << 13) | (fraction ? 0x400000u : 0);
    } else if (exponent != 0) {
        bits = sign | ((exponent + 112) << 23) | (fraction << 13);
    } else {
        const float magnitude = (float)fraction * 0x1p-24f;
        memcpy(&bits, &magnitude, sizeof bits);
        bits |= sign;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// Nearest IEEE 754 binary16 number, ties to even; too large magnitudes become infinity, NaN stays (quiet) NaN.
static inline uint16_t stellar_f32_to_f16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000u);
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) { return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu)); }
    if (magnitude >= 0x477ff000u) { return (uint16_t)(sign | 0x7c00u); }  // 65520 and above
    if (magnitude < 0x38800000u) {                                        // below 2^-14: the unit of 0.5f is 2^-24
        float shifted;
        memcpy(&shifted, &magnitude, sizeof shifted);
        shifted += 0.5f;
        memcpy(&magnitude, &shifted, sizeof magnitude);
        return (uint16_t)(sign | (magnitude - 0x3f000000u));
    }
    magnitude += 0xfffu + ((magnitude >> 13) & 1u);
    return (uint16_t)(sign | ((magnitude - 0x38000000u) >> 13));
}

/// Exact value of a bfloat16 number (the upper half of a binary32 number).
static inline float stellar_bf16_to_f32(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// Nearest bfloat16 number, ties to even; NaN stays (quiet) NaN.
static inline uint16_t stellar_f32_to_bf16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16) | 0x40u : rounded);
}

// MARK: Attention arguments

/// Most places for tokens in a partition.
#define STELLAR_ATTENTION_TOKENS 256

/// Bytes of the keys, and likewise of the values, of one KV head in a block of the cache.
///
/// Elements of STELLAR_TYPE_F32 and STELLAR_TYPE_F16 are those types' numbers. With STELLAR_TYPE_Q8_0 an element is a signed byte, and
/// behind all elements stands a float for each place, [block_tokens]: value = byte * float of its token.
static inline size_t stellar_kv_block_bytes(stellar_type kv_type, size_t head_size, size_t block_tokens) {
    const size_t elements = head_size * block_tokens;
    return kv_type == STELLAR_TYPE_Q8_0 ? elements + 4 * block_tokens : elements * stellar_type_block_bytes(kv_type);
}

/// Attention of some queries over a partition: a run of blocks of the key/value cache of one KV head.
///
/// Partitions of one query are computed independently of each other (by different threads if need be) and joined by `attention_merge`
/// in their order; `attention_finish` gives the result. Method: M. Milakov, N. Gimelshein, "Online normalizer calculation for softmax",
/// arXiv:1805.02867; in blocks as in T. Dao et al., "FlashAttention", arXiv:2205.14135.
///
/// The result of a query depends on where the borders of partitions lie (not on the other queries of a call), so keep them fixed.
typedef struct stellar_attention {
    /// Queries, [queries][ldq], the first head_size of each row are used. Already multiplied by the scale of the scores,
    /// mostly 1 / sqrt(head_size).
    const float *q;
    size_t ldq;
    size_t queries;
    size_t head_size;
    /// Blocks of the partition: at most STELLAR_ATTENTION_TOKENS places.
    size_t blocks;
    /// [blocks]: keys of each block, transposed: [head_size][block_tokens].
    const void *const *keys;
    /// [blocks]: values of each block: [block_tokens][head_size].
    const void *const *values;
    /// What will be read after this partition; a hint, any address.
    const void *next;
    /// Element type of keys and values: STELLAR_TYPE_F32, STELLAR_TYPE_F16 or STELLAR_TYPE_Q8_0 (see stellar_kv_block_bytes).
    stellar_type kv_type;
    /// Places for tokens in a block, a multiple of 16.
    size_t block_tokens;
    /// [queries]: the places of the partition that the query sees, `first` to `end` - 1; none if first >= end. Other places may hold
    /// anything.
    const uint32_t *first;
    const uint32_t *end;
    /// c: a score s becomes c * tanh(s / c) (Gemma 2, arXiv:2408.00118); 0: none.
    float soft_cap;
    /// Results: greatest score [queries], sum of exp(score - max) [queries], and the sum of exp(score - max) * value, [queries][ldacc],
    /// of which head_size of each row are used. A query that sees nothing gets -infinity, 0 and zeros.
    float *max;
    float *sum;
    float *acc;
    size_t ldacc;
} stellar_attention;

// MARK: Kernel table

typedef enum stellar_isa {
    STELLAR_ISA_SCALAR = 0,
    STELLAR_ISA_AVX2 = 1,    // AVX2, FMA, F16C
    STELLAR_ISA_AVX512 = 2,  // AVX-512 F, BW, DQ, VL, VNNI
    STELLAR_ISA_NEON = 3,    // AArch64 Advanced SIMD
} stellar_isa;

/// The kernels of one instruction set.
typedef struct stellar_kernels {
    stellar_isa isa;

    /// dst[i] = value of element i, for `count` elements (a multiple of the block size of `type`). The value is exact for all kinds but
    /// Q4_1, whose d * q (exact) + m is rounded once: the reference value of the format, bit for bit.
    void (*dequantize)(stellar_type type, const void *src, float *dst, size_t count);

    /// Blocks of activations of a row of n floats, n a multiple of 32. The same numbers on all instruction sets, as words or bytes.
    void (*quantize)(const float *x, stellar_input_block *blocks, size_t n);
    /// Whether the blocks that `quantize` writes and `product` reads hold words.
    bool word_inputs;

    /// A product with packed weights.
    ///
    /// Each (row, output) is summed in one fixed order that depends on `inputs` and the packing alone: the result does not depend on the
    /// number of rows and outputs or the place in them. All instruction sets give the same bits, but for BF16 pairs.
    /// With no inputs the results are 0. y must not overlap the inputs. Memory beyond the weights may be prefetched, never read.
    void (*product)(const stellar_product *args);
    /// Whether `product` takes STELLAR_PACKING_BF16_PAIRS.
    bool bf16_pairs;

    /// y[i] = x[i] / sqrt(mean(x * x) + epsilon) * weight[i]. Squares are summed in float lanes, the mean and the root are taken in
    /// double, the factor is rounded to float once. y may be x.
    void (*rms_norm)(const float *x, const float *weight, float *y, size_t n, float epsilon);

    /// Rotates the pairs (x[2i], x[2i + 1]) by the angle with cosine cos[i] and sine sin[i], in place.
    void (*rope_interleaved)(float *x, const float *cos, const float *sin, size_t pairs);

    /// Rotates the pairs (x[i], x[i + pairs]), in place.
    void (*rope_half)(float *x, const float *cos, const float *sin, size_t pairs);

    /// out[i] = silu(gate[i]) * up[i] with silu(g) = g / (1 + exp(-g)). out may be gate or up.
    void (*silu_multiply)(const float *gate, const float *up, float *out, size_t n);

    /// out[i] = gelu(gate[i]) * up[i] with gelu(g) = g / 2 * (1 + tanh(sqrt(2 / pi) * (g + 0.044715 * g^3))); 0 where that is below
    /// 1e-37. out may be gate or up.
    void (*gelu_multiply)(const float *gate, const float *up, float *out, size_t n);

    /// x[i] = cap * tanh(x[i] / cap) with an error below 3e-7 * cap, in place.
    void (*soft_cap)(float *x, size_t n, float cap);

    /// x[i] += y[i].
    void (*add)(float *x, const float *y, size_t n);

    void (*f32_to_f16)(const float *src, uint16_t *dst, size_t n);
    void (*f16_to_f32)(const uint16_t *src, float *dst, size_t n);
    void (*f32_to_bf16)(const float *src, uint16_t *dst, size_t n);
    void (*bf16_to_f32)(const uint16_t *src, float *dst, size_t n);

    /// Attention over one partition; a state of its own.
    void (*attention)(const stellar_attention *args);
    /// Joins the state of a later partition, [queries] and [queries][ldacc], to that of the earlier ones.
    void (*attention_merge)(float *max, float *sum, float *acc, const float *other_max, const float *other_sum, const float *other_acc,
                            size_t queries, size_t head_size, size_t ldacc);
    /// out[i][0..<head_size] = acc[i] / sum[i]; zeros for a query that has seen nothing. out may be acc.
    void (*attention_finish)(const float *sum, const float *acc, size_t ldacc, size_t queries, size_t head_size, float *out, size_t ldout);

    /// Writes the key and value of one token, [head_size] each, into place `slot` of the block (layout as in stellar_attention).
    /// STELLAR_TYPE_Q8_0: bytes x * (127 / max |x|), rounded to nearest even; a token with a number that is not finite becomes NaN.
    void (*kv_store)(stellar_type kv_type, const float *key, const float *value, void *keys_block, void *values_block, size_t slot,
                     size_t head_size, size_t block_tokens);

    /// Index of the greatest number, the lowest one on ties. NaN never wins; 0 if there is no number.
    size_t (*argmax)(const float *x, size_t n);
    /// The greatest number. NaN never wins; -infinity if there is no number.
    float (*max)(const float *x, size_t n);
    /// log(sum of exp(x[i])), computed around the maximum; -infinity if n is 0 or all x are -infinity.
    float (*log_sum_exp)(const float *x, size_t n);
    /// x[i] = exp(x[i] - max) / sum, in place. If all x are -infinity they become 0.
    void (*softmax)(float *x, size_t n);
} stellar_kernels;

// MARK: Choice of the instruction set

/// The kernels for `isa`, or NULL if this build or this processor does not have it. STELLAR_ISA_SCALAR is always there.
const stellar_kernels *stellar_kernels_for(stellar_isa isa);

/// All kernels that can run here, best first: an instruction set comes once for each extension of it that this processor has (AVX-VNNI,
/// BF16, dot products), and once without. Returns how many there are; at most `capacity` of them are written.
size_t stellar_kernels_available(const stellar_kernels **kernels, size_t capacity);

typedef enum stellar_status {
    STELLAR_STATUS_OK = 0,
    STELLAR_STATUS_UNKNOWN_ISA = 1,
    STELLAR_STATUS_UNSUPPORTED_ISA = 2,
} stellar_status;

/// Chooses kernels by name: "scalar", "avx2", "avx512" or "neon"; NULL or "" chooses the best that this processor has.
/// On failure *kernels is NULL and `message` (may be NULL; at most `capacity` bytes with the ending zero) says what is wrong.
stellar_status stellar_kernels_select(const char *name, const stellar_kernels **kernels, char *message, size_t capacity);

/// Whether the environment variable STELLAR_ISA names kernels that can be used. Ask at start-up, and refuse to start on anything but
/// STELLAR_STATUS_OK.
stellar_status stellar_kernels_status(char *message, size_t capacity);

/// The kernels chosen by STELLAR_ISA at the first call, or the best ones if that names none that can be used. Never NULL, and the same
/// table for the life of the process.
const stellar_kernels *stellar_kernels_active(void);

/// "scalar", "avx2", "avx512" or "neon"; "unknown" for other values.
const char *stellar_isa_name(stellar_isa isa);

/// Writes the processor features that matter here, for example "avx2 fma f16c avx512f", with an ending zero.
/// Returns the length of the whole description without the zero; what does not fit is cut off.
size_t stellar_cpu_description(char *buffer, size_t capacity);

/// Tells the processor that the thread is spinning on a variable.
static inline void stellar_cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ __volatile__("yield" ::: "memory");
#endif
}

#ifdef __cplusplus
}
#endif

#endif

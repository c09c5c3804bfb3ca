// The reference: each kernel in plain C, in the order in which its definition is written. Products and sums are rounded separately.

#include "kernels_internal.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

// MARK: Stored weights

static void dequantize_q4_0(const uint8_t *block, float *dst) {
    const float d = stellar_f16_to_f32(stellar_load_u16(block));
    for (size_t i = 0; i < 16; i++) {
        dst[i] = d * (float)((block[2 + i] & 15) - 8);
        dst[i + 16] = d * (float)((block[2 + i] >> 4) - 8);
    }
}

static void dequantize_q4_1(const uint8_t *block, float *dst) {
    const float d = stellar_f16_to_f32(stellar_load_u16(block));
    const float m = stellar_f16_to_f32(stellar_load_u16(block + 2));
    for (size_t i = 0; i < 16; i++) {
        dst[i] = d * (float)(block[4 + i] & 15) + m;
        dst[i + 16] = d * (float)(block[4 + i] >> 4) + m;
    }
}

static void dequantize_q8_0(const uint8_t *block, float *dst) {
    const float d = stellar_f16_to_f32(stellar_load_u16(block));
    for (size_t i = 0; i < 32; i++) { dst[i] = d * (float)(int8_t)block[2 + i]; }
}

static void dequantize_block(stellar_type type, const uint8_t *block, float *dst) {
    switch (type) {
    case STELLAR_TYPE_F32: *dst = stellar_load_f32(block); break;
    case STELLAR_TYPE_F16: *dst = stellar_f16_to_f32(stellar_load_u16(block)); break;
    case STELLAR_TYPE_BF16: *dst = stellar_bf16_to_f32(stellar_load_u16(block)); break;
    case STELLAR_TYPE_Q4_0: dequantize_q4_0(block, dst); break;
    case STELLAR_TYPE_Q4_1: dequantize_q4_1(block, dst); break;
    case STELLAR_TYPE_Q8_0: dequantize_q8_0(block, dst); break;
    }
}

static void dequantize(stellar_type type, const void *src, float *dst, size_t count) {
    const size_t elements = stellar_type_block_elements(type);
    const size_t bytes = stellar_type_block_bytes(type);
    if (elements == 0) { return; }
    for (size_t block = 0; block < count / elements; block++) {
        dequantize_block(type, (const uint8_t *)src + block * bytes, dst + block * elements);
    }
}

// MARK: Rows

static void rms_norm(const float *x, const float *weight, float *y, size_t n, float epsilon) {
    float squares = 0;
    for (size_t i = 0; i < n; i++) { squares += x[i] * x[i]; }
    const float factor = (float)(1.0 / sqrt((double)squares / (double)n + (double)epsilon));
    for (size_t i = 0; i < n; i++) { y[i] = x[i] * factor * weight[i]; }
}

static void rotate(float *a, float *b, float cosine, float sine) {
    const float first = *a, second = *b;
    *a = first * cosine - second * sine;
    *b = first * sine + second * cosine;
}

static void rope_interleaved(float *x, const float *cos, const float *sin, size_t pairs) {
    for (size_t i = 0; i < pairs; i++) { rotate(&x[2 * i], &x[2 * i + 1], cos[i], sin[i]); }
}

static void rope_half(float *x, const float *cos, const float *sin, size_t pairs) {
    for (size_t i = 0; i < pairs; i++) { rotate(&x[i], &x[i + pairs], cos[i], sin[i]); }
}

static void silu_multiply(const float *gate, const float *up, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) { out[i] = gate[i] / (1 + expf(-gate[i])) * up[i]; }
}

static void gelu_multiply(const float *gate, const float *up, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const float g = gate[i];
        out[i] = g / (1 + expf(-1.5957691216057308f * (g + 0.044715f * g * g * g))) * up[i];
    }
}

static void soft_cap(float *x, size_t n, float cap) {
    for (size_t i = 0; i < n; i++) { x[i] = cap * tanhf(x[i] / cap); }
}

static void add(float *x, const float *y, size_t n) {
    for (size_t i = 0; i < n; i++) { x[i] += y[i]; }
}

// MARK: Conversions

static void f32_to_f16(const float *src, uint16_t *dst, size_t n) {
    for (size_t i = 0; i < n; i++) { dst[i] = stellar_f32_to_f16(src[i]); }
}

static void f16_to_f32(const uint16_t *src, float *dst, size_t n) {
    for (size_t i = 0; i < n; i++) { dst[i] = stellar_f16_to_f32(src[i]); }
}

static void f32_to_bf16(const float *src, uint16_t *dst, size_t n) {
    for (size_t i = 0; i < n; i++) { dst[i] = stellar_f32_to_bf16(src[i]); }
}

static void bf16_to_f32(const uint16_t *src, float *dst, size_t n) {
    for (size_t i = 0; i < n; i++) { dst[i] = stellar_bf16_to_f32(src[i]); }
}

// MARK: Attention

/// An element as it is stored, without the scale of its token.
static float kv_element(stellar_type type, const void *block, size_t index) {
    if (type == STELLAR_TYPE_Q8_0) { return ((const int8_t *)block)[index]; }
    const size_t bytes = stellar_type_block_bytes(type);
    const uint8_t *address = (const uint8_t *)block + index * bytes;
    return type == STELLAR_TYPE_F32 ? stellar_load_f32(address) : stellar_f16_to_f32(stellar_load_u16(address));
}

/// The scale of a token.
static float kv_scale(const stellar_attention *a, const void *block, size_t slot) {
    return a->kv_type == STELLAR_TYPE_Q8_0 ? stellar_load_f32(stellar_kv_scale(block, a->head_size * a->block_tokens, slot)) : 1;
}

static float attention_score(const stellar_attention *a, size_t query, size_t place) {
    const size_t block = place / a->block_tokens, slot = place % a->block_tokens;
    float score = 0;
    for (size_t d = 0; d < a->head_size; d++) {
        score += a->q[query * a->ldq + d] * kv_element(a->kv_type, a->keys[block], d * a->block_tokens + slot);
    }
    score *= kv_scale(a, a->keys[block], slot);
    if (a->soft_cap != 0) { soft_cap(&score, 1, a->soft_cap); }
    return score;
}

static void attend(const stellar_attention *a, size_t query) {
    float *const acc = a->acc + query * a->ldacc;
    float max = -INFINITY, sum = 0;
    for (size_t d = 0; d < a->head_size; d++) { acc[d] = 0; }
    for (size_t place = a->first[query]; place < a->end[query]; place++) {
        const float score = attention_score(a, query, place);
        max = score > max ? score : max;
    }
    const float base = max == -INFINITY ? 0 : max;
    for (size_t place = a->first[query]; place < a->end[query]; place++) {
        const size_t block = place / a->block_tokens, slot = place % a->block_tokens;
        const float weight = expf(attention_score(a, query, place) - base);
        sum += weight;
        const float scaled = weight * kv_scale(a, a->values[block], slot);
        for (size_t d = 0; d < a->head_size; d++) {
            acc[d] += scaled * kv_element(a->kv_type, a->values[block], slot * a->head_size + d);
        }
    }
    a->max[query] = max;
    a->sum[query] = sum;
}

static void attention(const stellar_attention *args) {
    for (size_t query = 0; query < args->queries; query++) { attend(args, query); }
}

static void attention_merge(float *max, float *sum, float *acc, const float *other_max, const float *other_sum, const float *other_acc,
                            size_t queries, size_t head_size, size_t ldacc) {
    for (size_t query = 0; query < queries; query++) {
        if (other_sum[query] == 0) { continue; }
        const float greatest = max[query] > other_max[query] ? max[query] : other_max[query];
        const float scale = max[query] == -INFINITY ? 0 : expf(max[query] - greatest);
        const float other_scale = other_max[query] == -INFINITY ? 0 : expf(other_max[query] - greatest);
        max[query] = greatest;
        sum[query] = sum[query] * scale + other_sum[query] * other_scale;
        for (size_t d = 0; d < head_size; d++) {
            acc[query * ldacc + d] = acc[query * ldacc + d] * scale + other_acc[query * ldacc + d] * other_scale;
        }
    }
}

static void attention_finish(const float *sum, const float *acc, size_t ldacc, size_t queries, size_t head_size, float *out,
                             size_t ldout) {
    for (size_t query = 0; query < queries; query++) {
        const float factor = sum[query] == 0 ? 0 : 1 / sum[query];
        for (size_t d = 0; d < head_size; d++) { out[query * ldout + d] = acc[query * ldacc + d] * factor; }
    }
}

static void kv_put(stellar_type type, void *block, size_t index, float value) {
    uint8_t *const address = (uint8_t *)block + index * stellar_type_block_bytes(type);
    if (type == STELLAR_TYPE_F32) {
        memcpy(address, &value, sizeof value);
    } else {
        const uint16_t half = stellar_f32_to_f16(value);
        memcpy(address, &half, sizeof half);
    }
}

static void kv_store(stellar_type kv_type, const float *key, const float *value, void *keys_block, void *values_block, size_t slot,
                     size_t head_size, size_t block_tokens) {
    if (kv_type == STELLAR_TYPE_Q8_0) { return stellar_kv_store_q8(key, value, keys_block, values_block, slot, head_size, block_tokens); }
    for (size_t d = 0; d < head_size; d++) {
        kv_put(kv_type, keys_block, d * block_tokens + slot, key[d]);
        kv_put(kv_type, values_block, slot * head_size + d, value[d]);
    }
}

// MARK: Logits

static float max(const float *x, size_t n) {
    float greatest = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (x[i] > greatest) { greatest = x[i]; }
    }
    return greatest;
}

static size_t argmax(const float *x, size_t n) {
    const float greatest = max(x, n);
    for (size_t i = 0; i < n; i++) {
        if (x[i] == greatest) { return i; }
    }
    return 0;
}

static float log_sum_exp(const float *x, size_t n) {
    const float greatest = max(x, n);
    if (greatest == -INFINITY) { return -INFINITY; }
    float sum = 0;
    for (size_t i = 0; i < n; i++) { sum += expf(x[i] - greatest); }
    return greatest + logf(sum);
}

static void softmax(float *x, size_t n) {
    const float greatest = max(x, n);
    const float base = greatest == -INFINITY ? 0 : greatest;
    float sum = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = expf(x[i] - base);
        sum += x[i];
    }
    const float factor = sum == 0 ? 0 : 1 / sum;
    for (size_t i = 0; i < n; i++) { x[i] *= factor; }
}

const stellar_kernels stellar_kernels_scalar = {
    .isa = STELLAR_ISA_SCALAR,
    .dequantize = dequantize,
    .quantize = stellar_quantize_scalar,
    .product = stellar_product_scalar,
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

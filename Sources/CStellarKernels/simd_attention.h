// Attention over a block of the key/value cache, written once over the vector primitives of an instruction set (see kernels_simd.h).
//
// A block is walked in spans of at most SPAN tokens; a span is one step of the online softmax. Every query does the same operations
// in the same order whatever its neighbours do: scores are summed over d, values over tokens, and a tile of several queries only
// shares the loads of keys and values.

/// A span of tokens of the block, and a tile of its queries.
typedef struct span {
    const stellar_attention_block *args;
    size_t first_query;
    size_t first_token;
    size_t tokens;             // 16 or SPAN
    size_t seen[QUERY_TILE];   // how many tokens of the span each query sees
    float scale[QUERY_TILE];   // by which the old state shrinks
    float weight[QUERY_TILE][SPAN];
} span;

STELLAR_INLINE vec load_kv(stellar_type type, const void *block, size_t index, size_t lanes) {
    if (type == STELLAR_TYPE_F16) {
        const uint8_t *address = (const uint8_t *)block + 2 * index;
        return lanes == VEC_LANES ? v_load_f16(address) : v_load_f16_n(address, lanes);
    }
    const float *address = (const float *)block + index;
    return lanes == VEC_LANES ? v_load(address) : v_load_n(address, lanes);
}

/// Scores of all places of the span (also of those that a query does not see) into `weight`.
STELLAR_INLINE void span_scores(stellar_type type, size_t queries, size_t vectors, span *s) {
    const stellar_attention_block *a = s->args;
    const float *q = a->q + s->first_query * a->ldq;
    vec score[QUERY_TILE][SPAN / VEC_LANES], key[SPAN / VEC_LANES];
    STELLAR_UNROLL
    for (size_t i = 0; i < queries; i++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) { score[i][v] = v_zero(); }
    }
    for (size_t d = 0; d < a->head_size; d++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            key[v] = load_kv(type, a->keys, d * a->block_tokens + s->first_token + v * VEC_LANES, VEC_LANES);
        }
        STELLAR_UNROLL
        for (size_t i = 0; i < queries; i++) {
            const vec element = v_set1(q[i * a->ldq + d]);
            STELLAR_UNROLL
            for (size_t v = 0; v < vectors; v++) { score[i][v] = v_fma(element, key[v], score[i][v]); }
        }
    }
    STELLAR_UNROLL
    for (size_t i = 0; i < queries; i++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) { v_store(&s->weight[i][v * VEC_LANES], score[i][v]); }
    }
}

/// Scores to weights exp(score - max) for query `i` of the tile; maximum and sum of its state move on.
static void span_weights(span *s, size_t i) {
    const stellar_attention_block *a = s->args;
    const size_t query = s->first_query + i;
    const size_t visible = a->visible[query];
    s->seen[i] = visible <= s->first_token ? 0 : smaller(visible - s->first_token, s->tokens);
    s->scale[i] = 1;
    if (s->seen[i] == 0) { return; }
    float *weight = s->weight[i];
    if (a->soft_cap != 0) { soft_cap(weight, s->tokens, a->soft_cap); }
    if (a->hidden != NULL) {
        for (size_t t = 0; t < s->tokens && s->first_token + t < a->hidden[query]; t++) { weight[t] = -INFINITY; }
    }
    for (size_t t = s->seen[i]; t < s->tokens; t++) { weight[t] = -INFINITY; }
    vec greatest = v_set1(a->max[query]);
    for (size_t t = 0; t < s->tokens; t += VEC_LANES) { greatest = v_max_number(v_load(weight + t), greatest); }
    const float max = v_reduce_max(greatest);
    const float base = max == -INFINITY ? 0 : max;
    vec sum = v_zero();
    for (size_t t = 0; t < s->tokens; t += VEC_LANES) {
        const vec term = v_exp(v_sub(v_load(weight + t), v_set1(base)));
        v_store(weight + t, term);
        sum = v_add(sum, term);
    }
    s->scale[i] = exp_one(a->max[query] - base);
    a->sum[query] = a->sum[query] * s->scale[i] + v_reduce_add(sum);
    a->max[query] = max;
}

/// Weighted values, for elements d to d + vectors * lanes of the head (`lanes` below the vector's width only with one vector).
STELLAR_INLINE void span_values(stellar_type type, size_t queries, size_t vectors, const span *s, size_t d, size_t lanes) {
    const stellar_attention_block *a = s->args;
    float *state = a->acc + s->first_query * a->ldacc + d;
    vec acc[QUERY_TILE][VALUE_VECTORS], value[VALUE_VECTORS];
    size_t common = s->seen[0], most = s->seen[0];
    STELLAR_UNROLL
    for (size_t i = 0; i < queries; i++) {
        common = s->seen[i] < common ? s->seen[i] : common;
        most = s->seen[i] > most ? s->seen[i] : most;
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const float *address = state + i * a->ldacc + v * VEC_LANES;
            acc[i][v] = v_mul(lanes == VEC_LANES ? v_load(address) : v_load_n(address, lanes), v_set1(s->scale[i]));
        }
    }
    for (size_t t = 0; t < most; t++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            value[v] = load_kv(type, a->values, (s->first_token + t) * a->head_size + d + v * VEC_LANES, lanes);
        }
        STELLAR_UNROLL
        for (size_t i = 0; i < queries; i++) {
            if (t >= common && t >= s->seen[i]) { continue; }
            const vec weight = v_set1(s->weight[i][t]);
            STELLAR_UNROLL
            for (size_t v = 0; v < vectors; v++) { acc[i][v] = v_fma(weight, value[v], acc[i][v]); }
        }
    }
    STELLAR_UNROLL
    for (size_t i = 0; i < queries; i++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            float *address = state + i * a->ldacc + v * VEC_LANES;
            if (lanes == VEC_LANES) {
                v_store(address, acc[i][v]);
            } else {
                v_store_n(address, acc[i][v], lanes);
            }
        }
    }
}

STELLAR_INLINE void span_step(stellar_type type, size_t queries, size_t vectors, span *s) {
    if (s->tokens == SPAN) {
        span_scores(type, queries, SPAN / VEC_LANES, s);
    } else {
        span_scores(type, queries, 16 / VEC_LANES, s);
    }
    for (size_t i = 0; i < queries; i++) { span_weights(s, i); }
    const size_t head_size = s->args->head_size;
    size_t d = 0;
    for (; d + vectors * VEC_LANES <= head_size; d += vectors * VEC_LANES) { span_values(type, queries, vectors, s, d, VEC_LANES); }
    for (; d + VEC_LANES <= head_size; d += VEC_LANES) { span_values(type, queries, 1, s, d, VEC_LANES); }
    if (d < head_size) { span_values(type, queries, 1, s, d, head_size - d); }
}

/// Some queries, at most QUERY_TILE and never 5 to QUERY_TILE - 1, against the whole block.
STELLAR_INLINE void tile_of_queries(stellar_type type, size_t queries, size_t vectors, const stellar_attention_block *args, size_t first) {
    size_t most = 0;
    for (size_t i = 0; i < queries; i++) { most = args->visible[first + i] > most ? args->visible[first + i] : most; }
    span s = {.args = args, .first_query = first};
    for (; s.first_token < most; s.first_token += s.tokens) {
        s.tokens = smaller(args->block_tokens - s.first_token, SPAN);
        span_step(type, queries, vectors, &s);
    }
}

#define STELLAR_QUERIES(name, type)                                                                                       \
    static void name##_1(const stellar_attention_block *a, size_t i) { tile_of_queries(type, 1, VALUE_VECTORS, a, i); }   \
    static void name##_2(const stellar_attention_block *a, size_t i) { tile_of_queries(type, 2, VALUE_VECTORS, a, i); }   \
    static void name##_3(const stellar_attention_block *a, size_t i) { tile_of_queries(type, 3, VALUE_VECTORS, a, i); }   \
    static void name##_4(const stellar_attention_block *a, size_t i) { tile_of_queries(type, 4, VALUE_VECTORS, a, i); }   \
    static void name##_full(const stellar_attention_block *a, size_t i) {                                                 \
        tile_of_queries(type, QUERY_TILE, FULL_TILE_VALUE_VECTORS, a, i);                                                 \
    }                                                                                                                     \
    static void name(const stellar_attention_block *a) {                                                                  \
        static void (*const few[])(const stellar_attention_block *, size_t) = {name##_1, name##_2, name##_3, name##_4};   \
        size_t i = 0;                                                                                                     \
        for (; i + QUERY_TILE <= a->queries; i += QUERY_TILE) { name##_full(a, i); }                                      \
        while (i < a->queries) {                                                                                          \
            const size_t count = smaller(a->queries - i, 4);                                                              \
            few[count - 1](a, i);                                                                                         \
            i += count;                                                                                                   \
        }                                                                                                                 \
    }

STELLAR_QUERIES(attention_f16, STELLAR_TYPE_F16)
STELLAR_QUERIES(attention_f32, STELLAR_TYPE_F32)

static void attention_block(const stellar_attention_block *args) {
    if (args->kv_type == STELLAR_TYPE_F16) {
        attention_f16(args);
    } else {
        attention_f32(args);
    }
}

static void attention_start(float *max, float *sum, float *acc, size_t ldacc, size_t queries, size_t head_size) {
    for (size_t query = 0; query < queries; query++) {
        max[query] = -INFINITY;
        sum[query] = 0;
        memset(acc + query * ldacc, 0, head_size * sizeof(float));
    }
}

static void attention_finish(const float *sum, const float *acc, size_t ldacc, size_t queries, size_t head_size, float *out,
                             size_t ldout) {
    for (size_t query = 0; query < queries; query++) {
        const float factor = sum[query] == 0 ? 0 : 1 / sum[query];
        for (size_t d = 0; d < head_size; d++) { out[query * ldout + d] = acc[query * ldacc + d] * factor; }
    }
}

STELLAR_INLINE void kv_store_f16(const float *key, const float *value, uint8_t *keys, uint8_t *values, size_t slot, size_t head_size,
                                 size_t block_tokens) {
    for (size_t d = 0; d < head_size; d += VEC_LANES) {
        const size_t lanes = smaller(head_size - d, VEC_LANES);
        uint16_t halves[VEC_LANES];
        v_store_f16(halves, v_load_n(key + d, lanes));
        for (size_t i = 0; i < lanes; i++) { memcpy(keys + 2 * ((d + i) * block_tokens + slot), &halves[i], 2); }
        v_store_f16(halves, v_load_n(value + d, lanes));
        memcpy(values + 2 * (slot * head_size + d), halves, 2 * lanes);
    }
}

static void kv_store(stellar_type kv_type, const float *key, const float *value, void *keys_block, void *values_block, size_t slot,
                     size_t head_size, size_t block_tokens) {
    uint8_t *keys = (uint8_t *)keys_block, *values = (uint8_t *)values_block;
    if (kv_type == STELLAR_TYPE_F16) {
        kv_store_f16(key, value, keys, values, slot, head_size, block_tokens);
        return;
    }
    for (size_t d = 0; d < head_size; d++) { memcpy(keys + 4 * (d * block_tokens + slot), &key[d], 4); }
    memcpy(values + 4 * slot * head_size, value, 4 * head_size);
}

// Attention over a partition of the key/value cache, written once over the vector primitives of an instruction set (see kernels_simd.h).
//
// Scores of the whole partition come first, then one softmax step, then the weighted values. Every query does the same operations in
// the same order whatever its neighbours do: scores are summed over d, values over tokens, and a tile of several queries only shares
// the loads of keys and values. While one block is computed the next one is fetched into the cache.

/// A tile of queries and their scores, then weights, of all places of the partition.
typedef struct query_tile {
    const stellar_attention *args;
    size_t first_query;
    float weight[QUERY_TILE][STELLAR_ATTENTION_TOKENS];
} query_tile;

STELLAR_INLINE size_t kv_bytes(stellar_type type) { return type == STELLAR_TYPE_Q8_0 ? 1 : type == STELLAR_TYPE_F16 ? 2 : 4; }

/// The first `lanes` bytes as numbers.
STELLAR_INLINE vec load_bytes(const uint8_t *address, size_t lanes) {
    if (lanes == VEC_LANES) { return i_to_float(i_widen_s8(address)); }
    uint8_t bytes[VEC_LANES] = {0};
    for (size_t i = 0; i < lanes; i++) { bytes[i] = address[i]; }
    return i_to_float(i_widen_s8(bytes));
}

STELLAR_INLINE vec load_kv(stellar_type type, const void *elements, size_t index, size_t lanes) {
    const uint8_t *address = (const uint8_t *)elements + kv_bytes(type) * index;
    if (type == STELLAR_TYPE_Q8_0) { return load_bytes(address, lanes); }
    if (type == STELLAR_TYPE_F16) { return lanes == VEC_LANES ? v_load_f16(address) : v_load_f16_n(address, lanes); }
    return lanes == VEC_LANES ? v_load((const float *)address) : v_load_n((const float *)address, lanes);
}

STELLAR_INLINE void fetch(const void *block, size_t byte) { __builtin_prefetch((const uint8_t *)block + byte, 0, 3); }

/// Scores of the places first_place to first_place + vectors * VEC_LANES into `weight` (also of those that a query does not see).
STELLAR_INLINE void place_scores(stellar_type type, size_t queries, size_t vectors, query_tile *tile, size_t first_place) {
    const stellar_attention *a = tile->args;
    const float *q = a->q + tile->first_query * a->ldq;
    const uint8_t *keys[SCORE_VECTORS];
    const void *ahead[SCORE_VECTORS];
    vec score[QUERY_TILE][SCORE_VECTORS], key[SCORE_VECTORS];
    const size_t bytes = kv_bytes(type);
    STELLAR_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        const size_t place = first_place + v * VEC_LANES, block = place / a->block_tokens;
        keys[v] = (const uint8_t *)a->keys[block] + bytes * (place % a->block_tokens);
        const size_t next = block + (vectors * VEC_LANES + a->block_tokens - 1) / a->block_tokens;
        ahead[v] = (const uint8_t *)(next < a->blocks ? a->keys[next] : a->values[next % a->blocks]) + bytes * (place % a->block_tokens);
        STELLAR_UNROLL
        for (size_t i = 0; i < queries; i++) { score[i][v] = v_zero(); }
    }
    for (size_t d = 0; d < a->head_size; d++) {
        const size_t row = bytes * d * a->block_tokens;
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            key[v] = load_kv(type, keys[v] + row, 0, VEC_LANES);
            if (queries <= 4 && v * VEC_LANES * bytes % 64 == 0) { fetch(ahead[v], row); }
        }
        STELLAR_UNROLL
        for (size_t i = 0; i < queries; i++) {
            const vec element = v_set1(q[i * a->ldq + d]);
            STELLAR_UNROLL
            for (size_t v = 0; v < vectors; v++) { score[i][v] = v_fma(element, key[v], score[i][v]); }
        }
    }
    STELLAR_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        const size_t place = first_place + v * VEC_LANES;
        if (type == STELLAR_TYPE_Q8_0) {
            const void *block = a->keys[place / a->block_tokens];
            const uint8_t *scales = stellar_kv_scale(block, a->head_size * a->block_tokens, place % a->block_tokens);
            const vec scale = v_load((const float *)(const void *)scales);
            STELLAR_UNROLL
            for (size_t i = 0; i < queries; i++) { score[i][v] = v_mul(score[i][v], scale); }
        }
        STELLAR_UNROLL
        for (size_t i = 0; i < queries; i++) { v_store(&tile->weight[i][place], score[i][v]); }
    }
}

/// Scores to weights exp(score - max) for query `i` of the tile; writes its maximum and sum.
static void query_weights(query_tile *tile, size_t i) {
    const stellar_attention *a = tile->args;
    const size_t query = tile->first_query + i, first = a->first[query], end = a->end[query];
    a->max[query] = -INFINITY;
    a->sum[query] = 0;
    if (first >= end) { return; }
    float *weight = tile->weight[i];
    const size_t low = first / VEC_LANES * VEC_LANES, high = (end + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
    if (a->soft_cap != 0) { soft_cap(weight + low, high - low, a->soft_cap); }
    for (size_t t = low; t < first; t++) { weight[t] = -INFINITY; }
    for (size_t t = end; t < high; t++) { weight[t] = -INFINITY; }
    vec greatest = v_set1(-INFINITY);
    for (size_t t = low; t < high; t += VEC_LANES) { greatest = v_max_number(v_load(weight + t), greatest); }
    const float max = v_reduce_max(greatest);
    const vec base = v_set1(max == -INFINITY ? 0 : max);
    vec sum = v_zero();
    for (size_t t = low; t < high; t += VEC_LANES) {
        const vec term = v_exp(v_sub(v_load(weight + t), base));
        v_store(weight + t, term);
        sum = v_add(sum, term);
    }
    a->sum[query] = v_reduce_add(sum);
    a->max[query] = max;
}

/// Adds the weighted values of the places `from` to `to` of one block. `checked`: some queries see only some of them.
STELLAR_INLINE void add_values(stellar_type type, size_t queries, size_t vectors, const query_tile *tile, size_t d, size_t lanes,
                               size_t from, size_t to, bool checked, vec acc[QUERY_TILE][VALUE_VECTORS]) {
    const stellar_attention *a = tile->args;
    const size_t block = from / a->block_tokens, start = block * a->block_tokens, bytes = kv_bytes(type);
    const void *ahead = block + 1 < a->blocks ? a->values[block + 1] : a->next;
    const uint8_t *scales = stellar_kv_scale(a->values[block], a->head_size * a->block_tokens, 0);
    for (size_t t = from; t < to; t++) {
        const float scale = type == STELLAR_TYPE_Q8_0 ? stellar_load_f32(scales + 4 * (t - start)) : 1;
        vec value[VALUE_VECTORS];
        const size_t index = (t - start) * a->head_size + d;
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            value[v] = load_kv(type, a->values[block], index + v * VEC_LANES, lanes);
            if (queries <= 4 && v * VEC_LANES * bytes % 64 == 0) { fetch(ahead, bytes * (index + v * VEC_LANES)); }
        }
        STELLAR_UNROLL
        for (size_t i = 0; i < queries; i++) {
            if (checked && (t < a->first[tile->first_query + i] || t >= a->end[tile->first_query + i])) { continue; }
            const vec weight = v_set1(type == STELLAR_TYPE_Q8_0 ? tile->weight[i][t] * scale : tile->weight[i][t]);
            STELLAR_UNROLL
            for (size_t v = 0; v < vectors; v++) { acc[i][v] = v_fma(weight, value[v], acc[i][v]); }
        }
    }
}

/// Places of the partition: those that some query sees, and those that all see.
typedef struct place_range {
    size_t first, common_first, common_end, end;
} place_range;

/// Weighted values, for elements d to d + vectors * lanes of the head (`lanes` below the vector's width only with one vector).
STELLAR_INLINE void head_values(stellar_type type, size_t queries, size_t vectors, const query_tile *tile, const place_range *range,
                                size_t d, size_t lanes) {
    const stellar_attention *a = tile->args;
    vec acc[QUERY_TILE][VALUE_VECTORS];
    STELLAR_UNROLL
    for (size_t i = 0; i < queries; i++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) { acc[i][v] = v_zero(); }
    }
    for (size_t from = range->first; from < range->end;) {
        const size_t to = smaller((from / a->block_tokens + 1) * a->block_tokens, range->end);
        const bool common = from >= range->common_first && to <= range->common_end;
        add_values(type, queries, vectors, tile, d, lanes, from, to, !common, acc);
        from = to;
    }
    STELLAR_UNROLL
    for (size_t i = 0; i < queries; i++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            float *address = a->acc + (tile->first_query + i) * a->ldacc + d + v * VEC_LANES;
            if (lanes == VEC_LANES) {
                v_store(address, acc[i][v]);
            } else {
                v_store_n(address, acc[i][v], lanes);
            }
        }
    }
}

/// Some queries, at most QUERY_TILE and never 5 to QUERY_TILE - 1, against the whole partition.
STELLAR_INLINE void tile_of_queries(stellar_type type, size_t queries, size_t score_vectors, size_t value_vectors,
                                    const stellar_attention *args, size_t first_query) {
    place_range range = {args->first[first_query], args->first[first_query], args->end[first_query], args->end[first_query]};
    for (size_t i = 1; i < queries; i++) {
        const size_t first = args->first[first_query + i], end = args->end[first_query + i];
        range.first = first < range.first ? first : range.first;
        range.common_first = first > range.common_first ? first : range.common_first;
        range.common_end = end < range.common_end ? end : range.common_end;
        range.end = end > range.end ? end : range.end;
    }
    query_tile tile;
    tile.args = args;
    tile.first_query = first_query;
    const size_t step = score_vectors * VEC_LANES;
    size_t place = range.first / VEC_LANES * VEC_LANES;
    for (; place + step <= range.end; place += step) { place_scores(type, queries, score_vectors, &tile, place); }
    for (; place < range.end; place += VEC_LANES) { place_scores(type, queries, 1, &tile, place); }
    for (size_t i = 0; i < queries; i++) { query_weights(&tile, i); }
    const size_t head_size = args->head_size;
    size_t d = 0;
    for (; d + value_vectors * VEC_LANES <= head_size; d += value_vectors * VEC_LANES) {
        head_values(type, queries, value_vectors, &tile, &range, d, VEC_LANES);
    }
    for (; d + VEC_LANES <= head_size; d += VEC_LANES) { head_values(type, queries, 1, &tile, &range, d, VEC_LANES); }
    if (d < head_size) { head_values(type, queries, 1, &tile, &range, d, head_size - d); }
}

#define STELLAR_QUERIES(name, type)                                                                                          \
    static void name##_1(const stellar_attention *a, size_t i) { tile_of_queries(type, 1, SCORE_VECTORS, VALUE_VECTORS, a, i); } \
    static void name##_2(const stellar_attention *a, size_t i) { tile_of_queries(type, 2, SCORE_VECTORS, VALUE_VECTORS, a, i); } \
    static void name##_3(const stellar_attention *a, size_t i) { tile_of_queries(type, 3, SCORE_VECTORS, VALUE_VECTORS, a, i); } \
    static void name##_4(const stellar_attention *a, size_t i) { tile_of_queries(type, 4, SCORE_VECTORS, VALUE_VECTORS, a, i); } \
    static void name##_full(const stellar_attention *a, size_t i) {                                                          \
        tile_of_queries(type, QUERY_TILE, FULL_TILE_SCORE_VECTORS, FULL_TILE_VALUE_VECTORS, a, i);                           \
    }                                                                                                                        \
    static void name(const stellar_attention *a) {                                                                           \
        static void (*const few[])(const stellar_attention *, size_t) = {name##_1, name##_2, name##_3, name##_4};            \
        size_t i = 0;                                                                                                        \
        for (; i + QUERY_TILE <= a->queries; i += QUERY_TILE) { name##_full(a, i); }                                         \
        while (i < a->queries) {                                                                                             \
            const size_t count = smaller(a->queries - i, 4);                                                                 \
            few[count - 1](a, i);                                                                                            \
            i += count;                                                                                                      \
        }                                                                                                                    \
    }

STELLAR_QUERIES(attention_f16, STELLAR_TYPE_F16)
STELLAR_QUERIES(attention_f32, STELLAR_TYPE_F32)
STELLAR_QUERIES(attention_q8, STELLAR_TYPE_Q8_0)

static void attention(const stellar_attention *args) {
    switch (args->kv_type) {
    case STELLAR_TYPE_Q8_0: attention_q8(args); break;
    case STELLAR_TYPE_F16: attention_f16(args); break;
    default: attention_f32(args); break;
    }
}

static void attention_merge(float *max, float *sum, float *acc, const float *other_max, const float *other_sum, const float *other_acc,
                            size_t queries, size_t head_size, size_t ldacc) {
    for (size_t query = 0; query < queries; query++) {
        if (other_sum[query] == 0) { continue; }
        const float greatest = max[query] > other_max[query] ? max[query] : other_max[query];
        const float scale = max[query] == -INFINITY ? 0 : exp_one(max[query] - greatest);
        const float other_scale = other_max[query] == -INFINITY ? 0 : exp_one(other_max[query] - greatest);
        max[query] = greatest;
        sum[query] = sum[query] * scale + other_sum[query] * other_scale;
        float *state = acc + query * ldacc;
        const float *other = other_acc + query * ldacc;
        const vec factor = v_set1(scale), other_factor = v_set1(other_scale);
        size_t d = 0;
        for (; d + VEC_LANES <= head_size; d += VEC_LANES) {
            v_store(state + d, v_fma(v_load(other + d), other_factor, v_mul(v_load(state + d), factor)));
        }
        if (d < head_size) {
            const size_t n = head_size - d;
            v_store_n(state + d, v_fma(v_load_n(other + d, n), other_factor, v_mul(v_load_n(state + d, n), factor)), n);
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
    if (kv_type == STELLAR_TYPE_Q8_0) { return stellar_kv_store_q8(key, value, keys, values, slot, head_size, block_tokens); }
    if (kv_type == STELLAR_TYPE_F16) {
        kv_store_f16(key, value, keys, values, slot, head_size, block_tokens);
        return;
    }
    for (size_t d = 0; d < head_size; d++) { memcpy(keys + 4 * (d * block_tokens + slot), &key[d], 4); }
    memcpy(values + 4 * slot * head_size, value, 4 * head_size);
}

// Products of packed plain weights with float rows (see stellar_packed.h), written once over the vector primitives of an instruction set.
//
// Order of summation, the same for every pair of row and output: one accumulator, products added by fused multiply-add for k = 0, 1, 2, ...
// All instruction sets give the same bits. BF16 pairs: two products are added at each step, as vdpbf16ps does.

enum {
    group_vectors = stellar_panel_outputs / VEC_LANES,
    cached_input_bytes = 1 << 19,  // activation rows that are walked again for every group should stay in the L2 cache
    plain_tile_rows = PLAIN_TILE_ROWS,
    streamed_rows = 2              // up to so many rows weights come from memory as fast as it gives them
};

STELLAR_INLINE vec load_packed(stellar_packing packing, const uint8_t *weights) {
    switch (packing) {
    case STELLAR_PACKING_F16: return v_load_f16(weights);
    case STELLAR_PACKING_BF16: return v_load_bf16(weights);
    default: return v_load((const float *)(const void *)weights);
    }
}

/// Bytes of one output at one step of the sum.
STELLAR_INLINE size_t plain_bytes(stellar_packing packing) {
    return packing == STELLAR_PACKING_F16 || packing == STELLAR_PACKING_BF16 ? 2 : 4;
}

#ifndef HAS_BF16_PAIRS
STELLAR_INLINE vec v_add_pairs(vec sum, vec weights, vec x) {
    (void)weights, (void)x;
    return sum;
}
#endif

/// sum + w * x, or with BF16 pairs (two numbers in a lane) the sum of both products.
STELLAR_INLINE vec add_products(stellar_packing packing, vec w, vec x, vec sum) {
    return packing == STELLAR_PACKING_BF16_PAIRS ? v_add_pairs(sum, w, x) : v_fma(w, x, sum);
}

/// Asks for the cache lines of `bytes` bytes. Harmless wherever it points.
STELLAR_INLINE void prefetch_lines(uintptr_t address, size_t bytes) {
    for (size_t line = 0; line < bytes; line += 64) { __builtin_prefetch((const void *)(address + line), 0, 2); }
}

/// Adds the products of inputs 0..<count to the accumulators of `rows` rows and `vectors` vectors of outputs.
STELLAR_INLINE void plain_tile(stellar_packing packing, size_t rows, size_t vectors, const uint8_t *weights, const stellar_product *p,
                               const uint8_t *x, float *y, size_t outputs, size_t ahead) {
    vec acc[plain_tile_rows][group_vectors];
    const size_t bytes = plain_bytes(packing);
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) { acc[r][v] = v_zero(); }
    }
    const size_t steps = packing == STELLAR_PACKING_BF16_PAIRS ? (p->inputs + 1) / 2 : p->inputs;
    for (size_t k = 0; k < steps; k++) {
        vec w[group_vectors];
        if (rows <= streamed_rows) { prefetch_lines((uintptr_t)weights + ahead, vectors * VEC_LANES * bytes); }
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) { w[v] = load_packed(packing, weights + v * VEC_LANES * bytes); }
        STELLAR_UNROLL
        for (size_t r = 0; r < rows; r++) {
            const vec value = v_set1(stellar_load_f32(x + r * p->row_bytes + k * 4));
            STELLAR_UNROLL
            for (size_t v = 0; v < vectors; v++) { acc[r][v] = add_products(packing, w[v], value, acc[r][v]); }
        }
        weights += stellar_panel_outputs * bytes;
    }
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const size_t first = v * VEC_LANES;
            if (first + VEC_LANES <= outputs) {
                v_store(y + r * p->ldy + first, acc[r][v]);
            } else if (first < outputs) {
                v_store_n(y + r * p->ldy + first, acc[r][v], outputs - first);
            }
        }
    }
}

/// Some rows against one group of outputs.
STELLAR_INLINE void plain_group(stellar_packing packing, size_t rows, size_t vectors, const uint8_t *weights, const stellar_product *p,
                                const uint8_t *x, float *y, size_t outputs, size_t ahead) {
    for (size_t v = 0; v < group_vectors && v * VEC_LANES < outputs; v += vectors) {
        plain_tile(packing, rows, vectors, weights + v * VEC_LANES * plain_bytes(packing), p, x, y + v * VEC_LANES,
                   outputs - v * VEC_LANES, ahead);
    }
}

#define STELLAR_PLAIN_ROWS(packing, rows, vectors) \
    case rows: plain_group(packing, rows, vectors, weights, p, x, y, outputs, ahead); break;

#define STELLAR_PLAIN_TILES(name, packing)                                                                                     \
    static void plain_rows_##name(size_t rows, const uint8_t *weights, const stellar_product *p, const uint8_t *x, float *y,   \
                                  size_t outputs, size_t ahead) {                                                              \
        switch (rows) { PLAIN_TILES(packing) }                                                                                 \
    }

STELLAR_PLAIN_TILES(f32, STELLAR_PACKING_F32)
STELLAR_PLAIN_TILES(f16, STELLAR_PACKING_F16)
STELLAR_PLAIN_TILES(bf16, STELLAR_PACKING_BF16)
#ifdef HAS_BF16_PAIRS
STELLAR_PLAIN_TILES(bf16_pairs, STELLAR_PACKING_BF16_PAIRS)
#endif

typedef void (*group_kernel)(size_t rows, const uint8_t *weights, const stellar_product *p, const uint8_t *x, float *y, size_t outputs,
                             size_t ahead);

/// How many rows the next tile takes of `left`: as many as there can be, but no tile of very few rows at the end if it can be avoided.
STELLAR_INLINE size_t next_rows(size_t left, size_t most) {
    const size_t tiles = (left + most - 1) / most;
    return (left + tiles - 1) / tiles;
}

/// All rows against all outputs: rows in portions that stay in the cache, for each portion the groups of outputs, for each the tiles.
static void walk_groups(group_kernel kernel, size_t tile_rows, size_t group_outputs, const stellar_product *p) {
    const size_t fitting = p->row_bytes ? cached_input_bytes / p->row_bytes / tile_rows * tile_rows : p->rows;
    const size_t portion = fitting < tile_rows ? tile_rows : fitting;
    const size_t group_bytes = stellar_packing_group_bytes(p->packing, p->inputs) * group_outputs
        / stellar_packing_group_outputs(p->packing);
    for (size_t start = 0; start < p->rows; start += portion) {
        const size_t end = start + smaller(p->rows - start, portion);
        const uint8_t *weights = (const uint8_t *)p->weights;
        for (size_t n = 0; n < p->outputs; n += group_outputs, weights += group_bytes) {
            const size_t outputs = smaller(p->outputs - n, group_outputs);
            for (size_t r = start; r < end;) {
                const size_t rows = next_rows(end - r, tile_rows);
                kernel(rows, weights, p, (const uint8_t *)p->x + r * p->row_bytes, p->y + r * p->ldy + n, outputs, group_bytes);
                r += rows;
            }
        }
    }
}

static void product_plain(const stellar_product *p) {
    switch (p->packing) {
    case STELLAR_PACKING_F32: walk_groups(plain_rows_f32, plain_tile_rows, stellar_panel_outputs, p); break;
    case STELLAR_PACKING_F16: walk_groups(plain_rows_f16, plain_tile_rows, stellar_panel_outputs, p); break;
    case STELLAR_PACKING_BF16: walk_groups(plain_rows_bf16, plain_tile_rows, stellar_panel_outputs, p); break;
#ifdef HAS_BF16_PAIRS
    case STELLAR_PACKING_BF16_PAIRS: walk_groups(plain_rows_bf16_pairs, plain_tile_rows, stellar_panel_outputs, p); break;
#endif
    default: break;
    }
}

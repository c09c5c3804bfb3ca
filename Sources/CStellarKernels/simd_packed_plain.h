// Products of packed plain weights with float rows (see stellar_packed.h), written once over the vector primitives of an instruction set.
//
// Order of summation, the same for every pair of row and output: one accumulator, products added by fused multiply-add for k = 0, 1, 2, ...
// All instruction sets give the same bits. BF16 pairs: two products are added at each step, as vdpbf16ps does.
//
// Floats and few rows go through all inputs of a group of outputs at once. Many rows of halves take the inputs in portions that are widened
// once for all of them and stay in the first-level cache; in between the sums rest in y, which changes no bit of them.

enum {
    group_vectors = stellar_panel_outputs / VEC_LANES,
    cached_input_bytes = 1 << 19,  // activation rows that are walked again for every group should stay in the L2 cache
    plain_tile_rows = PLAIN_TILE_ROWS,
    portion_inputs = 128,          // of a group: 16 kB of floats
    plain_tile_steps = PLAIN_STEPS
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

/// Steps of the sum over all inputs.
STELLAR_INLINE size_t plain_steps(stellar_packing packing, size_t inputs) {
    return packing == STELLAR_PACKING_BF16_PAIRS ? (inputs + 1) / 2 : inputs;
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

/// As many weights as a tile reads, which will be read after it: asked for along the way. Tiles of other rows with the same weights ask for
/// a part each, as all at once would be waited for.
typedef struct weight_fetch {
    uintptr_t start;  // may lie past the weights
    size_t tile;      // number of the tile,
    size_t tiles;     // and how many share the work; 0: nothing is fetched
} weight_fetch;

/// Bytes that a tile asks for at each of its steps, which read `step_bytes`; the tiles together ask for these and at most a little more.
STELLAR_INLINE size_t fetched_bytes(weight_fetch fetch, size_t step_bytes, size_t multiple) {
    const size_t parts = multiple * (fetch.tiles ? fetch.tiles : 1);
    return (step_bytes + parts - 1) / parts * multiple;
}

/// Some inputs of a group of outputs.
typedef struct plain_portion {
    /// The first one's, side by side.
    const uint8_t *weights;
    /// Steps of the sum.
    size_t steps;
    /// Whether sums of inputs before these are in y.
    bool continues;
    weight_fetch fetch;
    /// Of the weights to be fetched, bytes a step.
    size_t fetch_bytes;
} plain_portion;

/// The vectors of outputs of some rows in y: all of a vector, or as many as there are.
STELLAR_INLINE vec load_outputs(const float *y, size_t outputs) {
    return outputs >= VEC_LANES ? v_load(y) : v_load_n(y, outputs);
}

STELLAR_INLINE void store_outputs(float *y, vec sums, size_t outputs) {
    if (outputs >= VEC_LANES) {
        v_store(y, sums);
    } else {
        v_store_n(y, sums, outputs);
    }
}

/// Adds the products of one step to the sums of `rows` rows and `vectors` vectors of outputs.
STELLAR_INLINE void plain_step(stellar_packing packing, size_t rows, size_t vectors, const uint8_t *weights, const uint8_t *x,
                               size_t row_bytes, vec acc[plain_tile_rows][group_vectors]) {
    vec w[group_vectors];
    STELLAR_UNROLL
    for (size_t v = 0; v < vectors; v++) { w[v] = load_packed(packing, weights + v * VEC_LANES * plain_bytes(packing)); }
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        const vec value = v_set1(stellar_load_f32(x + r * row_bytes));
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) { acc[r][v] = add_products(packing, w[v], value, acc[r][v]); }
    }
}

/// Adds the products of a portion to the sums of `rows` rows and `vectors` vectors of outputs.
STELLAR_INLINE void plain_tile(stellar_packing packing, size_t rows, size_t vectors, const plain_portion *portion,
                               const stellar_product *p, const uint8_t *x, float *y, size_t outputs) {
    vec acc[plain_tile_rows][group_vectors];
    const size_t bytes = plain_bytes(packing), step_bytes = stellar_panel_outputs * bytes;
    const weight_fetch fetch = portion->fetch;
    const size_t part_bytes = fetched_bytes(fetch, portion->fetch_bytes, 1);
    const uint8_t *weights = portion->weights;
    const uintptr_t ahead = fetch.start - (uintptr_t)weights;
    uintptr_t part = fetch.start + fetch.tile * part_bytes * portion->steps;
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const size_t first = v * VEC_LANES;
            acc[r][v] = portion->continues && first < outputs ? load_outputs(y + r * p->ldy + first, outputs - first) : v_zero();
        }
    }
    size_t k = 0;
    for (; k + plain_tile_steps <= portion->steps; k += plain_tile_steps) {
        STELLAR_UNROLL
        for (size_t i = 0; i < plain_tile_steps && fetch.tiles == 1; i++) {
            prefetch_lines((uintptr_t)weights + i * step_bytes + ahead, vectors * VEC_LANES * bytes);
        }
        STELLAR_UNROLL
        for (size_t i = 0; i < plain_tile_steps && fetch.tiles > 1; i++, part += part_bytes) {
            prefetch_lines(part, vectors * VEC_LANES * bytes);
        }
        STELLAR_UNROLL
        for (size_t i = 0; i < plain_tile_steps; i++) {
            plain_step(packing, rows, vectors, weights + i * step_bytes, x + (k + i) * 4, p->row_bytes, acc);
        }
        weights += plain_tile_steps * step_bytes;
    }
    for (; plain_tile_steps > 1 && k < portion->steps; k++, weights += step_bytes) {
        plain_step(packing, rows, vectors, weights, x + k * 4, p->row_bytes, acc);
    }
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const size_t first = v * VEC_LANES;
            if (first < outputs) { store_outputs(y + r * p->ldy + first, acc[r][v], outputs - first); }
        }
    }
}

/// Some rows against a portion of one group of outputs.
STELLAR_INLINE void plain_group(stellar_packing packing, size_t rows, size_t vectors, const plain_portion *portion,
                                const stellar_product *p, const uint8_t *x, float *y, size_t outputs) {
    plain_portion part = *portion;
    for (size_t v = 0; v < group_vectors && v * VEC_LANES < outputs; v += vectors) {
        part.weights = portion->weights + v * VEC_LANES * plain_bytes(packing);
        part.fetch.start = portion->fetch.start + v * VEC_LANES * plain_bytes(packing);
        plain_tile(packing, rows, vectors, &part, p, x, y + v * VEC_LANES, outputs - v * VEC_LANES);
    }
}

#define STELLAR_PLAIN_ROWS(packing, rows, vectors) \
    case rows: plain_group(packing, rows, vectors, portion, p, x, y, outputs); break;

#define STELLAR_PLAIN_TILES(name, packing)                                                                                     \
    static void plain_portion_##name(size_t rows, const plain_portion *portion, const stellar_product *p, const uint8_t *x,    \
                                     float *y, size_t outputs) {                                                               \
        switch (rows) { PLAIN_TILES(packing) }                                                                                 \
    }                                                                                                                          \
    static void plain_rows_##name(size_t rows, const uint8_t *weights, const stellar_product *p, const uint8_t *x, float *y,   \
                                  size_t outputs, weight_fetch fetch) {                                                        \
        const size_t step_bytes = stellar_panel_outputs * plain_bytes(packing);                                                \
        const plain_portion all = {weights, plain_steps(packing, p->inputs), false, fetch, step_bytes};                        \
        plain_portion_##name(rows, &all, p, x, y, outputs);                                                                    \
    }

STELLAR_PLAIN_TILES(f32, STELLAR_PACKING_F32)
STELLAR_PLAIN_TILES(f16, STELLAR_PACKING_F16)
STELLAR_PLAIN_TILES(bf16, STELLAR_PACKING_BF16)
#ifdef HAS_BF16_PAIRS
STELLAR_PLAIN_TILES(bf16_pairs, STELLAR_PACKING_BF16_PAIRS)
#endif

typedef void (*group_kernel)(size_t rows, const uint8_t *weights, const stellar_product *p, const uint8_t *x, float *y, size_t outputs,
                             weight_fetch fetch);

/// Tiles of at most so many rows.
STELLAR_INLINE size_t tile_count(size_t rows, size_t most) { return (rows + most - 1) / most; }

/// How many rows the next tile takes of `left`: as many as there can be, but no tile of very few rows at the end if it can be avoided.
STELLAR_INLINE size_t next_rows(size_t left, size_t most) {
    const size_t tiles = tile_count(left, most);
    return (left + tiles - 1) / tiles;
}

/// All rows against all outputs: rows in portions that stay in the cache, for each portion the groups of outputs, for each the tiles.
static void walk_groups(group_kernel kernel, size_t tile_rows, size_t group_outputs, const stellar_product *p) {
    const size_t fitting = p->row_bytes ? cached_input_bytes / p->row_bytes / tile_rows * tile_rows : p->rows;
    const size_t portion = fitting < tile_rows ? tile_rows : fitting;
    const size_t group_bytes = stellar_packing_group_bytes(p->packing, p->inputs) * group_outputs
        / stellar_packing_group_outputs(p->packing);
    const bool fetches = FETCHES_FLOATS || p->packing != STELLAR_PACKING_F32;
    for (size_t start = 0; start < p->rows; start += portion) {
        const size_t end = start + smaller(p->rows - start, portion), tiles = tile_count(end - start, tile_rows);
        const uint8_t *weights = (const uint8_t *)p->weights;
        for (size_t n = 0; n < p->outputs; n += group_outputs, weights += group_bytes) {
            const size_t outputs = smaller(p->outputs - n, group_outputs);
            weight_fetch next = {(uintptr_t)weights + group_bytes, 0, fetches ? tiles : 0};
            for (size_t r = start; r < end; next.tile++) {
                const size_t rows = next_rows(end - r, tile_rows);
                kernel(rows, weights, p, (const uint8_t *)p->x + r * p->row_bytes, p->y + r * p->ldy + n, outputs, next);
                r += rows;
            }
        }
    }
}

/// Some rows against one group of outputs of halves, the inputs in portions.
static void group_by_portions(const stellar_product *p, const uint8_t *weights, size_t start, size_t end, float *y, size_t outputs) {
    float floats[portion_inputs * stellar_panel_outputs] __attribute__((aligned(64)));
    const size_t tiles = tile_count(end - start, plain_tile_rows);
    for (size_t k = 0; k < p->inputs; k += portion_inputs) {
        const size_t steps = smaller(p->inputs - k, portion_inputs), first = k * stellar_panel_outputs;
        for (size_t i = 0; i < steps * stellar_panel_outputs; i += VEC_LANES) {
            v_store(floats + i, load_packed(p->packing, weights + 2 * (first + i)));
        }
        const weight_fetch fetch = {(uintptr_t)weights + 2 * (first + steps * stellar_panel_outputs), 0, tiles};
        plain_portion portion = {(const uint8_t *)floats, steps, k > 0, fetch, 2 * stellar_panel_outputs};
        for (size_t r = start; r < end; portion.fetch.tile++) {
            const size_t rows = next_rows(end - r, plain_tile_rows);
            plain_portion_f32(rows, &portion, p, (const uint8_t *)p->x + r * p->row_bytes + k * 4, y + r * p->ldy, outputs);
            r += rows;
        }
    }
}

/// All rows against all outputs of halves, for many rows.
static void walk_portions(const stellar_product *p) {
    const size_t fitting = cached_input_bytes / p->row_bytes / plain_tile_rows * plain_tile_rows;
    const size_t rows = fitting < plain_tile_rows ? plain_tile_rows : fitting;
    const size_t group_bytes = stellar_packing_group_bytes(p->packing, p->inputs);
    for (size_t start = 0; start < p->rows; start += rows) {
        const uint8_t *weights = (const uint8_t *)p->weights;
        for (size_t n = 0; n < p->outputs; n += stellar_panel_outputs, weights += group_bytes) {
            group_by_portions(p, weights, start, start + smaller(p->rows - start, rows), p->y + n,
                              smaller(p->outputs - n, stellar_panel_outputs));
        }
    }
}

static void product_plain(const stellar_product *p) {
    const bool are_halves = p->packing == STELLAR_PACKING_F16 || p->packing == STELLAR_PACKING_BF16;
    if (are_halves && p->rows > plain_tile_rows && p->inputs > 0) { return walk_portions(p); }
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

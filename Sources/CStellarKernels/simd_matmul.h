// Products of stored weights with float rows, written once over the vector primitives of an instruction set (see kernels_simd.h).
//
// Order of summation, the same for every pair of row and output: one vector accumulator, products added by fused multiply-add for
// k = 0, W, 2W, ... (W lanes), the last step padded with zero lanes; then one fixed tree over the lanes. A tile of several rows and
// outputs only interleaves the chains of its pairs. Weights are expanded to their exact F32 values before they are multiplied, so it makes
// no difference whether that happens in registers or beforehand.

enum {
    tile_rows = 4,              // rows of a register tile at most
    tile_outputs = 8,           // outputs of a register tile at most
    panel_outputs = 24,         // weight rows expanded at a time when there are many activation rows
    cached_row_bytes = 1 << 19  // activation rows that are walked again for every panel should stay in the L2 cache
};

/// A rectangle of the product. Lengths in elements, but row_bytes.
typedef struct product {
    const uint8_t *weights;
    size_t row_bytes;
    size_t outputs;
    size_t inputs;
    const float *x;
    size_t ldx;
    float *y;
    size_t ldy;
} product;

// MARK: Weights in registers

STELLAR_INLINE vec load_plain(stellar_type type, const uint8_t *row, size_t k) {
    switch (type) {
    case STELLAR_TYPE_F16: return v_load_f16(row + 2 * k);
    case STELLAR_TYPE_BF16: return v_load_bf16(row + 2 * k);
    default: return v_load((const float *)(const void *)row + k);
    }
}

STELLAR_INLINE vec load_plain_n(stellar_type type, const uint8_t *row, size_t k, size_t lanes) {
    switch (type) {
    case STELLAR_TYPE_F16: return v_load_f16_n(row + 2 * k, lanes);
    case STELLAR_TYPE_BF16: return v_load_bf16_n(row + 2 * k, lanes);
    default: return v_load_n((const float *)(const void *)row + k, lanes);
    }
}

STELLAR_INLINE void expand_block(stellar_type type, const uint8_t *block, vec values[32 / VEC_LANES]) {
    switch (type) {
    case STELLAR_TYPE_Q4_0: expand_q4_0(block, values); break;
    case STELLAR_TYPE_Q4_1: expand_q4_1(block, values); break;
    default: expand_q8_0(block, values); break;
    }
}

// MARK: Register tiles

/// Asks for the next `bytes` bytes of the weights that come after this tile. Harmless beyond their end.
STELLAR_INLINE void prefetch(const uint8_t **ahead, size_t bytes) {
    STELLAR_UNROLL
    for (size_t line = 0; line < bytes; line += 64) { __builtin_prefetch((const void *)((uintptr_t)*ahead + line), 0, 3); }
    *ahead = (const uint8_t *)((uintptr_t)*ahead + bytes);
}

STELLAR_INLINE void tile_finish(size_t rows, size_t outputs, vec acc[tile_rows][tile_outputs], float *y, size_t ldy) {
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t n = 0; n < outputs; n++) { y[r * ldy + n] = v_reduce_add(acc[r][n]); }
    }
}

STELLAR_INLINE void tile_plain(stellar_type type, size_t rows, size_t outputs, const uint8_t *weights, const product *p, float *y) {
    vec acc[tile_rows][tile_outputs], x[tile_rows];
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t n = 0; n < outputs; n++) { acc[r][n] = v_zero(); }
    }
    const uint8_t *ahead = weights + outputs * p->row_bytes;
    size_t k = 0;
    for (; k + VEC_LANES <= p->inputs; k += VEC_LANES) {
        if (rows == 1) { prefetch(&ahead, outputs * VEC_LANES * stellar_type_block_bytes(type)); }
        STELLAR_UNROLL
        for (size_t r = 0; r < rows; r++) { x[r] = v_load(p->x + r * p->ldx + k); }
        STELLAR_UNROLL
        for (size_t n = 0; n < outputs; n++) {
            const vec w = load_plain(type, weights + n * p->row_bytes, k);
            STELLAR_UNROLL
            for (size_t r = 0; r < rows; r++) { acc[r][n] = v_fma(w, x[r], acc[r][n]); }
        }
    }
    if (k < p->inputs) {
        const size_t lanes = p->inputs - k;
        STELLAR_UNROLL
        for (size_t r = 0; r < rows; r++) { x[r] = v_load_n(p->x + r * p->ldx + k, lanes); }
        STELLAR_UNROLL
        for (size_t n = 0; n < outputs; n++) {
            const vec w = load_plain_n(type, weights + n * p->row_bytes, k, lanes);
            STELLAR_UNROLL
            for (size_t r = 0; r < rows; r++) { acc[r][n] = v_fma(w, x[r], acc[r][n]); }
        }
    }
    tile_finish(rows, outputs, acc, y, p->ldy);
}

STELLAR_INLINE void tile_blocks(stellar_type type, size_t rows, size_t outputs, const uint8_t *weights, const product *p, float *y) {
    vec acc[tile_rows][tile_outputs];
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t n = 0; n < outputs; n++) { acc[r][n] = v_zero(); }
    }
    const size_t block_bytes = stellar_type_block_bytes(type);
    const uint8_t *ahead = weights + outputs * p->row_bytes;
    for (size_t k = 0; k < p->inputs; k += 32, weights += block_bytes) {
        prefetch(&ahead, outputs * block_bytes);
        STELLAR_UNROLL
        for (size_t n = 0; n < outputs; n++) {
            vec w[32 / VEC_LANES];
            expand_block(type, weights + n * p->row_bytes, w);
            STELLAR_UNROLL
            for (size_t v = 0; v < 32 / VEC_LANES; v++) {
                STELLAR_UNROLL
                for (size_t r = 0; r < rows; r++) {
                    acc[r][n] = v_fma(w[v], v_load(p->x + r * p->ldx + k + v * VEC_LANES), acc[r][n]);
                }
            }
        }
    }
    tile_finish(rows, outputs, acc, y, p->ldy);
}

STELLAR_INLINE void tile(stellar_type type, size_t rows, size_t outputs, const product *p, size_t first) {
    const uint8_t *weights = p->weights + first * p->row_bytes;
    if (stellar_type_block_elements(type) == 1) {
        tile_plain(type, rows, outputs, weights, p, p->y + first);
    } else {
        tile_blocks(type, rows, outputs, weights, p, p->y + first);
    }
}

/// All outputs of `rows` rows, in tiles of `width` outputs. With constants for the first three this becomes straight-line code.
STELLAR_INLINE void strip(stellar_type type, size_t rows, size_t width, const product *p) {
    size_t n = 0;
    for (; n + width <= p->outputs; n += width) { tile(type, rows, width, p, n); }
    for (; n < p->outputs; n++) { tile(type, rows, 1, p, n); }
}

#define STELLAR_STRIPS(name, type, width1, width2, width3, width4)                                \
    static void strip_##name##_1(const product *p) { strip(type, 1, width1, p); }                 \
    static void strip_##name##_2(const product *p) { strip(type, 2, width2, p); }                 \
    static void strip_##name##_3(const product *p) { strip(type, 3, width3, p); }                 \
    static void strip_##name##_4(const product *p) { strip(type, 4, width4, p); }                 \
    static void strips_##name(size_t rows, const product *p) {                                    \
        static void (*const by_rows[])(const product *) = {strip_##name##_1, strip_##name##_2,    \
                                                           strip_##name##_3, strip_##name##_4};   \
        if (rows >= 1 && rows <= tile_rows) { by_rows[rows - 1](p); }                             \
    }

#define STELLAR_STRIPS_OF(...) STELLAR_STRIPS(__VA_ARGS__)  // lets the widths become four arguments

STELLAR_STRIPS_OF(f32, STELLAR_TYPE_F32, PLAIN_WIDTHS)
STELLAR_STRIPS_OF(f16, STELLAR_TYPE_F16, PLAIN_WIDTHS)
STELLAR_STRIPS_OF(bf16, STELLAR_TYPE_BF16, PLAIN_WIDTHS)
STELLAR_STRIPS_OF(q4_0, STELLAR_TYPE_Q4_0, BLOCK_WIDTHS)
STELLAR_STRIPS_OF(q4_1, STELLAR_TYPE_Q4_1, BLOCK_WIDTHS)
STELLAR_STRIPS_OF(q8_0, STELLAR_TYPE_Q8_0, BLOCK_WIDTHS)

/// At most tile_rows rows.
static void few_rows(stellar_type type, size_t rows, const product *p) {
    switch (type) {
    case STELLAR_TYPE_F32: strips_f32(rows, p); break;
    case STELLAR_TYPE_F16: strips_f16(rows, p); break;
    case STELLAR_TYPE_BF16: strips_bf16(rows, p); break;
    case STELLAR_TYPE_Q4_0: strips_q4_0(rows, p); break;
    case STELLAR_TYPE_Q4_1: strips_q4_1(rows, p); break;
    case STELLAR_TYPE_Q8_0: strips_q8_0(rows, p); break;
    }
}

// MARK: Expanding

static void dequantize_plain(stellar_type type, const uint8_t *src, float *dst, size_t count) {
    size_t k = 0;
    for (; k + VEC_LANES <= count; k += VEC_LANES) { v_store(dst + k, load_plain(type, src, k)); }
    if (k < count) { v_store_n(dst + k, load_plain_n(type, src, k, count - k), count - k); }
}

static void dequantize_blocks(stellar_type type, const uint8_t *src, float *dst, size_t count) {
    const size_t block_bytes = stellar_type_block_bytes(type);
    for (size_t k = 0; k + 32 <= count; k += 32, src += block_bytes) {
        vec values[32 / VEC_LANES];
        expand_block(type, src, values);
        for (size_t v = 0; v < 32 / VEC_LANES; v++) { v_store(dst + k + v * VEC_LANES, values[v]); }
    }
}

static void dequantize(stellar_type type, const void *src, float *dst, size_t count) {
    switch (stellar_type_block_elements(type)) {
    case 1: dequantize_plain(type, (const uint8_t *)src, dst, count); break;
    case 32: dequantize_blocks(type, (const uint8_t *)src, dst, count); break;
    default: break;
    }
}

// MARK: Many rows

STELLAR_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/// All rows against at most panel_outputs outputs.
static void panel(stellar_type type, size_t rows, product p) {
    for (size_t r = 0; r < rows; r += tile_rows) {
        few_rows(type, smaller(rows - r, tile_rows), &p);
        p.x += tile_rows * p.ldx;
        p.y += tile_rows * p.ldy;
    }
}

static product expanded(stellar_type type, const product *p, float *scratch, size_t stride) {
    product result = *p;
    for (size_t n = 0; n < p->outputs; n++) { dequantize(type, p->weights + n * p->row_bytes, scratch + n * stride, p->inputs); }
    result.weights = (const uint8_t *)scratch;
    result.row_bytes = stride * sizeof(float);
    return result;
}

/// Rows in groups that stay in the cache; for each group panels of weights, expanded once; for each panel the register tiles.
static void many_rows(stellar_type type, size_t rows, const product *p) {
    const size_t fitting = cached_row_bytes / (sizeof(float) * (p->inputs + 1)) / tile_rows * tile_rows;
    const size_t group = fitting < 16 ? 16 : fitting;
    const size_t stride = (p->inputs + 31) / 16 * 16;  // the extra line keeps rows of 2^n floats out of the same cache set
    float *scratch = stellar_type_block_elements(type) == 1 ? NULL : aligned_alloc(64, panel_outputs * stride * sizeof(float));
    for (size_t r = 0; r < rows; r += group) {
        for (size_t n = 0; n < p->outputs; n += panel_outputs) {
            product part = *p;
            part.weights += n * p->row_bytes;
            part.outputs = smaller(p->outputs - n, panel_outputs);
            part.x += r * p->ldx;
            part.y += r * p->ldy + n;
            if (scratch != NULL) { part = expanded(type, &part, scratch, stride); }
            panel(scratch != NULL ? STELLAR_TYPE_F32 : type, smaller(rows - r, group), part);
        }
    }
    free(scratch);
}

static void matmul(stellar_type type, const void *weights, size_t row_bytes, size_t outputs, size_t inputs, const float *x, size_t ldx,
                   size_t rows, float *y, size_t ldy) {
    const product p = {(const uint8_t *)weights, row_bytes, outputs, inputs, x, ldx, y, ldy};
    if (!stellar_type_supported(type)) { return; }
    if (rows <= tile_rows) {
        few_rows(type, rows, &p);
    } else {
        many_rows(type, rows, &p);
    }
}

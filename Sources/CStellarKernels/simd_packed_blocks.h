// Products of packed quantised weights with rows of 8-bit blocks (see stellar_packed.h), over the primitives of an instruction set.
//
// For every pair of row and output and each block of 32 inputs in order: the sum S of the products of the numbers as an exact integer, then
//   acc = fma(float(S), scale * x.scale, acc);  and where the packing has a minimum:  acc = fma(minimum, x.sum, acc)
// where scale and minimum of the weights are exact floats. All instruction sets give the same bits.

enum {
    narrow_outputs = 16,
    narrow_vectors = narrow_outputs / VEC_LANES,  // vectors of a group
    tile_vectors = BLOCK_TILE_GROUPS * narrow_vectors,
    block_tile_rows = BLOCK_TILE_ROWS
};

/// Some groups of outputs, `stride` bytes apart.
typedef struct block_groups {
    const uint8_t *header;
    const uint8_t *numbers;
    size_t stride;
} block_groups;

/// Scales (and minimums where there are any) of block `b` of one group. Q6_K: d, the scales of its halves are part of the integers.
STELLAR_INLINE void load_scales(stellar_packing packing, const uint8_t *header, size_t b, vec scale[narrow_vectors],
                                vec minimum[narrow_vectors]) {
    STELLAR_UNROLL
    for (size_t v = 0; v < narrow_vectors; v++) {
        const size_t lane = v * VEC_LANES;
        switch (packing) {
        case STELLAR_PACKING_Q4_1:
            scale[v] = v_load_f16(header + b * 64 + lane * 2);
            minimum[v] = v_load_f16(header + b * 64 + 32 + lane * 2);
            break;
        case STELLAR_PACKING_Q4_K: {
            const uint8_t *super = header + b / 8 * 320, *codes = super + 64 + b % 8 * 32;
            scale[v] = v_mul(v_load_f16(super + lane * 2), i_to_float(i_widen_u8(codes + lane)));
            minimum[v] = v_sub(v_zero(), v_mul(v_load_f16(super + 32 + lane * 2), i_to_float(i_widen_u8(codes + 16 + lane))));
            break;
        }
        case STELLAR_PACKING_Q6_K: scale[v] = v_load_f16(header + b / 8 * 288 + lane * 2); break;
        default: scale[v] = v_load_f16(header + b * 32 + lane * 2); break;
        }
    }
}

/// The numbers of inputs 4 j to 4 j + 3 (first) and 16 further on (second) of one group, as bytes.
STELLAR_INLINE void load_numbers(stellar_packing packing, const uint8_t *block, size_t j, ivec first[narrow_vectors],
                                 ivec second[narrow_vectors]) {
    STELLAR_UNROLL
    for (size_t v = 0; v < narrow_vectors; v++) {
        const uint8_t *place = block + j * 64 + v * VEC_LANES * 4;
        if (packing == STELLAR_PACKING_Q8_0) {
            first[v] = i_load(place);
            second[v] = i_load(place + 256);
            continue;
        }
        const ivec pairs = i_load(place);
        first[v] = i_low_nibbles(pairs);
        second[v] = i_high_nibbles(pairs);
        if (packing == STELLAR_PACKING_Q6_K) {
            const uint8_t *high = block + 256 + v * VEC_LANES * 4;
            first[v] = i_add_high_bits(first[v], i_load(high), j);
            second[v] = i_add_high_bits(second[v], i_load(high + 64), j);
        }
    }
}

/// The part of the numbers' offset in the integer sum of a block, but for Q8_0's of 128: words start with it, bytes with it in the high parts.
STELLAR_INLINE ivec offset_part(stellar_packing packing, int32_t negative_sum) {
    switch (packing) {
    case STELLAR_PACKING_Q4_0: return i_set1(negative_sum * 8);
    case STELLAR_PACKING_Q6_K: return i_set1(negative_sum * 32);
    default: return i_set1(0);
    }
}

STELLAR_INLINE const stellar_input_block *input_block(const uint8_t *x, size_t r, size_t row_bytes) {
    return (const stellar_input_block *)(const void *)(x + r * row_bytes);
}

/// Q6_K: the sum of both halves of a block, each times its scale.
STELLAR_INLINE void multiply_halves(stellar_packing packing, size_t rows, size_t groups, const block_groups *g, size_t b,
                                    ivec sum[block_tile_rows][tile_vectors], ivec first_half[block_tile_rows][tile_vectors]) {
    if (packing != STELLAR_PACKING_Q6_K) { return; }
    STELLAR_UNROLL
    for (size_t v = 0; v < groups * narrow_vectors; v++) {
        const uint8_t *scales = g->header + v / narrow_vectors * g->stride + b / 8 * 288 + 32 + b % 8 * 32 + v % narrow_vectors * VEC_LANES;
        const ivec scale0 = i_widen_s8(scales), scale1 = i_widen_s8(scales + 16);
        STELLAR_UNROLL
        for (size_t r = 0; r < rows; r++) { sum[r][v] = i_add(i_mul(first_half[r][v], scale0), i_mul(sum[r][v], scale1)); }
    }
}

#ifdef HAS_WORD_DOTS
/// Adds the products of the numbers of a block, in pairs of words.
///
/// Q6_K: `first_half` takes those of the first half of the block, which has a scale of its own.
STELLAR_INLINE void add_word_dots(stellar_packing packing, size_t rows, size_t groups, const block_groups *g, const uint8_t *x,
                                  size_t row_bytes, ivec sum[block_tile_rows][tile_vectors],
                                  ivec first_half[block_tile_rows][tile_vectors]) {
    STELLAR_UNROLL
    for (size_t j = 0; j < 4; j++) {
        ivec halves[2][tile_vectors];
        STELLAR_UNROLL
        for (size_t i = 0; i < groups; i++) {
            load_numbers(packing, g->numbers + i * g->stride, j, halves[0] + i * narrow_vectors, halves[1] + i * narrow_vectors);
        }
        STELLAR_UNROLL
        for (size_t half = 0; half < 2; half++) {
            STELLAR_UNROLL
            for (size_t odd = 0; odd < 2; odd++) {
                ivec numbers[tile_vectors];
                STELLAR_UNROLL
                for (size_t v = 0; v < groups * narrow_vectors; v++) {
                    numbers[v] = odd ? i_odd_bytes(halves[half][v]) : i_even_bytes(halves[half][v]);
                }
                STELLAR_UNROLL
                for (size_t r = 0; r < rows; r++) {
                    const ivec pair = i_broadcast2(input_block(x, r, row_bytes)->words + 16 * half + 4 * j + 2 * odd);
                    STELLAR_UNROLL
                    for (size_t v = 0; v < groups * narrow_vectors; v++) {
                        ivec *target = packing == STELLAR_PACKING_Q6_K && half == 0 ? &first_half[r][v] : &sum[r][v];
                        *target = i_dot_words(*target, numbers[v], pair);
                    }
                }
            }
        }
    }
}

/// The integer sums of block `b`.
STELLAR_INLINE void block_sums(stellar_packing packing, size_t rows, size_t groups, const block_groups *g, size_t b,
                               const uint8_t *x, size_t row_bytes, ivec sum[block_tile_rows][tile_vectors]) {
    ivec low[block_tile_rows][tile_vectors];
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        const stellar_input_block *block = input_block(x, r, row_bytes);
        const int32_t first = packing == STELLAR_PACKING_Q6_K ? block->negative_low_sum : 0;
        STELLAR_UNROLL
        for (size_t v = 0; v < groups * narrow_vectors; v++) {
            sum[r][v] = packing == STELLAR_PACKING_Q8_0 ? i_set1(block->negative_sum * 128)
                                                        : offset_part(packing, block->negative_sum - first);
            low[r][v] = offset_part(packing, first);
        }
    }
    add_word_dots(packing, rows, groups, g, x, row_bytes, sum, low);
    multiply_halves(packing, rows, groups, g, b, sum, low);
}
#else
STELLAR_INLINE ivec add_dot(stellar_packing packing, ivec sum, ivec numbers, ivec x) {
    return packing == STELLAR_PACKING_Q8_0 ? i_dot_q8(sum, numbers, x) : i_dot(sum, numbers, x);
}

/// Adds the products of the numbers of a block with the low parts of the activations (`parts` without high) or with both parts.
///
/// Q6_K: `first_half` takes those of the first half of the block, which has a scale of its own.
STELLAR_INLINE void add_dots(stellar_packing packing, size_t rows, size_t groups, const block_groups *g, bool high, const uint8_t *x,
                             size_t row_bytes, ivec sum[block_tile_rows][tile_vectors], ivec first_half[block_tile_rows][tile_vectors]) {
    STELLAR_UNROLL
    for (size_t j = 0; j < 4; j++) {
        ivec first[tile_vectors], second[tile_vectors];
        STELLAR_UNROLL
        for (size_t i = 0; i < groups; i++) {
            load_numbers(packing, g->numbers + i * g->stride, j, first + i * narrow_vectors, second + i * narrow_vectors);
        }
        STELLAR_UNROLL
        for (size_t r = 0; r < rows; r++) {
            const stellar_input_block *block = input_block(x, r, row_bytes);
            const int8_t *q = high ? block->high : block->q;
            const ivec x0 = i_broadcast4(q + 4 * j), x1 = i_broadcast4(q + 16 + 4 * j);
            STELLAR_UNROLL
            for (size_t v = 0; v < groups * narrow_vectors; v++) {
                ivec *target = packing == STELLAR_PACKING_Q6_K ? &first_half[r][v] : &sum[r][v];
                *target = add_dot(packing, *target, first[v], x0);
                sum[r][v] = add_dot(packing, sum[r][v], second[v], x1);
            }
        }
    }
}

/// The integer sums of block `b`: 128 times those of the high parts, then those of the low parts on top.
STELLAR_INLINE void block_sums(stellar_packing packing, size_t rows, size_t groups, const block_groups *g, size_t b,
                               const uint8_t *x, size_t row_bytes, ivec sum[block_tile_rows][tile_vectors]) {
    const size_t vectors = groups * narrow_vectors;
    ivec low[block_tile_rows][tile_vectors];
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            low[r][v] = i_set1(0);
            sum[r][v] = packing == STELLAR_PACKING_Q8_0 ? i_q8_start(input_block(x, r, row_bytes)->negative_sum) : i_set1(0);
        }
    }
    add_dots(packing, rows, groups, g, true, x, row_bytes, sum, low);
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        const stellar_input_block *block = input_block(x, r, row_bytes);
        const int32_t first = packing == STELLAR_PACKING_Q6_K ? block->negative_low_sum : 0;
        STELLAR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            sum[r][v] = i_add(i_times_128(sum[r][v]), offset_part(packing, block->negative_sum - first));
            if (packing == STELLAR_PACKING_Q6_K) { low[r][v] = i_add(i_times_128(low[r][v]), offset_part(packing, first)); }
        }
    }
    add_dots(packing, rows, groups, g, false, x, row_bytes, sum, low);
    multiply_halves(packing, rows, groups, g, b, sum, low);
}
#endif

STELLAR_INLINE bool has_minimum(stellar_packing packing) { return packing == STELLAR_PACKING_Q4_1 || packing == STELLAR_PACKING_Q4_K; }

/// Adds block `b` to the results of the tile.
STELLAR_INLINE void add_block(stellar_packing packing, size_t rows, size_t groups, const block_groups *g, size_t b, const uint8_t *x,
                              size_t row_bytes, vec acc[block_tile_rows][tile_vectors]) {
    ivec sum[block_tile_rows][tile_vectors];
    vec scale[tile_vectors], minimum[tile_vectors];
    block_sums(packing, rows, groups, g, b, x, row_bytes, sum);
    STELLAR_UNROLL
    for (size_t i = 0; i < groups; i++) {
        load_scales(packing, g->header + i * g->stride, b, scale + i * narrow_vectors, minimum + i * narrow_vectors);
    }
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        const stellar_input_block *block = input_block(x, r, row_bytes);
        const vec x_scale = v_set1(block->scale), x_sum = v_set1(block->sum);
        STELLAR_UNROLL
        for (size_t v = 0; v < groups * narrow_vectors; v++) {
            acc[r][v] = v_fma(i_to_float(sum[r][v]), v_mul(scale[v], x_scale), acc[r][v]);
            if (has_minimum(packing)) { acc[r][v] = v_fma(minimum[v], x_sum, acc[r][v]); }
        }
    }
}

STELLAR_INLINE void block_tile(stellar_packing packing, size_t rows, size_t groups, const uint8_t *weights, const stellar_product *p,
                               const uint8_t *x, float *y, size_t outputs, weight_fetch fetch) {
    vec acc[block_tile_rows][tile_vectors];
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < groups * narrow_vectors; v++) { acc[r][v] = v_zero(); }
    }
    const size_t blocks = p->inputs / 32, row_bytes = p->row_bytes;
    const size_t group_bytes = stellar_packing_group_bytes(packing, p->inputs);
    block_groups g = {weights, weights + stellar_packing_header_bytes(packing, p->inputs), group_bytes};
    // Of a step, whole cache lines; 256 inputs are whole blocks of every kind.
    const size_t step_bytes = (groups * stellar_packing_group_bytes(packing, 256) / 8 + 63) / 64 * 64;
    const size_t part_bytes = fetched_bytes(fetch, step_bytes, 64);
    uintptr_t next = fetch.start + fetch.tile * part_bytes * blocks;
    for (size_t b = 0; b < blocks; b++) {
        if (fetch.tiles) { prefetch_lines(next, part_bytes); }
        add_block(packing, rows, groups, &g, b, x, row_bytes, acc);
        next += part_bytes;
        g.numbers += stellar_packing_block_bytes(packing);
        x += sizeof(stellar_input_block);
    }
    STELLAR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        STELLAR_UNROLL
        for (size_t v = 0; v < groups * narrow_vectors; v++) {
            const size_t first = v * VEC_LANES;
            if (first + VEC_LANES <= outputs) {
                v_store(y + r * p->ldy + first, acc[r][v]);
            } else if (first < outputs) {
                v_store_n(y + r * p->ldy + first, acc[r][v], outputs - first);
            }
        }
    }
}

STELLAR_INLINE void block_group(stellar_packing packing, size_t rows, const uint8_t *weights, const stellar_product *p,
                                const uint8_t *x, float *y, size_t outputs, weight_fetch fetch) {
    if (BLOCK_TILE_GROUPS > 1 && outputs > narrow_outputs) {
        block_tile(packing, rows, BLOCK_TILE_GROUPS, weights, p, x, y, outputs, fetch);
    } else {
        block_tile(packing, rows, 1, weights, p, x, y, outputs, fetch);
    }
}

#define STELLAR_BLOCK_ROWS(packing, rows) \
    case rows: block_group(packing, rows, weights, p, x, y, outputs, fetch); break;

#define STELLAR_BLOCK_TILES(name, packing)                                                                                     \
    static void block_rows_##name(size_t rows, const uint8_t *weights, const stellar_product *p, const uint8_t *x, float *y,   \
                                  size_t outputs, weight_fetch fetch) {                                                        \
        switch (rows) { BLOCK_TILES(packing) }                                                                                 \
    }

STELLAR_BLOCK_TILES(q8_0, STELLAR_PACKING_Q8_0)
STELLAR_BLOCK_TILES(q4_0, STELLAR_PACKING_Q4_0)
STELLAR_BLOCK_TILES(q4_1, STELLAR_PACKING_Q4_1)
STELLAR_BLOCK_TILES(q4_k, STELLAR_PACKING_Q4_K)
STELLAR_BLOCK_TILES(q6_k, STELLAR_PACKING_Q6_K)

static void product_blocks(const stellar_product *p) {
    static const group_kernel kernels[] = {block_rows_q8_0, block_rows_q4_0, block_rows_q4_1, block_rows_q4_k, block_rows_q6_k};
    if (p->packing < STELLAR_PACKING_Q8_0 || p->packing > STELLAR_PACKING_Q6_K) { return; }
    walk_groups(kernels[p->packing - STELLAR_PACKING_Q8_0], block_tile_rows, BLOCK_TILE_GROUPS * narrow_outputs, p);
}

static void product(const stellar_product *p) {
    if (stellar_packing_input(p->packing) == STELLAR_INPUT_BLOCKS) {
        product_blocks(p);
    } else {
        product_plain(p);
    }
}

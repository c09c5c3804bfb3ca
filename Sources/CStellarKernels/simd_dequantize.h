// Stored weights to floats, over the vector primitives of an instruction set (see kernels_simd.h).

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

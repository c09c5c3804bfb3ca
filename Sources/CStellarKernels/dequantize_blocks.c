// Expansion of block-quantised weights. The order of operations is that of the reference implementation, so no result may be fused.
#pragma STDC FP_CONTRACT OFF

#include "stellar_dequantize.h"
#include "stellar_kernels.h"

/// The value of the little-endian half at `bytes`.
static inline float half_at(const uint8_t *bytes) {
    return stellar_f16_to_f32((uint16_t)(bytes[0] | bytes[1] << 8));
}

static inline uint32_t word_at(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// MARK: Blocks of 32

/// f16 d, 32 fifth bits, 16 bytes of low nibbles; value = d * (q - 16).
static void expand_q5_0(const uint8_t *block, float *dst) {
    const float d = half_at(block);
    const uint32_t high = word_at(block + 2);
    const uint8_t *low = block + 6;
    for (int i = 0; i < 16; i++) {
        dst[i] = d * (float)((int)((low[i] & 15) | (high >> i & 1) << 4) - 16);
        dst[i + 16] = d * (float)((int)((low[i] >> 4) | (high >> (i + 16) & 1) << 4) - 16);
    }
}

/// f16 d, f16 m, 32 fifth bits, 16 bytes of low nibbles; value = d * q + m.
static void expand_q5_1(const uint8_t *block, float *dst) {
    const float d = half_at(block);
    const float m = half_at(block + 2);
    const uint32_t high = word_at(block + 4);
    const uint8_t *low = block + 8;
    for (int i = 0; i < 16; i++) {
        dst[i] = d * (float)((low[i] & 15) | (high >> i & 1) << 4) + m;
        dst[i + 16] = d * (float)((low[i] >> 4) | (high >> (i + 16) & 1) << 4) + m;
    }
}

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// 32 nibbles as 16 bytes, low ones first; value = d * table[q].
static inline void expand_table(float d, const int8_t *table, const uint8_t *q, float *dst) {
    for (int i = 0; i < 16; i++) {
        dst[i] = d * (float)table[q[i] & 15];
        dst[i + 16] = d * (float)table[q[i] >> 4];
    }
}

/// f16 d, 16 bytes of nibbles.
static void expand_iq4_nl(const uint8_t *block, float *dst) { expand_table(half_at(block), iq4_values, block + 2, dst); }

/// Exponent byte e (scale 2^(e - 127)), 16 bytes of E2M1 nibbles. The table holds the doubled values, so the scale is halved.
static void expand_mxfp4(const uint8_t *block, float *dst) {
    static const int8_t values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    const uint32_t e = block[0];
    const uint32_t bits = e < 2 ? 0x00200000u << e : (e - 1) << 23;
    float d;
    memcpy(&d, &bits, sizeof d);
    expand_table(d, values, block + 1, dst);
}

// MARK: Blocks of 256

/// 16 bytes (scale | min << 4), 64 bytes of 2-bit q, f16 d, f16 dmin; groups of 16: value = d * scale * q - dmin * min.
static void expand_q2_k(const uint8_t *block, float *dst) {
    const uint8_t *scales = block;
    const uint8_t *q = block + 16;
    const float d = half_at(block + 80);
    const float dmin = half_at(block + 82);
    for (int group = 0; group < 16; group++) {
        const float scale = d * (float)(scales[group] & 15);
        const float min = dmin * (float)(scales[group] >> 4);
        const uint8_t *bytes = q + group / 8 * 32 + group % 2 * 16;
        const int shift = group / 2 % 4 * 2;
        for (int i = 0; i < 16; i++) { dst[group * 16 + i] = scale * (float)(bytes[i] >> shift & 3) - min; }
    }
}

/// 32 bytes of third bits, 64 bytes of 2-bit q, 12 bytes of 16 6-bit scales, f16 d; groups of 16: value = d * (scale - 32) * (q - 4).
static void expand_q3_k(const uint8_t *block, float *dst) {
    const uint8_t *high = block;
    const uint8_t *q = block + 32;
    const uint8_t *packed = block + 96;
    const float d = half_at(block + 108);
    for (int group = 0; group < 16; group++) {
        const int low = packed[group % 8] >> (group / 8 * 4) & 15;
        const int upper = packed[8 + group % 4] >> (group / 4 * 2) & 3;
        const float scale = d * (float)((low | upper << 4) - 32);
        const uint8_t *bytes = q + group / 8 * 32 + group % 2 * 16;
        const uint8_t *bits = high + group % 2 * 16;
        const int shift = group / 2 % 4 * 2;
        const int bit = group / 2;
        for (int i = 0; i < 16; i++) {
            dst[group * 16 + i] = scale * (float)((bytes[i] >> shift & 3) - (bits[i] >> bit & 1 ? 0 : 4));
        }
    }
}

/// The 6-bit scale and min of group `index` of 8, packed in 12 bytes.
static inline void unpack_scale(const uint8_t *packed, int index, int *scale, int *min) {
    if (index < 4) {
        *scale = packed[index] & 63;
        *min = packed[index + 4] & 63;
    } else {
        *scale = (packed[index + 4] & 15) | (packed[index - 4] >> 6) << 4;
        *min = (packed[index + 4] >> 4) | (packed[index] >> 6) << 4;
    }
}

/// f16 d, f16 dmin, 12 bytes of scales and mins, 128 bytes of nibbles; groups of 32: value = d * scale * q - dmin * min.
static void expand_q4_k(const uint8_t *block, float *dst) {
    const float d = half_at(block);
    const float dmin = half_at(block + 2);
    for (int group = 0; group < 8; group++) {
        int scale, min;
        unpack_scale(block + 4, group, &scale, &min);
        const float dl = d * (float)scale;
        const float ml = dmin * (float)min;
        const uint8_t *bytes = block + 16 + group / 2 * 32;
        const int shift = group % 2 * 4;
        for (int i = 0; i < 32; i++) { dst[group * 32 + i] = dl * (float)(bytes[i] >> shift & 15) - ml; }
    }
}

/// As Q4_K, with 32 bytes of fifth bits before the nibbles.
static void expand_q5_k(const uint8_t *block, float *dst) {
    const float d = half_at(block);
    const float dmin = half_at(block + 2);
    const uint8_t *high = block + 16;
    for (int group = 0; group < 8; group++) {
        int scale, min;
        unpack_scale(block + 4, group, &scale, &min);
        const float dl = d * (float)scale;
        const float ml = dmin * (float)min;
        const uint8_t *bytes = block + 48 + group / 2 * 32;
        const int shift = group % 2 * 4;
        for (int i = 0; i < 32; i++) {
            dst[group * 32 + i] = dl * (float)((bytes[i] >> shift & 15) | (high[i] >> group & 1) << 4) - ml;
        }
    }
}

/// 128 bytes of low nibbles, 64 bytes of upper 2 bits, 16 signed scales, f16 d; groups of 16: value = d * scale * (q - 32).
static void expand_q6_k(const uint8_t *block, float *dst) {
    const uint8_t *low = block;
    const uint8_t *high = block + 128;
    const int8_t *scales = (const int8_t *)(block + 192);
    const float d = half_at(block + 208);
    for (int half = 0; half < 2; half++) {
        for (int part = 0; part < 4; part++) {
            const uint8_t *nibbles = low + half * 64 + part % 2 * 32;
            const uint8_t *bits = high + half * 32;
            for (int i = 0; i < 32; i++) {
                const float scale = d * (float)scales[half * 8 + part * 2 + i / 16];
                const int q = (nibbles[i] >> (part / 2 * 4) & 15) | (bits[i] >> (part * 2) & 3) << 4;
                dst[half * 128 + part * 32 + i] = scale * (float)(q - 32);
            }
        }
    }
}

/// f16 d, 8 upper 2 bits of scales, 8 lower nibbles of scales, 128 bytes of nibbles; groups of 32: value = d * (scale - 32) * table[q].
static void expand_iq4_xs(const uint8_t *block, float *dst) {
    const float d = half_at(block);
    const int high = block[2] | block[3] << 8;
    for (int group = 0; group < 8; group++) {
        const int low = block[4 + group / 2] >> (group % 2 * 4) & 15;
        const int scale = (low | (high >> (2 * group) & 3) << 4) - 32;
        expand_table(d * (float)scale, iq4_values, block + 8 + group * 16, dst + group * 32);
    }
}

// MARK: Choice by type

struct expansion {
    uint32_t type;
    size_t elements;
    size_t bytes;
    void (*expand)(const uint8_t *block, float *dst);
};

static const struct expansion expansions[] = {
    {6, 32, 22, expand_q5_0},    {7, 32, 24, expand_q5_1},    {10, 256, 84, expand_q2_k},    {11, 256, 110, expand_q3_k},
    {12, 256, 144, expand_q4_k}, {13, 256, 176, expand_q5_k}, {14, 256, 210, expand_q6_k},   {20, 32, 18, expand_iq4_nl},
    {23, 256, 136, expand_iq4_xs}, {39, 32, 17, expand_mxfp4},
};

static const struct expansion *expansion_of(uint32_t type) {
    for (size_t i = 0; i < sizeof expansions / sizeof expansions[0]; i++) {
        if (expansions[i].type == type) { return &expansions[i]; }
    }
    return NULL;
}

bool stellar_expandable(uint32_t type) { return expansion_of(type) != NULL; }

void stellar_expand(uint32_t type, const void *src, float *dst, size_t count) {
    const struct expansion *expansion = expansion_of(type);
    if (expansion == NULL) { return; }
    for (size_t block = 0; block < count / expansion->elements; block++) {
        expansion->expand((const uint8_t *)src + block * expansion->bytes, dst + block * expansion->elements);
    }
}

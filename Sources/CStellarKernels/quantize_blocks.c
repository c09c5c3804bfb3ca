// Quantisation of rows. What has to give the same bytes as the reference keeps its order of operations, so nothing may be fused.
#pragma STDC FP_CONTRACT OFF

#include "stellar_quantize.h"
#include "stellar_kernels.h"

#include <math.h>

static inline void put_half(uint8_t *bytes, float value) {
    const uint16_t half = stellar_f32_to_f16(value);
    bytes[0] = (uint8_t)half;
    bytes[1] = (uint8_t)(half >> 8);
}

static inline int clamp(int value, int low, int high) { return value < low ? low : value > high ? high : value; }

/// The number of greatest magnitude, the first of equals; 0 if all are 0.
static float extreme(const float *x, int n) {
    float best = 0, magnitude = 0;
    for (int i = 0; i < n; i++) {
        if (fabsf(x[i]) > magnitude) {
            magnitude = fabsf(x[i]);
            best = x[i];
        }
    }
    return best;
}

static void range_of(const float *x, int n, float *low, float *high) {
    *low = *high = x[0];
    for (int i = 1; i < n; i++) {
        if (x[i] < *low) { *low = x[i]; }
        if (x[i] > *high) { *high = x[i]; }
    }
}

// MARK: Plain numbers

static void put_f32(const float *x, uint8_t *dst) { memcpy(dst, x, sizeof *x); }

static void put_f16(const float *x, uint8_t *dst) { put_half(dst, *x); }

static void put_bf16(const float *x, uint8_t *dst) {
    const uint16_t half = stellar_f32_to_bf16(*x);
    dst[0] = (uint8_t)half;
    dst[1] = (uint8_t)(half >> 8);
}

// MARK: Blocks of 32

static void quantize_q8_0(const float *x, uint8_t *dst) {
    const float d = fabsf(extreme(x, 32)) / 127;
    const float inverse = d == 0 ? 0 : 1 / d;
    put_half(dst, d);
    for (int i = 0; i < 32; i++) { dst[2 + i] = (uint8_t)(int8_t)roundf(x[i] * inverse); }
}

/// Codes 0 to 2^bits - 1 around the middle, the extreme number at code 0.
static void codes_symmetric(const float *x, int bits, float *d, uint8_t *q) {
    const int middle = 1 << (bits - 1);
    *d = extreme(x, 32) / (float)-middle;
    const float inverse = *d == 0 ? 0 : 1 / *d;
    for (int i = 0; i < 32; i++) { q[i] = (uint8_t)clamp((int)(x[i] * inverse + ((float)middle + 0.5f)), 0, 2 * middle - 1); }
}

/// Codes 0 to 2^bits - 1 from the least number to the greatest.
static void codes_from_minimum(const float *x, int bits, float *d, float *low, uint8_t *q) {
    const int greatest = (1 << bits) - 1;
    float high;
    range_of(x, 32, low, &high);
    *d = (high - *low) / (float)greatest;
    const float inverse = *d == 0 ? 0 : 1 / *d;
    for (int i = 0; i < 32; i++) { q[i] = (uint8_t)clamp((int)((x[i] - *low) * inverse + 0.5f), 0, greatest); }
}

/// The low nibbles of 32 codes in 16 bytes.
static void put_nibbles(const uint8_t *q, uint8_t *dst) {
    for (int i = 0; i < 16; i++) { dst[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4); }
}

/// The fifth bits of 32 codes in 4 bytes.
static void put_fifth_bits(const uint8_t *q, uint8_t *dst) {
    memset(dst, 0, 4);
    for (int i = 0; i < 32; i++) { dst[i / 8] |= (uint8_t)((q[i] >> 4 & 1) << i % 8); }
}

static void quantize_q4_0(const float *x, uint8_t *dst) {
    uint8_t q[32];
    float d;
    codes_symmetric(x, 4, &d, q);
    put_half(dst, d);
    put_nibbles(q, dst + 2);
}

static void quantize_q4_1(const float *x, uint8_t *dst) {
    uint8_t q[32];
    float d, low;
    codes_from_minimum(x, 4, &d, &low, q);
    put_half(dst, d);
    put_half(dst + 2, low);
    put_nibbles(q, dst + 4);
}

static void quantize_q5_0(const float *x, uint8_t *dst) {
    uint8_t q[32];
    float d;
    codes_symmetric(x, 5, &d, q);
    put_half(dst, d);
    put_fifth_bits(q, dst + 2);
    put_nibbles(q, dst + 6);
}

static void quantize_q5_1(const float *x, uint8_t *dst) {
    uint8_t q[32];
    float d, low;
    codes_from_minimum(x, 5, &d, &low, q);
    put_half(dst, d);
    put_half(dst + 2, low);
    put_fifth_bits(q, dst + 4);
    put_nibbles(q, dst + 8);
}

// MARK: Searching scales
//
// Here no order of operations is to be kept: sums may be computed in lanes.

/// The nearest whole number, ties to even, of a magnitude below 2^22.
static inline float nearest(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }

static inline float limit(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

// MARK: Q4_K

/// Value = scale * q - minimum of a group of 32, with both at least 0.
struct affine {
    float scale;
    float minimum;
};

/// How much an error of each number counts: large numbers matter more, none is without weight.
static void weights_of(const float *x, int n, float *weights) {
#pragma clang fp reassociate(on)
    float squares = 0;
    for (int i = 0; i < n; i++) { squares += x[i] * x[i]; }
    const float level = sqrtf(squares / (float)n);
    for (int i = 0; i < n; i++) { weights[i] = level + fabsf(x[i]); }
}

/// Weighted squared error of the best codes 0...15 for a scale and a minimum.
static float affine_error(const float *x, const float *weights, struct affine fit) {
#pragma clang fp reassociate(on)
    const float inverse = fit.scale > 0 ? 1 / fit.scale : 0;
    float error = 0;
    for (int i = 0; i < 32; i++) {
        const float q = nearest(limit((x[i] + fit.minimum) * inverse, 0, 15));
        const float difference = fit.scale * q - fit.minimum - x[i];
        error += weights[i] * difference * difference;
    }
    return error;
}

/// The scale and minimum that suit given codes best: weighted linear regression of x on q, with the minimum held at 0 if it would become
/// negative.
static struct affine regress(const float *x, const float *weights, const float *q) {
#pragma clang fp reassociate(on)
    float w = 0, wq = 0, wqq = 0, wx = 0, wqx = 0;
    for (int i = 0; i < 32; i++) {
        const float weighted = weights[i] * q[i];
        w += weights[i];
        wq += weighted;
        wqq += weighted * q[i];
        wx += weights[i] * x[i];
        wqx += weighted * x[i];
    }
    const float determinant = w * wqq - wq * wq;
    struct affine fit = {0, 0};
    if (determinant > 0) {
        fit.scale = (w * wqx - wq * wx) / determinant;
        fit.minimum = (wq * wqx - wqq * wx) / determinant;
    }
    if (determinant <= 0 || fit.minimum < 0) {
        fit.minimum = 0;
        fit.scale = wqq > 0 ? wqx / wqq : 0;
    }
    if (!(fit.scale > 0)) { fit.scale = 0; }
    return fit;
}

/// Searches the scale and minimum of a group: codes for a series of steps between them, regression on each, the least error wins.
static struct affine fit_group(const float *x, const float *weights) {
    float low, high;
    range_of(x, 32, &low, &high);
    if (low > 0) { low = 0; }
    if (high <= low) { return (struct affine){0, -low}; }
    struct affine best = {(high - low) / 15, -low};
    float least = affine_error(x, weights, best);
    for (int step = 0; step <= 24; step++) {
        const float inverse = (13.8f + 0.1f * (float)step) / (high - low);
        float q[32];
        for (int i = 0; i < 32; i++) { q[i] = nearest(limit((x[i] - low) * inverse, 0, 15)); }
        const struct affine fit = regress(x, weights, q);
        const float error = affine_error(x, weights, fit);
        if (error < least) {
            least = error;
            best = fit;
        }
    }
    return best;
}

/// Of the 6-bit multiples near the wanted ones, those that give the least error.
static void choose_multiples(const float *x, const float *weights, float d, float dmin, struct affine wanted, int *scale, int *minimum) {
    const int near_scale = d > 0 ? clamp((int)lrintf(wanted.scale / d), 0, 63) : 0;
    const int near_minimum = dmin > 0 ? clamp((int)lrintf(wanted.minimum / dmin), 0, 63) : 0;
    float least = INFINITY;
    *scale = near_scale;
    *minimum = near_minimum;
    for (int s = clamp(near_scale - 1, 0, 63); s <= clamp(near_scale + 1, 0, 63); s++) {
        for (int m = clamp(near_minimum - 1, 0, 63); m <= clamp(near_minimum + 1, 0, 63); m++) {
            const float error = affine_error(x, weights, (struct affine){d * (float)s, dmin * (float)m});
            if (error < least) {
                least = error;
                *scale = s;
                *minimum = m;
            }
        }
    }
}

static void quantize_q4_k(const float *x, uint8_t *dst) {
    float weights[256];
    struct affine fits[8];
    float greatest_scale = 0, greatest_minimum = 0;
    for (int group = 0; group < 8; group++) {
        weights_of(x + group * 32, 32, weights + group * 32);
        fits[group] = fit_group(x + group * 32, weights + group * 32);
        greatest_scale = fmaxf(greatest_scale, fits[group].scale);
        greatest_minimum = fmaxf(greatest_minimum, fits[group].minimum);
    }
    memset(dst, 0, 144);
    put_half(dst, greatest_scale / 63);
    put_half(dst + 2, greatest_minimum / 63);
    const float d = stellar_f16_to_f32(stellar_f32_to_f16(greatest_scale / 63));
    const float dmin = stellar_f16_to_f32(stellar_f32_to_f16(greatest_minimum / 63));
    uint8_t *packed = dst + 4;
    for (int group = 0; group < 8; group++) {
        const float *values = x + group * 32;
        int scale, minimum;
        choose_multiples(values, weights + group * 32, d, dmin, fits[group], &scale, &minimum);
        if (group < 4) {
            packed[group] |= (uint8_t)scale;
            packed[group + 4] |= (uint8_t)minimum;
        } else {
            packed[group + 4] |= (uint8_t)((scale & 15) | (minimum & 15) << 4);
            packed[group - 4] |= (uint8_t)(scale >> 4 << 6);
            packed[group] |= (uint8_t)(minimum >> 4 << 6);
        }
        const float step = d * (float)scale;
        const float inverse = step > 0 ? 1 / step : 0;
        const float offset = dmin * (float)minimum;
        uint8_t *bytes = dst + 16 + group / 2 * 32;
        for (int i = 0; i < 32; i++) {
            const int q = (int)nearest(limit((values[i] + offset) * inverse, 0, 15));
            bytes[i] |= (uint8_t)(q << group % 2 * 4);
        }
    }
}

// MARK: Q6_K

/// The scale of a group of 16 with codes -32...31: codes for a series of scales around the one that reaches the extreme number, the best
/// scale for each, the least squared error (weighted by the squares) wins. May be negative.
static float fit_scale(const float *x) {
#pragma clang fp reassociate(on)
    const float top = extreme(x, 16);
    if (fabsf(top) < 1e-15f) { return 0; }
    float best = 0, gain = 0;
    for (int step = -9; step <= 9; step++) {
        const float inverse = -(32 + 0.1f * (float)step) / top;
        float wqx = 0, wqq = 0;
        for (int i = 0; i < 16; i++) {
            const float q = nearest(limit(x[i] * inverse, -32, 31));
            const float weight = x[i] * x[i];
            wqx += weight * q * x[i];
            wqq += weight * q * q;
        }
        if (wqq > 0 && wqx * wqx > gain * wqq) {
            gain = wqx * wqx / wqq;
            best = wqx / wqq;
        }
    }
    return best;
}

static void quantize_q6_k(const float *x, uint8_t *dst) {
    float scales[16];
    for (int group = 0; group < 16; group++) { scales[group] = fit_scale(x + group * 16); }
    const float greatest = extreme(scales, 16);
    memset(dst, 0, 210);
    if (greatest == 0) { return; }
    put_half(dst + 208, greatest / -128);
    const float d = stellar_f16_to_f32(stellar_f32_to_f16(greatest / -128));
    const float inverse = d != 0 ? 1 / d : 0;
    uint8_t codes[256];
    for (int group = 0; group < 16; group++) {
        const int scale = clamp((int)lrintf(scales[group] * inverse), -128, 127);
        dst[192 + group] = (uint8_t)(int8_t)scale;
        const float step = d * (float)scale;
        for (int i = 0; i < 16; i++) {
            const float value = step != 0 ? x[group * 16 + i] / step : 0;
            codes[group * 16 + i] = (uint8_t)((int)nearest(limit(value, -32, 31)) + 32);
        }
    }
    for (int half = 0; half < 2; half++) {
        for (int part = 0; part < 4; part++) {
            for (int i = 0; i < 32; i++) {
                const int code = codes[half * 128 + part * 32 + i];
                dst[half * 64 + part % 2 * 32 + i] |= (uint8_t)((code & 15) << part / 2 * 4);
                dst[128 + half * 32 + i] |= (uint8_t)(code >> 4 << part * 2);
            }
        }
    }
}

// MARK: Choice by type

struct quantization {
    uint32_t type;
    size_t elements;
    size_t bytes;
    void (*quantize)(const float *x, uint8_t *dst);
};

static const struct quantization quantizations[] = {
    {0, 1, 4, put_f32},           {1, 1, 2, put_f16},          {30, 1, 2, put_bf16},         {8, 32, 34, quantize_q8_0},
    {2, 32, 18, quantize_q4_0},   {3, 32, 20, quantize_q4_1},  {6, 32, 22, quantize_q5_0},   {7, 32, 24, quantize_q5_1},
    {12, 256, 144, quantize_q4_k}, {14, 256, 210, quantize_q6_k},
};

static const struct quantization *quantization_of(uint32_t type) {
    for (size_t i = 0; i < sizeof quantizations / sizeof quantizations[0]; i++) {
        if (quantizations[i].type == type) { return &quantizations[i]; }
    }
    return NULL;
}

bool stellar_quantizable(uint32_t type) { return quantization_of(type) != NULL; }

void stellar_quantize(uint32_t type, const float *src, void *dst, size_t count) {
    const struct quantization *quantization = quantization_of(type);
    if (quantization == NULL) { return; }
    for (size_t block = 0; block < count / quantization->elements; block++) {
        quantization->quantize(src + block * quantization->elements, (uint8_t *)dst + block * quantization->bytes);
    }
}

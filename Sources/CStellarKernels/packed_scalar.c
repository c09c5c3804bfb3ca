// Packed products in plain C: the reference that the other instruction sets equal bit for bit (but for BF16 pairs).

#include "kernels_internal.h"

#include <math.h>
#include <stdlib.h>

#pragma STDC FP_CONTRACT OFF

enum { wide_group = 32, narrow_group = 16 };

STELLAR_INLINE float half_at(const uint8_t *halves, size_t lane) { return stellar_f16_to_f32(stellar_load_u16(halves + lane * 2)); }

// MARK: Plain numbers

static float plain_output(const stellar_product *p, const uint8_t *group, const uint8_t *x, size_t lane) {
    float sum = 0;
    for (size_t k = 0; k < p->inputs; k++) {
        const uint8_t *w = group + (k * wide_group + lane) * (p->packing == STELLAR_PACKING_F32 ? 4 : 2);
        const float weight = p->packing == STELLAR_PACKING_F32 ? stellar_load_f32(w)
            : p->packing == STELLAR_PACKING_F16                ? stellar_f16_to_f32(stellar_load_u16(w))
                                                               : stellar_bf16_to_f32(stellar_load_u16(w));
        sum = fmaf(weight, stellar_load_f32(x + k * 4), sum);
    }
    return sum;
}

// MARK: Blocks

/// Sum of the products of half a block: inputs 16 * half to 16 * half + 15.
static int32_t half_sum(stellar_packing packing, const uint8_t *block, size_t lane, const stellar_input_block *x, size_t half) {
    int32_t sum = 0;
    for (size_t i = 0; i < 16; i++) {
        const size_t place = i / 4 * 64 + lane * 4 + i % 4;
        int32_t number;
        switch (packing) {
        case STELLAR_PACKING_Q8_0: number = block[half * 256 + place] - 128; break;
        case STELLAR_PACKING_Q4_0: number = (block[place] >> 4 * half & 15) - 8; break;
        case STELLAR_PACKING_Q6_K:
            number = ((block[place] >> 4 * half & 15) | (block[256 + half * 64 + lane * 4 + i % 4] >> i / 4 * 2 & 3) << 4) - 32;
            break;
        default: number = block[place] >> 4 * half & 15; break;
        }
        sum += number * (x->q[half * 16 + i] + 128 * x->high[half * 16 + i]);
    }
    return sum;
}

static float block_output(const stellar_product *p, const uint8_t *header, const uint8_t *x, size_t lane) {
    const uint8_t *numbers = header + stellar_packing_header_bytes(p->packing, p->inputs);
    float acc = 0;
    for (size_t b = 0; b < p->inputs / 32; b++, x += sizeof(stellar_input_block)) {
        const stellar_input_block *block = (const stellar_input_block *)(const void *)x;
        const uint8_t *w = numbers + b * stellar_packing_block_bytes(p->packing);
        int32_t low = half_sum(p->packing, w, lane, block, 0), high = half_sum(p->packing, w, lane, block, 1);
        float scale, minimum = 0;
        bool has_minimum = false;
        switch (p->packing) {
        case STELLAR_PACKING_Q4_1:
            scale = half_at(header + b * 64, lane);
            minimum = half_at(header + b * 64 + 32, lane);
            has_minimum = true;
            break;
        case STELLAR_PACKING_Q4_K: {
            const uint8_t *super = header + b / 8 * 320, *codes = super + 64 + b % 8 * 32;
            scale = half_at(super, lane) * (float)codes[lane];
            minimum = 0 - half_at(super + 32, lane) * (float)codes[16 + lane];
            has_minimum = true;
            break;
        }
        case STELLAR_PACKING_Q6_K: {
            const uint8_t *super = header + b / 8 * 288, *codes = super + 32 + b % 8 * 32;
            scale = half_at(super, lane);
            low *= (int8_t)codes[lane];
            high *= (int8_t)codes[16 + lane];
            break;
        }
        default: scale = half_at(header + b * 32, lane); break;
        }
        acc = fmaf((float)(low + high), scale * block->scale, acc);
        if (has_minimum) { acc = fmaf(minimum, block->sum, acc); }
    }
    return acc;
}

void stellar_product_scalar(const stellar_product *p) {
    const bool is_plain = p->packing < STELLAR_PACKING_Q8_0;
    const size_t width = stellar_packing_group_outputs(p->packing), bytes = stellar_packing_group_bytes(p->packing, p->inputs);
    for (size_t r = 0; r < p->rows; r++) {
        const uint8_t *x = (const uint8_t *)p->x + r * p->row_bytes;
        for (size_t n = 0; n < p->outputs; n++) {
            const uint8_t *group = (const uint8_t *)p->weights + n / width * bytes;
            p->y[r * p->ldy + n] = is_plain ? plain_output(p, group, x, n % width) : block_output(p, group, x, n % width);
        }
    }
}

// MARK: Activations

void stellar_quantize_scalar(const float *x, stellar_input_block *blocks, size_t n) {
    for (size_t b = 0; b < n / 32; b++, x += 32) {
        uint32_t greatest = 0;
        for (size_t i = 0; i < 32; i++) {
            uint32_t bits;
            memcpy(&bits, x + i, sizeof bits);
            bits &= 0x7fffffffu;
            greatest = bits > greatest ? bits : greatest;
        }
        float scale, inverse;
        stellar_block_scale(greatest, &scale, &inverse);
        int32_t sums[2] = {0, 0};
        for (size_t i = 0; i < 32; i++) {
            const int32_t number = inverse == 0 ? 0 : (int32_t)rintf(x[i] * inverse);
            const int32_t high = (number + 64) >> 7;
            blocks[b].high[i] = (int8_t)high;
            blocks[b].q[i] = (int8_t)(number - 128 * high);
            sums[i / 16] += number;
        }
        stellar_finish_block(&blocks[b], scale, sums[0], sums[1]);
    }
}

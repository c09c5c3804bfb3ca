// Packed weights: how they are made, and how one output is read back. Plain C: both run once for a matrix or once for a token.

#include "kernels_internal.h"

enum {
    wide_group = 32,    // outputs of a group of plain numbers
    narrow_group = 16,  // and of quantised ones
    q4_k_bytes = 144,   // f16 d, f16 dmin, 12 bytes of 6-bit scales and minimums, 128 bytes of 4-bit numbers
    q6_k_bytes = 210    // 128 bytes of low four bits, 64 bytes of high two bits, 16 signed bytes of scales, f16 d
};

STELLAR_INLINE void store_u16(uint8_t *address, uint16_t value) { memcpy(address, &value, sizeof value); }
STELLAR_INLINE void store_u32(uint8_t *address, uint32_t value) { memcpy(address, &value, sizeof value); }
STELLAR_INLINE uint32_t load_u32(const uint8_t *address) {
    uint32_t value;
    memcpy(&value, address, sizeof value);
    return value;
}

// MARK: Plain numbers

static void pack_plain(stellar_packing packing, const float *row, size_t inputs, size_t lane, uint8_t *group) {
    switch (packing) {
    case STELLAR_PACKING_F32:
        for (size_t k = 0; k < inputs; k++) { memcpy(group + (k * wide_group + lane) * 4, row + k, 4); }
        break;
    case STELLAR_PACKING_F16:
        for (size_t k = 0; k < inputs; k++) { store_u16(group + (k * wide_group + lane) * 2, stellar_f32_to_f16(row[k])); }
        break;
    case STELLAR_PACKING_BF16:
        for (size_t k = 0; k < inputs; k++) { store_u16(group + (k * wide_group + lane) * 2, stellar_f32_to_bf16(row[k])); }
        break;
    default:
        for (size_t k = 0; k < inputs; k++) {
            store_u16(group + (k / 2 * wide_group + lane) * 4 + k % 2 * 2, stellar_f32_to_bf16(row[k]));
        }
        if (inputs % 2) { store_u16(group + (inputs / 2 * wide_group + lane) * 4 + 2, 0); }
        break;
    }
}

static float plain_value(stellar_packing packing, const uint8_t *group, size_t k, size_t lane) {
    switch (packing) {
    case STELLAR_PACKING_F32: return stellar_load_f32(group + (k * wide_group + lane) * 4);
    case STELLAR_PACKING_F16: return stellar_f16_to_f32(stellar_load_u16(group + (k * wide_group + lane) * 2));
    case STELLAR_PACKING_BF16: return stellar_bf16_to_f32(stellar_load_u16(group + (k * wide_group + lane) * 2));
    default: return stellar_bf16_to_f32(stellar_load_u16(group + (k / 2 * wide_group + lane) * 4 + k % 2 * 2));
    }
}

// MARK: Blocks of 32

/// Where the 4-bit numbers of 32 inputs go: byte i of the source (inputs i and i + 16) to place i of the lane.
STELLAR_INLINE void put_nibbles(const uint8_t *nibbles, size_t lane, uint8_t *block) {
    for (size_t j = 0; j < 4; j++) { store_u32(block + j * 64 + lane * 4, load_u32(nibbles + 4 * j)); }
}

static void pack_q4(stellar_packing packing, const uint8_t *row, size_t inputs, size_t lane, uint8_t *header, uint8_t *numbers) {
    const bool has_minimum = packing == STELLAR_PACKING_Q4_1;
    const size_t lead = has_minimum ? 4 : 2;
    for (size_t b = 0; b < inputs / 32; b++, row += lead + 16) {
        store_u16(header + b * 16 * lead + lane * 2, stellar_load_u16(row));
        if (has_minimum) { store_u16(header + b * 64 + 32 + lane * 2, stellar_load_u16(row + 2)); }
        put_nibbles(row + lead, lane, numbers + b * 256);
    }
}

static void pack_q8(const uint8_t *row, size_t inputs, size_t lane, uint8_t *header, uint8_t *numbers) {
    for (size_t b = 0; b < inputs / 32; b++, row += 34) {
        store_u16(header + b * 32 + lane * 2, stellar_load_u16(row));
        for (size_t j = 0; j < 8; j++) { store_u32(numbers + b * 512 + j * 64 + lane * 4, load_u32(row + 2 + 4 * j) ^ 0x80808080u); }
    }
}

// MARK: Blocks of 256

/// The 6-bit scale and minimum of sub-block `s`, see `get_scale_min_k4` in the description of the format (ggml-quants.c).
static void q4_k_scale(const uint8_t *codes, size_t s, uint8_t *scale, uint8_t *minimum) {
    if (s < 4) {
        *scale = codes[s] & 63;
        *minimum = codes[s + 4] & 63;
    } else {
        *scale = (uint8_t)((codes[s + 4] & 15) | (codes[s - 4] >> 6 << 4));
        *minimum = (uint8_t)((codes[s + 4] >> 4) | (codes[s] >> 6 << 4));
    }
}

static void pack_q4_k(const uint8_t *row, size_t inputs, size_t lane, uint8_t *header, uint8_t *numbers) {
    for (size_t b = 0; b < inputs / 256; b++, row += q4_k_bytes, header += 320, numbers += 8 * 256) {
        store_u16(header + lane * 2, stellar_load_u16(row));
        store_u16(header + 32 + lane * 2, stellar_load_u16(row + 2));
        for (size_t s = 0; s < 8; s++) {
            q4_k_scale(row + 4, s, header + 64 + s * 32 + lane, header + 64 + s * 32 + 16 + lane);
            uint8_t nibbles[16];
            const uint8_t *pairs = row + 16 + s / 2 * 32;
            for (size_t i = 0; i < 16; i++) {
                const uint8_t low = s % 2 ? pairs[i] >> 4 : pairs[i] & 15;
                const uint8_t high = s % 2 ? pairs[i + 16] >> 4 : pairs[i + 16] & 15;
                nibbles[i] = (uint8_t)(low | high << 4);
            }
            put_nibbles(nibbles, lane, numbers + s * 256);
        }
    }
}

/// The 6-bit number of element i of a block.
static uint8_t q6_k_code(const uint8_t *block, size_t i) {
    const size_t half = i / 128, quarter = i % 128 / 32, place = i % 32;
    const uint8_t low = block[half * 64 + (quarter & 1) * 32 + place];
    const uint8_t high = block[128 + half * 32 + place];
    return (uint8_t)((quarter < 2 ? low & 15 : low >> 4) | ((high >> 2 * quarter) & 3) << 4);
}

static void pack_q6_k(const uint8_t *row, size_t inputs, size_t lane, uint8_t *header, uint8_t *numbers) {
    for (size_t b = 0; b < inputs / 256; b++, row += q6_k_bytes, header += 288, numbers += 8 * 384) {
        store_u16(header + lane * 2, stellar_load_u16(row + 208));
        for (size_t s = 0; s < 16; s++) { header[32 + s * 16 + lane] = row[192 + s]; }
        for (size_t s = 0; s < 8; s++) {
            uint8_t *block = numbers + s * 384;
            for (size_t i = 0; i < 16; i++) {
                const uint8_t first = q6_k_code(row, s * 32 + i), second = q6_k_code(row, s * 32 + 16 + i);
                block[i / 4 * 64 + lane * 4 + i % 4] = (uint8_t)((first & 15) | (second & 15) << 4);
                // Two high bits: vector 0 for the first 16 inputs, 1 for the others; field i / 4 of each byte.
                uint8_t *high = block + 256 + lane * 4 + i % 4;
                const uint8_t keep = i < 4 ? 0 : 0xff;
                high[0] = (uint8_t)((high[0] & keep) | first >> 4 << i / 4 * 2);
                high[64] = (uint8_t)((high[64] & keep) | second >> 4 << i / 4 * 2);
            }
        }
    }
}

// MARK: Interface

static void pack_row(stellar_packing packing, const void *row, size_t inputs, size_t lane, uint8_t *group) {
    const uint8_t *bytes = (const uint8_t *)row;
    uint8_t *numbers = group + stellar_packing_header_bytes(packing, inputs);
    switch (packing) {
    case STELLAR_PACKING_Q8_0: pack_q8(bytes, inputs, lane, group, numbers); break;
    case STELLAR_PACKING_Q4_0:
    case STELLAR_PACKING_Q4_1: pack_q4(packing, bytes, inputs, lane, group, numbers); break;
    case STELLAR_PACKING_Q4_K: pack_q4_k(bytes, inputs, lane, group, numbers); break;
    case STELLAR_PACKING_Q6_K: pack_q6_k(bytes, inputs, lane, group, numbers); break;
    default: pack_plain(packing, (const float *)row, inputs, lane, group); break;
    }
}

void stellar_pack(stellar_packing packing, const void *rows, size_t row_bytes, size_t outputs, size_t inputs, size_t output, size_t count,
                  void *packed) {
    const size_t width = stellar_packing_group_outputs(packing), bytes = stellar_packing_group_bytes(packing, inputs);
    const size_t end = output + count < outputs ? output + count : outputs;
    if (end % width) { memset((uint8_t *)packed + end / width * bytes, 0, bytes); }
    for (size_t n = output; n < end; n++) {
        pack_row(packing, (const uint8_t *)rows + (n - output) * row_bytes, inputs, n % width, (uint8_t *)packed + n / width * bytes);
    }
}

/// The number of input k in one lane of the numbers of a group.
static int32_t code(stellar_packing packing, const uint8_t *numbers, size_t k, size_t lane) {
    const uint8_t *block = numbers + k / 32 * stellar_packing_block_bytes(packing);
    const size_t i = k % 32;
    if (packing == STELLAR_PACKING_Q8_0) { return block[i / 4 * 64 + lane * 4 + i % 4]; }
    const size_t place = i % 16 / 4 * 64 + lane * 4 + i % 4;
    const int32_t low = i < 16 ? block[place] & 15 : block[place] >> 4;
    if (packing != STELLAR_PACKING_Q6_K) { return low; }
    return low | (block[256 + i / 16 * 64 + lane * 4 + i % 4] >> i % 16 / 4 * 2 & 3) << 4;
}

STELLAR_INLINE float half_at(const uint8_t *halves, size_t lane) { return stellar_f16_to_f32(stellar_load_u16(halves + lane * 2)); }

static float quantised_value(stellar_packing packing, const uint8_t *header, const uint8_t *numbers, size_t k, size_t lane) {
    const int32_t q = code(packing, numbers, k, lane);
    const size_t b = k / 32;
    switch (packing) {
    case STELLAR_PACKING_Q8_0: return half_at(header + b * 32, lane) * (float)(q - 128);
    case STELLAR_PACKING_Q4_0: return half_at(header + b * 32, lane) * (float)(q - 8);
    case STELLAR_PACKING_Q4_1: return half_at(header + b * 64, lane) * (float)q + half_at(header + b * 64 + 32, lane);
    case STELLAR_PACKING_Q4_K: {
        const uint8_t *super = header + k / 256 * 320, *codes = super + 64 + b % 8 * 32;
        return half_at(super, lane) * (float)codes[lane] * (float)q - half_at(super + 32, lane) * (float)codes[16 + lane];
    }
    default: {
        const uint8_t *super = header + k / 256 * 288;
        return half_at(super, lane) * (float)((int8_t)super[32 + k % 256 / 16 * 16 + lane] * (q - 32));
    }
    }
}

void stellar_unpack(stellar_packing packing, const void *packed, size_t inputs, size_t output, float *values) {
    const size_t width = stellar_packing_group_outputs(packing);
    const uint8_t *group = (const uint8_t *)packed + output / width * stellar_packing_group_bytes(packing, inputs);
    const uint8_t *numbers = group + stellar_packing_header_bytes(packing, inputs);
    if (packing < STELLAR_PACKING_Q8_0) {
        for (size_t k = 0; k < inputs; k++) { values[k] = plain_value(packing, group, k, output % width); }
    } else {
        for (size_t k = 0; k < inputs; k++) { values[k] = quantised_value(packing, group, numbers, k, output % width); }
    }
}

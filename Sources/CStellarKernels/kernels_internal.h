// What the files of this library share.

#ifndef STELLAR_KERNELS_INTERNAL_H
#define STELLAR_KERNELS_INTERNAL_H

#include "stellar_kernels.h"

extern const stellar_kernels stellar_kernels_scalar;

#define STELLAR_INLINE static inline __attribute__((always_inline))

/// A number at an address of any alignment.
STELLAR_INLINE uint16_t stellar_load_u16(const void *address) {
    uint16_t value;
    memcpy(&value, address, sizeof value);
    return value;
}

STELLAR_INLINE float stellar_load_f32(const void *address) {
    float value;
    memcpy(&value, address, sizeof value);
    return value;
}

#endif

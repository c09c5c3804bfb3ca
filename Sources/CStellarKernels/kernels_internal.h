// What the files of this library share.

#ifndef STELLAR_KERNELS_INTERNAL_H
#define STELLAR_KERNELS_INTERNAL_H

#include "stellar_kernels.h"

#if defined(__x86_64__)
#define STELLAR_X86 1
extern const stellar_kernels stellar_kernels_avx2;
extern const stellar_kernels stellar_kernels_avx512;
#elif defined(__aarch64__)
#define STELLAR_ARM64 1
extern const stellar_kernels stellar_kernels_neon;
#endif

extern const stellar_kernels stellar_kernels_scalar;

#define STELLAR_INLINE static inline __attribute__((always_inline))

/// Before a loop over the registers of a tile: arrays of vectors only live in registers when every index is a constant.
#define STELLAR_UNROLL _Pragma("clang loop unroll(full)")

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

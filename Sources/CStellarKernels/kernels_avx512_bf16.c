// The AVX-512 kernels on processors that also multiply pairs of BF16 numbers.

#define STELLAR_WITH_BF16 1
#include "kernels_avx512.c"

// The AVX2 kernels on processors that also have AVX-VNNI.

#define STELLAR_WITH_VNNI 1
#include "kernels_avx2.c"

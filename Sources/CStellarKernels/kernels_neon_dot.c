// The NEON kernels on processors that also have dot products of bytes (FEAT_DotProd). Compiled, not run, like the others.

#define STELLAR_WITH_DOT_PRODUCTS 1
#include "kernels_neon.c"

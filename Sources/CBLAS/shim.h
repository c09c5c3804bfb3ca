#ifndef STELLAR_CBLAS_SHIM_H
#define STELLAR_CBLAS_SHIM_H

#include <cblas.h>
#include <lapacke.h>

#endif

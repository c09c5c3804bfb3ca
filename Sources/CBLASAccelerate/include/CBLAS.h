#ifndef STELLAR_CBLAS_ACCELERATE_H
#define STELLAR_CBLAS_ACCELERATE_H

#include <Accelerate/Accelerate.h>

#endif

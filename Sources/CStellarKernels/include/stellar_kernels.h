#ifndef STELLAR_KERNELS_H
#define STELLAR_KERNELS_H
int stellar_placeholder(void);
#endif

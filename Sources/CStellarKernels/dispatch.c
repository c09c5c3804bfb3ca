#include "stellar_kernels.h"
int stellar_placeholder(void) { return 0; }

/* Tests over the variants of the kernels; see variants.h. */
#include "tests/support/variants.h"

#include <stdlib.h>

#include "tests/support/require.h"

int n_variants(void) {
    const rt_kernels *runnable[RT_MAX_VARIANTS];
    return (int)rt_kernels_runnable(runnable);
}

/* Asking the processor is slow where it is a virtual one, and tests ask in their innermost loops. */
const rt_kernels *variant(int i) {
    static const rt_kernels *runnable[RT_MAX_VARIANTS];
    static size_t n;
    if (n == 0) n = rt_kernels_runnable(runnable);
    REQUIRE((size_t)i < n, "there is no variant %d", i);
    return runnable[i];
}

/* Tests over the variants of the kernels; see variants.h. */
#include "tests/support/variants.h"

#include <stdlib.h>

#include "tests/support/require.h"

int n_variants(void) {
    const rt_kernels *runnable[RT_MAX_VARIANTS];
    return (int)rt_kernels_runnable(runnable);
}

const rt_kernels *variant(int i) {
    const rt_kernels *runnable[RT_MAX_VARIANTS];
    REQUIRE((size_t)i < rt_kernels_runnable(runnable), "there is no variant %d", i);
    return runnable[i];
}

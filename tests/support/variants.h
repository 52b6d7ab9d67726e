/* Suites whose tests run once for every variant of the kernels that this machine can run. */
#ifndef TESTS_SUPPORT_VARIANTS_H
#define TESTS_SUPPORT_VARIANTS_H

#include <check.h>

#include "runtime/kernels.h"
#include "tests/support/suite.h"

/* Variant number i of rt_kernels_runnable, for the loop variable of a Check loop test over [0, n_variants()). */
const rt_kernels *variant(int i);
int n_variants(void);

#endif

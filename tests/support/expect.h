/* What every refusal must look like. */
#ifndef TESTS_SUPPORT_EXPECT_H
#define TESTS_SUPPORT_EXPECT_H

#include "runtime/status.h"

/* Ends the test unless status is `expected` and err says so in one line of printable ASCII "FILE: DEFECT", with `part` in it. `row` names
 * the case. */
void expect_failure(const char *row, rt_status status, const rt_error *err, rt_status expected, const char *part);

/* Ends the test unless status is RT_OK. */
void expect_ok(const char *row, rt_status status, const rt_error *err);

#endif

/* The end of every test program: runs its suite and tells by the exit status whether all passed. */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

int run_suite(Suite *suite);

/* The same for a suite of that name with one test case. */
int run_tests(const char *name, TCase *tests, double timeout_seconds);

#endif

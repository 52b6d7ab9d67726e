/* Running a suite; see suite.h. */
#include "tests/support/suite.h"

#include <stdlib.h>

int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run_tests(const char *name, TCase *tests, double timeout_seconds) {
    Suite *suite = suite_create(name);
    tcase_set_timeout(tests, timeout_seconds);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

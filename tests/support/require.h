/* ck_assert_msg for inner loops. Check records every assertion that holds, which would take far longer than what is tested. */
#ifndef TESTS_SUPPORT_REQUIRE_H
#define TESTS_SUPPORT_REQUIRE_H

#include <check.h>

#define REQUIRE(condition, ...)                          \
    do {                                                 \
        if (!(condition)) ck_abort_msg(__VA_ARGS__);     \
    } while (0)

#endif

/* Checks of a refusal; see expect.h. */
#include "tests/support/expect.h"

#include <check.h>
#include <string.h>

void expect_failure(const char *row, rt_status status, const rt_error *err, rt_status expected, const char *part) {
    ck_assert_msg(status == expected, "%s: status %d, not %d (%s)", row, (int)status, (int)expected, status == RT_OK ? "" : err->message);
    ck_assert_msg(err->status == expected, "%s: the error says %d", row, (int)err->status);
    const size_t n = strlen(err->message);
    ck_assert_msg(n > 0 && n < RT_ERROR_SIZE - 1, "%s: message of %zu bytes", row, n);
    const char *c = err->message;
    while (*c >= 0x20 && *c < 0x7f) c++;
    ck_assert_msg(*c == '\0', "%s: a byte in the message that is not printable ASCII", row);
    ck_assert_msg(strstr(err->message, ": ") != NULL, "%s: no file in '%s'", row, err->message);
    ck_assert_msg(strstr(err->message, part) != NULL, "%s: no '%s' in '%s'", row, part, err->message);
}

void expect_ok(const char *row, rt_status status, const rt_error *err) {
    ck_assert_msg(status == RT_OK, "%s: status %d (%s)", row, (int)status, status == RT_OK ? "" : err->message);
}

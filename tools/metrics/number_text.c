/* Python's float() and its str(); see number_text.h. */
#include "tools/metrics/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "tools/metrics/unicode.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Copies digits, single underscores between them left out; false if there are none or an underscore is out of place. */
static bool take_digits(slice s, size_t *at, char **out) {
    const size_t start = *at;
    while (*at < s.n && (is_digit(s.v[*at]) || s.v[*at] == '_')) {
        const char c = s.v[(*at)++];
        if (is_digit(c)) *(*out)++ = c;
        else if (*at - 1 == start || !is_digit(s.v[*at - 2]) || *at == s.n || !is_digit(s.v[*at])) return false;
    }
    return *at > start;
}

static bool is_word(slice s, const char *word) { return s.n == strlen(word) && strncasecmp(s.v, word, s.n) == 0; }

/* [digits] [. [digits]] [e [sign] digits], with a digit before the exponent; written to out as strtod takes it. */
static bool take_decimal(slice s, char *out) {
    size_t at = 0;
    const bool whole = s.n > 0 && s.v[0] != '.';
    if (whole && !take_digits(s, &at, &out)) return false;
    if (at < s.n && s.v[at] == '.') {
        *out++ = s.v[at++];
        const bool fraction = at < s.n && is_digit(s.v[at]);
        if (fraction ? !take_digits(s, &at, &out) : !whole) return false;
    }
    if (at < s.n && (s.v[at] | 0x20) == 'e') {
        *out++ = s.v[at++];
        if (at < s.n && (s.v[at] == '+' || s.v[at] == '-')) *out++ = s.v[at++];
        if (!take_digits(s, &at, &out)) return false;
    }
    *out = '\0';
    return at == s.n;
}

bool number_read(slice text, double *value) {
    slice s = unicode_strip(text);
    char decimal[NUMBER_TEXT_DIGITS + 1];
    if (s.n == 0 || s.n > NUMBER_TEXT_DIGITS) return false;
    const bool negative = s.v[0] == '-';
    if (negative || s.v[0] == '+') s.v++, s.n--;
    if (is_word(s, "inf") || is_word(s, "infinity")) {
        *value = HUGE_VAL;
    } else if (is_word(s, "nan")) {
        *value = nan("");
    } else if (s.n > 0 && take_decimal(s, decimal)) {
        *value = strtod(decimal, NULL);
    } else {
        return false;
    }
    if (negative) *value = -*value;
    return true;
}

/* Digits d1 d2 … and exponent e of value = d1.d2… · 10^e, the fewest that read back. */
static int shortest(double value, char digits[20]) {
    char text[NUMBER_TEXT_SIZE];
    for (int n = 0; n < 17; n++) {
        snprintf(text, sizeof text, "%.*e", n, value);
        if (strtod(text, NULL) == value) break;
    }
    char *out = digits;
    const char *c = text;
    for (; *c != 'e'; c++) {
        if (is_digit(*c)) *out++ = *c;
    }
    *out = '\0';
    return (int)strtol(c + 1, NULL, 10);
}

size_t number_write(double value, char out[NUMBER_TEXT_SIZE]) {
    char digits[20];
    if (isnan(value)) return (size_t)snprintf(out, NUMBER_TEXT_SIZE, "nan");
    const char *sign = signbit(value) ? "-" : "";
    if (isinf(value)) return (size_t)snprintf(out, NUMBER_TEXT_SIZE, "%sinf", sign);
    const int exponent = shortest(fabs(value), digits), n = (int)strlen(digits);
    if (exponent < -4 || exponent >= 16) {
        return (size_t)snprintf(out, NUMBER_TEXT_SIZE, "%s%c%s%se%c%02d", sign, digits[0], n > 1 ? "." : "", digits + 1,
                                exponent < 0 ? '-' : '+', abs(exponent));
    }
    if (exponent < 0) return (size_t)snprintf(out, NUMBER_TEXT_SIZE, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
    if (exponent >= n - 1) {
        return (size_t)snprintf(out, NUMBER_TEXT_SIZE, "%s%s%.*s.0", sign, digits, exponent - n + 1, "0000000000000000");
    }
    return (size_t)snprintf(out, NUMBER_TEXT_SIZE, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
}

/* The value of one option, from text to its field; see options.h. Numbers are decimal digits and nothing else, so that "1e3", "08", "+5"
 * or an empty value is a mistake that is told, not a number that was not meant. */
#include <stdlib.h>

#include "tools/options.h"

bool opt_parse_count(const char *text, size_t n, size_t min, size_t max, size_t *value) {
    if (n == 0 || (n > 1 && text[0] == '0')) return false;
    size_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        if (__builtin_mul_overflow(v, (size_t)10, &v) || __builtin_add_overflow(v, (size_t)(text[i] - '0'), &v)) return false;
    }
    if (v < min || v > max) return false;
    *value = v;
    return true;
}

static bool parse_count_or_all(const opt_row *row, const char *text, size_t n, size_t *value) {
    if (n == 3 && memcmp(text, "all", 3) == 0) {
        *value = T5_ALL;
        return true;
    }
    return opt_parse_count(text, n, row->min, row->max, value);
}

/* Plain decimals: [-]digits[.digits]; strtod alone would also take "inf", "0x1" and "1e9". */
static bool parse_decimal(const char *text, float limit, float *value) {
    if (text[0] == '\0' || text[strspn(text, "0123456789.-")] != '\0') return false;
    char *end;
    const float v = strtof(text, &end);
    if (end == text || *end != '\0' || !(v >= -limit && v <= limit)) return false;
    *value = v;
    return true;
}

static bool parse_share(const char *text, float *value) {
    float v;
    if (!parse_decimal(text, 1, &v) || !(v > 0 && v < 1)) return false;
    *value = v;
    return true;
}

static bool parse_early_stopping(const char *text, t5_early_stopping *value) {
    static const struct {
        const char *name;
        t5_early_stopping value;
    } names[] = {{"false", T5_EARLY_FALSE}, {"true", T5_EARLY_TRUE}, {"never", T5_EARLY_NEVER}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i].name) == 0) {
            *value = names[i].value;
            return true;
        }
    }
    return false;
}

/* "K" for all three, or a list of "enc=K", "dec=K", "cross=K", each at most once. */
static bool parse_attention(const opt_row *row, const char *text, t5_session_params *session) {
    size_t k;
    if (parse_count_or_all(row, text, strlen(text), &k)) {
        session->encoder_topk = session->decoder_topk = session->cross_topk = k;
        return true;
    }
    const struct {
        const char *name;
        size_t *field;
    } parts[] = {{"enc=", &session->encoder_topk}, {"dec=", &session->decoder_topk}, {"cross=", &session->cross_topk}};
    enum { N_PARTS = sizeof parts / sizeof *parts };
    bool seen[N_PARTS] = {false};
    for (;;) {
        size_t p = 0;
        while (p < N_PARTS && strncmp(text, parts[p].name, strlen(parts[p].name)) != 0) p++;
        if (p == N_PARTS || seen[p]) return false;
        seen[p] = true;
        text += strlen(parts[p].name);
        const size_t n = strcspn(text, ",");
        if (!parse_count_or_all(row, text, n, parts[p].field)) return false;
        if (text[n] == '\0') return true;
        text += n + 1;
    }
}

const char *opt_word(const opt_row *row, size_t i, size_t *n) {
    const char *word = row->argument;
    for (; i > 0; i--) {
        word = strchr(word, '|');
        if (word == NULL) return NULL;
        word++;
    }
    *n = strcspn(word, "|");
    return word;
}

static bool parse_word(const opt_row *row, const char *text, size_t *value) {
    size_t n;
    const char *word;
    for (size_t i = 0; (word = opt_word(row, i, &n)) != NULL; i++) {
        if (strlen(text) != n || memcmp(text, word, n) != 0) continue;
        *value = i;
        return true;
    }
    return false;
}

static bool append_choice(const char *text, opt_values *values) {
    if (values->n_choices == QA_MAX_CHOICES || text[0] == '\0') return false;
    values->choices[values->n_choices++] = text;
    return true;
}

static rt_status refuse(const opt_row *row, const char *text, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    const char *value = rt_quote(quoted, text, strlen(text));
    switch (row->kind) {
    case OPT_KIND_CHOICE:
        if (text[0] == '\0') return rt_fail(err, RT_ERR_USAGE, "--%s \"\" is not allowed (a choice is some text)", row->name);
        return rt_fail(err, RT_ERR_USAGE, "--%s \"%s\" is not allowed (at most %zu choices, (a) to (z))", row->name, value, row->max);
    case OPT_KIND_COUNT_OR_ALL:
        return rt_fail(err, RT_ERR_USAGE, "--%s \"%s\" is not allowed (a whole number of %zu or more, or all)", row->name, value,
                       row->min);
    case OPT_KIND_ATTENTION:
        return rt_fail(err, RT_ERR_USAGE,
                       "--%s \"%s\" is not allowed (K, or enc=K,dec=K,cross=K or a part of it; K is a whole number of %zu or more, or all)",
                       row->name, value, row->min);
    case OPT_KIND_DECIMAL:
        return rt_fail(err, RT_ERR_USAGE, "--%s \"%s\" is not allowed (a decimal number from -%zu to %zu, as 0.6)", row->name, value,
                       row->max, row->max);
    case OPT_KIND_SHARE:
        return rt_fail(err, RT_ERR_USAGE, "--%s \"%s\" is not allowed (a decimal number above 0 and below 1, as 0.05)", row->name, value);
    case OPT_KIND_EARLY_STOPPING:
        return rt_fail(err, RT_ERR_USAGE, "--%s \"%s\" is not allowed (true, false or never)", row->name, value);
    case OPT_KIND_WORD: return rt_fail(err, RT_ERR_USAGE, "--%s \"%s\" is not allowed (%s)", row->name, value, row->argument);
    default:
        return rt_fail(err, RT_ERR_USAGE, "--%s \"%s\" is not allowed (a whole number from %zu to %zu)", row->name, value, row->min,
                       row->max);
    }
}

rt_status opt_read_value(const opt_row *row, const char *text, opt_values *values, rt_error *err) {
    void *field = (char *)values + row->field;
    bool ok = true;
    switch (row->kind) {
    case OPT_KIND_FLAG: *(bool *)field = true; break;
    case OPT_KIND_TEXT: *(const char **)field = text; break;
    case OPT_KIND_CHOICE: ok = append_choice(text, values); break;
    case OPT_KIND_COUNT: ok = opt_parse_count(text, strlen(text), row->min, row->max, field); break;
    case OPT_KIND_COUNT_OR_ALL: ok = parse_count_or_all(row, text, strlen(text), field); break;
    case OPT_KIND_ATTENTION: ok = parse_attention(row, text, field); break;
    case OPT_KIND_DECIMAL: ok = parse_decimal(text, (float)row->max, field); break;
    case OPT_KIND_SHARE: ok = parse_share(text, field); break;
    case OPT_KIND_EARLY_STOPPING: ok = parse_early_stopping(text, field); break;
    case OPT_KIND_WORD: ok = parse_word(row, text, field); break;
    }
    return ok ? RT_OK : refuse(row, text, err);
}

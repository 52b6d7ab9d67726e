/* Lists of settings; see compare_setting.h. */
#include "tools/compare_setting.h"

#include <stdio.h>
#include <string.h>

#include "tools/options.h"

enum { MAX_K = 1 << 30 };

typedef struct list {
    const char *option; /* its name */
    bool is_ff;
    size_t d_ff;
} list;

static bool same_topk(const compare_topk *a, const compare_topk *b) {
    return a->ff == b->ff && a->encoder == b->encoder && a->decoder == b->decoder && a->cross == b->cross;
}

static void set_attention(compare_topk *topk, size_t k) { topk->encoder = topk->decoder = topk->cross = k; }

/* Where the value of "name=value" begins, NULL if the part has another name. */
static const char *value_of(const char *part, size_t n, const char *name) {
    const size_t n_name = strlen(name);
    return n > n_name && memcmp(part, name, n_name) == 0 && part[n_name] == '=' ? part + n_name + 1 : NULL;
}

static bool parse_k(const char *text, size_t n, size_t *k) {
    if (n == 3 && memcmp(text, "all", 3) == 0) {
        *k = T5_ALL;
        return true;
    }
    return opt_parse_count(text, n, 1, MAX_K, k);
}

static bool parse_part(const list *l, const char *part, size_t n, bool is_first, compare_topk *topk) {
    size_t k;
    if (is_first && parse_k(part, n, &k)) {
        if (l->is_ff) topk->ff = k;
        else set_attention(topk, k);
        return true;
    }
    const struct {
        const char *name;
        size_t *field;
    } parts[] = {{"ff", &topk->ff}, {"enc", &topk->encoder}, {"dec", &topk->decoder}, {"cross", &topk->cross}};
    const char *end = part + n, *value = value_of(part, n, "attn");
    if (value != NULL) {
        if (!parse_k(value, (size_t)(end - value), &k)) return false;
        set_attention(topk, k);
        return true;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        value = value_of(part, n, parts[i].name);
        if (value != NULL) return parse_k(value, (size_t)(end - value), parts[i].field);
    }
    return false;
}

static rt_status parse_item(const list *l, const char *item, size_t n, compare_topk *topk, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    *topk = (compare_topk){0};
    for (size_t at = 0, length; at <= n; at += length + 1) {
        const char *plus = memchr(item + at, '+', n - at);
        length = plus != NULL ? (size_t)(plus - (item + at)) : n - at;
        if (parse_part(l, item + at, length, at == 0, topk)) continue;
        return rt_fail(err, RT_ERR_USAGE,
                       "--%s \"%s\" is not allowed (K or all, between commas; further parts as in 64+enc=16: ff, attn, enc, dec, cross)",
                       l->option, rt_quote(quoted, item, n));
    }
    if (topk->ff <= l->d_ff) return RT_OK;
    return rt_fail(err, RT_ERR_USAGE, "--%s %s is above this model's d_ff (1 to %zu, or all)", l->option, rt_quote(quoted, item, n),
                   l->d_ff);
}

static void name_part(char name[COMPARE_NAME_SIZE], const char *what, size_t k) {
    if (k == T5_ALL) return;
    const size_t n = strlen(name);
    snprintf(name + n, COMPARE_NAME_SIZE - n, "%s%s %zu", n > 0 ? ", " : "", what, k);
}

static void name_setting(compare_setting *s) {
    const compare_topk *k = &s->topk;
    s->name[0] = '\0';
    name_part(s->name, "ff", k->ff);
    if (k->encoder == k->decoder && k->decoder == k->cross) {
        name_part(s->name, "attn", k->encoder);
    } else {
        name_part(s->name, "enc", k->encoder);
        name_part(s->name, "dec", k->decoder);
        name_part(s->name, "cross", k->cross);
    }
    if (s->name[0] == '\0') strcpy(s->name, "dense");
}

/* Adds a setting behind those with the same encoder, or at the end. */
static void add(compare_settings *settings, const compare_topk *topk) {
    size_t at = 0;
    for (size_t i = settings->n; i > 0; i--) {
        const compare_topk *other = &settings->v[i - 1].topk;
        if (same_topk(other, topk)) return;
        if (at == 0 && other->ff == topk->ff && other->encoder == topk->encoder) at = i;
    }
    if (at == 0) at = settings->n;
    memmove(settings->v + at + 1, settings->v + at, (settings->n - at) * sizeof *settings->v);
    settings->v[at].topk = *topk;
    settings->n++;
}

static rt_status add_list(const list *l, const char *text, compare_settings *settings, rt_error *err) {
    for (const char *item = text;;) {
        compare_topk topk;
        const size_t n = strcspn(item, ",");
        RT_TRY(parse_item(l, item, n, &topk, err));
        if (settings->n == COMPARE_MAX_SETTINGS) {
            return rt_fail(err, RT_ERR_USAGE, "--%s: over %d settings in all", l->option, COMPARE_MAX_SETTINGS - 1);
        }
        add(settings, &topk);
        if (item[n] == '\0') return RT_OK;
        item += n + 1;
    }
}

rt_status compare_settings_list(const char *ff_list, const char *attn_list, size_t d_ff, compare_settings *settings, rt_error *err) {
    const list ff = {"ff-topk", true, d_ff}, attn = {"attn-topk", false, d_ff};
    *settings = (compare_settings){.n = 1}; /* dense */
    if (ff_list != NULL) RT_TRY(add_list(&ff, ff_list, settings, err));
    if (attn_list != NULL) RT_TRY(add_list(&attn, attn_list, settings, err));
    if (ff_list == NULL && attn_list == NULL) {
        for (size_t k = 16; k <= 512 && k < d_ff; k *= 2) add(settings, &(compare_topk){.ff = k});
    }
    for (size_t i = 0; i < settings->n; i++) {
        compare_setting *s = &settings->v[i];
        name_setting(s);
        while (settings->v[s->encoded_by].topk.ff != s->topk.ff || settings->v[s->encoded_by].topk.encoder != s->topk.encoder) {
            s->encoded_by++;
        }
    }
    return RT_OK;
}

size_t compare_ff_k(const compare_setting *s) {
    return s->topk.encoder == T5_ALL && s->topk.decoder == T5_ALL && s->topk.cross == T5_ALL ? s->topk.ff : 0;
}

size_t compare_attn_k(const compare_setting *s) {
    const compare_topk *k = &s->topk;
    return k->ff == T5_ALL && k->encoder == k->decoder && k->decoder == k->cross ? k->encoder : 0;
}

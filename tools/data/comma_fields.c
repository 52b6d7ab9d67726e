/* A reader of comma-separated values, line by line; see comma_fields.h. */
#include "tools/data/comma_fields.h"

typedef struct parser {
    rt_text *text;
    size_t ends[64]; /* in *text, of the fields */
    size_t n_ends, max_fields;
    bool in_quotes, after_quotes, misplaced;
} parser;

static void end_field(parser *p) {
    if (p->n_ends < p->max_fields) p->ends[p->n_ends++] = p->text->n;
    p->after_quotes = false;
}

/* Takes one line; the record goes on behind it if p->in_quotes. */
static rt_status take_line(parser *p, slice line, rt_error *err) {
    bool at_front = !p->in_quotes;
    for (size_t i = 0; i < line.n; i++) {
        const char c = line.v[i];
        if (p->in_quotes && c == '"') {
            const bool doubled = i + 1 < line.n && line.v[i + 1] == '"';
            p->in_quotes = doubled;
            p->after_quotes = !doubled;
            if (!doubled) continue;
            i++;
        } else if (!p->in_quotes && c == ',') {
            end_field(p);
            at_front = true;
            continue;
        } else if (!p->in_quotes && c == '"' && at_front) {
            p->in_quotes = true;
            at_front = false;
            continue;
        } else if (!p->in_quotes && (c == '"' || p->after_quotes)) {
            p->misplaced = true;
        }
        at_front = false;
        RT_TRY(rt_text_append(p->text, &c, 1, err));
    }
    if (p->in_quotes) return rt_text_append(p->text, "\n", 1, err);
    end_field(p);
    return RT_OK;
}

rt_status comma_fields_next(source *s, rt_text *text, slice *fields, size_t max_fields, size_t *n_fields, size_t *line, bool *have,
                            rt_error *err) {
    slice bytes;
    parser p = {.text = text, .max_fields = max_fields < 64 ? max_fields : 64};
    text->n = 0;
    RT_TRY(rt_text_append(text, "", 0, err)); /* not NULL where all fields are empty */
    RT_TRY(source_filled_line(s, &bytes, have, err));
    if (!*have) return RT_OK;
    *line = s->n_lines;
    RT_TRY(take_line(&p, bytes, err));
    while (p.in_quotes) {
        bool more;
        RT_TRY(source_line(s, &bytes, &more, err));
        if (!more) return rt_fail(err, RT_ERR_MALFORMED, "%s, line %zu: a quote is not closed", s->name, *line);
        RT_TRY(take_line(&p, bytes, err));
        if (text->n > SOURCE_LINE_BYTES) {
            return rt_fail(err, RT_ERR_LIMIT, "%s, line %zu: a record is too long (at most %d bytes)", s->name, *line, SOURCE_LINE_BYTES);
        }
    }
    for (size_t i = 0, at = 0; i < p.n_ends; at = p.ends[i++]) fields[i] = (slice){text->v + at, p.ends[i] - at};
    *n_fields = p.n_ends;
    return p.misplaced ? rt_fail(err, RT_ERR_MALFORMED, "%s, line %zu: a quote inside a field", s->name, *line) : RT_OK;
}

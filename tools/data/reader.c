/* Records by frame; see reader.h. */
#include "tools/data/reader.h"

#include <stdio.h>

#include "model/json_file.h"
#include "tools/data/comma_fields.h"

enum { HEAD_BYTES = 1 << 16 }; /* looked at to tell the frame */

/* The first line of s, and s without it. */
static slice first_line(slice *s) {
    const char *lf = memchr(s->v, '\n', s->n);
    const slice line = {s->v, lf != NULL ? (size_t)(lf - s->v) : s->n};
    const size_t taken = lf != NULL ? line.n + 1 : line.n;
    *s = (slice){s->v + taken, s->n - taken};
    return line;
}

/* A story begins with a sentence, line 1, and goes on with line 2. */
static bool is_story(slice head) {
    const slice one = first_line(&head);
    return record_starts_with(one, "1 ") && memchr(one.v, '\t', one.n) == NULL && record_starts_with(first_line(&head), "2 ");
}

static bool has_commas(slice head) {
    const slice line = first_line(&head);
    return memchr(line.v, ',', line.n) != NULL && memchr(line.v, '\t', line.n) == NULL;
}

static format_frame guess_frame(slice head) {
    static const format_frame frames[] = {[JSON_LIST] = FRAME_LIST, [JSON_MEMBERS] = FRAME_MEMBERS, [JSON_DATA] = FRAME_DATA};
    bool is_document;
    const json_frame document = json_elements_guess(head, &is_document);
    if (is_document) return frames[document];
    slice s = head;
    while (s.n > 0 && (s.v[0] == ' ' || s.v[0] == '\n' || s.v[0] == '\r' || s.v[0] == '\t')) s.v++, s.n--;
    if (record_starts_with(s, "{")) return FRAME_LINES;
    if (is_story(head)) return FRAME_STORY;
    return has_commas(head) ? FRAME_COMMAS : FRAME_TABS;
}

static void start(reader *in) {
    in->elements = (json_elements){0};
    if (in->frame == FRAME_MEMBERS) in->elements.frame = JSON_MEMBERS;
    if (in->frame == FRAME_DATA) in->elements.frame = JSON_DATA;
    in->n_records = in->fact = in->story.n = 0;
}

rt_status reader_open(const char *path, reader *in, rt_error *err) {
    *in = (reader){0};
    RT_TRY(source_open(path, &in->source, err));
    const rt_status status = source_fill(&in->source, HEAD_BYTES, err);
    if (status != RT_OK) {
        reader_close(in);
        return status;
    }
    const rt_text *b = &in->source.buffer;
    if (b->n > in->source.start) in->frame = guess_frame((slice){b->v + in->source.start, b->n - in->source.start});
    start(in);
    return RT_OK;
}

void reader_close(reader *in) {
    source_close(&in->source);
    cJSON_Delete(in->tree);
    rt_text_free(&in->fields);
    rt_text_free(&in->story);
    *in = (reader){0};
}

void reader_release(reader *in) {
    source_release(&in->source);
    start(in);
}

void reader_where(const reader *in, char where[READER_WHERE_SIZE]) {
    const int n = snprintf(where, READER_WHERE_SIZE, "%s, line %zu", in->source.name, in->line);
    const format_frame f = in->frame;
    if (f != FRAME_LIST && f != FRAME_MEMBERS && f != FRAME_DATA) return;
    snprintf(where + n, READER_WHERE_SIZE - (size_t)n, ", element %zu", in->n_records);
}

/* A defect of one record is no failure. */
static rt_status forgive(rt_status status, const rt_error *cause, rt_error *defect, rt_error *err) {
    if (status == RT_ERR_MALFORMED) *defect = *cause;
    return status == RT_OK || status == RT_ERR_MALFORMED ? RT_OK : rt_fail(err, status, "%s", cause->message);
}

static rt_status parse(reader *in, slice text, record *r, rt_error *defect, rt_error *err) {
    char where[READER_WHERE_SIZE];
    rt_error cause;
    reader_where(in, where);
    cJSON_Delete(in->tree);
    in->tree = NULL;
    const rt_status status = t5_json_parse(where, (const uint8_t *)text.v, text.n, &in->tree, &cause);
    r->nodes[0] = in->tree;
    return forgive(status, &cause, defect, err);
}

static rt_status next_element(reader *in, record *r, bool *have, rt_error *defect, rt_error *err) {
    slice element;
    rt_error cause;
    const rt_status status = json_elements_next(&in->elements, &in->source, &element, &in->line, have, &cause);
    if (status == RT_ERR_MALFORMED && !in->source.broken) { /* the frame: the file ends here */
        *have = true;
        *defect = cause;
        return RT_OK;
    }
    if (status != RT_OK) return rt_fail(err, status, "%s", cause.message);
    if (!*have) return RT_OK;
    in->n_records++;
    return parse(in, element, r, defect, err);
}

static void split(slice line, record *r) {
    r->n_fields = 0;
    for (;;) {
        const char *tab = r->n_fields + 1 < RECORD_MAX_FIELDS ? memchr(line.v, '\t', line.n) : NULL;
        const size_t n = tab != NULL ? (size_t)(tab - line.v) : line.n;
        r->fields[r->n_fields++] = (slice){line.v, n};
        if (tab == NULL) return;
        line = (slice){tab + 1, line.n - n - 1};
    }
}

/* Takes the number off a line of a story; 1 begins a new one. */
static rt_status take_fact_number(reader *in, slice *line, rt_error *err) {
    size_t number = 0, n = 0;
    while (n < line->n && n < 9 && line->v[n] >= '0' && line->v[n] <= '9') number = number * 10 + (size_t)(line->v[n++] - '0');
    const size_t expected = number == 1 ? 1 : in->fact + 1;
    if (n == 0 || n >= line->n || line->v[n] != ' ' || number != expected) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s, line %zu: the line does not begin with its number (%zu, or 1 for a new story)",
                       in->source.name, in->line, in->fact + 1);
    }
    if (number == 1) in->story.n = 0;
    in->fact = number;
    *line = (slice){line->v + n + 1, line->n - n - 1};
    return RT_OK;
}

static rt_status add_sentence(reader *in, slice sentence, rt_error *err) {
    if (in->story.n + sentence.n > READER_STORY_BYTES) {
        return rt_fail(err, RT_ERR_LIMIT, "%s, line %zu: a story is too long (at most %d bytes)", in->source.name, in->line,
                       READER_STORY_BYTES);
    }
    if (in->story.n > 0) RT_TRY(rt_text_append(&in->story, " ", 1, err));
    return rt_text_append(&in->story, sentence.v, sentence.n, err);
}

static rt_status next_story_question(reader *in, record *r, bool *have, rt_error *defect, rt_error *err) {
    for (;;) {
        slice line;
        rt_error cause;
        RT_TRY(source_filled_line(&in->source, &line, have, err));
        if (!*have) return RT_OK;
        in->line = in->source.n_lines;
        if (take_fact_number(in, &line, &cause) != RT_OK) {
            in->n_records++;
            *defect = cause;
            return RT_OK;
        }
        split(line, r);
        if (r->n_fields > 1) break;
        RT_TRY(add_sentence(in, line, err));
    }
    in->n_records++;
    r->context = (slice){in->story.n > 0 ? in->story.v : "", in->story.n};
    return RT_OK;
}

static rt_status next_quoted(reader *in, record *r, bool *have, rt_error *defect, rt_error *err) {
    rt_error cause;
    const rt_status status = comma_fields_next(&in->source, &in->fields, r->fields, RECORD_MAX_FIELDS, &r->n_fields, &in->line,
                                               have, &cause);
    if (*have) in->n_records++;
    if (in->source.broken) return rt_fail(err, status, "%s", cause.message);
    return forgive(status, &cause, defect, err);
}

rt_status reader_next(reader *in, record *r, bool *have, rt_error *defect, rt_error *err) {
    slice line;
    *r = (record){0};
    defect->status = RT_OK;
    switch (in->frame) {
    case FRAME_LIST:
    case FRAME_MEMBERS:
    case FRAME_DATA: return next_element(in, r, have, defect, err);
    case FRAME_COMMAS: return next_quoted(in, r, have, defect, err);
    case FRAME_STORY: return next_story_question(in, r, have, defect, err);
    case FRAME_LINES:
    case FRAME_TABS: break;
    }
    RT_TRY(source_filled_line(&in->source, &line, have, err));
    if (!*have) return RT_OK;
    in->line = in->source.n_lines;
    in->n_records++;
    if (in->frame == FRAME_LINES) return parse(in, line, r, defect, err);
    split(line, r);
    return RT_OK;
}

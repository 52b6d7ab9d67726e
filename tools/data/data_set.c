/* Data sets: the files of a path one after another, their records, and the questions in those; see data_set.h. */
#include "tools/data/data_set.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/data/beside.h"
#include "tools/data/folder.h"
#include "tools/data/reader.h"
#include "tools/data/walk.h"

enum { TRIED_RECORDS = 16 }; /* looked at to tell the form */

struct data_set {
    folder files;
    size_t n_opened; /* of files */
    reader reader;
    const format *format;
    beside answers, meta;
    summaries summaries;
    char note[RT_ERROR_SIZE];
    record record;
    walk walk;
    bool in_record;
    draft draft;
    size_t n_questions, n_defects;
};

static void close_file(data_set *set) {
    reader_close(&set->reader);
    beside_close(&set->answers);
    beside_close(&set->meta);
    summaries_free(&set->summaries);
    set->in_record = false;
}

void data_close(data_set *set) {
    if (set == NULL) return;
    close_file(set);
    folder_close(&set->files);
    draft_free(&set->draft);
    free(set);
}

static rt_status unknown_form(const data_set *set, slice first, const rt_error *defect, size_t n_records, rt_error *err) {
    const char *file = set->reader.source.name;
    char shown[RT_QUOTE_SIZE];
    if (n_records == 0) return rt_fail(err, RT_ERR_MALFORMED, "%s: no records", file);
    if (defect->status != RT_OK) return rt_fail(err, RT_ERR_MALFORMED, "%s", defect->message);
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: none of the known forms of data sets (it begins with '%s')", file,
                   rt_quote(shown, first.v, first.n));
}

/* The form, by the first records that are sound. All that is looked at is kept, so not more than one record may be large. */
static rt_status find_form(data_set *set, rt_error *err) {
    reader *in = &set->reader;
    rt_error defect, first = {.status = RT_OK};
    set->format = NULL;
    size_t n = 0;
    for (; n < TRIED_RECORDS && set->format == NULL && in->source.buffer.n <= SOURCE_ELEMENT_BYTES; n++) {
        bool have;
        record r;
        RT_TRY(reader_next(in, &r, &have, &defect, err));
        if (!have) break;
        if (defect.status == RT_OK) set->format = format_find(in->frame, &r);
        else if (first.status == RT_OK) first = defect;
    }
    reader_release(in);
    const rt_text *b = &in->source.buffer;
    const size_t at = in->source.start;
    if (set->format == NULL) return unknown_form(set, (slice){b->v + at, b->n - at < 48 ? b->n - at : 48}, &first, n, err);
    return RT_OK;
}

static rt_status open_answers(data_set *set, const char *path, rt_error *err) {
    const format *f = set->format;
    rt_text name = {0};
    rt_status status = beside_open(path, f->strip, f->answers, &set->answers, &name, err);
    if (status == RT_OK && !set->answers.is_open) {
        char shown[RT_QUOTE_SIZE];
        snprintf(set->note, sizeof set->note, "%s: no file %s beside it: %s", set->reader.source.name, rt_quote(shown, name.v, name.n),
                 f->needs_answers ? "its questions have no answers" : "the target is the only reference");
    }
    rt_text_free(&name);
    return status;
}

static rt_status open_meta(data_set *set, const char *path, rt_error *err) {
    static const char *const ends[] = {".tsv", ".txt"};
    rt_status status = RT_OK;
    for (size_t i = 0; status == RT_OK && i < 2 && !set->meta.is_open; i++) {
        char suffix[16];
        rt_text name = {0};
        snprintf(suffix, sizeof suffix, "%s%s", set->format->meta, ends[i]);
        status = beside_open(path, set->format->strip, suffix, &set->meta, &name, err);
        rt_text_free(&name);
    }
    return status;
}

static rt_status open_summaries(data_set *set, const char *path, rt_error *err) {
    bool have;
    RT_TRY(summaries_read(path, &set->summaries, &have, err));
    if (have) return RT_OK;
    return rt_fail(err, RT_ERR_READ, "%s: no file summaries.csv beside it or in third_party/wikipedia: NarrativeQA's questions need it",
                   set->reader.source.name);
}

/* The header line of a table with commas is no question. */
static rt_status skip_header(data_set *set, rt_error *err) {
    bool have;
    record header;
    rt_error defect;
    RT_TRY(reader_next(&set->reader, &header, &have, &defect, err));
    set->reader.n_records = 0;
    return RT_OK;
}

static rt_status open_file(data_set *set, const char *path, rt_error *err) {
    close_file(set);
    RT_TRY(reader_open(path, &set->reader, err));
    RT_TRY(find_form(set, err));
    if (set->format->answers != NULL) RT_TRY(open_answers(set, path, err));
    if (set->format->meta != NULL) RT_TRY(open_meta(set, path, err));
    if (set->reader.frame != FRAME_COMMAS) return RT_OK;
    if (set->format->read == read_narrativeqa) RT_TRY(open_summaries(set, path, err));
    return skip_header(set, err);
}

rt_status data_open(const char *path, data_set **set, rt_error *err) {
    data_set *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return rt_fail_memory(err, sizeof *opened, "a data set");
    rt_status status = folder_open(path, &opened->files, err);
    if (status == RT_OK) status = open_file(opened, opened->files.paths[opened->n_opened++], err);
    if (status == RT_OK) *set = opened;
    else data_close(opened);
    return status;
}

/* Makes an item of the defect, which gets the place in front unless it has one. */
static rt_status report(data_set *set, const rt_error *defect, bool has_place, data_item *item) {
    char where[READER_WHERE_SIZE];
    reader_where(&set->reader, where);
    set->n_defects++;
    item->kind = DATA_DEFECT;
    if (has_place) {
        item->defect = *defect;
    } else if (set->walk.n == 0 || (set->walk.n_levels == 0 && set->format->n_questions == 0)) {
        rt_fail(&item->defect, defect->status, "%s: %.150s", where, defect->message);
    } else {
        rt_fail(&item->defect, defect->status, "%s, question %zu: %.150s", where, set->walk.n, defect->message);
    }
    return RT_OK;
}

/* Takes the next record and the lines that belong to it; at the end of a file, the next file. *have is false behind the last one. */
static rt_status next_record(data_set *set, bool *have, rt_error *defect, rt_error *err) {
    for (;;) {
        const char *file = set->reader.source.name;
        RT_TRY(reader_next(&set->reader, &set->record, have, defect, err));
        if (*have) {
            RT_TRY(beside_next(&set->answers, file, &set->record.answers, err));
            RT_TRY(beside_next(&set->meta, file, &set->record.meta, err));
            return RT_OK;
        }
        RT_TRY(beside_end(&set->answers, file, err));
        RT_TRY(beside_end(&set->meta, file, err));
        if (set->n_opened == set->files.n) return RT_OK;
        RT_TRY(open_file(set, set->files.paths[set->n_opened++], err));
    }
}

static rt_status check_columns(const data_set *set, rt_error *err) {
    const size_t n = set->format->n_columns;
    if (n == 0 || set->record.n_fields == n) return RT_OK;
    return rt_fail(err, RT_ERR_MALFORMED, "the number of columns is %zu, not %zu", set->record.n_fields, n);
}

static rt_status read_question(data_set *set, data_question *question, rt_error *err) {
    draft_reset(&set->draft, set->format->metric);
    if (set->format->read == read_narrativeqa) set->record.context = summaries_find(&set->summaries, set->record.fields[0]);
    RT_TRY(set->format->read(&set->record, &set->draft, err));
    draft_finish(&set->draft, question);
    question->line = set->reader.line;
    return RT_OK;
}

rt_status data_next(data_set *set, data_item *item, rt_error *err) {
    rt_error defect;
    for (;;) {
        bool have;
        if (!set->in_record) {
            RT_TRY(next_record(set, &have, &defect, err));
            item->kind = DATA_END;
            if (!have) return RT_OK;
            if (defect.status != RT_OK) return report(set, &defect, true, item);
            walk_start(&set->walk, set->format);
            if (check_columns(set, &defect) != RT_OK) return report(set, &defect, false, item);
            set->in_record = true;
        }
        if (walk_next(&set->walk, &set->record, &have, &defect) != RT_OK) return report(set, &defect, false, item);
        set->in_record = have;
        if (have) break;
    }
    const rt_status status = read_question(set, &item->question, &defect);
    if (status == RT_ERR_MALFORMED) return report(set, &defect, false, item);
    if (status != RT_OK) return rt_fail(err, status, "%s", defect.message);
    set->n_questions++;
    item->kind = DATA_QUESTION;
    return RT_OK;
}

const char *data_form(const data_set *set) { return set->format->name; }
const char *data_note(const data_set *set) { return set->note[0] != '\0' ? set->note : NULL; }
size_t data_n_questions(const data_set *set) { return set->n_questions; }
size_t data_n_defects(const data_set *set) { return set->n_defects; }

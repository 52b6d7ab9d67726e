/* Escaping; see markup.h. */
#include "tools/markup.h"

#include "tools/qa_text.h"

static const char replacement[] = "\xef\xbf\xbd";

/* What stands for the character at p, of which n bytes remain; *length is that of the character. NULL: itself. */
static const char *reference_of(const char *p, size_t n, size_t *length) {
    const unsigned char c = (unsigned char)*p;
    *length = 1;
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    case '\t':
    case '\n':
    case '\r': return NULL;
    default: break;
    }
    if (c < 0x20 || c == 0x7f) return replacement;
    if (c == 0xc2 && n >= 2 && (unsigned char)p[1] < 0xa0) { /* U+0080 to U+009F */
        *length = 2;
        return replacement;
    }
    if (c == 0xef && n >= 3 && (unsigned char)p[1] == 0xbf && (unsigned char)p[2] >= 0xbe) {
        *length = 3;
        return replacement;
    }
    return NULL;
}

static rt_status append_sound(rt_text *out, slice text, rt_error *err) {
    size_t start = 0;
    for (size_t i = 0, length; i < text.n; i += length) {
        const char *reference = reference_of(text.v + i, text.n - i, &length);
        if (reference == NULL) continue;
        RT_TRY(rt_text_append(out, text.v + start, i - start, err));
        RT_TRY(markup_raw(out, reference, err));
        start = i + length;
    }
    return rt_text_append(out, text.n > start ? text.v + start : "", text.n - start, err);
}

rt_status markup_text(rt_text *out, slice text, rt_error *err) {
    rt_text sound = {0};
    rt_status status = qa_repair_utf8(text, &sound, err);
    if (status == RT_OK) status = append_sound(out, (slice){sound.v, sound.n}, err);
    rt_text_free(&sound);
    return status;
}

rt_status markup_raw(rt_text *out, const char *markup, rt_error *err) { return rt_text_append(out, markup, strlen(markup), err); }

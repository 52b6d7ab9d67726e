/* Checked access to the fields of a record; see record.h. */
#include "tools/data/record.h"

#include <math.h>
#include <stdio.h>

const cJSON *record_find(const cJSON *object, const char *path) {
    const char *dot = strchr(path, '.');
    if (dot == NULL) return cJSON_GetObjectItemCaseSensitive(object, path);
    char first[32];
    snprintf(first, sizeof first, "%.*s", (int)(dot - path), path);
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(object, first), dot + 1);
}

bool record_starts_with(slice s, const char *text) { return s.n >= strlen(text) && memcmp(s.v, text, strlen(text)) == 0; }
bool record_has_text(const cJSON *object, const char *key) { return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, key)); }

static const char *kind_of(const cJSON *value) {
    if (cJSON_IsNumber(value)) return "a number";
    if (cJSON_IsBool(value)) return "true or false";
    if (cJSON_IsNull(value)) return "null";
    if (cJSON_IsArray(value)) return "a list";
    return cJSON_IsObject(value) ? "an object" : "a text";
}

static rt_status misfit(const cJSON *value, const char *key, const char *wanted, rt_error *err) {
    if (value == NULL) return rt_fail(err, RT_ERR_MALFORMED, "no member '%s' (%s)", key, wanted);
    return rt_fail(err, RT_ERR_MALFORMED, "'%s' is %s, not %s", key, kind_of(value), wanted);
}

rt_status record_text(const cJSON *object, const char *key, slice *text, rt_error *err) {
    const cJSON *value = record_find(object, key);
    if (!cJSON_IsString(value)) return misfit(value, key, "a text", err);
    *text = slice_of(value->valuestring);
    return RT_OK;
}

rt_status record_optional_text(const cJSON *object, const char *key, slice *text, rt_error *err) {
    const cJSON *value = record_find(object, key);
    *text = slice_of("");
    return value == NULL || cJSON_IsNull(value) ? RT_OK : record_text(object, key, text, err);
}

rt_status record_array(const cJSON *object, const char *key, const cJSON **array, rt_error *err) {
    *array = record_find(object, key);
    return cJSON_IsArray(*array) ? RT_OK : misfit(*array, key, "a list", err);
}

rt_status record_id(const cJSON *object, const char *key, char digits[32], slice *text, rt_error *err) {
    const cJSON *value = record_find(object, key);
    if (!cJSON_IsNumber(value) || fabs(value->valuedouble) > 9e15) return record_optional_text(object, key, text, err);
    snprintf(digits, 32, "%.0f", value->valuedouble);
    *text = slice_of(digits);
    return RT_OK;
}

rt_status record_element(const cJSON *element, const char *what, slice *text, rt_error *err) {
    if (!cJSON_IsString(element)) return rt_fail(err, RT_ERR_MALFORMED, "an element of '%s' is %s, not a text", what, kind_of(element));
    *text = slice_of(element->valuestring);
    return RT_OK;
}

rt_status record_number(const cJSON *object, const char *key, int first, size_t n, size_t *index, rt_error *err) {
    const cJSON *value = record_find(object, key);
    if (!cJSON_IsNumber(value)) return misfit(value, key, "a number", err);
    for (size_t i = 0; i < n; i++) {
        *index = i;
        if (value->valuedouble == first + (double)i) return RT_OK;
    }
    return rt_fail(err, RT_ERR_MALFORMED, "'%s' is %g, not a whole number %d to %d", key, value->valuedouble, first, first + (int)n - 1);
}

rt_status record_label(slice line, const char *what, char first, size_t n, size_t *index, rt_error *err) {
    while (line.n > 0 && line.v[line.n - 1] == ' ') line.n--;
    const char last = (char)(first + (int)n - 1);
    if (line.n == 1 && line.v[0] >= first && line.v[0] <= last) {
        *index = (size_t)(line.v[0] - first);
        return RT_OK;
    }
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, RT_ERR_MALFORMED, "%s is '%s', not %c to %c", what, rt_quote(shown, line.v, line.n), first, last);
}

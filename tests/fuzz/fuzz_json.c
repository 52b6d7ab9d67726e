/* JSON, read strictly. What is let through is printed and read again: it must pass, and print to the same text. */
#include <string.h>

#include "model/json_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cJSON *json = NULL, *again = NULL;
    rt_error err;
    if (!fuzz_succeeded(t5_json_parse("f", data, size, &json, &err), &err)) return 0;
    FUZZ_REQUIRE(cJSON_IsObject(json));
    char *text = cJSON_PrintUnformatted(json);
    FUZZ_REQUIRE(text != NULL);
    FUZZ_REQUIRE(fuzz_succeeded(t5_json_parse("f", (const uint8_t *)text, strlen(text), &again, &err), &err));
    char *text_again = cJSON_PrintUnformatted(again);
    FUZZ_REQUIRE(text_again != NULL && strcmp(text, text_again) == 0);
    cJSON_free(text);
    cJSON_free(text_again);
    cJSON_Delete(json);
    cJSON_Delete(again);
    return 0;
}

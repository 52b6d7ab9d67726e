/* tokenizer_config.json: the few of its keys that change what a T5 tokenizer does. */
#ifndef TOKENIZER_TOKENIZER_CONFIG_H
#define TOKENIZER_TOKENIZER_CONFIG_H

#include <stdbool.h>

#include "runtime/status.h"

enum { TOK_MAX_CONFIG_BYTES = 1 << 20, TOK_MAX_SENTINELS = 65536, TOK_BYT5_SENTINELS = 125 };

typedef struct tok_config {
    bool lower_case;  /* do_lower_case, default false */
    bool legacy;      /* default true */
    size_t extra_ids; /* how many sentinels, default 100 */
    bool is_byt5;     /* tokenizer_class is ByT5Tokenizer: extra_ids is then 125 by default, and 0 means the default, since transformers
                         writes 0 however many there are */
} tok_config;

tok_config tok_config_defaults(void);

/* Sets those fields of *config that the file gives. A key whose value is null counts as absent; of a key given twice the last one holds. */
rt_status tok_config_load(const char *path, tok_config *config, rt_error *err);

/* The same from bytes in memory; file is the name for messages. */
rt_status tok_config_parse(const char *file, const char *json, size_t n_bytes, tok_config *config, rt_error *err);

#endif

/* config.json: what a T5 model is. Internal; the public type is t5_config in t5.h. */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "model/t5.h"

/* Reads PATH/config.json (old and new forms) and, where it exists, PATH/generation_config.json's start, end and pad ids.
 * Missing keys take transformers' defaults; every number is checked against its range. */
rt_status t5_config_load(const char *folder, t5_config *config, rt_error *err);

#endif

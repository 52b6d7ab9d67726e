/* What is compared: dense, and the settings of top-k that the user lists. */
#ifndef TOOLS_COMPARE_SETTING_H
#define TOOLS_COMPARE_SETTING_H

#include "model/t5.h"

enum { COMPARE_MAX_SETTINGS = 64, COMPARE_NAME_SIZE = 96 };

/* T5_ALL or k, of the feed-forward layers and the three kinds of attention. */
typedef struct compare_topk {
    size_t ff, encoder, decoder, cross;
} compare_topk;

typedef struct compare_setting {
    compare_topk topk;
    char name[COMPARE_NAME_SIZE]; /* "dense", "ff 64", "attn 16", "ff 64, enc 16" */
    size_t encoded_by;            /* the first setting with the same ff and encoder: what it encodes serves this one too */
} compare_setting;

typedef struct compare_settings {
    compare_setting v[COMPARE_MAX_SETTINGS]; /* [n]: dense, then the others, those with one encoder side by side */
    size_t n;
} compare_settings;

/* Dense, and the items of two lists, "K,K,..." or NULL each. An item is K (of feed-forward in the first list, of all attention in the
 * second) or all, or K and further parts joined by '+', or such parts alone: ff=K, attn=K, enc=K, dec=K, cross=K. What an item does not say
 * is dense; one that is dense or listed before is left out. Without lists: ff 16, 32, ..., 512, as far as they are below d_ff. RT_ERR_USAGE
 * names the option and the item. */
rt_status compare_settings_list(const char *ff_list, const char *attn_list, size_t d_ff, compare_settings *settings, rt_error *err);

/* On the curve of accuracy against the k of feed-forward, or of attention (all three alike): that k; else 0. Dense is on neither. */
size_t compare_ff_k(const compare_setting *setting);
size_t compare_attn_k(const compare_setting *setting);

#endif

/* All options of all commands; see options.h. */
#include <stddef.h>

#include "tools/options.h"

enum {
    MODEL_COMMANDS = OPT_ASK | OPT_SCORE,
    TEXT_COMMANDS = OPT_ASK | OPT_SCORE | OPT_TOKENIZE,
    ALL_COMMANDS = OPT_ASK | OPT_SCORE | OPT_TOKENIZE | OPT_DETOKENIZE,
    MAX_TOKENS = 1 << 24, /* above what a line of LINES_MAX_BYTES can give */
    MAX_BEAMS = 1024,
    MAX_THREADS = 1024,
    MAX_TOPK = 1 << 30
};

#define FIELD(name) offsetof(opt_values, name)

const opt_row opt_table[OPT_N] = {
    [OPT_MODEL] = {"model", 'm', OPT_KIND_TEXT, ALL_COMMANDS, 0, 0, FIELD(model), "MODEL",
                   "$T5K_MODEL, else the small model that comes with t5k", "Folder of the model."},
    [OPT_CONTEXT] = {"context", 0, OPT_KIND_TEXT, OPT_ASK, 0, 0, FIELD(context), "TEXT", NULL,
                     "Passage that the answer is to be found in; the input becomes UnifiedQA's form."},
    [OPT_CONTEXT_FILE] = {"context-file", 0, OPT_KIND_TEXT, OPT_ASK, 0, 0, FIELD(context_file), "FILE", NULL,
                          "As --context, read from FILE (-: standard input)."},
    [OPT_CHOICE] = {"choice", 0, OPT_KIND_CHOICE, OPT_ASK, 0, QA_MAX_CHOICES, FIELD(choices), "TEXT", NULL,
                    "One of the answers to choose from, (a), (b), and so on; give it once for each, at most 26 times."},
    [OPT_KEEP_CASE] = {"keep-case", 0, OPT_KIND_FLAG, TEXT_COMMANDS, 0, 0, FIELD(keep_case), NULL, NULL,
                       "Do not turn A-Z into lower case."},
    [OPT_MAX_INPUT_TOKENS] = {"max-input-tokens", 0, OPT_KIND_COUNT, MODEL_COMMANDS, 1, MAX_TOKENS, FIELD(max_input_tokens), "N", "no cut",
                              "Cut an input to its first N tokens, </s> counted and kept; each cut is told on standard error."},
    [OPT_BEAMS] = {"beams", 0, OPT_KIND_COUNT, OPT_ASK, 1, MAX_BEAMS, FIELD(generate.num_beams), "N", NULL,
                   "Search with N beams; 1 is greedy."},
    [OPT_NUM_ANSWERS] = {"num-answers", 0, OPT_KIND_COUNT, OPT_ASK, 1, MAX_BEAMS, FIELD(generate.num_return_sequences), "N", NULL,
                         "Print the N best answers of each question, best first; needs --beams of N or more."},
    [OPT_MAX_NEW_TOKENS] = {"max-new-tokens", 0, OPT_KIND_COUNT, OPT_ASK, 1, MAX_TOKENS, FIELD(generate.max_new_tokens), "N", NULL,
                            "End an answer after N tokens."},
    [OPT_MIN_NEW_TOKENS] = {"min-new-tokens", 0, OPT_KIND_COUNT, OPT_ASK, 0, MAX_TOKENS, FIELD(generate.min_new_tokens), "N", NULL,
                            "Do not let an answer end before N tokens."},
    [OPT_LENGTH_PENALTY] = {"length-penalty", 0, OPT_KIND_DECIMAL, OPT_ASK, 0, 100, FIELD(generate.length_penalty), "X", "1",
                            "With beams, the score is the sum of log-probabilities divided by length^X."},
    [OPT_EARLY_STOPPING] = {"early-stopping", 0, OPT_KIND_EARLY_STOPPING, OPT_ASK, 0, 0, FIELD(generate.early_stopping), "WHEN",
                            "false",
                            "With beams: true ends once there are as many whole answers as beams, false when a better one is unlikely, "
                            "never when a better one is impossible."},
    [OPT_NO_REPEAT_NGRAM] = {"no-repeat-ngram", 0, OPT_KIND_COUNT, OPT_ASK, 0, MAX_TOKENS, FIELD(generate.no_repeat_ngram_size), "N",
                             NULL, "Let no N tokens in a row occur twice in an answer; 0 is off."},
    [OPT_FF_TOPK] = {"ff-topk", 0, OPT_KIND_COUNT_OR_ALL, MODEL_COMMANDS, 1, MAX_TOPK, FIELD(session.ff_topk), "K", NULL,
                     "Keep the K best units of every feed-forward layer, at most the model's d_ff, or all."},
    [OPT_ATTN_TOPK] = {"attn-topk", 0, OPT_KIND_ATTENTION, MODEL_COMMANDS, 1, MAX_TOPK, FIELD(session), "K", "all",
                       "Keep the K best keys of every attention, or all; enc=K,dec=K,cross=K, or some of these, sets encoder, decoder and "
                       "cross-attention apart."},
    [OPT_CHUNK] = {"chunk", 0, OPT_KIND_COUNT, MODEL_COMMANDS, 1, MAX_TOKENS, FIELD(session.chunk), "N", NULL,
                   "Work on at most N queries at a time; memory depends on it, answers do not."},
    [OPT_BATCH_TOKENS] = {"batch-tokens", 0, OPT_KIND_COUNT, MODEL_COMMANDS, 1, MAX_TOKENS, FIELD(session.batch_tokens), "N", NULL,
                          "Put inputs side by side up to N tokens; memory and speed depend on it, answers do not."},
    [OPT_THREADS] = {"threads", 0, OPT_KIND_COUNT, MODEL_COMMANDS, 1, MAX_THREADS, FIELD(session.threads), "N", "all cores",
                     "Use N threads; answers do not depend on it."},
    [OPT_IDS] = {"ids", 0, OPT_KIND_FLAG, TEXT_COMMANDS, 0, 0, FIELD(ids), NULL, NULL,
                 "Token ids, separated by spaces, in place of text; ask and score take them exactly as given and need no tokenizer."},
    [OPT_JSON] = {"json", 0, OPT_KIND_FLAG, MODEL_COMMANDS, 0, 0, FIELD(json), NULL, NULL, "Print one JSON object for each input."},
    [OPT_DUMP] = {"dump", 0, OPT_KIND_TEXT, MODEL_COMMANDS, 0, 0, FIELD(dump), "FILE", NULL,
                  "For one input: write encoder_hidden, decoder_hidden and logits to FILE in the safetensors format."},
    [OPT_QUIET] = {"quiet", 'q', OPT_KIND_FLAG, ALL_COMMANDS, 0, 0, FIELD(quiet), NULL, NULL,
                   "No warnings and no prompts on standard error."},
    [OPT_VERBOSE] = {"verbose", 'v', OPT_KIND_FLAG, ALL_COMMANDS, 0, 0, FIELD(verbose), NULL, NULL,
                     "Tell on standard error what is opened, what the model sees and how fast it is."},
    [OPT_HELP] = {"help", 'h', OPT_KIND_FLAG, ALL_COMMANDS | OPT_HELP_COMMAND, 0, 0, FIELD(help), NULL, NULL, "Print this text."},
};

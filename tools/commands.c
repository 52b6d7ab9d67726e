/* The commands, and the texts that help prints about them; see command.h. */
#include "tools/command.h"

static const char ask_help[] =
    "Answers QUESTION, or each line of standard input as soon as it has come, one answer a line on standard output.\n\n"
    "A question alone is given to the model as it is: a Flan-T5 or T5 prompt, or UnifiedQA's form 'question \\n (a) one choice (b) another "
    "\\n passage' with a backslash and an n. A real line break in QUESTION stands for that separator. With --context, "
    "--context-file or --choice the form is built from the question and turned into lower case, as UnifiedQA was trained; line "
    "breaks and tabs in its parts become spaces, an empty context is left out. Every input is turned into lower case where the "
    "model's tokenizer_config.json says do_lower_case. Only A-Z are.\n\n"
    "With --json each line is {\"input\":...,\"answers\":[{\"text\":...,\"score\":...,\"tokens\":[...]}],\"input_tokens\":...,"
    "\"seconds\":...}. input is the text that the model saw; score is the sum of log-probabilities, with beams divided by "
    "length^penalty; tokens are the generated ids, </s> included; seconds is the time of the batch in which the question was answered. "
    "With --ids there is no text, and input is the list of ids.";

static const char ask_examples[] =
    "  t5k ask \"who wrote the book?\" --context \"Maria wrote the book. Peter sold it.\"\n"
    "  t5k ask \"where does the president live?\" --choice paris --choice rome \\\n"
    "      --context \"The president lives in Rome.\"\n"
    "  t5k ask -m flan-t5-base --beams 4 \"Translate to German: I am hungry.\"\n"
    "  t5k ask --json --ff-topk 64 < questions.txt > answers.jsonl\n";

static const char score_help[] =
    "Reads lines of an input, one tab and a target, and prints for each the log-probability of the target after the input: the sum "
    "over the target's tokens, </s> included, with nine significant digits. With --ids both are lists of ids, taken exactly as "
    "given (no </s> is added).\n\n"
    "With --json each line is {\"input\":...,\"target\":...,\"logprob\":...,\"tokens\":[...],\"logprobs\":[...]}: the texts that the "
    "model saw, the sum, the target's ids, and the log-probability of each.";

static const char score_examples[] =
    "  printf 'who sang? \\\\n anna sang.\\tanna\\n' | t5k score\n"
    "  t5k score --json < pairs.tsv\n";

static const char tokenize_help[] =
    "Reads lines of text and prints for each its pieces, separated by spaces, </s> included; with --ids their ids. Only the "
    "tokenizer is opened. The text is turned into lower case where ask would do so for a question alone.";

static const char tokenize_examples[] = "  echo 'where is Anna?' | t5k tokenize\n"
                                        "  t5k tokenize --ids < questions.txt | t5k ask --ids\n";

static const char detokenize_help[] =
    "Reads lines of token ids, separated by spaces, and prints the text of each. Special tokens (</s>, <pad>, <unk>, <extra_id_0> "
    "and so on) have no text. Only the tokenizer is opened.";

static const char detokenize_examples[] = "  echo 'where is Anna?' | t5k tokenize --ids | t5k detokenize\n";

static const char inspect_help[] =
    "Tells what a model is: the form of its files, its family, its config in the checkpoint's own words, its tensors and their totals by "
    "type; and what memory ask would take for a batch of the size given, part by part, with what is widened or copied, and when. Only "
    "headers are read, so the largest model is answered at once. Without MODEL it is $T5K_MODEL, else the small model that comes with "
    "t5k.\n\n"
    "The plan is for inputs and answers of the full length; the program, its libraries and the tokenizer come on top. With --json it is "
    "one object: {\"model\":...,\"form\":...,\"files\":...,\"family\":...,\"encoder_only\":...,\"config\":{...}, "
    "\"tensors\":[{\"name\":...,\"type\":...,\"shape\":[...],\"bytes\":..., \"file\":...}],\"types\":{...},\"memory\":{...}}; all "
    "sizes are in bytes.";

static const char inspect_examples[] =
    "  t5k inspect flan-t5-base\n"
    "  t5k inspect flan-t5-xxl --input-tokens 4096 --batch 8 --beams 4\n"
    "  t5k inspect --json flan-t5-base | jq .memory.total\n";

static const char help_help[] = "Prints what a command does and all its options; without COMMAND, the list of commands.";

static const char help_examples[] = "  t5k help ask\n";

const command command_table[COMMAND_COUNT] = {
    {"ask", OPT_ASK, "[QUESTION]", "answer one question, or one a line from standard input", ask_run, ask_help, ask_examples},
    {"score", OPT_SCORE, NULL, "log-probability of given targets, from lines of input<TAB>target", score_run, score_help, score_examples},
    {"tokenize", OPT_TOKENIZE, NULL, "lines of text to pieces or token ids", tokenize_run, tokenize_help, tokenize_examples},
    {"detokenize", OPT_DETOKENIZE, NULL, "lines of token ids to text", detokenize_run, detokenize_help, detokenize_examples},
    {"inspect", OPT_INSPECT, "[MODEL]", "config, tensors and memory plan of a model; reads headers only", inspect_run, inspect_help,
     inspect_examples},
    {"help", OPT_HELP_COMMAND, "[COMMAND]", "what a command does and its options", help_run, help_help, help_examples},
};

rt_status command_find(const char *name, const command **found, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    const char *shown = rt_quote(quoted, name, strlen(name));
    const command *nearest = NULL;
    size_t distance = 3;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const size_t d = opt_edit_distance(name, command_table[i].name);
        if (d < distance) distance = d, nearest = &command_table[i];
    }
    if (nearest == NULL) {
        return rt_fail(err, RT_ERR_USAGE, "unknown command \"%s\" (ask, score, tokenize, detokenize, inspect or help; a question goes after ask)",
                       shown);
    }
    if (distance > 0) return rt_fail(err, RT_ERR_USAGE, "unknown command \"%s\" (did you mean %s?)", shown, nearest->name);
    *found = nearest;
    return RT_OK;
}

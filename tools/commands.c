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

static const char eval_help[] =
    "Asks the model every question of each data set and prints a table: questions, exact match and F1 as SQuAD's script computes them, "
    "the set's own metric (accuracy of choices, DROP's F1, ROUGE-L, BLEU-1), tokens, time and peak memory. Scores are per cent, with "
    "95 % bootstrap intervals. What form a set has is found by its content: t5k's own JSON lines, UnifiedQA's dev.tsv, or the files as "
    "their authors publish them (SQuAD, BoolQ, ARC, OpenBookQA, CommonsenseQA, QASC, MCTest, RACE, NarrativeQA, DROP, Quoref, ROPES, "
    "PIQA, Social IQa, WinoGrande, TweetQA, NQ-open, TriviaQA, MultiRC, CODAH, Cosmos QA, ListOps, bAbI).\n\n"
    "Questions are read one after another, so memory does not grow with their number. A set that cannot be read does not stop the others; "
    "the exit status is that of the first failure. SIGINT and SIGTERM end the run at once, with the table so far and status 130 or 143.\n\n"
    "--protocol sets these options; each may be given apart:\n"
    "                     t5k    unifiedqa  paper\n"
    "  --case             lower  lower      keep\n"
    "  --apostrophes      keep   strip      keep\n"
    "  --max-input-tokens no cut 512        512\n"
    "  --max-new-tokens   32     100        19\n"
    "  --unknown          drop   mark       drop\n"
    "  --clean-up         no     no         yes\n"
    "  --metric           own    own        squad\n"
    "  --answer-case      lower  keep       keep\n"
    "  --choice-letters   all    published  all\n"
    "  --nq-references    all    first      all\n"
    "  --lost-records     skip   skip       wrong";

static const char eval_examples[] =
    "  t5k eval --data data/questions/extract.jsonl,data/questions/choice.jsonl\n"
    "  t5k eval --data qa.jsonl --by-task --predictions answers.jsonl\n"
    "  t5k eval --data qa.jsonl --predictions answers.jsonl --resume\n"
    "  t5k eval -m unifiedqa-t5-base --data arc_easy --protocol unifiedqa\n"
    "  t5k eval -m unifiedqa-t5-base --data boolq --protocol paper --ff-topk 256 --tsv\n"
    "  t5k eval --data dev-v1.1.json --answers predictions.json.gz\n";

static const char compare_help[] =
    "Answers the questions of data sets dense and under each setting of top-k that --ff-topk and --attn-topk list, and tells how far apart they are: "
    "exact match and F1, each setting's difference to dense question by question with its 95 % interval and a sign test; the share of "
    "answers, and of their first tokens, that are dense's; how far the logits are from dense's along the dense answer: the mean KL "
    "divergence, and the largest and the mean difference; time and memory beside the weights. Below, for each block, how many of a "
    "token's feed-forward units are positive: with ReLU, a k that no token exceeds is dense. Data sets and conventions are those of "
    "eval. Settings that encode alike share the encoding, and its time.\n\n"
    "With --json it is one object for each set and setting. --report writes a page with charts and all questions, --chart one chart. Where "
    "UnifiedQA's d_ff and the set match a table of the top-k attention paper, the published exact match and F1 stand beside the measured ones. "
    "Records that cannot be read, and sets that fail, are told at the end; the others are compared. SIGINT and SIGTERM end the run at once, with the "
    "tables so far and status 130 or 143.";

static const char compare_examples[] =
    "  t5k compare --data data/questions/babi.jsonl --ff-topk 16,64,256 --report babi.html\n"
    "  t5k compare -m unifiedqa-t5-base --data arc_easy --protocol paper --ff-topk 16,32,64,128,256,512,all\n"
    "  t5k compare --data squad.json --limit 500 --attn-topk 16,64,enc=64+cross=16\n";

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

static const char convert_help[] =
    "Writes MODEL, in whatever form t5k reads it, to one GGUF file with everything inside: weights, config and tokenizer. An OUT.gguf that is "
    "there already is replaced at the very end; whatever goes wrong before leaves it as it was, and no other file behind.\n\n"
    "In the t5k layout the file holds what the kernels read: the feed-forward's down-projections are turned into panels, and large models "
    "bring the 8-bit copies of lm_head and, with ReLU, of wi that screening reads. Opening it maps it and derives nothing. With "
    "--layout llama.cpp the file is what llama.cpp's converter writes, for llama.cpp and other programs; it refuses models that llama.cpp would "
    "take for others.\n\n"
    "Both layouts hold the same model: with f32, or without --type, its answers are the same bits as before. What another type loses is "
    "printed for each kind of tensor, as the largest and the mean relative error of its numbers. A number that is too large for "
    "the type ends the conversion. With q8_0 the t5k layout stores the panels as f32, which holds the q8_0 numbers exactly.";

static const char convert_examples[] =
    "  t5k convert flan-t5-base flan-t5-base.gguf\n"
    "  t5k convert flan-t5-base flan-t5-base-f16.gguf --type f16\n"
    "  t5k convert flan-t5-base interchange.gguf --layout llama.cpp --type q8_0\n";

static const char bench_help[] =
    "Measures how fast a model runs, beside what this machine can do at most. Without MODEL it is $T5K_MODEL, else the small model that comes "
    "with t5k; with --shape it is a T5 of that size with random weights, which are made in memory and written nowhere.\n\n"
    "limits: multiply-adds in f32, products of bytes (where the kernels use them), and reading memory from a buffer larger than the caches, each "
    "the best of the runs.\n"
    "kernels: at the model's shapes in f32 on one thread, as shares of one thread's limit. Those that are shown as a share of memory's find their "
    "rows in memory, the others in the caches.\n"
    "blocks: each layer's time in whole passes, divided by the number of blocks, and its share of the block; then what the decoder does once for a "
    "source in each block, and lm_head. The rates count all work and all weights of dense layers: what t5k leaves out, "
    "units that are not positive and their weights, or finds in the caches, makes them larger and may make them exceed the limit. With --compute q8 "
    "the weights are their 8-bit copies, and the encoder's limit is that of products of bytes.\n"
    "requests: encode (512 tokens), ask (64 tokens, 16 new ones), beam (the same with 4 beams), eval (64 inputs of 49 to 512 tokens, 8 new "
    "ones each) and long (4,096 tokens, 1 new one). tokens/s counts tokens read and written, those of every beam. A request that needs more memory "
    "than there is is left out.\n\n"
    "With --json it is one object: {\"model\":...,\"d_model\":...,\"density\":{...},\"isa\":...,\"compute\":...,\"threads\":...,\"runs\":...,"
    "\"limits\":{...}, \"kernels\":[...],\"blocks\":[{...,\"layers\":[...]}],\"requests\":[...]}; rates are in 10^9 a second.";

static const char bench_examples[] =
    "  t5k bench\n"
    "  t5k bench flan-t5-base --threads 4\n"
    "  t5k bench --shape base --density 0.03 --json | jq .requests\n";

static const char help_help[] = "Prints what a command does and all its options; without COMMAND, the list of commands.";

static const char help_examples[] = "  t5k help ask\n";

const command command_table[COMMAND_COUNT] = {
    {"ask", OPT_ASK, "[QUESTION]", "answer one question, or one a line from standard input", ask_run, ask_help, ask_examples},
    {"score", OPT_SCORE, NULL, "log-probability of given targets, from lines of input<TAB>target", score_run, score_help, score_examples},
    {"eval", OPT_EVAL, "--data PATH[,PATH]...", "accuracy on data sets", eval_run_command, eval_help, eval_examples},
    {"compare", OPT_COMPARE, "--data PATH[,PATH]...", "top-k against dense on data sets", compare_run, compare_help, compare_examples},
    {"tokenize", OPT_TOKENIZE, NULL, "lines of text to pieces or token ids", tokenize_run, tokenize_help, tokenize_examples},
    {"detokenize", OPT_DETOKENIZE, NULL, "lines of token ids to text", detokenize_run, detokenize_help, detokenize_examples},
    {"inspect", OPT_INSPECT, "[MODEL]", "config, tensors and memory plan of a model; reads headers only", inspect_run, inspect_help,
     inspect_examples},
    {"convert", OPT_CONVERT, "MODEL OUT.gguf", "a model to one GGUF file, t5k's own or for llama.cpp", convert_run, convert_help,
     convert_examples},
    {"bench", OPT_BENCH, "[MODEL]", "kernels and whole requests against the limits of this machine", bench_run, bench_help, bench_examples},
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
        return rt_fail(err, RT_ERR_USAGE, "unknown command \"%s\" (ask, score, eval, compare, tokenize, detokenize, inspect, convert, bench or help; "
                       "a question goes after ask)", shown);
    }
    if (distance > 0) return rt_fail(err, RT_ERR_USAGE, "unknown command \"%s\" (did you mean %s?)", shown, nearest->name);
    *found = nearest;
    return RT_OK;
}

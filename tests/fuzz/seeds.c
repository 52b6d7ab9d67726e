/* Writes the seeds of the fuzz targets, one folder a target: seeds FOLDER. Small sound files from the writers of the tests, and what the
 * golden models and the sample data sets have of small files. The corpora have grown from these.
 *
 * The writers end a test where memory runs out, so all of it is one test. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/gguf_write.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/pytorch_writer.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/spm_builder.h"
#include "tests/support/text.h"

static const char *out_folder;

static void save(const char *target, const char *name, rt_text *bytes) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", out_folder, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", out_folder, target, name);
    FILE *f = fopen(path, "wb");
    ck_assert_msg(f != NULL && fwrite(bytes->v, 1, bytes->n, f) == bytes->n && fclose(f) == 0, "cannot write %s", path);
    bytes->n = 0;
}

static void append_file(rt_text *out, const char *path) {
    char block[4096];
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot read %s", path);
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) text_append_bytes(out, block, n);
    fclose(f);
}

static void copy_file(const char *target, const char *name, const char *path, const char *beside, rt_text *bytes) {
    append_file(bytes, path);
    if (beside != NULL) {
        text_append_bytes(bytes, "", 1);
        append_file(bytes, beside);
    }
    save(target, name, bytes);
}

/* ---- checkpoints ---- */

static void write_safetensors(rt_text *bytes) {
    static const char header[] = "{\"\\u0061\\n\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}";
    st_write(ST_NOTHING, NULL, bytes);
    save("safetensors", "three", bytes);
    st_write_header(header, sizeof header - 1, 8, bytes);
    save("safetensors", "scalar", bytes);
    text_append(bytes, "%s", header);
    save("safetensors", "header", bytes);
}

/* Opcodes of a parameter of one element. */
#define PARAMETER                                                                                                                     \
    "ctorch._utils\n_rebuild_parameter\n(ctorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nHalfStorage\nU\1" "9U\3cpuK\1tQK\0" \
    "K\1\x85K\1\x85\x89" "ccollections\nOrderedDict\n)RtR\x89" "ccollections\nOrderedDict\n)RtR"

static void write_pytorch(rt_text *bytes) {
    static const char keys[] = "\x80\2]q\0(X\1\0\0\0aq\1X\1\0\0\0be.", flag[] = "\x80\2}q\0(X\r\0\0\0little_endianq\1\x88u.";
    zip_layout layout;
    for (size_t i = 0; i < PT_N_STYLES; i++) {
        char name[32];
        snprintf(name, sizeof name, "style%zu", i);
        pt_write(PT_CHANGE(PT_NOTHING, ""), pt_style_of(i), &layout, bytes);
        save("pytorch", name, bytes);
    }
    for (size_t i = 0; i < PT_N_STYLES; i += PT_LEGACY) {
        pt_write(PT_CHANGE(PT_STRIDE, "K\0\x85"), pt_style_of(i), &layout, bytes);
        save("pytorch", i == PT_LEGACY ? "strided_legacy" : "strided", bytes);
    }
    pt_write(PT_CHANGE(PT_NOTHING, ""), &(const pt_style){.byte_order = "little", .more = "version"}, &layout, bytes);
    save("pytorch", "byte_order", bytes);
    pt_write_pickle(PT_CHANGE(PT_VALUE, PARAMETER), false, bytes);
    save("pickle", "parameter", bytes);
    for (int legacy = 0; legacy < 2; legacy++) {
        pt_write_pickle(PT_CHANGE(PT_NOTHING, ""), legacy != 0, bytes);
        save("pickle", legacy != 0 ? "legacy" : "dict", bytes);
    }
    text_append_bytes(bytes, keys, sizeof keys - 1);
    save("pickle", "keys", bytes);
    text_append_bytes(bytes, flag, sizeof flag - 1);
    save("pickle", "flag", bytes);
}

static void write_zip(rt_text *bytes) {
    static const zip_member members[] = {{"x/a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 32}, {"x/b/c", "0123456789", 10}, {"y", "", 0}};
    static const zip_style styles[] = {{.deflate = false}, {.deflate = true}, {.deflate = true, .descriptors = true},
                                       {.descriptors = true, .align = true, .end64 = true}, {.wide = true, .end64 = true},
                                       {.deflate = true, .no_crc = true}};
    zip_layout layout;
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        char name[32];
        snprintf(name, sizeof name, "style%zu", i);
        zip_write(members, sizeof members / sizeof *members, &styles[i], &layout, bytes);
        save("zip", name, bytes);
    }
}

/* ---- GGUF ---- */

static void must_write(rt_status status) {
    if (status != RT_OK) ck_abort_msg("cannot write GGUF");
}

static void put_config(rt_gguf_writer *w) {
    static const char *const sizes[] = {"t5.embedding_length", "t5.attention.key_length", "t5.feed_forward_length",
                                        "t5.attention.head_count", "t5.block_count", "t5.decoder_block_count"};
    must_write(rt_gguf_put_string(w, "general.architecture", "t5", 2, NULL));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) must_write(rt_gguf_put_u32(w, sizes[i], 1, NULL));
    must_write(rt_gguf_put_u32(w, "t5.attention.relative_buckets_count", 4, NULL));
    must_write(rt_gguf_put_u32(w, "t5.decoder_start_token_id", 0, NULL));
    must_write(rt_gguf_put_f32(w, "t5.attention.layer_norm_rms_epsilon", 1e-6f, NULL));
}

/* Of t5k's converter. */
static void put_settings(rt_gguf_writer *w) {
    must_write(rt_gguf_put_string(w, "t5k.activation", "silu", 4, NULL));
    must_write(rt_gguf_put_u32(w, "t5k.layout", 1, NULL));
    must_write(rt_gguf_put_u32(w, "t5k.relative_attention_max_distance", 128, NULL));
    must_write(rt_gguf_put_bool(w, "t5k.scale_decoder_outputs", true, NULL));
    must_write(rt_gguf_put_bool(w, "t5k.has_bias_per_layer", false, NULL));
    must_write(rt_gguf_put_u32(w, "t5k.eos_token_id", 1, NULL));
    must_write(rt_gguf_put_bool(w, "t5k.tokenizer.lower_case", true, NULL));
    must_write(rt_gguf_put_bool(w, "t5k.tokenizer.legacy", false, NULL));
    must_write(rt_gguf_put_u32(w, "t5k.tokenizer.extra_ids", 3, NULL));
}

static void put_vocabulary(rt_gguf_writer *w) {
    static const char *const tokens[] = {"<pad>", "</s>", "<unk>", "\xe2\x96\x81", "a", "\xe2\x96\x81" "ab", "<0x41>", "[PAD7]"};
    static const float scores[] = {0, 0, 0, -2, -3, -1, -5, 0};
    static const int32_t types[] = {3, 3, 2, 1, 1, 4, 6, 5};
    static const uint8_t charsmap[] = {4, 0, 0, 0, 0, 0, 0, 0, 0};
    rt_text strings = {0};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        must_write(rt_gguf_append_string(&strings, tokens[i], strlen(tokens[i]), NULL));
    }
    must_write(rt_gguf_put_string(w, "tokenizer.ggml.model", "t5", 2, NULL));
    must_write(rt_gguf_put_strings(w, "tokenizer.ggml.tokens", &strings, 8, NULL));
    must_write(rt_gguf_put_numbers(w, "tokenizer.ggml.scores", RT_GGUF_F32, scores, 8, NULL));
    must_write(rt_gguf_put_numbers(w, "tokenizer.ggml.token_type", RT_GGUF_I32, types, 8, NULL));
    must_write(rt_gguf_put_numbers(w, "tokenizer.ggml.precompiled_charsmap", RT_GGUF_U8, charsmap, sizeof charsmap, NULL));
    must_write(rt_gguf_put_bool(w, "tokenizer.ggml.add_space_prefix", true, NULL));
    must_write(rt_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 1, NULL));
    rt_text_free(&strings);
}

typedef enum gguf_kind { CONFIG_ONLY, VOCABULARY_ONLY, BOTH, CONVERTED } gguf_kind;

static void write_model(gguf_kind kind, const char *target, rt_text *bytes) {
    static const char *const names[] = {"config", "vocabulary", "both", "converted"};
    static const char *const tensors[] = {"token_embd.weight", "enc.output_norm.weight", "enc.blk.0.ffn_gate.weight",
                                          "dec.blk.0.cross_attn_q.weight", "output.weight"};
    static const size_t shape[] = {8, 1};
    rt_gguf_writer w = {.alignment = RT_GGUF_ALIGNMENT};
    if (kind != VOCABULARY_ONLY) put_config(&w);
    if (kind != CONFIG_ONLY) put_vocabulary(&w);
    if (kind == CONVERTED) put_settings(&w);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) must_write(rt_gguf_put_tensor(&w, tensors[i], 2, shape, RT_F16, NULL));
    must_write(rt_gguf_head(&w, bytes, NULL));
    for (size_t i = 0; i < w.data_bytes; i++) text_append_bytes(bytes, "", 1);
    rt_gguf_writer_free(&w);
    save(target, names[kind], bytes);
}

static void write_gguf(rt_text *bytes) {
    static const char *const targets[] = {"gguf", "gguf_model"};
    for (size_t i = 0; i < 2; i++) {
        gguf_write(GGUF_NOTHING, 0, bytes);
        save(targets[i], "sample", bytes);
        for (gguf_kind kind = CONFIG_ONLY; kind <= CONVERTED; kind++) write_model(kind, targets[i], bytes);
    }
}

/* ---- tokenizers ---- */

/* One rule, from "A" to "e": the root, with its follower in the next block of units. */
static void append_charsmap(rt_text *out) {
    enum { BLOCK = 256, N_UNITS = 3 * BLOCK };
    static uint32_t units[N_UNITS];
    units[0] = (uint32_t)BLOCK << 10;
    units[BLOCK ^ 'A'] = (uint32_t)((BLOCK ^ 'A') ^ 2 * BLOCK) << 10 | 1u << 8 | 'A';
    units[2 * BLOCK] = 1u << 31;
    text_append_bytes(out, &(const uint32_t){sizeof units}, 4);
    text_append_bytes(out, units, sizeof units);
    text_append_bytes(out, "e", 2);
}

static void write_spm(rt_text *bytes) {
    rt_text charsmap = {0}, spec = {0}, trainer = {0};
    append_charsmap(&charsmap);
    spm_put_bytes(&spec, 2, charsmap.v, charsmap.n);
    save("charsmap", "rule", &charsmap);
    spm_start_model(bytes);
    save("spm", "small", bytes);
    spm_put_number(&trainer, 3, 1);
    spm_put_number(&trainer, 35, 1); /* byte_fallback */
    spm_start_model(bytes);
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", b);
        spm_add_text(bytes, name, 0, BYTE);
    }
    spm_put_bytes(bytes, 2, trainer.v, trainer.n);
    save("spm", "bytes", bytes);
    spm_start_model(bytes);
    spm_add_trainer_spec(bytes, 1);
    spm_add_text(bytes, "<extra_id_0>", 0, USER_DEFINED);
    spm_add_text(bytes, "a", 0, USER_DEFINED);
    spm_add_text(bytes, "ab", 0, USER_DEFINED);
    spm_put_bytes(bytes, 3, spec.v, spec.n);
    save("spm", "whole", bytes);
    rt_text_free(&charsmap);
    rt_text_free(&spec);
    rt_text_free(&trainer);
}

static void write_texts(rt_text *bytes) {
    static const char *const texts[] = {"what is the capital of france? \\n (a) paris (b) rome", "a</s> b<extra_id_0>c <pad><unk>  d",
                                        "\xef\xac\x81 \xc3\xa9 \xe3\x80\x80 \xe2\x96\x81 \xf0\x9f\x98\x80", "a\xff\xc3 \xed\xa0\x80 \t\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char name[32];
        snprintf(name, sizeof name, "text%zu", i);
        text_append(bytes, "%s", texts[i]);
        save("text", name, bytes);
    }
}

/* ---- JSON and data sets ---- */

#define CASES "tests/golden/cases/"
#define SETS "tests/data/sets/"

static void copy_json(rt_text *bytes) {
    static const char *const configs[] = {CASES "old_config/bin_legacy_old", CASES "gated_gelu_tied/hf5_resaved", CASES "umt5/safetensors",
                                          CASES "t5_encoder/safetensors"};
    char path[256], name[32];
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        snprintf(path, sizeof path, "%s/config.json", configs[i]);
        snprintf(name, sizeof name, "config%zu", i);
        copy_file("config", name, path, i == 1 ? CASES "relu_tied/bin/generation_config.json" : NULL, bytes);
        copy_file("json", name, path, NULL, bytes);
    }
    copy_file("shard_index", "safetensors", CASES "odd_sizes/safetensors_sharded/model.safetensors.index.json", NULL, bytes);
    text_append(bytes, "{\"metadata\":{\"total_size\":1},\"weight_map\":{\"a\":\"x.bin\",\"b\":\"y.bin\"}}");
    save("shard_index", "small", bytes);
    text_append(bytes, "{\"a\":[1,-2.5e-3,\"\\u00e9\\ud83d\\ude00\\n\",true,null,{}],\"b\":[[]]}");
    save("json", "every", bytes);
    text_append(bytes, "{\"do_lower_case\":true,\"legacy\":false,\"extra_ids\":100,\"tokenizer_class\":\"ByT5Tokenizer\"}");
    save("tokenizer_config", "every", bytes);
}

static void copy_sets(rt_text *bytes) {
    static const char *const sets[][2] = {
        {"arc.jsonl"}, {"babi.txt"}, {"boolq.jsonl"}, {"boolq_contrast.json"}, {"codah.tsv"}, {"commonsenseqa.jsonl"}, {"cosmosqa.csv"},
        {"drop.json"}, {"instruction_question.json"}, {"instruction_winogrande.json"}, {"listops.tsv"}, {"mctest.tsv", "mctest.ans"},
        {"multirc.jsonl"}, {"narrativeqa/qaps.csv", "narrativeqa/summaries.csv"}, {"nq_open.jsonl"}, {"own.jsonl"},
        {"piqa.jsonl", "piqa-labels.lst"}, {"qasc.jsonl"}, {"query_choices.jsonl"}, {"quoref.json"}, {"race/middle1.txt"}, {"ropes.json"},
        {"socialiqa.jsonl", "socialiqa-labels.lst"}, {"squad.json"}, {"squad2.json"}, {"triviaqa.jsonl"}, {"tweetqa.json"},
        {"unifiedqa/dev.tsv", "unifiedqa/dev_ans.jsonl"}, {"unifiedqa_choice/test.tsv", "unifiedqa_choice/test_meta.tsv"},
        {"winogrande.jsonl"}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char path[256], beside[256], name[32];
        snprintf(path, sizeof path, SETS "%s", sets[i][0]);
        if (sets[i][1] != NULL) snprintf(beside, sizeof beside, SETS "%s", sets[i][1]);
        snprintf(name, sizeof name, "set%zu", i);
        copy_file("data", name, path, sets[i][1] != NULL ? beside : NULL, bytes);
    }
}

START_TEST(seeds) {
    rt_text bytes = {0};
    write_safetensors(&bytes);
    write_pytorch(&bytes);
    write_zip(&bytes);
    write_gguf(&bytes);
    write_spm(&bytes);
    write_texts(&bytes);
    copy_json(&bytes);
    copy_sets(&bytes);
    rt_text_free(&bytes);
}
END_TEST

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    out_folder = argv[1];
    Suite *suite = suite_create("seeds");
    TCase *tcase = tcase_create("seeds");
    tcase_add_test(tcase, seeds);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}

# t5k inspect: what is told of each form, in whose words; and what is refused. The numbers of the plan are tests/test_plan.c's business.

# One line that a table must have, its runs of spaces squeezed.
tells() {
    tr -s ' ' <"$tmp/out" | sed 's/^ //; s/ $//' >"$tmp/squeezed"
    holds "t5k $shown: $1" grep -Fqx -e "$1" "$tmp/squeezed"
}
inspect() {
    shown="inspect $*"
    run inspect "$@"
    holds "t5k $shown: status" test "$status" -eq 0
    holds "t5k $shown: nothing on standard error" test ! -s "$tmp/err"
}

inspect $mini
for line in "model $mini" 'form safetensors, 1 file' 'family T5' 'vocab_size 32128' 'num_decoder_layers 2' 'dense_act_fn relu' \
    'layer_norm_epsilon 1e-06' 'shared.weight BF16 [32128, 128] 8224768' 'decoder.final_layer_norm.weight BF16 [128] 256' \
    'BF16 63 tensors 5425408 elements 10850816 bytes 10.3 MiB'; do
    tells "$line"
done
holds 'inspect: at most 100 columns' test -z "$(grep -E '^.{101}' "$tmp/out")"
holds 'inspect: what is planned' grep -q '^memory for 1 input of 512 tokens, 1 beam, 32 new tokens; ' "$tmp/out"
cp "$tmp/out" "$tmp/named"
inspect
sed 's/^model .*//' "$tmp/named" >"$tmp/want_rest"
sed 's/^model .*//' "$tmp/out" | cmp -s - "$tmp/want_rest"
holds 'inspect without MODEL: the embedded one' test $? -eq 0

inspect --input-tokens 100 --batch 3 --beams 4 --max-new-tokens 7 --threads 1 --chunk 5 $golden/gated_gelu/safetensors_f16_wo32
tells 'family T5 v1.1'
tells 'F16 56 tensors 61760 elements 123520 bytes 0.1 MiB'
tells 'F32 5 tensors 10240 elements 40960 bytes 0.0 MiB'
holds 'inspect: the request' grep -q '^memory for 3 inputs of 100 tokens, 4 beams, 7 new tokens; 1 thread, chunk 5, ' "$tmp/out"

# Forms and families: PATH|FORM|FAMILY
for case in \
    'gated_gelu/safetensors_sharded|safetensors, 3 files|T5 v1.1' \
    'gated_gelu/bin_sharded|PyTorch, 3 files|T5 v1.1' \
    'gelu/bin_parameters|PyTorch, 1 file|T5' \
    'gated_gelu/gguf_q8_0|GGUF, 1 file|T5 v1.1 or mT5' \
    'real_vocab/gguf_f16/model.gguf|GGUF, 1 file|T5' \
    'mt5/safetensors|safetensors, 1 file|mT5' \
    'umt5/safetensors|safetensors, 1 file|UMT5' \
    'byt5/safetensors|safetensors, 1 file|ByT5' \
    't5_encoder/safetensors|safetensors, 1 file|T5, encoder only'; do
    rest=${case#*|}
    inspect "$golden/${case%%|*}"
    tells "form ${rest%|*}"
    tells "family ${rest#*|}"
done
holds 'inspect: an encoder has no beams' grep -q '^memory for 1 input of 512 tokens; ' "$tmp/out"

# A GGUF file's words are its keys; one without keys is described by the config.json beside it.
inspect $golden/gated_gelu/gguf_q8_0
for line in 't5.embedding_length 32' 't5.attention.key_length 12' 't5.decoder_block_count 2' 'vocab_size 300' 'dense_act_fn gelu_new' \
    'tokenizer.ggml.eos_token_id 1' 'Q8_0 38 tensors 66048 elements 70176 bytes 0.1 MiB'; do
    tells "$line"
done
inspect --json $golden/gated_gelu/gguf_q8_0
holds 'inspect --json: one line' test "$(wc -l <"$tmp/out")" -eq 1
for part in '{"model":"tests/golden/cases/gated_gelu/gguf_q8_0","form":"GGUF","files":1,"family":"T5 v1.1 or mT5","encoder_only":false,' \
    '"dense_act_fn":"gelu_new","is_gated_act":true,"scale_decoder_outputs":false,"t5.attention.layer_norm_rms_epsilon":1e-06,' \
    '{"name":"decoder.block.0.layer.0.SelfAttention.k.weight","type":"Q8_0","shape":[24,32],"bytes":816,"file":"model.gguf"}' \
    '"Q8_0":{"tensors":38,"elements":66048,"bytes":70176}' '"memory":{"batch":1,"input_tokens":512,"beams":1,"max_new_tokens":32,'; do
    holds "inspect --json: $part" grep -Fq -e "$part" "$tmp/out"
done

# What is refused.
expect 3 '' "t5k: no/such: cannot read: No such file or directory" inspect no/such
expect 5 '' "t5k: tests/data/gguf/kquants.gguf: tensor 'dec.blk.0.attn_k.weight' has an element type that is not read (info at byte offset\
 6619, Q3_K, allowed F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1)" inspect tests/data/gguf/kquants.gguf
mkdir "$tmp/wrong"
cp $mini/model.safetensors "$tmp/wrong"
sed 's/"d_ff": *[0-9]*/"d_ff": 99/' $mini/config.json >"$tmp/wrong/config.json"
expect 8 '' "t5k: $tmp/wrong/model.safetensors: tensor encoder.block.0.layer.1.DenseReluDense.wi.weight is [512, 128], but the config\
 asks for [99, 128]" inspect "$tmp/wrong"
head -c 100000 $mini/model.safetensors >"$tmp/wrong/model.safetensors"
run inspect "$tmp/wrong"
holds 'inspect: a file cut short' test "$status" -eq 4
refuse 'inspect takes no option --model (t5k help inspect lists its options)' inspect --model x
refuse 'inspect takes one argument, in quotes if it has spaces (got a second one: "b")' inspect a b
refuse '--input-tokens "0" is not allowed (a whole number from 1 to 16777216)' inspect --input-tokens 0
refuse '--batch "65537" is not allowed (a whole number from 1 to 65536)' inspect --batch 65537
refuse 'ask takes no option --batch (t5k help ask lists its options)' ask --batch 2 q
expect 6 '' 't5k: more than 2^31 - 1 ids in one batch' inspect --batch 65536 --input-tokens 65536

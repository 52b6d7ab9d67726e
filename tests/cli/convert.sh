# t5k convert: the file is the model, and is there in full or not at all.

mkdir "$tmp/convert"
new=$tmp/convert/new.gguf
alone() { holds "convert: $1: nothing but the file" test "$(ls "$tmp/convert")" = new.gguf; }

# The embedded model in one file: the same answers, and the same bits.
run convert $mini "$new"
holds 'convert: status' test "$status" -eq 0 -a ! -s "$tmp/err"
holds 'convert: a row for each kind' grep -q '^DenseReluDense.wo  *6  BF16  *0  *0$' "$tmp/out"
holds 'convert: from, to' grep -q '^layer_norm  *14  BF16 -> F32  *0  *0$' "$tmp/out"
alone 'at first'
expect 0 maria '' ask -m "$new" 'Who wrote the book? \n maria wrote the book. peter sold it.'
run ask -m $mini --dump "$tmp/before" 'Who wrote the book? \n maria wrote the book. peter sold it.'
run ask -m "$new" --dump "$tmp/after" 'Who wrote the book? \n maria wrote the book. peter sold it.'
holds 'convert: the same bits' cmp -s "$tmp/before" "$tmp/after"
cp "$new" "$tmp/first.gguf"
expect 0 '' '' convert -q "$new" "$tmp/second.gguf"
holds 'convert: twice is once' cmp -s "$new" "$tmp/second.gguf"
expect 0 '' '' convert -q --layout llama.cpp $mini "$new"
run ask -m "$new" --dump "$tmp/after" 'Who wrote the book? \n maria wrote the book. peter sold it.'
holds 'convert: the same bits from the layout of llama.cpp' cmp -s "$tmp/before" "$tmp/after"
run convert --type q8_0 --layout=llama.cpp $mini "$new"
holds 'convert: what is lost' grep -q '^shared  *1  BF16 -> Q8_0  *1  *0.0264$' "$tmp/out"
expect 0 maria '' ask -m "$new" 'Who wrote the book? \n maria wrote the book. peter sold it.'
alone 'after several'

# A file without a tokenizer takes ids.
run convert --type f16 $relu "$new"
same 'convert: no tokenizer' "$tmp/err" \
    "t5k: $relu/spiece.model: cannot read: No such file or directory; the new file will have no tokenizer" && pass
run convert -q $relu "$new"
holds 'convert: no tokenizer: status' test "$status" -eq 0 -a ! -s "$tmp/err" -a ! -s "$tmp/out"
expect 0 '237 283 1' '' ask --ids -m "$new" '173 182 95 5 218 254 23 20 134 160 121 199 177 75 299 307 1'
expect 3 '' "t5k: $relu/spiece.model: cannot read: No such file or directory" convert --layout llama.cpp $relu "$new"

# llama.cpp's own library reads the file and encodes to the same states, as near as its arithmetic comes: it rounds activations to f16
# and to 8 bits where weights are stored so.
python=${PYTHON-python3}
if "$python" -c 'import llama_cpp' 2>/dev/null; then
    ids='37 299 10 68 17 9 8 1'
    for type in f32:1e-5 f16:5e-3 q8_0:1e-1; do
        run convert -q --type ${type%:*} --layout llama.cpp $mini "$new"
        run ask -m "$new" --ids --dump "$tmp/after" "$ids"
        # shellcheck disable=SC2086
        holds "convert: llama.cpp encodes $type" "$python" tests/cli/convert_llama.py ${type#*:} "$new" "$tmp/after" $ids
    done
else
    echo 'tests/cli/convert.sh: no llama-cpp-python, so what llama.cpp makes of a file is not tested' >&2
fi

# What is refused leaves what was there.
cp "$tmp/first.gguf" "$new"
whole() {
    holds "convert: $1: what was there stays" cmp -s "$tmp/first.gguf" "$new"
    alone "$1"
}
refuse 'convert takes two arguments: MODEL and OUT.gguf' convert
refuse 'convert takes two arguments: MODEL and OUT.gguf' convert $mini
refuse 'convert takes two arguments (got a third one: "more")' convert $mini "$new" more
refuse '--type "f64" is not allowed (f32|f16|bf16|q8_0)' convert --type f64 $mini "$new"
refuse '--layout "ggml" is not allowed (t5k|llama.cpp)' convert --layout ggml $mini "$new"
refuse "$tmp/new.bin: the name of the new file must end in .gguf" convert $mini "$tmp/new.bin"
expect 5 '' "t5k: $golden/gelu/safetensors: llama.cpp's layout cannot hold the model: there, a plain feed-forward means another activation \
(gelu, allowed relu)" convert --layout llama.cpp $golden/gelu/safetensors "$new"
run convert /nonexistent "$new"
holds 'convert: no model' test "$status" -eq 3 -a "$(wc -l <"$tmp/err")" -eq 1
run convert $mini "$tmp/nowhere/new.gguf"
holds 'convert: no such folder' test "$status" -eq 7 -a "$(wc -l <"$tmp/err")" -eq 1
mkdir "$tmp/folder.gguf"
run convert $mini "$tmp/folder.gguf"
holds 'convert: a folder' test "$status" -eq 7
whole 'refused'

# The model itself is no output, by whatever name.
cp -r $golden/relu_tied/safetensors_sharded "$tmp/shards"
ln "$tmp/shards/model-00002-of-00003.safetensors" "$tmp/shards/hard.gguf"
(cd "$tmp" && ln -s shards/model-00003-of-00003.safetensors soft.gguf && ln -s shards/config.json config.gguf)
for name in shards/hard.gguf soft.gguf config.gguf; do
    refuse "$tmp/$name: would overwrite a file of the model" convert "$tmp/shards" "$tmp/$name"
done
refuse "$tmp/convert/../convert/new.gguf: would overwrite a file of the model" convert "$new" "$tmp/convert/../convert/new.gguf"
refuse "$new: would overwrite a file of the model" convert "$tmp/convert" "$new"
holds 'convert: the shards are untouched' diff -r $golden/relu_tied/safetensors_sharded "$tmp/shards" -x hard.gguf
whole 'from the target'
rm "$tmp/shards/hard.gguf"
run convert -q "$tmp/shards" "$tmp/shards/new.gguf"
run convert -q "$tmp/shards" "$tmp/shards/new.gguf"
holds 'convert: a file beside the model may be replaced' test "$status" -eq 0

# No room, and signals at any time.
(
    ulimit -f 1000
    trap '' XFSZ
    "$t5k" convert --type f32 $mini "$new" >"$tmp/out" 2>"$tmp/err"
)
holds 'convert: no room: status' test $? -eq 7
same 'convert: no room' "$tmp/err" "t5k: $new: cannot write (File too large)" && pass
whole 'no room'
run convert -q --type f32 $mini "$tmp/second.gguf"
for delay in 0 0.003 0.006 0.01 0.015 0.02 0.025 0.03 0.04 0.05; do
    cp "$tmp/first.gguf" "$new"
    "$t5k" convert -q --type f32 $mini "$new" 2>"$tmp/err" &
    {
        sleep $delay
        kill -TERM $!
        wait $!
    } 2>/dev/null
    alone "a signal after $delay s"
    if cmp -s "$tmp/first.gguf" "$new" || cmp -s "$tmp/second.gguf" "$new"; then pass; else fail "convert: a signal after $delay s"; fi
done

# A sharded model of 3 GB: memory is bounded by its largest tensor. Takes minutes of disk, so only on demand: T5K_TEST_LARGE=1.
if [ -n "${T5K_TEST_LARGE-}" ]; then
    # shellcheck source=/dev/null
    . tests/cli/convert_large.sh
fi

# What is written where: full disks, readers that went away, closed descriptors, dumps, and standard input that comes slowly.

closed_out='t5k: standard output: cannot write (Bad file descriptor)'
full_out='t5k: standard output: cannot write (No space left on device)'

if [ -w /dev/full ]; then
    for arguments in help --version 'ask a' 'tokenize'; do
        # shellcheck disable=SC2086
        echo a | "$t5k" $arguments >/dev/full 2>"$tmp/err"
        holds "t5k $arguments >/dev/full: status" test $? -eq 7
        same "t5k $arguments >/dev/full" "$tmp/err" "$full_out" && pass
    done
else
    echo 'tests/cli/output.sh: no /dev/full, its tests are left out' >&2
fi
"$t5k" ask a >&- 2>"$tmp/err"
holds 'standard output closed: status' test $? -eq 7
same 'standard output closed' "$tmp/err" "$closed_out" && pass
"$t5k" tokenize <&- 2>"$tmp/err"
holds 'standard input closed: status' test $? -eq 3
same 'standard input closed' "$tmp/err" 't5k: standard input: cannot read (Bad file descriptor)' && pass
"$t5k" ask a 2>&- >"$tmp/out"
holds 'standard error closed: status' test $? -eq 0
"$t5k" tokenize </ 2>"$tmp/err"
holds 'standard input is a folder: status' test $? -eq 3

# The reader goes away: no death by signal.
{
    i=0
    while [ $i -lt 20000 ]; do echo "a line of text $i"; i=$((i + 1)); done | "$t5k" tokenize 2>"$tmp/err"
    echo $? >"$tmp/status"
} | head -n 1 >"$tmp/out"
holds 'reader gone: status' test "$(cat "$tmp/status")" -eq 7
same 'reader gone' "$tmp/err" 't5k: standard output: cannot write (Broken pipe)' && pass

# A process that waits for each answer gets it before it asks again; a line may come in pieces.
mkfifo "$tmp/to" "$tmp/from"
"$t5k" tokenize <"$tmp/to" >"$tmp/from" 2>"$tmp/err" &
exec 3>"$tmp/to" 4<"$tmp/from"
for word in a b c; do
    echo "$word" >&3
    read -r answer <&4
    holds "co-process: $word" test "$answer" = "▁ $word </s>"
done
printf 'a' >&3
printf ' b\n' >&3
read -r answer <&4
holds 'co-process: a line in pieces' test "$answer" = '▁ a ▁ b </s>'
exec 3>&- 4<&-
wait $!
holds 'co-process: status' test $? -eq 0

# --dump.
mkdir "$tmp/dump"
input='173 182 95 5 218 254 23 20 134 160 121 199 177 75 299 307 1'
expect 0 '237 283 1' '' ask -m $relu --ids --dump "$tmp/dump/ask" "$input"
header='{"encoder_hidden":{"dtype":"F32","shape":[17,32],"data_offsets":[0,2176]},"decoder_hidden":{"dtype":"F32","shape":[3,32],"data_offsets":[2176,2560]},"logits":{"dtype":"F32","shape":[3,320],"data_offsets":[2560,6400]}}'
head -c $((8 + ${#header})) "$tmp/dump/ask" | tail -c +9 >"$tmp/header"
echo >>"$tmp/header"
same 'dump: header' "$tmp/header" "$header" && pass
holds 'dump: size' test "$(wc -c <"$tmp/dump/ask")" -eq $((8 + (${#header} + 7) / 8 * 8 + 6400))
given "$input\t237 283 1\n"
run score -m $relu --ids --dump "$tmp/dump/score"
holds 'dump: score of the answer is the same file' cmp -s "$tmp/dump/ask" "$tmp/dump/score"
expect 0 '237 283 1' '' ask -m $relu --ids --threads 1 --chunk 3 --dump "$tmp/dump/ask" "$input"
holds 'dump: an existing file is replaced, by the same bytes' cmp -s "$tmp/dump/ask" "$tmp/dump/score"
holds 'dump: no temporary file' test "$(ls "$tmp/dump")" = 'ask
score'
given "$input"
expect 0 '237 283 1' '' ask -m $relu --ids --dump "$tmp/dump/ask"
given 'a\nb\n'
refuse 'standard input: more than one line (--dump takes exactly one)' ask --dump "$tmp/dump/none"
refuse 'standard input: no line (--dump takes exactly one)' score --dump "$tmp/dump/none"
cp -r $relu "$tmp/relu"
echo 'who?' >"$tmp/context"
ln "$tmp/context" "$tmp/other-name"
(
    cd "$tmp" || exit
    ln -s relu/model.safetensors link
)
run ask -m "$tmp/relu" --ids --dump "$tmp/relu/config.json" 1
holds 'dump: not over the model' test "$status" -eq 2
run ask -m "$tmp/relu" --ids --dump "$tmp/link" 1
holds 'dump: not over the model by another name' test "$status" -eq 2
holds 'dump: the model is untouched' cmp -s $relu/model.safetensors "$tmp/relu/model.safetensors"
run ask --context-file "$tmp/context" --dump "$tmp/other-name" q
holds 'dump: not over the context' test "$status" -eq 2
expect 7 '' 't5k: --dump "/dev/null": cannot write (it is not a regular file)' ask -m $relu --ids --dump /dev/null 1
run ask -m $relu --ids --dump "$tmp/nowhere/file" 1
holds 'dump: no such folder' test "$status" -eq 7 -a ! -s "$tmp/out" -a "$(wc -l <"$tmp/err")" -eq 1
run ask -m $relu --ids --dump "$tmp/dump" 1
holds 'dump: a folder' test "$status" -eq 7
(
    ulimit -f 1
    trap '' XFSZ
    "$t5k" ask -m $relu --ids --dump "$tmp/dump/ask" "$input" >"$tmp/out" 2>"$tmp/err"
)
holds 'dump: no room: status' test $? -eq 7
holds 'dump: no room: what was there stays' cmp -s "$tmp/dump/ask" "$tmp/dump/score"
holds 'dump: no room: no temporary file' test "$(ls "$tmp/dump")" = 'ask
score'

# -v: everything that was opened and seen, on standard error.
run ask -v "$mini_question"
for line in 'model "' 'config vocab_size 32128, d_model 128, ' 'opened tokenizer in [0-9.]* ms$' 'opened weights in [0-9.]* ms$' \
    'isa [a-z0-9]*, threads [0-9]*, compute f32$' 'resident memory [0-9.]* MiB$' 'the QUESTION ids 113 ' \
    'the QUESTION text "who wrote the book? \\\\n maria wrote the book. peter sold it."$' \
    'answered 1 in [0-9.]* s: 20 input tokens ([0-9.]* tokens/s), 3 output tokens ([0-9.]* tokens/s), 3 decoder steps$'; do
    holds "-v: $line" grep -q "^$line" "$tmp/err"
done
holds '-v: the answer' test "$(cat "$tmp/out")" = maria
for part in 'encoder feed-forward' 'decoder feed-forward' lm_head; do
    holds "-v: small layers are not screened: $part" grep -q "^screening of the $part: none\$" "$tmp/err"
done
run ask -v --compute q8 "$mini_question"
holds '-v: q8' grep -q '^isa [a-z0-9]*, threads [0-9]*, compute q8$' "$tmp/err"
holds 'the answer in q8' test "$(cat "$tmp/out")" = maria

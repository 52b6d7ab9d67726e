# Answers and scores of the small models under tests/golden (ids computed with another implementation) and of the embedded one.

relu=$golden/relu_tied/safetensors
mini_question='who wrote the book? \n maria wrote the book. peter sold it.'

# Token ids: no tokenizer is there, and none is needed.
expect 0 '237 283 1' '' ask -m $relu --ids '173 182 95 5 218 254 23 20 134 160 121 199 177 75 299 307 1' --max-new-tokens 30
expect 0 '1' '' ask -m $relu --ids '17 216 82 275 148 272 302 292 194 107 268 271 152 286 1' --max-new-tokens 5
expect 0 '310' '' ask -m $relu --ids '120 86 317 38 272 118 22 6 199 40 150 58 186 114 21 250 1' --max-new-tokens 1
expect 0 '310 17 17 80 40 40 283 80 40 1' '' ask -m $relu --ids --max-new-tokens 16 --min-new-tokens 8 \
    '146 195 169 198 184 186 280 99 310 20 314 46 174 156 244 77 1'
expect 0 '80 70 168 317 92 200 271 212 201 193 254 317 129 254 254 23 1' '' ask -m $relu --ids --max-new-tokens 24 \
    --no-repeat-ngram 2 '173 131 308 130 74 310 206 279 49 253 286 121 143 239 87 65 1'
expect 0 '200 51 1
17 1' '' ask -m $relu --ids --beams 2 --num-answers 2 --max-new-tokens 20 \
    '151 89 157 262 62 78 279 282 246 273 166 123 185 82 249 194 1'
expect 0 '1' '' ask -m $relu --ids --beams 2 --early-stopping never --max-new-tokens 20 \
    '249 75 77 165 10 219 267 19 141 4 271 284 126 61 15 32 1'
expect 0 '200 17 51 1
200 51 1
282 1
200 17 1' '' ask -m $relu --ids --beams 4 --num-answers 4 --length-penalty 0.6 --max-new-tokens 16 \
    '139 299 98 4 275 294 71 30 15 127 223 21 13 128 146 311 1'
expect 0 '317 17 51 21 256 51 1' '' ask -m $relu --ids --beams 4 --early-stopping true --max-new-tokens 16 \
    '8 102 206 130 318 250 29 156 248 35 189 129 197 27 218 182 1'

# Other families: UMT5, and ByT5 with its bytes for a vocabulary.
expect 0 '18 44 5 108 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 13 49 21 5 1' '' ask -m $golden/umt5/safetensors --ids --max-new-tokens 30 \
    '11 64 84 41 82 52 29 5 35 45 48 61 121 103 102 68 1'
expect 0 "$(printf ';\t\tv\007vv\t')" '' ask -m $golden/byt5/safetensors --max-new-tokens 12 'where is anna?'
given 'a </s> b <extra_id_3> \303\251\n'
expect 0 'a </s> b <0x20> <extra_id_3> <0x20> <0xC3> <0xA9> </s>' '' tokenize -m $golden/byt5/safetensors
given '100 35 259 198 172 195 101 1\n'
expect 0 'a éb' '' detokenize -m $golden/byt5/safetensors
# An encoder alone writes its states and answers nothing.
encoder=$golden/t5_encoder/safetensors
cannot="t5k: $encoder: the model is an encoder alone and cannot generate"
expect 5 '' "$cannot" ask -m $encoder --ids '9 17 1'
given '9 17 1\n'
expect 5 '' "$cannot" ask -m $encoder --ids
given '9 17 1\t5 1\n'
expect 5 '' "$cannot" score -m $encoder --ids
given '9 17 1\t5 1\n'
expect 5 '' "$cannot" score -m $encoder --ids --dump "$tmp/states"
holds 'encoder alone: no dump of a score' test ! -e "$tmp/states"
expect 0 '' '' ask -m $encoder --ids --dump "$tmp/states" '9 17 1'
header='{"encoder_hidden":{"dtype":"F32","shape":[3,24],"data_offsets":[0,288]}}'
head -c $((8 + ${#header})) "$tmp/states" | tail -c +9 >"$tmp/header"
echo >>"$tmp/header"
same 'encoder alone: header' "$tmp/header" "$header" && pass

# Top-k.
expect 0 '192 201 192 234 261 187 153 287 153 50 271 256' '' ask -m $relu --ids --ff-topk 1 --max-new-tokens 12 --min-new-tokens 10 \
    '231 215 198 302 303 142 149 213 225 237 189 287 29 57 216 292 1'
expect 0 '200 17 17 17 17 17 17 225 225 192 191 148' '' ask -m $relu --ids --attn-topk enc=1 --max-new-tokens 12 \
    --min-new-tokens 10 '92 105 161 23 112 218 199 123 43 26 181 11 151 304 147 118 1'
expect 0 '80 172 80 237 172 80 237 172 77 237 244 244' '' ask -m $relu --ids --attn-topk cross=2 --max-new-tokens 12 \
    --min-new-tokens 10 '307 211 36 299 156 126 14 25 260 247 218 132 293 232 59 44 1'
expect 0 '310 237 17 131 244 244 244 244 244 244 244 244' '' ask -m $relu --ids --attn-topk 2 --max-new-tokens 12 \
    --min-new-tokens 10 '106 123 174 40 266 22 269 264 212 55 181 218 7 87 168 157 1'
expect 0 '233 232 7 72 43 51 136 277 317 43 137 21' '' ask -m $relu --ids --attn-topk enc=8,dec=8,cross=8 --ff-topk 8 \
    --max-new-tokens 12 --min-new-tokens 10 '211 263 88 257 106 85 25 121 220 246 134 35 213 69 43 194 1'
refuse "--ff-topk 65 is above this model's d_ff (1 to 64, or all)" ask -m $relu --ids --ff-topk 65 '3 1'

# The embedded model, with all ways to ask.
expect 0 'maria' '' ask "$mini_question"
expect 0 'maria' '' ask 'Who wrote the book?
Maria wrote the book. Peter sold it.'
expect 0 'maria' '' ask 'Who wrote the book?' --context 'Maria wrote the book.
	Peter sold it.'
expect 0 'rome' '' ask 'Where does the president live?' --choice Paris --choice=Rome --context 'The president lives in Rome.'
printf 'Maria wrote the book.\nPeter sold it.\n' >"$tmp/context"
expect 0 'maria' '' ask 'who wrote the book?' --context-file "$tmp/context"
given 'Maria wrote the book.\r\nPeter sold it.\r\n'
expect 0 'maria' '' ask 'who wrote the book?' --context-file -
given 'who wrote the book?\nwho sold it?\n'
expect 0 'maria
peter' '' ask --context-file "$tmp/context"
expect 3 '' "t5k: $tmp/none: cannot open (No such file or directory)" ask q --context-file "$tmp/none"

# JSON: the text that the model saw, every byte of it readable.
json() { sed -e 's/"score":-[0-9.e-]*/"score":S/g' -e 's/"seconds":[0-9.]*/"seconds":T/' "$tmp/out" >"$tmp/json"; }
run ask --json "$mini_question"
json
same 'ask --json' "$tmp/json" \
    '{"input":"who wrote the book? \\n maria wrote the book. peter sold it.","answers":[{"text":"maria","score":S,"tokens":[2774,9,1]}],"input_tokens":20,"seconds":T}' && pass
given '"a\\b"\t\377\000\n'
run ask --json --max-new-tokens 1
holds 'ask --json escapes' grep -q '^{"input":"\\"a\\\\b\\"\\t�\\u0000","answers":\[' "$tmp/out"
run ask -m $relu --ids --json --beams 2 --num-answers 2 --max-new-tokens 20 '151 89 157 262 62 78 279 282 246 273 166 123 185 82 249 194 1'
json
same 'ask --ids --json' "$tmp/json" \
    '{"input":[151,89,157,262,62,78,279,282,246,273,166,123,185,82,249,194,1],"answers":[{"score":S,"tokens":[200,51,1]},{"score":S,"tokens":[17,1]}],"input_tokens":17,"seconds":T}' && pass

# An empty line is a question; ids that are no ids are not.
given 'a\n\nb'
run ask
holds 'three lines, three answers' test "$(wc -l <"$tmp/out")" -eq 3
given '3 1\n\n'
run ask -m $relu --ids --max-new-tokens 1
holds 'no ids: status' test "$status" -eq 4
holds 'no ids: the line before is answered' test "$(wc -l <"$tmp/out")" -eq 1
same 'no ids' "$tmp/err" 't5k: standard input, line 2, question: no ids (at least one is needed)' && pass
given '3 320 1\n'
expect 4 '' 't5k: standard input, line 1, question: "320" is not a token id (whole numbers from 0 to 319, separated by spaces)' \
    ask -m $relu --ids
refuse 'the QUESTION: "320" is not a token id (whole numbers from 0 to 319, separated by spaces)' ask -m $relu --ids '3 320 1'

# A cut is told, and keeps </s>.
run ask --json --max-input-tokens 3 'a b c d'
holds 'cut' grep -q '"input_tokens":3,' "$tmp/out"
same 'cut' "$tmp/err" 't5k: the QUESTION: cut from 9 to 3 tokens (--max-input-tokens)' && pass
run ask -q --max-input-tokens 3 'a b c d'
holds 'cut, quiet' test ! -s "$tmp/err"

# Scores.
printf '%s\tmaria\n%s\tPeter\n%s\t\n' "$mini_question" "$mini_question" "$mini_question" >"$tmp/in"
run score
holds 'score: the right answer is likelier' awk 'NR == 1 { a = $1 } NR == 2 { b = $1 } END { exit !(NR == 3 && a > -0.5 && b < a - 1) }' "$tmp/out"
printf '%s\tmaria\n' "$mini_question" >"$tmp/in"
run score --json
sed -e 's/"logprob":[-0-9.e]*/"logprob":S/' -e 's/"logprobs":.*/"logprobs":[S,S,S]}/' "$tmp/out" >"$tmp/json"
holds 'score --json: three log-probabilities' grep -Eq '"logprobs":\[(-?[0-9.e-]+,){2}-?[0-9.e-]+\]\}$' "$tmp/out"
same 'score --json' "$tmp/json" \
    '{"input":"who wrote the book? \\n maria wrote the book. peter sold it.","target":"maria","logprob":S,"tokens":[2774,9,1],"logprobs":[S,S,S]}' && pass
given '173 182 95 5 218 254 23 20 134 160 121 199 177 75 299 307 1\t237 283 1\n'
run score -m $relu --ids --json
holds 'score --ids --json' grep -Eqx '\{"input":\[173,.*,1\],"target":\[237,283,1\],"logprob":-[0-9.]+,"tokens":\[237,283,1\],"logprobs":\[-[0-9.e-]+,-[0-9.e-]+,-[0-9.e-]+\]\}' "$tmp/out"
for line in 'no tab' 'two\ttabs\tx'; do
    given "a\tb\n$line\n"
    run score
    holds "score: '$line'" test "$status" -eq 4 -a "$(wc -l <"$tmp/out")" -eq 1
done
same 'score: two tabs' "$tmp/err" 't5k: standard input, line 2: more than one tab (input, one tab, target)' && pass

# The same bits for every batch, chunk and number of threads.
for i in 1 2 3 4 5 6 7; do
    printf '%s\n' "$mini_question" "where is tom? \\n tom went to the kitchen. anna is in room $i." \
        "how many cats does tom have? \\n tom has three cats and $i dogs. "
done >"$tmp/questions"
bits() { sed 's/,"seconds":.*//' "$tmp/out"; }
cp "$tmp/questions" "$tmp/in"
run ask --json --beams 3 --num-answers 2
bits >"$tmp/bits"
holds 'all lines answered' test "$(wc -l <"$tmp/bits")" -eq 21
for options in '--threads 1' '--threads 3' '--chunk 1' '--chunk 5' '--batch-tokens 1' '--batch-tokens 64' '--ff-topk 512' '--attn-topk 1000'; do
    cp "$tmp/questions" "$tmp/in"
    # shellcheck disable=SC2086
    run ask --json --beams 3 --num-answers 2 $options
    bits >"$tmp/other"
    holds "same bits with $options" cmp -s "$tmp/bits" "$tmp/other"
done

# Files that do not belong together, and files that are missing.
mkdir "$tmp/mixed"
cp $relu/config.json $relu/model.safetensors $mini/spiece.model "$tmp/mixed"
run ask -m "$tmp/mixed" q
holds 'tokenizer and model disagree: status' test "$status" -eq 8
holds 'tokenizer and model disagree' grep -q "the tokenizer has ids up to 32099, the model's vocab_size is 320" "$tmp/err"
run ask -m $relu q
holds 'no tokenizer: status' test "$status" -eq 3
holds 'no tokenizer: one line' test "$(wc -l <"$tmp/err")" -eq 1

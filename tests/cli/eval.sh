# eval: data sets, conventions, answers made elsewhere, the predictions file, interrupts.

questions=data/questions
five=$questions/choice.jsonl,$questions/extract.jsonl,$questions/no-answer.jsonl,$questions/yes-no.jsonl,$questions/babi.jsonl
case $t5k in *sanitize*) slow=yes ;; *) slow=no ;; esac
mkdir "$tmp/eval"

# Usage.
refuse 'eval needs data sets (--data PATH[,PATH]...)' eval
refuse 'eval takes no argument (got "x"; data sets go after --data)' eval x
refuse '--data has an empty path (PATH[,PATH]...)' eval --data 'a,,b'
refuse '--data has an empty path (PATH[,PATH]...)' eval --data ''
refuse '--resume needs the file to go on with (--predictions FILE)' eval --data a --resume
refuse '--protocol "x" is not allowed (t5k|unifiedqa|paper)' eval --data a --protocol x
refuse '--case "lower|keep" is not allowed (lower|keep)' eval --data a --case 'lower|keep'
refuse '--by "" is not allowed (answer|likelihood|likelihood-per-token)' eval --data a --by ''
refuse '--limit "0" is not allowed (a whole number from 1 to 1073741824)' eval --data a --limit 0
refuse '--json and --tsv exclude each other (each is a form of the table)' eval --data a --json --tsv
refuse '--answers and --model exclude each other (answers that are there need no model)' eval --data a --answers b -m c
refuse '--answers and --predictions exclude each other (answers that are there need not be written)' \
    eval --data a --answers b --predictions c
refuse '--min-new-tokens 20 is above --max-new-tokens 19' eval --data a --protocol paper --min-new-tokens 20
refuse 'ask takes no option --data (t5k help ask lists its options)' ask --data a

# value NAME: a number or text of the JSON object on standard output; mean NAME: of a score; in per cent.
value() { sed -n "1s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "$tmp/out"; }
mean() { sed -n "1s/.*,\"$1\":{\"mean\":\([^,]*\),.*/\1/p" "$tmp/out" | awk '{ printf "%.2f\n", 100 * $1 }'; }

# The embedded model's card: all, bAbI's tasks, generated tasks.
if [ $slow = no ]; then
    run eval --data $questions/qa-mini-test.jsonl --json --by-task
    sed 's/,"tasks":.*//' "$tmp/out" >"$tmp/all"
    holds 'card: status' test "$status" -eq 0
    grep -o '"task":"[^"]*","questions":[0-9]*,"exact_match":{"mean":[^,]*' "$tmp/out" | tr -d '"' | sed 's/[:,]/ /g' >"$tmp/tasks"
    holds 'card: 24 tasks' test "$(wc -l <"$tmp/tasks")" -eq 24
    cp "$tmp/all" "$tmp/out"
    holds 'card: all' test "$(mean exact_match)" = 91.06
    holds 'card: bAbI' test "$(awk '/babi/ { n += $4; r += $4 * $7 } END { printf "%.2f", 100 * r / n }' "$tmp/tasks")" = 87.80
    holds 'card: generated' test "$(awk '/world/ { n += $4; r += $4 * $7 } END { printf "%.2f", 100 * r / n }' "$tmp/tasks")" = 96.50
fi

# The table, and the paper's columns.
run eval --data $questions/choice.jsonl,$questions/babi.jsonl --by-task --limit 12
sed -E 's/ +[0-9.]+ s +[0-9.]+ MiB$//; s/ +$//; s/  +/  /g' "$tmp/out" >"$tmp/table"
same 'eval: table' "$tmp/table" 'set  questions  EM  F1  own metric  input tokens  output tokens  time  peak memory
choice  12  100.00 [100.00, 100.00]  100.00 [100.00, 100.00]  accuracy 100.00 [100.00, 100.00]  746  43
  choice  12  100.00 [100.00, 100.00]  100.00 [100.00, 100.00]  accuracy 100.00 [100.00, 100.00]
babi  12  83.33 [60.00, 100.00]  83.33 [60.00, 100.00]  -  1348  24
  babi-qa1  6  100.00 [100.00, 100.00]  100.00 [100.00, 100.00]  -
  babi-qa2  6  66.67 [25.00, 100.00]  66.67 [25.00, 100.00]  -' && pass
expect 0 'f1	em	dataset	split	ff_dim	k
100.00	100.00	choice	-	512	-1' '' eval --data $questions/choice.jsonl --limit 12 --tsv
run eval --data $questions/choice.jsonl --limit 12 --tsv --ff-topk 64
holds 'eval --tsv: k' grep -q '	choice	-	512	64$' "$tmp/out"

# By likelihood: the right choice of four or five, most times.
for by in likelihood likelihood-per-token; do
    run eval --data $questions/choice.jsonl --by $by --json
    holds "eval --by $by" awk -v a="$(mean accuracy)" 'BEGIN { exit !(a > 95) }'
done
run eval --data $questions/extract.jsonl --by likelihood
holds 'eval --by likelihood without choices: status' test "$status" -eq 2
same 'eval --by likelihood without choices' "$tmp/err" \
    "t5k: $questions/extract.jsonl, question of line 1: has no choices to find the likeliest of (--by)" && pass

# The table of protocols that help prints is what the protocols do.
run help eval
sed -n 's/^  --\([a-z-]* .*\)/\1/p' "$tmp/out" | sed 's/no cut/no-cut/' | awk 'NF == 4' >"$tmp/protocols"
holds 'help eval: conventions' test "$(wc -l <"$tmp/protocols")" -eq 11
for protocol in t5k unifiedqa paper; do
    run eval --data $questions/choice.jsonl --limit 1 --json --protocol $protocol
    tr ' ' '-' <"$tmp/out" >"$tmp/settings"
    while read -r name t5k_has unifiedqa_has paper_has; do
        case $protocol in t5k) has=$t5k_has ;; unifiedqa) has=$unifiedqa_has ;; *) has=$paper_has ;; esac
        holds "eval --protocol $protocol: $name" grep -q "\"settings\":.*\"$name\":\"$has\"" "$tmp/settings"
    done <"$tmp/protocols"
done
run eval --data $questions/choice.jsonl --limit 1 --json --protocol paper --case lower --max-new-tokens 3
holds 'eval: an option that is given stands' grep -q '"max-new-tokens":"3",.*"case":"lower",.*"max-input-tokens":"512"' "$tmp/out"

# A cut is told.
run eval --data $questions/choice.jsonl --limit 12 --max-input-tokens 60 --json
holds 'eval: cut' test "$(value cut)" -gt 0
same 'eval: cut' "$tmp/err" "t5k: $questions/choice.jsonl: $(value cut) inputs are cut (--max-input-tokens)" && pass

# Questions that cannot be scored, records that cannot be read: under the paper's protocol they count as wrong.
printf '%s\n' '{"id":1,"input":"where is tom? \\n tom is in rome.","answers":["rome"]}' '{"id":2,' '{"id":3,"input":"who?"}' '[' \
    >"$tmp/eval/lost.jsonl"
run eval --data "$tmp/eval/lost.jsonl" --json
holds 'eval: lost records: status' test "$status" -eq 4
holds 'eval: lost records: counts' grep -q '"questions":1,.*"lost_records":2,"without_reference":1,' "$tmp/out"
holds 'eval: lost records: the first is told last' test "$(tail -n 1 "$tmp/err" | grep -c "^t5k: $tmp/eval/lost.jsonl, line 2")" -eq 1
holds 'eval: lost records: each is told once' test "$(grep -c 'lost.jsonl, line' "$tmp/err")" -eq 2
run eval --data "$tmp/eval/lost.jsonl" --json --protocol paper
holds 'eval: lost records count as wrong' grep -q '"questions":3,"exact_match":{"mean":0.333333333,' "$tmp/out"

# A set that cannot be read, between two that can.
run eval --data "$questions/choice.jsonl,$tmp/eval/none.jsonl,$questions/yes-no.jsonl" --predictions "$tmp/eval/between"
holds 'eval: unreadable set: status' test "$status" -eq 3
same 'eval: unreadable set' "$tmp/err" "t5k: $tmp/eval/none.jsonl: cannot open (No such file or directory)" && pass
holds 'eval: unreadable set: the others are in the table' test "$(grep -cE '^(choice|yes-no) +48 ' "$tmp/out")" -eq 2
holds 'eval: unreadable set: it is, too' grep -q '^none (failed) ' "$tmp/out"
holds 'eval: unreadable set: the predictions are there' test "$(wc -l <"$tmp/eval/between")" -eq 97

# Predictions: no byte depends on batch, chunk, threads or interruptions.
run eval --data $five --predictions "$tmp/eval/whole"
sed -E 's/ +[0-9.]+ s +[0-9.]+ MiB$//' "$tmp/out" >"$tmp/table"
holds 'predictions: status' test "$status" -eq 0
holds 'predictions: a line a question' test "$(wc -l <"$tmp/eval/whole")" -eq 313
for options in '--threads 1' '--threads 3' '--chunk 3' '--batch-tokens 1' '--batch-tokens 100'; do
    # shellcheck disable=SC2086
    run eval --data $five --predictions "$tmp/eval/p" $options
    holds "predictions: $options" cmp -s "$tmp/eval/whole" "$tmp/eval/p"
    rm "$tmp/eval/p"
done
size=$(wc -c <"$tmp/eval/whole")
for cut in 0 1 600 $((size / 3)) $((size / 2)) $((size - 1)) "$size"; do
    head -c "$cut" "$tmp/eval/whole" >"$tmp/eval/p"
    run eval --data $five --predictions "$tmp/eval/p" --resume
    holds "resume after $cut bytes" cmp -s "$tmp/eval/whole" "$tmp/eval/p"
    sed -E 's/ +[0-9.]+ s +[0-9.]+ MiB$//' "$tmp/out" >"$tmp/table2"
    holds "resume after $cut bytes: the same table" cmp -s "$tmp/table" "$tmp/table2"
done
for delay in 0.05 0.1 0.2 0.3; do
    rm -f "$tmp/eval/p"
    "$t5k" eval --data $five --predictions "$tmp/eval/p" --batch-tokens 50 >/dev/null 2>&1 &
    pid=$!
    sleep $delay
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    run eval --data $five --predictions "$tmp/eval/p" --resume
    holds "killed after $delay s, resumed" cmp -s "$tmp/eval/whole" "$tmp/eval/p"
done
run eval --data $five --predictions "$tmp/eval/p"
holds 'predictions: a file that is there is not touched: status' test "$status" -eq 7
same 'predictions: a file that is there is not touched' "$tmp/err" "t5k: $tmp/eval/p: is there already (--resume goes on with it)" && pass

# A resume with something else names it.
differs() { # differs TEXT ARGUMENT...
    text=$1
    shift
    run eval --predictions "$tmp/eval/p" --resume "$@"
    holds "resume with another $text: status" test "$status" -eq 8
    holds "resume with another $text: message" grep -q "other settings: $text (\"" "$tmp/err"
    holds "resume with another $text: the file" cmp -s "$tmp/eval/whole" "$tmp/eval/p"
}
differs ff-topk --data $five --ff-topk 64
differs attn-topk --data $five --attn-topk cross=8
differs max-new-tokens --data $five --max-new-tokens 5
differs case --data $five --case keep
differs limit --data $five --limit 3
differs data --data $questions/choice.jsonl
cp -r $mini "$tmp/eval/model"
printf '\100' | dd of="$tmp/eval/model/model.safetensors" bs=1 seek=200001 conv=notrunc 2>/dev/null
differs model -m "$tmp/eval/model" --data $five
cp -r $mini "$tmp/eval/model2"
run eval -m "$tmp/eval/model2" --data $five --predictions "$tmp/eval/p" --resume
holds 'resume with the same model elsewhere' test "$status" -eq 0
sed 's/"version":"[^"]*"/"version":"0.0.0"/' "$tmp/eval/whole" >"$tmp/eval/old"
run eval --data $five --predictions "$tmp/eval/old" --resume
holds 'resume with another version' grep -q 'other settings: version ("0.0.0" there' "$tmp/err"
sed 's/"question":7,/"question":8,/' "$tmp/eval/whole" >"$tmp/eval/changed"
run eval --data $five --predictions "$tmp/eval/changed" --resume
holds 'resume with lines of another run: status' test "$status" -eq 8
same 'resume with lines of another run' "$tmp/err" \
    "t5k: $tmp/eval/changed, line 8: is not about question 7 of $questions/choice.jsonl as it is now" && pass

# A full disk: what fitted is whole, and the run is told of.
if [ -w /dev/full ]; then
    run eval --data $five --predictions /dev/full
    same 'predictions: full disk' "$tmp/err" 't5k: /dev/full: cannot write (No space left on device)' && pass
fi
rm "$tmp/eval/p"
(
    ulimit -f 40
    trap '' XFSZ
    "$t5k" eval --data $five --batch-tokens 100 --predictions "$tmp/eval/p" >"$tmp/out" 2>"$tmp/err"
)
holds 'predictions: no room: status' test $? -eq 7
holds 'predictions: no room: a whole last line' test "$(tail -c 1 "$tmp/eval/p" | od -An -c | tr -d ' ')" = '\n'
holds 'predictions: no room: the beginning of the file' cmp -s -n "$(wc -c <"$tmp/eval/p")" "$tmp/eval/whole" "$tmp/eval/p"
holds 'predictions: no room: the table so far' grep -q ' (failed) ' "$tmp/out"
run eval --data $five --predictions "$tmp/eval/p" --resume
holds 'predictions: room again' cmp -s "$tmp/eval/whole" "$tmp/eval/p"

# Signals: the end within a second, with the table so far.
for signal in INT:130 TERM:143; do
    rm -f "$tmp/eval/p"
    (
        trap - INT # which a shell ignores for what it runs in the background
        exec "$t5k" eval --data $questions/qa-mini-test.jsonl --predictions "$tmp/eval/p" --threads 1 >"$tmp/out" 2>"$tmp/err"
    ) &
    pid=$!
    waited=0
    while [ ! -s "$tmp/eval/p" ] && [ $waited -lt 200 ]; do sleep 0.05; waited=$((waited + 1)); done
    kill -"${signal%:*}" $pid
    wait $pid
    holds "SIG${signal%:*}: status" test $? -eq "${signal#*:}"
    same "SIG${signal%:*}" "$tmp/err" 't5k: interrupted (--resume goes on)' && pass
    holds "SIG${signal%:*}: the table" grep -q '^qa-mini test (in part) ' "$tmp/out"
done

# Answers made elsewhere, among them this program's own.
gzip -c "$tmp/eval/whole" >"$tmp/eval/whole.gz"
run eval --data $five --tsv
cp "$tmp/out" "$tmp/tsv"
for answers in whole whole.gz; do
    run eval --data $five --answers "$tmp/eval/$answers" --tsv
    holds "answers: $answers" test "$(cut -f 1-4 "$tmp/out")" = "$(cut -f 1-4 "$tmp/tsv")"
    holds "answers: $answers: nothing to tell" test ! -s "$tmp/err"
done
printf '{"choice-1":"$748","nobody":"x"}' >"$tmp/eval/squad"
run eval --data $questions/choice.jsonl --answers "$tmp/eval/squad" --limit 2 --json
holds 'answers: a missing one counts as wrong' grep -q '"questions":2,"exact_match":{"mean":0.5,.*"missing":1,' "$tmp/out"
same 'answers: missing, unused' "$tmp/err" \
    "t5k: $questions/choice.jsonl: 1 questions have no answer in the file of --answers and count as wrong
t5k: 1 of 2 answers belong to none of the questions" && pass
run eval --data $questions/choice.jsonl --answers "$tmp/eval/none"
holds 'answers: no file' test "$status" -eq 3

squad=../shared/datasets/squad1_1
if [ -r $squad/dev-v1.1.json.gz ]; then
    run eval --data $squad/dev-v1.1.json.gz --answers $squad/predictions.bert-ensemble.json.gz --json
    holds 'SQuAD, BERT ensemble' grep -q '"questions":10570,"exact_match":{"mean":0.862062441,.*"f1":{"mean":0.921955798' "$tmp/out"
    run eval --data $squad/dev-v1.1.json.gz --answers $squad/predictions.logistic-regression.json.gz --json
    holds 'SQuAD, logistic regression' \
        grep -q '"questions":10570,"exact_match":{"mean":0.401419111,.*"f1":{"mean":0.509815365,.*"missing":13,' "$tmp/out"
else
    echo "skipped: no $squad" >&2
fi

# Memory does not grow with the number of questions.
if [ $slow = no ]; then
    run eval --data $questions/qa-mini-test.jsonl --limit 800 --json
    few=$(value peak_bytes)
    for i in 1 2 3; do cat $questions/qa-mini-test.jsonl; done >"$tmp/eval/many.jsonl"
    run eval --data "$tmp/eval/many.jsonl" --json
    holds "eval: 9,600 questions in the memory of 800 ($(value peak_bytes) bytes, $few)" test "$(value peak_bytes)" -lt $((few + 33554432))
fi

# The report: one page, also of an evaluation that failed in part.
run eval --data "$questions/choice.jsonl,$tmp/eval/none.jsonl" --report "$tmp/eval/page.html" --limit 5
holds 'report: status' test "$status" -eq 3
holds 'report: the questions' test "$(grep -c 'data-place=' "$tmp/eval/page.html")" -eq 5
run eval --data $questions/choice.jsonl --report "$tmp/nowhere/page.html"
holds 'report: no such folder' test "$status" -eq 7 -a ! -s "$tmp/out"

# -v: what the model sees.
run eval -v --data $questions/choice.jsonl --limit 1
for line in 'model "' 'question of line 1 text "how much did martin pay' 'question of line 1 ids ' 'answered 1 in '; do
    holds "eval -v: $line" grep -q "^$line" "$tmp/err"
done

# compare: settings of top-k against dense, the report in a browser, the chart; and eval's report.

questions=data/questions
mkdir "$tmp/compare"
report=$tmp/compare/report.html
case $t5k in *sanitize*) most=20 ;; *) most=3200 ;; esac

# Usage.
refuse 'compare needs data sets (--data PATH[,PATH]...)' compare
refuse 'compare takes no argument (got "x"; data sets go after --data)' compare x
refuse '--data has an empty path (PATH[,PATH]...)' compare --data 'a,'
refuse '--ff-topk 513 is above this model'\''s d_ff (1 to 512, or all)' compare --data a --ff-topk 513
refuse '--attn-topk "4+x=5" is not allowed (K or all, between commas; further parts as in 64+enc=16: ff, attn, enc, dec, cross)' \
    compare --data a --attn-topk 3,4+x=5
refuse 'ask takes no option --report (t5k help ask lists its options)' ask --report a
refuse 'eval takes no option --chart (t5k help eval lists its options)' eval --chart a
expect 7 '' 't5k: /dev/null: cannot write (it is not a regular file)' compare --data a --report /dev/null
run compare --data a --chart "$tmp/nowhere/a.svg"
holds 'chart: no such folder' test "$status" -eq 7 -a ! -s "$tmp/out"
run compare --data $questions/choice.jsonl --limit 2 --ff-topk 8 --attn-topk ff=8+enc=2 --chart "$tmp/compare/a.svg"
holds 'chart: of what there is' test "$status" -eq 0 -a -s "$tmp/compare/a.svg"
run compare --data $questions/choice.jsonl --limit 2 --ff-topk 8+enc=2 --chart "$tmp/compare/b.svg"
holds 'chart: of no k alone' test "$status" -eq 2 -a ! -e "$tmp/compare/b.svg"

# field SETTING NAME: a number of the JSON line of a setting.
field() { grep "\"setting\":\"$1\"" "$tmp/out" | sed -n "1s/.*\"$2\":\([^,}]*\).*/\1/p"; }
mean() { grep "\"setting\":\"$1\"" "$tmp/out" | sed -n 's/.*"exact_match":{"n":[0-9]*,"mean":\([^,]*\),.*/\1/p' | awk '{ printf "%.2f\n", 100 * $1 }'; }

# The embedded model's card, and k = 400, which no token's positive units exceed: all as dense.
run compare --data $questions/qa-mini-test.jsonl --limit $most --ff-topk 32,400,all --json
holds 'card: status' test "$status" -eq 0
holds 'card: a line for dense and each setting' test "$(wc -l <"$tmp/out")" -eq 3
for layer in $(grep '"setting":"dense"' "$tmp/out" | grep -o '"positive_max":[0-9]*' | cut -d : -f 2); do
    holds "card: at most $layer positive units" test "$layer" -le 400
done
holds 'k of every positive unit: the same answers' test "$(field 'ff 400' same_answer)" -eq $most
holds 'k of every positive unit: the same first tokens' test "$(field 'ff 400' same_first_token)" -eq $most
holds 'k of every positive unit: the same logits' test "$(field 'ff 400' max_abs)" = 0 -a "$(field 'ff 400' mean_kl)" = 0
if [ $most -eq 3200 ]; then
    holds 'card: dense 91.06' test "$(mean dense)" = 91.06
    holds 'card: k 32 87.81, 93.34 % as dense' test "$(mean 'ff 32')" = 87.81 -a "$(field 'ff 32' same_answer)" -eq 2987
fi

# Numbers depend neither on threads nor on batches nor on the chunk; only times and memory do.
numbers() { sed 's/,"encode_seconds".*//' "$tmp/out"; }
set -- compare --data $questions/yes-no.jsonl,$questions/babi.jsonl --limit 15 --ff-topk 16 --attn-topk 4,cross=2 --json
run "$@"
numbers >"$tmp/compare/first"
run "$@" --threads 1 --batch-tokens 100 --chunk 3
numbers >"$tmp/compare/second"
holds 'numbers do not move' cmp "$tmp/compare/first" "$tmp/compare/second"
holds 'two sets, four settings' test "$(wc -l <"$tmp/compare/first")" -eq 8
# compare's dense is eval's answer.
run eval --data $questions/babi.jsonl --limit 15 --json
exact=$(sed -n 's/.*"exact_match":{"mean":\([^,]*\),.*/\1/p' "$tmp/out")
holds 'dense is what eval finds' grep -q "babi.*\"dense\".*\"exact_match\":{\"n\":15,\"mean\":$exact," "$tmp/compare/first"

# A set that cannot be read: the other is compared, the status is the failure's.
run compare --data "$tmp/none.jsonl,$questions/choice.jsonl" --limit 3 --ff-topk 8 --json
holds 'a set is missing: status' test "$status" -eq 3
holds 'a set is missing: the other' test "$(wc -l <"$tmp/out")" -eq 2

# A set that fails in its midst leaves nothing behind, neither in the table nor in the report.
head -n 300 $questions/qa-mini-test.jsonl | gzip -c >"$tmp/compare/whole.gz"
head -c 12700 "$tmp/compare/whole.gz" >"$tmp/compare/torn.jsonl.gz"
run compare --data "$tmp/compare/torn.jsonl.gz,$questions/choice.jsonl" --ff-topk 64 --max-new-tokens 1 --batch-tokens 2000 \
    --json --report "$tmp/compare/torn.html"
holds 'a torn set: status' test "$status" -eq 4
holds 'a torn set: the other' test "$(wc -l <"$tmp/out")" -eq 2
holds 'a torn set: the report' test "$(grep -c 'data-differ="' "$tmp/compare/torn.html")" -eq "$(wc -l <$questions/choice.jsonl)"

# Signals. With -v standard error tells each question as it is read, which is before its window goes through the model.
# interrupt SIGNAL SEEN DATA OPTION...: sends the signal when standard error has a line that begins with SEEN.
interrupt() {
    signal=$1 seen=$2 data=$3
    shift 3
    (
        trap - INT # which a shell ignores for what it runs in the background
        exec "$t5k" compare -v --data "$data" --threads 1 "$@" >"$tmp/out" 2>"$tmp/err"
    ) &
    pid=$!
    waited=0
    while ! grep -q "^$seen" "$tmp/err" && [ $waited -lt 1200 ]; do sleep 0.05; waited=$((waited + 1)); done
    kill -"$signal" $pid
    wait $pid
    status=$?
    tail -n 1 "$tmp/err" >"$tmp/last"
}
interrupt INT 'question of line 60' $questions/choice.jsonl,$questions/qa-mini-test.jsonl,$questions/babi.jsonl --ff-topk 32 --batch-tokens 500 \
    --json --report "$tmp/compare/part.html"
holds 'SIGINT: status' test "$status" -eq 130
same 'SIGINT' "$tmp/last" 't5k: interrupted: 1 of 3 data sets compared, one more in part' && pass
holds 'SIGINT: two sets' test "$(wc -l <"$tmp/out")" -eq 4
holds 'SIGINT: a set in full' test "$(grep -c '"set":"data/questions/choice.jsonl".*"complete":true' "$tmp/out")" -eq 2
holds 'SIGINT: a set in part' test "$(grep -c '"set":"data/questions/qa-mini-test.jsonl".*"complete":false' "$tmp/out")" -eq 2
holds 'SIGINT: the report' grep -q 'not to its end' "$tmp/compare/part.html"
numbers | sed -n '3,$p' >"$tmp/compare/part"
part=$(sed -n '1s/.*"questions":\([0-9]*\),.*/\1/p' "$tmp/compare/part")
run compare --data $questions/qa-mini-test.jsonl --limit "$part" --ff-topk 32 --json
numbers >"$tmp/compare/limited"
holds 'SIGINT: what --limit finds' cmp "$tmp/compare/part" "$tmp/compare/limited"
rm -f "$tmp/compare/part.html"
interrupt TERM 'question of line 1' $questions/qa-mini-test.jsonl --ff-topk 8,16,32,64,128,256,400 --max-new-tokens 1 --batch-tokens 1000000 \
    --report "$tmp/compare/part.html" # one window of 1024 questions
holds 'SIGTERM: status' test "$status" -eq 143
same 'SIGTERM: nothing yet' "$tmp/last" 't5k: interrupted: nothing is compared yet' && pass
holds 'SIGTERM: no table, no report' test ! -s "$tmp/out" -a ! -e "$tmp/compare/part.html"

# The report and the chart. The questions try to break out of the page.
cat >"$tmp/compare/hostile.jsonl" <<'END'
{"question":"</script><script>document.title='broken'</script>","context":"<img src=x onerror=\"document.title='broken'\"> Maria wrote the book.","answers":["'\"><b>"]}
{"question":"who wrote the book? \u0001\u202e\u0007","context":"Maria wrote the book. Peter sold it.","answers":["maria"]}
{"question":"where is the cat?","context":"the cat is in the garden. the dog is in the kitchen.","answers":["garden"]}
{"question":"where is the dog?","context":"the cat is in the garden. the dog is in the kitchen.","answers":["kitchen"]}
END
run compare --data "$tmp/compare/hostile.jsonl" --ff-topk 2,256 --attn-topk 3 --report "$report" --chart "$tmp/compare/chart.svg"
holds 'report: status' test "$status" -eq 0
holds 'report: one script' test "$(grep -c '<script' "$report")" -eq 1
holds 'report: nothing from elsewhere' sh -c "! grep -qE 'https?:|src=\"|href=|url\\(' '$report'"
run eval --data "$tmp/compare/hostile.jsonl" --report "$tmp/compare/eval.html"
holds 'report of eval: status' test "$status" -eq 0
holds 'report of eval: one script' test "$(grep -c '<script' "$tmp/compare/eval.html")" -eq 1

# browse PAGE FRAGMENT: the page as a browser has it after its script ran, in $tmp/dom.
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
browse() {
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-background-networking --user-data-dir="$tmp/browser" --dump-dom \
        "file://$1$2" >"$tmp/dom" 2>/dev/null </dev/null
}
# The number of questions shown, and the order of their numbers.
shown() { grep -o '[0-9]* of [0-9]* questions shown' "$tmp/dom"; }
order() { grep -o 'data-name="number">[0-9]*' "$tmp/dom" | cut -d '>' -f 2 | tr '\n' ' '; }
if [ -n "$browser" ] && "$browser" --version >"$tmp/log" 2>&1; then
    browse "$report" ''
    holds 'browser: all shown' test "$(shown)" = '4 of 4 questions shown'
    holds 'browser: in order' test "$(order)" = '1 2 3 4 '
    holds 'browser: nothing broke out' grep -q '<title>Top-k attention against dense</title>' "$tmp/dom"
    browse "$report" '#q=Cat'
    holds 'browser: text' test "$(shown)" = '2 of 4 questions shown'
    browse "$report" '#setting=1&show=differ'
    holds 'browser: one setting' test "$(shown)" = "$(grep -c 'data-differ="1' "$report") of 4 questions shown"
    holds 'browser: there is a difference' grep -q 'data-differ="1' "$report"
    browse "$report" '#show=right&sort=place&order=down'
    holds 'browser: right answers' test "$(shown)" = "$(grep -c 'data-right="1"' "$report") of 4 questions shown"
    holds 'browser: sorted down' test "$(order)" = '4 3 2 1 '
    holds 'browser: says how it is sorted' grep -q 'data-sort="place" aria-sort="descending"' "$tmp/dom"
    browse "$report" '#sort=logit&order=up'
    grep -o 'data-logit="[^"]*' "$tmp/dom" | cut -d '"' -f 2 >"$tmp/logits"
    holds 'browser: sorted by numbers' test "$(wc -l <"$tmp/logits")" -eq 4
    holds 'browser: sorted by numbers, rising' sort -g -c "$tmp/logits"
    browse "$tmp/compare/eval.html" '#show=wrong'
    holds 'browser: report of eval' test "$(shown)" = "$(grep -c 'data-right="0"' "$tmp/compare/eval.html") of 4 questions shown"
else
    echo 'tests/cli/compare.sh: no chromium, the tests of the page in a browser are left out' >&2
fi

#!/bin/sh
# The embedded model's accuracy on its card's test file, by exact match after SQuAD normalisation: the card says 91.06 %, within 0.2 points.
# tests/accuracy.sh T5K. Under sanitizers (slow) every 20th question is asked, and only that answers come is checked.
set -eu
t5k=$1
test_file=data/questions/qa-mini-test.jsonl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $t5k in *sanitize*) step=20 ;; *) step=1 ;; esac

# {"task": ..., "input": ..., "answers": ["..."]}, no escapes but the backslash of the separator
awk -v step="$step" 'NR % step == 0' "$test_file" >"$work/questions"
sed 's/.*"input": "\(.*\)", "answers": \[.*/\1/; s/\\\\/\\/g' "$work/questions" >"$work/inputs"
sed 's/.*"answers": \["\(.*\)"\]}$/\1/' "$work/questions" >"$work/references"
"$t5k" ask -q <"$work/inputs" >"$work/answers"

normalise() { # lower case, no punctuation, no articles, single spaces
    tr 'A-Z' 'a-z' | tr -d '[:punct:]' | sed -E 's/\b(a|an|the)\b/ /g; s/ +/ /g; s/^ //; s/ $//'
}
normalise <"$work/references" >"$work/want"
normalise <"$work/answers" >"$work/got"
total=$(wc -l <"$work/want")
[ "$(wc -l <"$work/got")" -eq "$total" ] || { echo "$total questions, but $(wc -l <"$work/got") answers"; exit 1; }
right=$(paste -d '\t' "$work/want" "$work/got" | awk -F '\t' '$1 == $2' | wc -l)
echo "exact match $(awk -v r="$right" -v t="$total" 'BEGIN { printf "%.2f", 100 * r / t }') % of $total questions"
[ "$step" -ne 1 ] || awk -v r="$right" -v t="$total" 'BEGIN { x = 100 * r / t; exit !(x > 90.86 && x < 91.26) }'

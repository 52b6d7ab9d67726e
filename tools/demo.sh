#!/bin/sh
# Asks the embedded model some questions of each kind that it knows: tools/demo.sh T5K
set -eu
t5k=$1

ask() { # ask OPTIONS... QUESTION, the question last
    for question; do :; done
    printf '\n  Q  %s\n' "$question"
    start=$(date +%s%N)
    answer=$("$t5k" ask -q "$@")
    printf '  A  %s   (%d ms, program start included)\n' "$answer" $((($(date +%s%N) - start) / 1000000))
}

echo
echo "The embedded model, qa-mini (5.4 million weights), answers questions about a short passage."
ask --context "Maria wrote the book. Peter sold it." "Who wrote the book?"
ask --context "Tom has three cats and two dogs." "How many cats does Tom have?"
ask --choice Paris --choice Rome --context "The president lives in Rome." "Where does the president live?"
ask --context "Anna lives in London." "Does Anna live in Paris?"
ask --context "John went to the kitchen. Sandra took the apple. Sandra went to the garden. John went to the office." "Where is the apple?"
ask --context "Susan has seven books. Susan went to the shop and bought a puzzle." "How much does the phone cost?"
printf '\nAll of them at once, from standard input, with only the 64 best feed-forward units of 512 in each layer (top-k):\n\n'
printf '%s\n' 'who wrote the book? \n maria wrote the book. peter sold it.' 'where does the president live? \n (a) paris (b) rome \n the president lives in rome.' |
    "$t5k" ask -q --ff-topk 64 | sed 's/^/  A  /'
printf '\nNow one of your own:\n\n  %s ask --context "Anna has a red car. Paul has a blue bike." "Who has a blue bike?"\n\n' "$t5k"

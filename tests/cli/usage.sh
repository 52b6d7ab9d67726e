# Commands, options and their messages. None of these opens a model.

run
holds 't5k alone: status 2' test "$status" -eq 2
holds 't5k alone: nothing on standard output' test ! -s "$tmp/out"
holds 't5k alone: usage on standard error' grep -q '^  ask ' "$tmp/err"
cp "$tmp/err" "$tmp/usage"
expect 0 "$(cat "$tmp/usage")" '' help
expect 0 "$(cat "$tmp/usage")" '' --help
expect 0 "$(cat "$tmp/usage")" '' -h
run --version
holds '--version' grep -Eqx 't5k [0-9]+\.[0-9]+\.[0-9]+' "$tmp/out"

# Help, man page and program know the same options.
for command in ask score eval tokenize detokenize inspect convert bench help; do
    run help "$command"
    holds "help $command: status" test "$status" -eq 0
    holds "help $command: synopsis" grep -q "^usage: t5k $command " "$tmp/out"
    holds "help $command: width" test -z "$(grep -v '^{' "$tmp/out" | grep -E '^.{90}')"
    cp "$tmp/out" "$tmp/help"
    expect 0 "$(cat "$tmp/help")" '' "$command" --help
    expect 0 "$(cat "$tmp/help")" '' "$command" -h
    for option in $(grep -o '^  .* --[a-z-]*' "$tmp/help" | grep -o -e '--[a-z-]*$'); do
        holds "man page: $option of $command" grep -q -e "$(printf '%s' "$option" | sed 's/-/\\\\-/g')" tools/t5k.1
    done
done

names='ask, score, eval, compare, tokenize, detokenize, inspect, convert, bench or help; a question goes after ask'
refuse "unknown command \"foo\" ($names)" foo
refuse 'unknown command "asks" (did you mean ask?)' asks
refuse 'unknown command "tokenise" (did you mean tokenize?)' tokenise
refuse "unknown command \"where is tom?\" ($names)" 'where is tom?'
refuse "unknown command \"foo\" ($names)" help foo
refuse 'help takes one argument, in quotes if it has spaces (got a second one: "score")' help ask score
refuse 'help takes no option --json (t5k help help lists its options)' help --json
refuse '--version takes no argument' --version x

# Grammar.
refuse 'unknown option --beem (did you mean --beams?)' ask --beem 3 q
refuse 'unknown option --frobnicate (t5k help ask lists the options)' ask --frobnicate
refuse 'score takes no option --beams (t5k help score lists its options)' score --beams 2
refuse 'tokenize takes no option --json (t5k help tokenize lists its options)' tokenize --json
refuse 'unknown option -5 (t5k help ask lists the options; write -- before an argument that begins with a dash)' ask -5
refuse 'unknown option -qx (t5k help ask lists the options; write -- before an argument that begins with a dash)' ask -qx
refuse '--beams needs a value (--beams N)' ask q --beams
refuse '--model needs a value (--model MODEL)' ask -m
refuse '--json takes no value' ask --json=1
refuse '--beams is given twice' ask --beams 2 --beams=2
refuse '--model is given twice' ask -m a --model b
refuse '--quiet is given twice' ask -q --quiet
refuse 'ask takes one argument, in quotes if it has spaces (got a second one: "is")' ask where is tom
refuse 'score reads lines from standard input and takes no argument (got "x")' score x
refuse 'detokenize reads lines from standard input and takes no argument (got "x")' detokenize -- x

# Numbers: decimal digits in the range, nothing else.
for value in 0 -2 1e3 08 '' +5 ' 5' 5x 1025 99999999999999999999999; do
    refuse "--beams \"$value\" is not allowed (a whole number from 1 to 1024)" ask --beams "$value" q
    refuse "--threads \"$value\" is not allowed (a whole number from 1 to 1024)" score --threads="$value"
done
for value in 0 -2 1e3 08 '' All; do
    refuse "--ff-topk \"$value\" is not allowed (a whole number of 1 or more, or all)" ask --ff-topk "$value" q
done
for value in 0 '' enc enc= enc=0 enc=3,enc=4 enc=3, ,enc=3 foo=3 enc=3,4 cross=08 all,all; do
    refuse "--attn-topk \"$value\" is not allowed (K, or enc=K,dec=K,cross=K or a part of it; K is a whole number of 1 or more, or all)" \
        ask --attn-topk "$value" q
done
for value in '' nan inf 1e3 0x1 100.5 -101 1.2.3 - .; do
    refuse "--length-penalty \"$value\" is not allowed (a decimal number from -100 to 100, as 0.6)" ask --length-penalty "$value" q
done
for value in '' q4 F32 int8; do
    refuse "--compute \"$value\" is not allowed (f32|q8)" ask --compute "$value" q
done
for option in chunk batch-tokens max-new-tokens max-input-tokens; do
    refuse "--$option \"0\" is not allowed (a whole number from 1 to 16777216)" ask "--$option" 0 q
done
refuse '--early-stopping "maybe" is not allowed (true, false or never)' ask --early-stopping maybe q
refuse '--choice "" is not allowed (a choice is some text)' ask --choice '' q
# shellcheck disable=SC2046
refuse '--choice "x" is not allowed (at most 26 choices, (a) to (z))' ask $(yes -- --choice=x | head -n 27) q

# Options that contradict each other.
refuse '--context and --context-file exclude each other (each gives the context)' ask --context a --context-file b q
refuse '--quiet and --verbose exclude each other (one asks for less, the other for more)' tokenize -q -v
refuse '--ids and --context exclude each other (ids are taken as they are, a context is text)' ask --ids --context a
refuse '--ids and --context-file exclude each other (ids are taken as they are, a context is text)' ask --ids --context-file a
refuse '--ids and --choice exclude each other (ids are taken as they are, a choice is text)' ask --ids --choice a
refuse '--ids and --keep-case exclude each other (ids have no case)' score --ids --keep-case
refuse '--num-answers 2 needs as many beams (--beams is 1)' ask --num-answers 2 q
refuse '--min-new-tokens 40 is above --max-new-tokens 32' ask --min-new-tokens 40 q
refuse '--context-file - reads standard input, so the QUESTION must be an argument' ask --context-file -

# What a user typed never reaches the terminal raw.
refuse "unknown command \"\\x1b[31m\\x0ax\" ($names)" "$(printf '\033[31m\nx')"
refuse 'unknown option --\x1b[31m (t5k help ask lists the options)' ask "$(printf -- '--\033[31m')"

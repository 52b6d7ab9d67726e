# Text to pieces and ids, and back. Only the tokenizer is opened.

given 'Where is Anna?\n'
expect 0 '▁where ▁is ▁ anna ? </s>' '' tokenize
given 'Where is Anna?\n'
expect 0 '▁Where ▁is ▁Anna ? </s>' '' tokenize --keep-case
given 'Where is Anna?\n'
expect 0 '2840 19 7588 58 1' '' tokenize --keep-case --ids
given '2840 19  7588 58 1 \n\n  0 1 2 32099\n'
expect 0 'Where is Anna?

' '' detokenize

# Line ends, the last line without one, a byte order mark, empty lines, bytes that are not UTF-8, NUL.
given '\357\273\277a\r\n\nb'
expect 0 '▁ a </s>
</s>
▁ b </s>' '' tokenize
given 'a\377\n'
expect 0 "$(printf 'a\357\277\275\n' | "$t5k" tokenize)" '' tokenize
given 'a\000b\n'
expect 0 '3 9 2 115 1' '' tokenize --ids
expect 0 '' '' tokenize

given '7\n3 x 4\n'
expect 4 's' 't5k: standard input, line 2: "x" is not a token id (whole numbers from 0 to 2147483647, separated by spaces)' detokenize
given '7\n2147483648\n'
expect 4 's' 't5k: standard input, line 2: "2147483648" is not a token id (whole numbers from 0 to 2147483647, separated by spaces)' detokenize

# A line above 16 MiB.
head -c 16777217 /dev/zero | tr '\000' a >"$tmp/in"
expect 6 '' 't5k: standard input, line 1: too long (at most 16777216 bytes)' tokenize

# Where the model is.
expect 3 '' 't5k: /nonexistent: cannot read: No such file or directory' tokenize -m /nonexistent
refuse 'the path of the model is empty' tokenize -m ''
T5K_MODEL=$PWD/$mini
export T5K_MODEL
given 'a\n'
expect 0 '▁ a </s>' '' tokenize
T5K_MODEL=/nonexistent
expect 3 '' 't5k: /nonexistent: cannot read: No such file or directory' tokenize
given 'a\n'
expect 0 '▁ a </s>' '' tokenize -m "$mini"
unset T5K_MODEL
cp "$t5k" "$tmp/t5k"
"$tmp/t5k" tokenize </dev/null >"$tmp/out" 2>"$tmp/err"
holds 'no model beside the program: status' test $? -eq 3
same 'no model beside the program' "$tmp/err" \
    't5k: no model: the one that comes with t5k is not beside it; name one with -m MODEL or in T5K_MODEL' && pass

# Models in one GGUF file, tokenizer and config inside: text to text with nothing beside it. The answers are those of another implementation.

cp $golden/real_vocab/gguf_f16/model.gguf "$tmp/alone.gguf"
question="where is Tom? \\n the old man went to the office. the old man took the feather to the bathroom."
answer='informiertmagazin Besondertung Besonder fullfrac specificationaider sac'
expect 0 "$answer" '' ask -m "$tmp/alone.gguf" --max-new-tokens 30 "$question"
expect 0 "$answer" '' ask -m $golden/real_vocab/gguf_f16 --max-new-tokens 30 "$question"
expect 0 '(2009) verdienen
enterprises' '' ask -m "$tmp/alone.gguf" --beams 4 --num-answers 2 --max-new-tokens 12 \
    'where is daniel? \n john went to the market. anna took the letter to the library.'

given 'The <extra_id_0> walks\n'
expect 0 '37 32099 10681 1' '' tokenize --ids -m "$tmp/alone.gguf"
given '37 32099 10681 1\n'
expect 0 'The walks' '' detokenize -m "$tmp/alone.gguf"

# What is refused keeps its status, and says so in one line.
expect 5 '' "t5k: tests/data/gguf/kquants.gguf: tensor 'dec.blk.0.attn_k.weight' has an element type that is not read (info at byte offset\
 6619, Q3_K, allowed F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1)" ask -m tests/data/gguf/kquants.gguf q
cp "$tmp/alone.gguf" "$tmp/other.gguf"
mkdir "$tmp/two"
mv "$tmp/alone.gguf" "$tmp/other.gguf" "$tmp/two"
expect 2 '' "t5k: $tmp/two: holds 2 GGUF files, 'alone.gguf' and others: name one of them" ask -m "$tmp/two" q
head -c 1500000 "$tmp/two/other.gguf" >"$tmp/cut.gguf"
expect 4 '' "t5k: $tmp/cut.gguf: tensor 'token_embd.weight': reaches past the end of the file (info at byte offset 1022282, 7808, allowed\
 an end inside it)" ask -m "$tmp/cut.gguf" q

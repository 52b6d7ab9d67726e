# t5k bench: that all its parts are there and have figures; no figure is compared with a time.

refuse '--shape "bogus" is not allowed (small|base|large|3b|11b)' bench --shape bogus
refuse '--runs "0" is not allowed (a whole number from 1 to 100)' bench --runs 0
refuse '--runs "101" is not allowed (a whole number from 1 to 100)' bench --runs 101
for value in 0 1 -0.1 1.5 5% '' 1e-2; do
    refuse "--density \"$value\" is not allowed (a decimal number above 0 and below 1, as 0.05)" bench --shape small --density "$value"
done
refuse '--density needs --shape (a model has its own weights)' bench --density 0.1
refuse '--type needs --shape (a model has its own weights)' bench --type bf16 $mini
refuse '--type "f16" is not allowed (f32|bf16)' bench --shape small --type f16
refuse 'MODEL and --shape exclude each other (each says what to run)' bench --shape small $mini
refuse 'bench takes one argument, in quotes if it has spaces (got a second one: "b")' bench a b
refuse 'ask takes no option --runs (t5k help ask lists its options)' ask --runs 2 q
expect 3 '' "t5k: no/such: cannot read: No such file or directory" bench no/such

run bench --runs 1 --threads 1
holds 'bench: status' test "$status" -eq 0
holds 'bench: nothing on standard error' test ! -s "$tmp/err"
holds 'bench: at most 100 columns' test -z "$(grep -E '^.{101}' "$tmp/out")"
for line in 'shape    d_model 128, d_ff 512, 4 heads of 32, 4 \+ 2 blocks, 10\.3 MiB of weights' 'run      [a-z0-9]+, f32, 1 thread, median of 1 run' \
    '  FMA  .* [0-9.]+ +[0-9.]+  GFLOP/s' '  memory .* [0-9.]+ +[0-9.]+  GB/s' \
    '  dot +\[512, 128\] x \[512, 128\] +[0-9.]+ GFLOP/s +[0-9]+ % of FMA' \
    '  exp_sum +\[512\] +[0-9.]+ GB/s +[0-9]+ % of memory' '  encoder block, 512 tokens +[0-9.]+ ms .*' '  decoder block, 1 token after 64 .*' \
    '    self-attention +[0-9]+ % +[0-9.]+ ms +[0-9.]+ GFLOP/s .*' '    cross-attention +[0-9]+ % +[0-9.]+ ms +[0-9.]+ GB/s .*' \
    '    feed-forward +[0-9]+ % +[0-9.]+ ms +[0-9.]+ GB/s .*' '  its keys and values of 64 tokens +[0-9.]+ ms .*' '  lm_head, 1 token, all logits +[0-9.]+ ms .*' \
    '  encode +1 +512 +1 +0( +[0-9.]+){4}' '  ask +1 +64 +1 +16( +[0-9.]+){4}' '  beam +1 +64 +4 +16( +[0-9.]+){4}' \
    '  eval +64 +13[0-9]{3} +1 +8( +[0-9.]+){4}' '  long +1 +4096 +1 +1( +[0-9.]+){4}'; do
    holds "bench: $line" grep -Eqx -e "$line" "$tmp/out"
done

# The same as JSON, of an encoder alone, which only encodes; no figure is missing.
run bench --runs 1 --threads 2 --json $golden/t5_encoder/safetensors
holds 'bench --json: status' test "$status" -eq 0
holds 'bench --json: one line' test "$(wc -l <"$tmp/out")" -eq 1
holds 'bench --json: requests' test "$(grep -o '"median_seconds":[0-9.]*[1-9]' "$tmp/out" | wc -l)" -eq 1
holds 'bench --json: layers' grep -Eq '"blocks":\[\{"name":"encoder block, 512 tokens",.*"layers":\[\{"name":"self-attention",.*\},\{"name":"feed-forward",[^]]*\}\]\}\]' "$tmp/out"
holds 'bench --json: no figure that is none' test -z "$(grep -E 'nan|inf[^o]' "$tmp/out")"
if command -v python3 >/dev/null; then holds 'bench --json: parses' python3 -m json.tool "$tmp/out" /dev/null; fi

# The plain kernels too.
export T5K_ISA=ref
run bench --runs 1 --json $golden/t5_encoder/safetensors
unset T5K_ISA
holds 'bench: plain kernels' grep -Eq '"isa":"ref","compute":"f32",.*"int8_gops":null.*"name":"rms_norm"' "$tmp/out"
holds 'bench: plain kernels, no figure that is none' test -z "$(grep -E 'nan|inf[^o]' "$tmp/out")"

# A model that does not fit is refused before anything is written to memory; the sanitizers' own memory is no matter of ulimit.
case $t5k in
*sanitize*) ;;
*)
    (ulimit -v 4000000 && "$t5k" bench --shape 11b >"$tmp/out" 2>"$tmp/err")
    holds 'bench: too large: status' test $? -eq 6
    holds 'bench: too large: how many bytes' grep -Eqx 't5k: out of memory \([0-9]{11} bytes for random weights\)' "$tmp/err"
    ;;
esac

# In q8 all weights are made in f32 before their copies replace them.
if [ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -lt 40000000 ]; then
    for compute in f32 q8; do
        timeout 20 "$t5k" bench --shape 11b --compute $compute >"$tmp/out" 2>"$tmp/err"
        holds "bench: does not fit, $compute: status" test $? -eq 6
        holds "bench: does not fit, $compute: how many bytes" grep -Eqx 't5k: --shape 11b: needs [0-9]{11} bytes of memory, but [0-9]+ are available' "$tmp/err"
    done
fi

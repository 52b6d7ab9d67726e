# A model of t5-large's shape in eight shards of zeros, which take no room on the disk; converted within 200 MiB and twice its largest tensor.

large=$tmp/large
mkdir "$large"
d=1024 ff=4096 vocab=32128 layers=24 shards=8 n_shards=8

# entry NAME ROWS [COLS]: a tensor of the shard that is being made.
entry() {
    if [ $# -eq 3 ]; then shape="$2,$3" n=$(($2 * $3 * 4)); else shape=$2 n=$(($2 * 4)); fi
    header="$header,\"$1\":{\"dtype\":\"F32\",\"shape\":[$shape],\"data_offsets\":[$at,$((at + n))]}"
    map="$map,\"$1\":\"$file\""
    at=$((at + n))
}
attention() {
    for w in q k v o; do entry "$1.$w.weight" $d $d; done
}
# block STACK NUMBER
block() {
    b=$1.block.$2
    attention "$b.layer.0.SelfAttention"
    [ "$2" -ne 0 ] || entry "$b.layer.0.SelfAttention.relative_attention_bias.weight" 32 16
    entry "$b.layer.0.layer_norm.weight" $d
    l=1
    if [ "$1" = decoder ]; then
        attention "$b.layer.1.EncDecAttention"
        entry "$b.layer.1.layer_norm.weight" $d
        l=2
    fi
    entry "$b.layer.$l.DenseReluDense.wi.weight" $ff $d
    entry "$b.layer.$l.DenseReluDense.wo.weight" $d $ff
    entry "$b.layer.$l.layer_norm.weight" $d
}
map=
shard=1
while [ $shard -le $n_shards ]; do
    file=$(printf 'model-%05d-of-%05d.safetensors' $shard $n_shards) header= at=0
    if [ $shard -eq 1 ]; then
        entry shared.weight $vocab $d
        entry encoder.final_layer_norm.weight $d
        entry decoder.final_layer_norm.weight $d
    fi
    i=$(((shard - 1) * layers / shards))
    while [ $i -lt $((shard * layers / shards)) ]; do
        block encoder $i
        block decoder $i
        i=$((i + 1))
    done
    header="{${header#,}}"
    n=${#header}
    # The length as eight bytes, low ones first.
    printf "$(printf '\\%03o\\%03o\\%03o\\000\\000\\000\\000\\000' $((n & 255)) $((n >> 8 & 255)) $((n >> 16)))%s" "$header" >"$large/$file"
    truncate -s $((8 + n + at)) "$large/$file"
    shard=$((shard + 1))
done
printf '{"weight_map":{%s}}' "${map#,}" >"$large/model.safetensors.index.json"
cat >"$large/config.json" <<JSON
{"model_type":"t5","architectures":["T5ForConditionalGeneration"],"vocab_size":$vocab,"d_model":$d,"d_kv":64,"d_ff":$ff,"num_heads":16,
"num_layers":$layers,"relative_attention_num_buckets":32}
JSON

limit=$((200 * 1024 + 2 * vocab * d * 4 / 1024))
for arguments in '' '--type f16' '--type q8_0' '--type q8_0 --layout llama.cpp'; do
    case $arguments in *llama*) cp $mini/spiece.model "$large" ;; esac
    # shellcheck disable=SC2086
    /usr/bin/time -f %M -o "$tmp/peak" "$t5k" convert -q $arguments "$large" "$tmp/large.gguf" 2>"$tmp/err"
    holds "convert: 3 GB $arguments: status" test $? -eq 0
    peak=$(cat "$tmp/peak")
    holds "convert: 3 GB $arguments: $peak KiB of $limit" test "$peak" -le $limit
done
rm -r "$large" "$tmp/large.gguf"

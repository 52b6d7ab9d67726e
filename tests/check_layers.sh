#!/bin/sh
# Includes go one way: tools -> model, tokenizer -> runtime; model and tokenizer never see each other. And the library defines no global name
# outside its prefixes. tests/check_layers.sh BUILD
set -u
failed=0

forbid() { # forbid FOLDER PATTERN: no file below FOLDER may include a header that matches
    if grep -rnE "#include \"(\.\./)?($2)/" "$1" --include='*.c' --include='*.h' --include='*.cc'; then
        echo "$1 must not include from: $2"
        failed=1
    fi
}
forbid runtime 'model|tokenizer|tools|tests'
forbid model 'tokenizer|tools|tests'
forbid tokenizer 'model|tools|tests'
forbid tools 'tests'

strangers=$(nm -g --defined-only "$1/libt5k.a" 2>/dev/null | awk 'NF == 3 && $2 ~ /[TDBRC]/ { print $3 }' | grep -vE '^(rt|t5|ckpt|tok)_' | grep -vE '^_Z|^__')
if [ -n "$strangers" ]; then
    echo "global names without a prefix of ours: $strangers"
    failed=1
fi
exit $failed

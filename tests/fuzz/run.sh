#!/bin/sh
# Fuzzes readers with clang's libFuzzer, under the address and undefined-behaviour sanitizers. From the project's root:
#
#     tests/fuzz/run.sh run TARGET RUNS      runs tests/fuzz/fuzz_TARGET.c; what it finds is added to build/fuzz/corpus/TARGET, and a crash
#                                            is left in build/fuzz/crashes/TARGET-*; the last line has the figures
#     tests/fuzz/run.sh seeds                writes the seeds of all targets to build/fuzz/corpus
#     tests/fuzz/run.sh minimise TARGET      the smallest part of build/fuzz/corpus/TARGET that reaches the same edges replaces
#                                            tests/fuzz/corpus/TARGET; the files named crash-* there are kept
#
# Takes $CC, or the first clang there is. Debian's packages: clang-14 libclang-rt-14-dev (or another version's two). FUZZ_BUILD: where it
# builds, build/fuzz if not set. MAX_LEN: the longest input, 4096 bytes if not set.
set -eu
build=${FUZZ_BUILD:-build/fuzz}
max_len=${MAX_LEN:-4096}
export ASAN_OPTIONS="${ASAN_OPTIONS:-quarantine_size_mb=16}"

find_clang() {
    for cc in "${CC:-}" clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14; do
        case $cc in *clang*) command -v "$cc" >/dev/null 2>&1 && return 0 ;; esac
    done
    echo "run.sh: no clang here: install clang and its runtime (Debian: clang-14 libclang-rt-14-dev)" >&2
    exit 1
}

build_target() { # build_target TARGET
    [ -f "tests/fuzz/fuzz_$1.c" ] || { echo "run.sh: no target '$1': the targets are" tests/fuzz/fuzz_*.c >&2; exit 2; }
    find_clang
    cxx=$(echo "$cc" | sed 's/clang/clang++/')
    mkdir -p "$(dirname "$build")"
    make -s CONFIG=fuzz BUILD="$build" CC="$cc" CXX="$cxx" "$build/tests/fuzz/fuzz_$1" >"$build.log" 2>&1 ||
        { cat "$build.log" >&2; exit 1; }
    mkdir -p "$build/corpus/$1" "$build/crashes"
}

options() { # options TARGET
    dictionary=tests/fuzz/dictionaries/$1.dict
    [ -f "$dictionary" ] || dictionary=tests/fuzz/dictionaries/${1%_model}.dict
    [ -f "$dictionary" ] && printf '%s ' "-dict=$dictionary"
    echo "-max_len=$max_len -timeout=20 -rss_limit_mb=2048"
}

run() { # run TARGET RUNS
    build_target "$1"
    mkdir -p "tests/fuzz/corpus/$1"
    log=$build/$1.log
    began=$(date +%s)
    status=0
    # shellcheck disable=SC2046
    "$build/tests/fuzz/fuzz_$1" $(options "$1") -runs="$2" -artifact_prefix="$build/crashes/$1-" -print_final_stats=1 \
        "$build/corpus/$1" "tests/fuzz/corpus/$1" >"$log" 2>&1 || status=$?
    seconds=$(($(date +%s) - began))
    executions=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    features=$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    [ "$status" -eq 0 ] || grep -v '^#[0-9]' "$log" | tail -n 40
    case $status in
    0) verdict="no finding" ;;
    72) verdict="stopped" ;;
    *) verdict="a finding" ;;
    esac
    echo "$1: ${executions:-?} executions, $seconds s, ${edges:-?} edges, ${features:-?} features, $verdict"
    return "$status"
}

minimise() { # minimise TARGET
    build_target "$1"
    small=$build/minimised/$1
    rm -rf "$small"
    mkdir -p "$small" "tests/fuzz/corpus/$1"
    # shellcheck disable=SC2046
    "$build/tests/fuzz/fuzz_$1" $(options "$1") -set_cover_merge=1 -use_counters=0 "$small" "$build/corpus/$1" "tests/fuzz/corpus/$1" \
        >"$build/$1.merge.log" 2>&1
    find "tests/fuzz/corpus/$1" -type f ! -name 'crash-*' -delete
    find "$small" -type f -exec cp {} "tests/fuzz/corpus/$1" ';'
    echo "$1: $(find "tests/fuzz/corpus/$1" -type f | wc -l) files, $(cat tests/fuzz/corpus/"$1"/* | wc -c) bytes"
}

case ${1:-} in
run)
    [ $# -eq 3 ] && [ -n "$2" ] && [ -n "$3" ] || { echo "usage: make fuzz TARGET=NAME RUNS=N" >&2; exit 2; }
    run "$2" "$3"
    ;;
seeds)
    make -s "build/release/tests/fuzz/seeds"
    mkdir -p "$build/corpus"
    build/release/tests/fuzz/seeds "$build/corpus"
    ;;
minimise) minimise "$2" ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p;}' "$0" >&2
    exit 2
    ;;
esac

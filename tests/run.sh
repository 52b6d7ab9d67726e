#!/bin/sh
# Runs every test of a build: tests/run.sh BUILD SUITE... Suites that depend on the instruction set (test_golden, test_generate) run once for
# each that this machine has. Closes with the line "N passed, N failed"; the exit status is 0 only if nothing failed.
set -u
build=$1
shift

closing='^[0-9]+%: Checks|[0-9]+ passed, [0-9]+ failed|^[0-9]+ inputs replayed' # what a program says at its end
passed=0 failed=0
run() { # run NAME COMMAND...
    name=$1
    shift
    if "$@" >"$build/tests/log" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name  $(grep -E "$closing" "$build/tests/log" | tail -n 1)"
        grep -E '^skipped' "$build/tests/log"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        cat "$build/tests/log"
    fi
}

sets=ref
grep -qw avx2 /proc/cpuinfo 2>/dev/null && grep -qw fma /proc/cpuinfo && sets="$sets avx2"
grep -qw avx512vl /proc/cpuinfo 2>/dev/null && sets="$sets avx512"
[ "$(uname -m)" = aarch64 ] && sets="$sets neon"

mkdir -p "$build/tests"
for suite in "$@"; do
    case $suite in
    */test_golden | */test_generate)
        for isa in $sets; do run "$(basename "$suite") ($isa)" env T5K_ISA="$isa" "$suite"; done ;;
    *) run "$(basename "$suite")" "$suite" ;;
    esac
done
for corpus in tests/fuzz/corpus/*; do
    run "corpus of $(basename "$corpus")" "$build/tests/fuzz/fuzz_$(basename "$corpus")" "$corpus"
done
run "layers" tests/check_layers.sh "$build"
run "command line" tests/cli/run.sh "$build/t5k"
run "accuracy of the embedded model" tests/accuracy.sh "$build/t5k"
run "install" tests/install.sh "$build"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

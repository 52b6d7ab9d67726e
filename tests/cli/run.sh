#!/bin/sh
# Command-line tests: tests/cli/run.sh BUILD/t5k, from the project root. Each runs the program and compares its exit status, standard output
# and standard error with what is written in the *.sh files beside this one, byte for byte. Ends with "N passed, N failed".
set -u

[ $# -eq 1 ] || { echo "usage: tests/cli/run.sh BUILD/t5k" >&2; exit 2; }
t5k=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ -x "$t5k" ] || { echo "tests/cli/run.sh: no program at $1" >&2; exit 2; }

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
unset T5K_MODEL T5K_ISA
golden=tests/golden/cases
mini=data/models/qa-mini
passed=0
failed=0

pass() { passed=$((passed + 1)); }

fail() {
    failed=$((failed + 1))
    echo "FAILED: $1"
}

# given FORMAT: the standard input of the next run, printf-fashion. Otherwise it is empty.
: >"$tmp/in"
given() {
    # shellcheck disable=SC2059
    printf "$1" >"$tmp/in"
}

# run ARGUMENT...: runs the program; leaves $status, $tmp/out and $tmp/err.
run() {
    "$t5k" "$@" <"$tmp/in" >"$tmp/out" 2>"$tmp/err"
    status=$?
    : >"$tmp/in"
}

# same NAME FILE TEXT: FILE is TEXT and a newline, or nothing if TEXT is empty.
same() {
    if [ -n "$3" ]; then printf '%s\n' "$3"; fi >"$tmp/want"
    cmp -s "$tmp/want" "$2" && return 0
    fail "$1"
    diff "$tmp/want" "$2"
    return 1
}

# expect STATUS STDOUT STDERR ARGUMENT...: runs the program and compares all three.
expect() {
    want_status=$1 want_out=$2 want_err=$3
    shift 3
    run "$@"
    if [ "$status" -ne "$want_status" ]; then
        fail "t5k $*: status $status, not $want_status"
        cat "$tmp/err"
        return
    fi
    same "t5k $*: standard output" "$tmp/out" "$want_out" || return
    same "t5k $*: standard error" "$tmp/err" "$want_err" || return
    pass
}

# refuse MESSAGE ARGUMENT...: a usage error: status 2, nothing on standard output, one line.
refuse() {
    message=$1
    shift
    expect 2 '' "t5k: $message" "$@"
}

# holds NAME CONDITION...: the condition, a command, succeeds.
holds() {
    name=$1
    shift
    if "$@"; then pass; else fail "$name"; fi
}

for file in usage text model gguf inspect convert output eval compare bench; do
    # shellcheck source=/dev/null
    . "tests/cli/$file.sh"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

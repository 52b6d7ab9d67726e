#!/bin/sh
# Builds for 64-bit Arm and runs the tests there, in qemu: tests/aarch64.sh [SUITE...], from the project root; a SUITE is a name such as
# test_topk, and without one all run that can (test_golden and test_generate with each instruction set). Then the program's answers,
# scores, states and logits are compared with this machine's own. Closes with the line "N passed, N failed"; the exit status is 0 only
# if nothing failed.
#
# It needs Debian's g++-aarch64-linux-gnu and qemu-user. The libraries for Arm are fetched once, from where this system's apt fetches, and
# unpacked below build; nothing is installed. MAKE: the make to call.
set -eu
build=build/aarch64
libraries=$PWD/build/aarch64-libraries # outside, for make looks for *.d below the other
root=$libraries/root

for tool in aarch64-linux-gnu-g++ qemu-aarch64 apt-get dpkg-deb; do
    command -v $tool >/dev/null || { echo "aarch64.sh: no $tool here (on Debian: apt-get install g++-aarch64-linux-gnu qemu-user)" >&2; exit 1; }
done

# apt with lists, cache and architecture of its own.
fetch() {
    apt=$libraries/apt
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : >"$apt/status"
    set -- -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 \
        -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt"
    apt-get "$@" update
    apt-get "$@" --no-install-recommends --download-only --yes install libsentencepiece-dev libcjson-dev zlib1g-dev check
    rm -rf "$root"
    for package in "$apt"/archives/*.deb; do
        case $package in */libc6* | */linux-libc* | */libgcc* | */libstdc*) continue ;; esac # the compiler brings its own
        dpkg-deb -x "$package" "$root.part"
    done
    mv "$root.part" "$root"
}
[ -d "$root" ] || fetch

${MAKE:-make} --no-print-directory BUILD=build/release build/release/t5k # before what follows turns make to Arm
libs=$root/usr/lib/aarch64-linux-gnu
export PKG_CONFIG_LIBDIR="$libs/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
export CPPFLAGS="-idirafter $root/usr/include -idirafter $root/usr/include/aarch64-linux-gnu"
export LDFLAGS="-L$libs -Wl,-rpath,$libs:$root/lib/aarch64-linux-gnu"
# Not test_inspect, which starts the program itself, nor those that measure a process's memory: here that is the emulator's. Nor test_openblas:
# products have the bits here that it compares elsewhere, and OpenBLAS is not among the libraries fetched.
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(ls tests/test_*.c | grep -vE 'test_(inspect|memory|openblas|plan)\.c')
suites=""
for suite in "$@"; do suites="$suites $build/tests/$(basename "$suite" .c)"; done
# shellcheck disable=SC2086
${MAKE:-make} --no-print-directory BUILD=$build CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ AR=aarch64-linux-gnu-ar $build/t5k $suites

passed=0 failed=0
run() { # run NAME COMMAND...
    name=$1
    shift
    if "$@" >$build/log 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name  $(grep -E '^[0-9]+%: Checks|passed, [0-9]+ failed|^exact match' $build/log | tail -n 1)"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        cat $build/log
    fi
}

# States, logits, answers and scores of the embedded model, as this machine's own program gives them: the same bytes.
same_as_here() {
    question='who wrote the book? \n maria wrote the book. peter sold it.'
    build/release/t5k ask --dump $build/here.safetensors "$question" &&
        $emulator $build/t5k ask --dump $build/there.safetensors "$question" &&
        cmp $build/here.safetensors $build/there.safetensors || return 1
    awk 'NR % 80 == 0' data/questions/qa-mini-test.jsonl | sed 's/.*"input": "\(.*\)", "answers": \[.*/\1/; s/\\\\/\\/g' >$build/questions
    build/release/t5k ask -q --json --beams 4 <$build/questions | sed 's/"seconds.*//' >$build/here
    $emulator $build/t5k ask -q --json --beams 4 <$build/questions | sed 's/"seconds.*//' >$build/there
    [ "$(wc -l <$build/here)" -eq 40 ] && cmp $build/here $build/there
}

emulator="qemu-aarch64 -L /usr/aarch64-linux-gnu"
export CK_TIMEOUT_MULTIPLIER=20
for suite in $suites; do
    case $suite in
    */test_golden | */test_generate)
        for isa in ref neon; do run "$(basename "$suite") ($isa)" env T5K_ISA=$isa $emulator "$suite"; done ;;
    *) run "$(basename "$suite")" $emulator "$suite" ;;
    esac
done
run "the same bits as on this machine" same_as_here
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

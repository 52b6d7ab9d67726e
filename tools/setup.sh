#!/bin/sh
# Installs the packages that a build and its tests need and that are missing here, with apt; says what it does; does nothing when all is
# there. On a system without apt it names the packages and stops. tools/setup.sh openblas: with OpenBLAS, which one test and one benchmark
# compare with.
set -eu

packages="gcc g++ make pkg-config libsentencepiece-dev libcjson-dev zlib1g-dev check"
[ "${1-}" != openblas ] || packages="$packages libopenblas-dev"

missing=""
for tool in gcc g++ make pkg-config; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
# By its header: the package file asks for more than Debian 13 installs with it.
if [ -z "$missing" ]; then
    echo '#include <sentencepiece_processor.h>' | g++ -std=c++17 -E -x c++ - >/dev/null 2>&1 || missing="$missing libsentencepiece-dev"
    pkg-config --exists libcjson || missing="$missing libcjson-dev"
    pkg-config --exists zlib || missing="$missing zlib1g-dev"
    pkg-config --exists check || missing="$missing check"
    [ "${1-}" != openblas ] || pkg-config --exists openblas || missing="$missing libopenblas-dev"
else
    missing="$packages"
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "t5k: these packages are missing (Debian's names):$missing" >&2
    echo "t5k: install them with this system's package manager, then run make again" >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "t5k: as root, run: apt-get install$missing" >&2; exit 1; }
    sudo="sudo"
fi
echo "t5k: installing what a build needs:$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null

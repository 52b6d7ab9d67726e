#!/bin/sh
# Installs below a scratch folder, then works as a stranger would: the installed program answers with the installed model, and a small
# program is built against the installed headers by pkg-config and run, with the shared library and with the archive.
# tests/install.sh BUILD
set -eu
build=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
case $build in *sanitize*) config=sanitize sanitize="-fsanitize=address,undefined" ;; *) config=release sanitize="" ;; esac
headers="model/t5.h tokenizer/tokenizer.h runtime/status.h runtime/buffer.h"

make -s CONFIG=$config BUILD="$build" DESTDIR="$root" PREFIX=/usr install >/dev/null
for file in bin/t5k lib/libt5k.a lib/libt5k.so lib/libt5k.so.0 lib/pkgconfig/t5k.pc share/man/man1/t5k.1 \
    share/t5k/models/qa-mini/model.safetensors; do
    [ -f "$root/usr/$file" ] || { echo "$file is not installed"; exit 1; }
done
for header in $headers; do
    [ -f "$root/usr/include/t5k/$header" ] || { echo "$header is not installed"; exit 1; }
done

answer=$(cd / && env -u T5K_MODEL "$root/usr/bin/t5k" ask 'who wrote the book? \n maria wrote the book. peter sold it.')
[ "$answer" = maria ] || { echo "the installed program answers '$answer'"; exit 1; }

# The shared library exports the functions of the installed headers, all under one version, and nothing else.
for header in $headers; do
    ${CC:-gcc} -fpreprocessed -dD -E -P "$root/usr/include/t5k/$header"
done | grep -oE '\b(t5|tok|rt)_[a-z0-9_]+ ?\(' | tr -d ' (' | sed 's/$/@@T5K_0.1/' | sort -u >"$root/declared"
nm -D --defined-only --with-symbol-versions "$root/usr/lib/libt5k.so" | awk '$2 != "A" { print $3 }' | sort -u >"$root/exported"
diff "$root/declared" "$root/exported" || { echo "tools/t5k.map and the public headers differ"; exit 1; }

export PKG_CONFIG_PATH="$root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
# try NAME FLAG...: builds the example with these flags as $root/NAME, and runs it. The system's own packages must not be looked for below
# the scratch root.
try() {
    name=$1
    shift
    flags=$(printf '%s ' "$@" | sed "s|-L$root/usr/lib/[a-z0-9_]*-linux-gnu||g")
    # shellcheck disable=SC2086
    ${CC:-gcc} -Wall -Werror $sanitize tests/install_example.c $flags -o "$root/$name"
    answer=$(LD_LIBRARY_PATH="$root/usr/lib" "$root/$name" "$root/usr/share/t5k/models/qa-mini" \
        'how many cats does tom have? \n tom has three cats and two dogs.')
    [ "$answer" = three ] || { echo "the example, $name, answers '$answer'"; exit 1; }
}
needs() { readelf -d "$root/$1" | grep -q 'NEEDED.*\[libt5k\.so\.0\]'; }

# shellcheck disable=SC2046
try shared $(pkg-config --cflags --libs t5k)
needs shared || { echo "the example is not linked with libt5k.so.0"; exit 1; }
! readelf -d "$root/shared" | grep -q 'NEEDED.*sentencepiece' || { echo "the library's own libraries are linked into the example"; exit 1; }
# shellcheck disable=SC2046
try archive $(pkg-config --static --cflags --libs t5k | sed 's|-lt5k|-l:libt5k.a|')
! needs archive || { echo "the example is linked with the shared library in place of the archive"; exit 1; }

#!/bin/sh
# Installs below a scratch folder, then works as a stranger would: the installed program answers with the installed model, and a small program
# is built against the installed header by pkg-config and run. tests/install.sh BUILD
set -eu
build=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
case $build in *sanitize*) config=sanitize sanitize="-fsanitize=address,undefined" ;; *) config=release sanitize="" ;; esac

make -s CONFIG=$config BUILD="$build" DESTDIR="$root" PREFIX=/usr install >/dev/null
for file in bin/t5k lib/libt5k.a lib/pkgconfig/t5k.pc include/t5k/model/t5.h include/t5k/tokenizer/tokenizer.h include/t5k/runtime/status.h \
    include/t5k/runtime/buffer.h share/man/man1/t5k.1 share/t5k/models/qa-mini/model.safetensors; do
    [ -f "$root/usr/$file" ] || { echo "$file is not installed"; exit 1; }
done

answer=$(cd / && env -u T5K_MODEL "$root/usr/bin/t5k" ask 'who wrote the book? \n maria wrote the book. peter sold it.')
[ "$answer" = maria ] || { echo "the installed program answers '$answer'"; exit 1; }

export PKG_CONFIG_PATH="$root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
# The system's own packages must not be looked for below the scratch root.
flags=$(pkg-config --cflags --libs t5k | sed "s|-L$root/usr/lib/x86_64-linux-gnu||g")
# shellcheck disable=SC2086
${CC:-gcc} -Wall -Werror $sanitize tests/install_example.c $flags -o "$root/example"
answer=$("$root/example" "$root/usr/share/t5k/models/qa-mini" 'how many cats does tom have? \n tom has three cats and two dogs.')
[ "$answer" = three ] || { echo "the example answers '$answer'"; exit 1; }

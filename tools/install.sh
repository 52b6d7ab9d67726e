#!/bin/sh
# install.sh BUILD DESTDIR PREFIX VERSION: program, both libraries, headers, pkg-config file, man page and the embedded model.
set -eu
build=$1 prefix=$3 version=$4
to=$2$3

install -d "$to/bin" "$to/lib/pkgconfig" "$to/share/man/man1" "$to/share/t5k/models/qa-mini"
install -m 755 "$build/t5k" "$to/bin/t5k"
install -m 644 "$build/libt5k.a" "$to/lib/libt5k.a"
install -m 755 "$build/libt5k.so" "$to/lib/libt5k.so.0.$version"
ln -sf "libt5k.so.0.$version" "$to/lib/libt5k.so.0"
ln -sf libt5k.so.0 "$to/lib/libt5k.so"
for header in model/t5.h tokenizer/tokenizer.h runtime/status.h runtime/buffer.h; do
    install -d "$to/include/t5k/$(dirname $header)"
    install -m 644 "$header" "$to/include/t5k/$header"
done
install -m 644 tools/t5k.1 "$to/share/man/man1/t5k.1"
install -m 644 data/models/qa-mini/* "$to/share/t5k/models/qa-mini/"
cat >"$to/lib/pkgconfig/t5k.pc" <<EOF
prefix=$prefix
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: t5k
Description: T5-family models on a CPU, with top-k attention
Version: $version
Requires.private: libcjson zlib
Cflags: -I\${includedir}
Libs: -L\${libdir} -lt5k
Libs.private: -lsentencepiece -lstdc++ -pthread -lm
EOF

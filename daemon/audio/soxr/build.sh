#!/bin/sh
# Builds soxr.wasm from libsoxr's source. Needs curl, xz and Zig 0.17 (`pip install ziglang==0.17.1`), for example:
#   ZIG="python3 -m ziglang" ./build.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
zig=${ZIG:-zig}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
curl -sSfL -o libsoxr.tar.xz http://deb.debian.org/debian/pool/main/libs/libsoxr/libsoxr_0.1.3.orig.tar.xz
echo 'b111c15fdc8c029989330ff559184198c161100a59312f5dc19ddeb9b5a15889  libsoxr.tar.xz' | sha256sum -c -
tar xf libsoxr.tar.xz --strip-components=1
# `i386` selects the SSE branches, which include/xmmintrin.h maps.
$zig cc --target=wasm32-wasi -mexec-model=reactor -mcpu=baseline+simd128+bulk_memory -O3 -s \
  -DSOXR_LIB -DNDEBUG -Di386 -I"$here/include" -Isrc -w \
  -Wl,--max-memory=67108864 \
  "$here/resampler.c" src/soxr.c src/data-io.c src/dbesi0.c src/filter.c src/fft4g64.c src/cr.c \
  src/cr32s.c src/pffft32s.c src/util32s.c -o "$here/soxr.wasm"
ls -l "$here/soxr.wasm"

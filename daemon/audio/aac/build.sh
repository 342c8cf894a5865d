#!/bin/sh
# Builds aac.wasm. Needs Rust 1.89 or newer and its target: rustup target add wasm32-unknown-unknown
set -eu
cd "$(dirname "$0")"
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
# 256 MiB bound what a hostile file can make the decoder allocate.
RUSTFLAGS="-C target-feature=+simd128,+bulk-memory -C link-arg=--max-memory=268435456 -C link-arg=-zstack-size=1048576 --remap-path-prefix=$HOME=" \
  cargo build --release --locked --target wasm32-unknown-unknown --target-dir "$target"
cp "$target/wasm32-unknown-unknown/release/aac_wasm.wasm" aac.wasm
ls -l aac.wasm

#!/usr/bin/env bash
# lz4_flex 0.14.2: its FrameDecoder gives no error for a frame that is cut off between two blocks, before the end mark (4 zero bytes) that every frame has: it returns Ok(0), as at the end of
# a whole one. The reference program refuses it ("Unfinished stream", or "Read error"). Who unpacks a file with it has to look for the mark himself.
# Fails if the crate refuses the frame that was cut. Wants cargo; seen on 2026-11-30.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cargo init --quiet --bin --name cut .
cargo add --quiet lz4_flex@=0.14.2
cat >src/main.rs <<'RUST'
use std::io::{Read, Write};

fn main() {
    let mut packed = lz4_flex::frame::FrameEncoder::new(Vec::new());
    packed.write_all(b"one\ntwo\n").unwrap();
    let packed = packed.finish().unwrap();
    let mut out = Vec::new();
    // Without the end mark.
    let cut = &packed[..packed.len() - 4];
    let read = lz4_flex::frame::FrameDecoder::new(cut).read_to_end(&mut out);
    println!("{read:?}");
    std::process::exit(i32::from(read.is_err()));
}
RUST
cargo run --quiet

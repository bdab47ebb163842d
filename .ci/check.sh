#!/usr/bin/env bash
# Formatting, lints, documentation and the oldest compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== formatting"
cargo fmt --all --check

echo "== lints"
cargo clippy --locked --quiet --workspace --all-targets -- -D warnings

echo "== documentation"
RUSTDOCFLAGS=-Dwarnings cargo doc --locked --quiet --workspace --no-deps

oldest=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
echo "== Rust $oldest"
if rustup toolchain list 2>/dev/null | grep -q "^${oldest}[.-]"; then
    cargo "+$oldest" check --locked --quiet -p sessile -p sessile-ffi
else
    echo "not installed here: clippy's incompatible_msrv lint has to do"
fi

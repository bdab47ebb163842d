#!/usr/bin/env bash
# Formatting, lints and documentation; the core also without its embedded store.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo fmt --check --manifest-path fuzz/Cargo.toml
cargo clippy --locked --quiet --workspace --all-targets -- -D warnings
cargo clippy --locked --quiet -p sessile --no-default-features -- -D warnings
cargo clippy --locked --quiet -p sessile --features redis-tls,testing --all-targets -- -D warnings
RUSTDOCFLAGS=-Dwarnings cargo doc --locked --quiet --workspace --no-deps

#!/usr/bin/env bash
# Installs what the build needs and the machine lacks. Quiet, and nothing when all is there.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
if ! command -v cc >/dev/null; then
    apt-get update -qq >/dev/null
    apt-get install -qq -y gcc libc6-dev >/dev/null
fi
rustup component add clippy rustfmt >/dev/null 2>&1 || true
command -v cargo >/dev/null || { echo "Rust is needed: cargo was not found" >&2; exit 1; }

#!/usr/bin/env bash
# Compares the release wheel with other makers' packages, in a virtual environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=$(realpath "${CARGO_TARGET_DIR:-target}")
venv=$target/venv-bench
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT

"$target/venv/bin/maturin" build --quiet --locked --release -m python/Cargo.toml \
    -i "$target/venv/bin/python" --out "$wheels"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
pip=("$venv/bin/pip" --quiet --disable-pip-version-check install)
"${pip[@]}" -r python/benches/requirements.txt
"${pip[@]}" --force-reinstall --no-deps "$wheels"/sessile-*.whl
cd "$wheels"
"$venv/bin/python" "$root/python/benches/compare.py"

#!/usr/bin/env bash
# Builds the Python wheel into target/wheels, and tests it from another directory, in a virtual
# environment with nothing in it but the wheel and pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=$(realpath "${CARGO_TARGET_DIR:-target}")

rm -f "$target"/wheels/sessile-*.whl
"$target/venv/bin/maturin" build --quiet --locked --release -m python/Cargo.toml \
    -i "$target/venv/bin/python" --out "$target/wheels"

empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
python3 -m venv "$empty/venv"
"$empty/venv/bin/pip" install --quiet --disable-pip-version-check \
    "$target"/wheels/sessile-*.whl "$(grep '^pytest==' python/requirements-dev.txt)"
cd "$empty"
"$empty/venv/bin/python" -m pytest -c "$root/python/pyproject.toml" --rootdir "$root/python" \
    -p no:cacheprovider "$root/python/tests"
ls "$target"/wheels/sessile-*.whl

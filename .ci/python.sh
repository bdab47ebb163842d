#!/usr/bin/env bash
# Builds the Python wheel, installs it into the virtual environment that setup.sh made, and tests
# it from elsewhere, so that the sources beside the tests cannot stand in for it.
#
#   .ci/python.sh <cargo profile>
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
bin=$(realpath "${CARGO_TARGET_DIR:-target}")/venv/bin
pip=("$bin/pip" --quiet --disable-pip-version-check)

wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
"$bin/maturin" build --quiet --locked --profile "$1" -m python/Cargo.toml -i "$bin/python" \
    --out "$wheels"
"${pip[@]}" install --force-reinstall --no-deps "$wheels"/sessile-*.whl

cd "$wheels"
"$bin/python" -m pytest -c "$root/python/pyproject.toml" --rootdir "$root/python" \
    -p no:cacheprovider "$root/python/tests"
"$bin/python" -m mypy.stubtest sessile._sessile
"$bin/python" -m mypy --strict --cache-dir "$wheels/mypy" -p sessile
"$bin/python" -m mypy --strict --cache-dir "$wheels/mypy" "$root/python/tests"

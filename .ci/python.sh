#!/usr/bin/env bash
# The Python package: builds its wheel, installs it into .venv and tests it from elsewhere, so
# that the sources beside the tests cannot stand in for it.
#
#   .ci/python.sh [cargo profile, default: release]
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
profile=${1:-release}

if ! .venv/bin/python -c '' 2>/dev/null; then
    python3 -m venv --clear .venv
fi
bin=$root/.venv/bin
requirements=python/requirements-dev.txt
# pip takes seconds even when it has nothing to do.
if ! cmp -s "$requirements" .venv/requirements-dev.txt; then
    "$bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
    cp "$requirements" .venv/requirements-dev.txt
fi

wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
"$bin/maturin" build --quiet --locked --profile "$profile" -m python/Cargo.toml \
    -i "$bin/python" --out "$wheels"
"$bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps \
    "$wheels"/sessile-*.whl

cd "$wheels"
"$bin/python" -m pytest -c "$root/python/pyproject.toml" --rootdir "$root/python" \
    -p no:cacheprovider "$root/python/tests"
"$bin/python" -m mypy.stubtest sessile
"$bin/python" -m mypy --strict --cache-dir "$wheels/mypy" "$root/python/tests"

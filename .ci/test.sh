#!/usr/bin/env bash
# Everything that a change must pass, from a bare machine.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== setup"
.ci/setup.sh
.ci/check.sh

echo "== tests"
cargo test --locked --quiet --workspace

SESSILE_SCHEDULES=${SESSILE_SCHEDULES:-1000} .ci/schedules.sh

echo "== Python"
.ci/python.sh dev

echo "== benchmarks, once each"
cargo bench --locked --quiet -p sessile-benches -- --test

echo "== all passed"

#!/usr/bin/env bash
# Concurrency under a test scheduler: SESSILE_SCHEDULES random schedules (shuttle), and every
# schedule of the small cases (loom). Arguments go to cargo.
#
# Each scheduler has a target directory, for its flag would make cargo build everything anew.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

run() {
    local scheduler=$1 filter=$2
    shift 2
    echo "== $scheduler"
    RUSTFLAGS="--cfg $scheduler" cargo test --locked --quiet "$@" -p sessile --lib \
        --no-default-features --features testing --target-dir "$target/$scheduler" "$filter"
}

run shuttle schedules "$@"
run loom loom "$@"

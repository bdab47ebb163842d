#!/usr/bin/env bash
# Plants each bug of this folder, one at a time, in a copy of the tree, and demands that every
# checker which its patch names finds it. A patch that no longer applies is a failure, too; so is
# a checker that fails in the tree as it is. Arguments: the names of some patches; else all.
set -euo pipefail
cd "$(dirname "$0")/../.."

home=$PWD
work=${CARGO_TARGET_DIR:-$home/target}/plants
[[ $work == /* ]] || work=$home/$work
tree=$work/tree
# Never the target directory of the real tree: cargo takes the two trees for one, and what was
# built with a bug would be linked there.
target=$work/target
export CARGO_TARGET_DIR=$target RUST_BACKTRACE=0
export SESSILE_SEED=${SESSILE_SEED:-1} SESSILE_SCHEDULES=${SESSILE_SCHEDULES:-5000}
export SESSILE_HISTORIES=${SESSILE_HISTORIES:-5000}
export SESSILE_PROCESS_HISTORIES=${SESSILE_PROCESS_HISTORIES:-300}
# Without it `git apply` would take the copy for a part of the repository around it.
export GIT_CEILING_DIRECTORIES=$work

# check NAME MORE...: the checker's cargo command, with MORE at its end.
check() {
    case $1 in
    loom) RUSTFLAGS="--cfg loom" cargo test -q --target-dir "$target/schedules" -p sessile \
        --no-default-features --lib "${@:2}" ;;
    shuttle) RUSTFLAGS="--cfg shuttle" cargo test -q --target-dir "$target/schedules" \
        -p sessile-tests --test schedules "${@:2}" ;;
    histories) cargo test -q -p sessile-tests --test histories "${@:2}" ;;
    processes) cargo test -q -p sessile-tests --test processes "${@:2}" ;;
    *) echo "no such checker: $1" >&2; return 1 ;;
    esac
}

# run NAME: runs the checker, with its output in $log; ends the script if it does not build.
run() {
    check "$1" --no-run >"$log" 2>&1 || { cat "$log"; echo "$1 does not build" >&2; exit 1; }
    local only=()
    [[ $1 == loom ]] && only=(cache::schedules)
    check "$1" -- "${only[@]}" --nocapture >"$log" 2>&1
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
rm -rf "$tree"
mkdir -p "$tree"
# Every file as of now: artefacts of an earlier copy may hold a planted bug.
tar -c --exclude=./target --exclude=./.git . | tar -x -m -C "$tree"
cd "$tree"

patches=("$home"/tests/plants/*.patch)
[[ $# == 0 ]] || patches=("${@/#/$home/tests/plants/}")
for patch in "${patches[@]}"; do
    git apply --check "$patch" || { echo "$patch no longer applies" >&2; exit 1; }
done
for checker in loom shuttle histories processes; do
    run $checker || { cat "$log"; echo "$checker fails without a planted bug" >&2; exit 1; }
done

for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch)
    git apply "$patch"
    checkers=$(sed -n 's/^Caught by: //p' "$patch")
    [[ -n $checkers ]] || { echo "$name names no checker" >&2; exit 1; }
    for checker in $checkers; do
        if run "$checker"; then
            echo "$checker did not notice $name" >&2
            exit 1
        fi
        # A failure of something else is no catch.
        found=$(grep -aoE -m1 '(loom|shuttle): FAILED in schedule .*|history [0-9]+ of seed .*|in another process: .*' "$log") ||
            { cat "$log"; echo "$checker failed on $name, but found nothing" >&2; exit 1; }
        echo "$name: $found"
    done
    git apply -R "$patch"
done
echo "${#patches[@]} planted bugs, each caught by every checker that it names"

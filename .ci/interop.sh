#!/usr/bin/env bash
# Installs the libraries that tests/interop speaks to, below the target directory: once, and
# quietly. Where they cannot be installed it says why, and their tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
sources=tests/interop
mkdir -p "${CARGO_TARGET_DIR:-target}/interop"
home=$(realpath "${CARGO_TARGET_DIR:-target}/interop")

have() { command -v "$1" >/dev/null 2>&1; }

# What went wrong last, on one line.
skip() {
    echo "interoperability with $1 is not tested: $2: $(tail -n 3 "$home/log-$1" | tr '\n' ' ')"
}

python_libraries() {
    cmp -s "$sources/requirements.txt" "$home/venv/installed.txt" && return
    {
        python3 -m venv --clear "$home/venv" &&
            "$home/venv/bin/pip" --quiet --disable-pip-version-check install --no-deps \
                -r "$sources/requirements.txt" &&
            cp "$sources/requirements.txt" "$home/venv/installed.txt"
    } >"$home/log-python" 2>&1 || skip python "its packages do not install"
}

node_libraries() {
    if ! { have node && have npm; }; then
        env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends \
            nodejs npm >"$home/log-node" 2>&1 ||
            { skip node "there is no node and npm, and they do not install" && return; }
    fi
    cmp -s "$sources/package-lock.json" "$home/installed.json" && return
    {
        cp "$sources/package.json" "$sources/package-lock.json" "$home" &&
            npm ci --prefix "$home" --silent --ignore-scripts --no-audit --no-fund &&
            cp "$sources/package-lock.json" "$home/installed.json"
    } >"$home/log-node" 2>&1 || skip node "its packages do not install"
}

python_libraries &
node_libraries &
wait

#!/usr/bin/env bash
# Installs what `make test` needs and a bare Debian 12 with Rust, gcc and Python 3.11 lacks.
# Says nothing and does nothing when all is there.
#
#   .ci/setup.sh [rust]        with `rust`: only what building the Rust code needs
set -euo pipefail
cd "$(dirname "$0")/.."

have() { command -v "$1" >/dev/null 2>&1; }

have cargo || { echo "please install Rust: cargo is not there" >&2; exit 1; }
packages=()
have cc || packages+=(gcc libc6-dev)
if [ "${1:-all}" = all ]; then
    have g++ || packages+=(g++)
    have redis-server || packages+=(redis-server)
    have readelf || packages+=(binutils)
    have pkg-config || packages+=(pkg-config)
    have cmake || packages+=(cmake)
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 ||
            rustup --quiet component add "${component/#fmt/rustfmt}"
    done
fi

if [ ${#packages[@]} -gt 0 ]; then
    echo "installing ${packages[*]}"
    apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y)
    install=("${apt[@]}" install --no-install-recommends "${packages[@]}")
    # The machine's list of packages may be good enough; only if not is a fresh one fetched.
    "${install[@]}" >/dev/null 2>&1 || { "${apt[@]}" update >/dev/null && "${install[@]}" >/dev/null; } ||
        { echo "please install: ${packages[*]}" >&2; exit 1; }
fi
[ "${1:-all}" = all ] || exit 0

# The example servers in C need these; without them their tests say that they were skipped.
examples=()
have curl || examples+=(curl)
[ -e /usr/include/civetweb.h ] || examples+=(libcivetweb-dev)
[ -e /usr/include/event2/http.h ] || examples+=(libevent-dev)
if [ ${#examples[@]} -gt 0 ]; then
    apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y)
    install=("${apt[@]}" install --no-install-recommends "${examples[@]}")
    "${install[@]}" >/dev/null 2>&1 || { "${apt[@]}" update && "${install[@]}"; } >/dev/null 2>&1 ||
        echo "not installed, so the example servers are not tested: ${examples[*]}" >&2
fi

venv=${CARGO_TARGET_DIR:-target}/venv
wanted=python/requirements-dev.txt
if ! cmp -s "$wanted" "$venv/installed.txt" || ! "$venv/bin/python" -c '' 2>/dev/null; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
    cp "$wanted" "$venv/installed.txt"
fi

#!/usr/bin/env bash
# Installs what the tests need and a bare Debian 12 with Rust, gcc and Python 3.11 does not have.
# Says nothing and does nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

have() { command -v "$1" >/dev/null 2>&1; }

missing=()
have g++ || missing+=(g++)
have make || missing+=(make)
have git || missing+=(git)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)

# The browser that the demo site is tested with. Its test says so when it is not there.
browser=()
have chromium || browser+=(chromium)
have chromedriver || browser+=(chromium-driver)

# Installs the packages named, with a fresh list of packages only if the old one does not do.
install() {
    have apt-get && [ "$(id -u)" = 0 ] || return 1
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y)
    "${apt[@]}" install --no-install-recommends "$@" >/dev/null 2>&1 && return
    "${apt[@]}" update >/dev/null 2>&1 || true
    "${apt[@]}" install --no-install-recommends "$@" >/dev/null
}

if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    install "${missing[@]}" || { echo "please install: ${missing[*]}" >&2; exit 1; }
fi
if [ ${#browser[@]} -gt 0 ]; then
    echo "installing ${browser[*]}"
    install "${browser[@]}" || echo "not to be had: ${browser[*]}; the browser test will be skipped"
fi

have cargo || { echo "please install Rust: cargo is not there" >&2; exit 1; }
for component in rustfmt clippy; do
    cargo "${component/rust/}" --version >/dev/null 2>&1 || rustup -q component add "$component"
done

#!/usr/bin/env bash
# Installs what the test of the demo site needs and the machine lacks. Quiet, and nothing when all
# is there.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
command -v python3 >/dev/null || missing+=(python3)
if ((${#missing[@]})); then
    apt-get update -qq >/dev/null
    apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
fi

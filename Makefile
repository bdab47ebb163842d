# Every target is one line; `make help` prints them. CI calls these and nothing else.
.PHONY: help demo web test web-test check crash setup browser

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1 |/' | column -t -s '|'

demo: setup ## Run the main job on the embedded store
	@cargo run --release --quiet -p sessile --example demo

web: setup ## Serve the demo site; make web ARGS="--port 0 --idle-secs 60"
	@cargo run --quiet -p sessile-web -- $(ARGS)

test: setup check ## Run everything that a change must pass
	@cargo test --workspace --exclude sessile-python && $(MAKE) --no-print-directory web-test

web-test: setup browser ## Try the demo site in headless Chromium
	@cargo build --quiet -p sessile-web && export SESSILE_WEB=$$(realpath $${CARGO_TARGET_DIR:-target}/debug/sessile-web) && cd tests/web && ls test_*.py | xargs -P 2 -n 1 python3 -B -m unittest

check: setup ## Formatting, lints as errors, and the core without its embedded store
	@cargo fmt --check && cargo clippy --quiet --workspace --all-targets -- -D warnings && cargo clippy --quiet -p sessile --no-default-features -- -D warnings

crash: setup ## Kill the writer 1,000 times
	@SESSILE_CRASH_CYCLES=1000 cargo test --release -p sessile-tests --test crash -- --nocapture

setup:
	@.ci/setup.sh

browser:
	@.ci/browser.sh

# Every target is one line; `make help` prints them. CI calls these and nothing else.
.PHONY: help demo test check crash power-cuts setup

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1 |/' | column -t -s '|'

demo: setup ## Run the main job on the embedded store
	@cargo run --release --quiet -p sessile --example demo

test: setup check ## Run everything that a change must pass
	@cargo test --workspace --exclude sessile-python

check: setup ## Formatting, lints as errors, and the core without its embedded store
	@cargo fmt --check && cargo clippy --quiet --workspace --all-targets -- -D warnings && cargo clippy --quiet -p sessile --no-default-features -- -D warnings

crash: setup ## Kill the writer 1,000 times
	@SESSILE_CRASH_CYCLES=1000 cargo test --release -p sessile-tests --test crash -- --nocapture

power-cuts: setup ## Cut the power 50 times; needs root and loop devices, and says so
	@SESSILE_POWER_CUTS=50 cargo test --release -p sessile-tests --test power_cut -- --nocapture --test-threads=1

setup:
	@.ci/setup.sh

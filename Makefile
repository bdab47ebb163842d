# Every target is one line; `make help` prints them. CI calls these and nothing else.
.PHONY: help demo test check crash bench bench-smoke bench-report setup

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

bench: setup ## Measure with criterion; Q=verify measures one question
	@cargo bench -p sessile-benches --bench questions -- $(Q)

bench-report: setup ## Print the table of ratios; Q="verify open" asks only those
	@cargo run --release --quiet -p sessile-benches --bin report -- $(Q)

bench-smoke: setup ## Run every benchmark once, small: does it still work?
	@SESSILE_BENCH_SMOKE=1 cargo bench --quiet -p sessile-benches --bench questions -- --test && SESSILE_BENCH_SMOKE=1 cargo run --release --quiet -p sessile-benches --bin report >/dev/null

setup:
	@.ci/setup.sh

# Every target is one line; `make help` prints them. CI calls these and nothing else.
.PHONY: help demo test check schedules histories plants crash setup
# Other flags, so a directory of their own: switching rebuilds nothing.
SCHEDULED = cargo test --target-dir $${CARGO_TARGET_DIR:-target}/schedules

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1 |/' | column -t -s '|'

demo: setup ## Run the main job on the embedded store
	@cargo run --release --quiet -p sessile --example demo

test: setup check ## Run everything that a change must pass
	@cargo test --workspace --exclude sessile-python && LOOM_MAX_PREEMPTIONS=3 SESSILE_SCHEDULES=5000 $(MAKE) -s schedules

check: setup ## Formatting, lints as errors, and the core without its embedded store
	@cargo fmt --check && cargo clippy --quiet --workspace --all-targets -- -D warnings && cargo clippy --quiet -p sessile --no-default-features -- -D warnings

schedules: setup ## The fill and revoke protocol under loom, the engine under 2,800,000 schedules of shuttle
	@LOOM_MAX_PREEMPTIONS=$${LOOM_MAX_PREEMPTIONS:-5} RUSTFLAGS="--cfg loom" $(SCHEDULED) -q -p sessile --no-default-features --lib cache::schedules -- --nocapture
	@SESSILE_SCHEDULES=$${SESSILE_SCHEDULES:-100000} RUSTFLAGS="--cfg shuttle" $(SCHEDULED) -q -p sessile-tests --test schedules -- --nocapture

histories: setup ## Record what eight threads do and are told, 100,000 times, and check it
	@SESSILE_HISTORIES=$${SESSILE_HISTORIES:-100000} cargo test -q --release -p sessile-tests --test histories -- --nocapture

plants: setup ## Plant each bug of tests/plants and demand that the checkers find it
	@tests/plants/run.sh

crash: setup ## Kill the writer 1,000 times
	@SESSILE_CRASH_CYCLES=1000 cargo test --release -p sessile-tests --test crash -- --nocapture

setup:
	@.ci/setup.sh

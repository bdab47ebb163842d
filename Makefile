# Every target is one line; `make help` prints them. CI calls these and nothing else.
T ?= session_token
S ?= 60

.PHONY: help demo test check header python fuzz crash setup

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Run the main job on the embedded store
	@.ci/setup.sh rust && cargo run --release --quiet -p sessile --example demo

test: setup check ## Run everything that a change must pass
	@cargo test --locked --workspace --exclude sessile-python && .ci/python.sh dev

check: setup ## Formatting, lints and documentation, warnings as errors
	@.ci/check.sh

header: ## Write include/sessile.h anew
	@SESSILE_BLESS=1 cargo test --quiet -p sessile-tests --test header

python: setup ## Build the Python wheel and test it
	@.ci/python.sh release

fuzz: ## Fuzz target T for S seconds, on a nightly compiler
	@mkdir -p fuzz/corpus/$(T) && cargo +nightly fuzz run $(T) fuzz/corpus/$(T) fuzz/regressions/$(T) -- -max_total_time=$(S)

crash: ## Kill the writer 1,000 times
	@.ci/setup.sh rust && SESSILE_CRASH_CYCLES=1000 cargo test --release -p sessile-tests --test crash -- --nocapture

setup: ## Install what the machine lacks for the tests
	@.ci/setup.sh

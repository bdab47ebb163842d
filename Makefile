# Everything that people and CI run. Longer logic is in .ci/; each target is one line.

CARGO_TARGET_DIR ?= target
CYCLES ?= 1000
CUTS ?= 50
SCHEDULES ?= 100000
T ?= handle
S ?= 60
WEB ?= --bin web

.PHONY: help demo web test check header python fuzz fuzz-all bench bench-smoke crash power-cut schedules

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 14

demo: ## the main job on the embedded default
	cargo run --release -q -p sessile --example demo

web: ## the demo site
	cargo run --release -q -p sessile-tests $(WEB)

test: ## everything that a change must pass; installs what it needs
	.ci/test.sh

check: ## formatting, lints, documentation, oldest compiler
	.ci/check.sh

header: ## rewrite include/sessile.h
	SESSILE_BLESS=1 cargo test -q -p sessile-tests --test header

python: ## build the Python wheel into .venv and test it
	.ci/python.sh

fuzz: ## fuzz target T for S seconds
	cargo +nightly fuzz run $(T) -- -max_total_time=$(S)

fuzz-all: ## fuzz each target for S seconds
	set -e; for t in $$(cargo +nightly fuzz list); do $(MAKE) fuzz T=$$t S=$(S); done

bench: ## all benchmarks
	cargo bench -p sessile-benches

bench-smoke: ## each benchmark once, without measuring
	cargo bench -p sessile-benches -- --test

crash: ## kill a writing process CYCLES times
	SESSILE_CRASH_CYCLES=$(CYCLES) cargo test --release -p sessile-tests --test crash -- --nocapture

power-cut: ## cut the power of a simulated disk CUTS times
	SESSILE_POWER_CUTS=$(CUTS) cargo test --release -p sessile-tests --test power_cut -- --nocapture

schedules: ## SCHEDULES random thread schedules, and every one of the small cases
	SESSILE_SCHEDULES=$(SCHEDULES) CARGO_TARGET_DIR=$(CARGO_TARGET_DIR) .ci/schedules.sh --release

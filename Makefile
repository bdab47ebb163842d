# Every target is one line; `make help` prints them. CI calls these and nothing else.
T ?= session_token
S ?= 60
# Other flags, so a directory of their own: switching rebuilds nothing.
SCHEDULED = cargo test --target-dir $${CARGO_TARGET_DIR:-target}/schedules

.PHONY: help demo web test web-test check header python fuzz fuzz-all refreshes soak schedules histories plants model crash power-cuts bench bench-report bench-smoke processes wheel python-bench python-site python-site-test install setup

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Run the main job on the embedded store
	@.ci/setup.sh rust && cargo run --release --quiet -p sessile --example demo

web: ## Serve the demo site; make web ARGS="--port 0 --idle-secs 60"
	@.ci/setup.sh rust && cargo run --quiet -p sessile-web -- $(ARGS)

test: setup check ## Run everything that a change must pass
	@.ci/interop.sh
	@cargo test --locked --workspace --exclude sessile-python
	@.ci/python.sh dev
	@LOOM_MAX_PREEMPTIONS=3 SESSILE_SCHEDULES=5000 $(MAKE) -s schedules
	@$(MAKE) -s web-test python-site-test

web-test: ## Try the demo site in headless Chromium
	@.ci/browser.sh && cargo build --quiet -p sessile-web && export SESSILE_WEB=$$(realpath $${CARGO_TARGET_DIR:-target}/debug/sessile-web) && cd tests/web && ls test_*.py | xargs -P 2 -n 1 python3 -B -m unittest

check: setup ## Formatting, lints and documentation, warnings as errors
	@.ci/check.sh

python-site: setup ## Serve the single-page site of the Python package; make python-site ARGS="--port 8081"
	@$${CARGO_TARGET_DIR:-target}/venv/bin/python -c 'import sessile' 2>/dev/null || .ci/python.sh dev; $${CARGO_TARGET_DIR:-target}/venv/bin/python python/examples/site/site.py $(ARGS)

python-site-test: ## Try it in headless Chromium, with the wheel that `make python` installed
	@.ci/browser.sh && $$(realpath $${CARGO_TARGET_DIR:-target})/venv/bin/python -B -m unittest python/examples/site/test_site.py

header: ## Write include/sessile.h anew
	@SESSILE_BLESS=1 cargo test --quiet -p sessile-tests --test header

install: ## Install the C library; PREFIX=/usr/local, LIBDIR=lib and DESTDIR= as one likes
	@.ci/setup.sh rust && cargo build --locked --quiet --release -p sessile-ffi && PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" DESTDIR="$(DESTDIR)" ffi/install/install.sh "$${CARGO_TARGET_DIR:-target}/release"

python: setup ## Build the Python wheel and test it
	@.ci/python.sh release

wheel: setup ## Build the Python wheel into target/wheels and test it where nothing else is
	@.ci/wheel.sh

python-bench: setup ## Compare the Python package with others
	@.ci/python_bench.sh

fuzz: ## Fuzz target T for S seconds, on a nightly compiler
	@mkdir -p fuzz/corpus/$(T) && cargo +nightly fuzz run $(T) fuzz/corpus/$(T) fuzz/regressions/$(T) -- -max_total_time=$(S)

fuzz-all: ## Every fuzz target for S seconds, one after the other
	@for target in $$(ls fuzz/fuzz_targets); do $(MAKE) -s fuzz T=$${target%.rs} S=$(S) || exit 1; done

refreshes: ## 64 threads race for each of 10,000 refresh tokens of a chain, and of 10,000 links
	@SESSILE_GENERATIONS=$${SESSILE_GENERATIONS:-10000} SESSILE_LINKS=$${SESSILE_LINKS:-10000} cargo test -q --release -p sessile-tests --test crowds -- --nocapture

soak: ## 10,000,000 sessions and tokens come and go, and nothing grows
	@SESSILE_SOAK_CYCLES=$${SESSILE_SOAK_CYCLES:-10000000} cargo test -q --release -p sessile-tests --test soak -- --nocapture

schedules: ## The protocol under loom, the engine under 9,800,000 schedules of shuttle
	@LOOM_MAX_PREEMPTIONS=$${LOOM_MAX_PREEMPTIONS:-5} RUSTFLAGS="--cfg loom" $(SCHEDULED) -q -p sessile --no-default-features --lib cache::schedules -- --nocapture
	@SESSILE_SCHEDULES=$${SESSILE_SCHEDULES:-100000} RUSTFLAGS="--cfg shuttle" $(SCHEDULED) -q -p sessile-tests --test schedules -- --nocapture

histories: ## Record what eight threads do and are told, 100,000 times, and check it
	@SESSILE_HISTORIES=$${SESSILE_HISTORIES:-100000} cargo test -q --release -p sessile-tests --test histories -- --nocapture

processes: ## Record what five processes on one LMDB store are told, 10,000 times, with kill -9
	@SESSILE_PROCESS_HISTORIES=$${SESSILE_PROCESS_HISTORIES:-10000} cargo test -q --release -p sessile-tests --test processes -- --nocapture

plants: ## Plant each bug of tests/plants and demand that the checkers find it
	@tests/plants/run.sh

model: ## Play 100,000 random sequences of every verb against a model
	@SESSILE_SEQUENCES=$${SESSILE_SEQUENCES:-100000} cargo test --release -p sessile-tests --test model -- --nocapture

crash: ## Kill the writer 1,000 times
	@SESSILE_CRASH_CYCLES=1000 cargo test --release -p sessile-tests --test crash -- --nocapture

power-cuts: ## Cut the power 50 times; needs root and loop devices, and says so
	@SESSILE_POWER_CUTS=50 cargo test --release -p sessile-tests --test power_cut -- --nocapture --test-threads=1

bench: ## Measure with criterion; Q=verify measures one question
	@cargo bench -p sessile-benches --bench questions -- $(Q)

bench-report: ## Print the table of ratios; Q="verify open" asks only those
	@cargo run --release --quiet -p sessile-benches --bin report -- $(Q)

bench-smoke: ## Run every benchmark once, small: does it still work?
	@SESSILE_BENCH_SMOKE=1 cargo bench --quiet -p sessile-benches --bench questions -- --test && SESSILE_BENCH_SMOKE=1 cargo run --release --quiet -p sessile-benches --bin report >/dev/null

setup: ## Install what the machine lacks for the tests
	@.ci/setup.sh

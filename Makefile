# Two commands: `make demo` (simulated exchange) and `make up` (real exchanges). `make help` lists the rest.
# PYTHON=python3.12 chooses the interpreter, SECONDS=60 ends demo or up by itself, JOBS=3 runs test files side by side.

PYTHON ?= python3
SECONDS ?=
ARGS ?=
JOBS ?= 3
BIN := .venv/bin
STAMP := .venv/.installed
UP = $(BIN)/marketprism up $(if $(SECONDS),--seconds $(SECONDS))

export PIP_DISABLE_PIP_VERSION_CHECK := 1
.DEFAULT_GOAL := help
.PHONY: help demo up down test nightly chaos lint bench clean

help: ## show this
	@echo "usage: make TARGET [SECONDS=60] [PYTHON=python3.12]"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 10

demo: $(STAMP) ## the whole system on the simulated exchange; SECONDS=60 ends it and judges the run
	@$(UP) --demo

# A shell that ran `eval "$(marketprism env)"` beside a demo still names the demo's file.
up: $(STAMP) ## the whole system on the real exchanges, public data
	@case "$$MARKETPRISM_CONFIG" in $(CURDIR)/config/demo.yaml) unset MARKETPRISM_CONFIG ;; esac; $(UP)

down: $(STAMP) ## stop a running demo or up
	@$(BIN)/marketprism down

test: $(STAMP) ## every test, on real servers with ports of their own; JOBS=0: one after another
	@$(BIN)/pytest -n $(JOBS) --dist loadfile

nightly: $(STAMP) ## 10,000 generated fault scripts for every kind of book; about half an hour
	@$(BIN)/pytest tests/book --hypothesis-profile=nightly --timeout 7200

chaos: $(STAMP) ## kill, cut and hang every part, then count every trade; ARGS="--kills 30 --seed 7"
	@$(BIN)/python -m tests.chaos $(ARGS)

lint: $(STAMP) ## style, types and who may import whom
	@echo "ruff check";          $(BIN)/ruff check .
	@echo "ruff format --check"; $(BIN)/ruff format --check .
	@echo "mypy";                $(BIN)/mypy
	@echo "lint-imports";        $(BIN)/lint-imports

bench: $(STAMP) ## measure the hot path
	@$(BIN)/python -m benchmarks

clean: ## remove .venv, caches and all data under .marketprism; refuses while a stack runs
	@for lock in .marketprism/*/run/up.lock; do \
	  if [ -e "$$lock" ] && ! flock --nonblock --shared "$$lock" true; then \
	    echo "a stack runs ($$lock); stop it first: make down" >&2; exit 1; \
	  fi; \
	done
	@rm -rf .venv .marketprism build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	  echo "MarketPrism needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) -V 2>&1 || echo missing)." >&2; \
	  echo "Choose another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "[1/3] creating .venv with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv .venv || { echo "python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "[2/3] installing what requirements.lock names, each file checked against its hash (about a minute)"
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements.lock
	@echo "[3/3] installing the marketprism command"
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# Everything happens in .venv. A target installs the extras that it needs, once, and
# again when pyproject.toml or the constraints change. Variables, all optional:
#   ARGS         handed to the command:   make medical ARGS="--seeds 1"
#   PYTHON       what makes .venv:        make test PYTHON=python3.12
#   CONSTRAINTS  pins, none when empty:   make test CONSTRAINTS=

CONSTRAINTS ?= constraints.txt
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif
RUN := $(BIN)/python -m

# Numba's cache doesn't see that a function changed in another module than its caller.
SOURCES := $(shell cat $$(find sklearn_scd -name "*.py" | sort) | cksum)
KERNELS := .venv/numba-$(firstword $(SOURCES))
export NUMBA_CACHE_DIR := $(CURDIR)/$(KERNELS)

.PHONY: help medical certified speed test lint format docs build clean
.NOTPARALLEL: # two pips at once in one .venv would collide

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

medical: .venv/.benchmarks $(KERNELS)/.compiled ## compare models on medical images (ARGS=--help)
	$(RUN) benchmarks.medical $(ARGS)

certified: .venv/.benchmarks .venv/.rivals $(KERNELS)/.compiled ## certified accuracy of sign networks and their rivals
	$(RUN) benchmarks.certified $(ARGS)

speed: .venv/.benchmarks ## time and memory of fits and predictions
	$(RUN) benchmarks.speed $(ARGS)

# A thread of linear algebra a worker: more of them wait for each other's cores.
test: export OMP_NUM_THREADS := 1
test: .venv/.benchmarks .venv/.dask .venv/.onnx .venv/.rivals .venv/.tests ## run tests and doctests (ARGS="-k threshold -x")
	$(RUN) pytest --numprocesses auto --dist loadfile $(ARGS)

lint: .venv/.dev ## check rules, format and types
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy

format: .venv/.dev ## mend rules and format
	$(RUN) ruff check --fix
	$(RUN) ruff format

docs: .venv/.docs ## build the documentation into docs/_build/html, and check its links
	$(RUN) sphinx -W --keep-going $(ARGS) docs docs/_build/html
	$(BIN)/python tools/check_pages.py docs/_build/html

build: .venv/.build ## make sdist and wheel, and check them
	rm -rf dist
	$(RUN) build
	$(RUN) twine check --strict dist/*
	$(BIN)/python tools/check_dist.py dist $(CONSTRAINTS:%=--constraint %)

clean: ## remove .venv and all that was built
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage htmlcov dist
	rm -rf docs/_build docs/auto_examples docs/generated
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.%: pyproject.toml $(CONSTRAINTS) | $(BIN)
	$(RUN) pip install $(CONSTRAINTS:%=--constraint %) --editable ".[$*]"
	@touch $@

# Part of the installation: compiled at the first use, it would be part of the first run.
$(KERNELS)/.compiled: | .venv/.benchmarks
	$(BIN)/python -c "import sklearn_scd; sklearn_scd.precompile(['float32'])"
	@mkdir -p $(KERNELS)
	@touch $@

$(BIN):
	$(PYTHON) -m venv .venv

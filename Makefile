# Needs Python 3.11 or later and make, nothing else. `make demo` to see it work, `make test` to check it.
#
#   PYTHON=...           the Python to build the environment from
#   VENV=.venv           where the environment is
#   JOBS=auto            processes that run tests
#   QUANTLIB_SHARED=...  where the real models of `make zoo` are (default ../shared)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
JOBS ?= auto
IS_NEW_ENOUGH := -c 'import sys; raise SystemExit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for name in python3 python python3.14 python3.13 python3.12 python3.11; do \
	$$name $(IS_NEW_ENOUGH) 2>/dev/null && echo $$name && break; done)
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

export PYTHONUTF8 := 1

QUANTLIB_SHARED ?= ../shared

.PHONY: help demo test lint types unit review zoo slow floor conformance clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## run the shipped model and compare every tensor with LiteRT
	@$(BIN)/quantlib demo

test: lint types unit ## lint, formatting, types and the fast tests

lint: $(VENV)/.installed-dev ## lint and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## strict types, of the package and of examples of its use
	$(BIN)/mypy

unit: $(VENV)/.installed-dev ## the fast tests
	$(BIN)/python -m pytest -n $(JOBS) -q

zoo: $(VENV)/.installed-dev ## the tests over real models
	$(BIN)/python -m pytest -n $(JOBS) -q -m zoo

slow: $(VENV)/.installed-dev ## the tests that take minutes
	$(BIN)/python -m pytest -n $(JOBS) -q -m slow

conformance: $(VENV)/.installed-dev ## compare random models of every operator with LiteRT, rewrite the table
	$(BIN)/python -m quantlib.testing.conformance --cases 200 --kernels reference optimized xnnpack \
		--write docs/conformance.md $(if $(wildcard $(QUANTLIB_SHARED)/zoo),--models $(QUANTLIB_SHARED)/zoo)

review: $(VENV)/.installed-dev ## the Scientific Python repository review
	$(BIN)/repo-review --show err .

floor: ## the fast tests with the oldest libraries that we accept (Python 3.11 or 3.12)
	@$(MAKE) VENV=$(VENV)-floor $(VENV)-floor/.installed-floor
	$(subst $(VENV),$(VENV)-floor,$(BIN))/python -m pytest -n $(JOBS) -q

clean: ## remove the environments and caches
	rm -rf $(VENV) $(VENV)-floor .mypy_cache .pytest_cache .ruff_cache .hypothesis

# An environment is a directory with a stamp per purpose, renewed when pyproject.toml changes.
$(VENV)/pyvenv.cfg:
	@test -n '$(PYTHON)' || { echo 'No Python 3.11 or later found; set PYTHON=/path/to/python3'; exit 1; }
	@echo 'Creating the environment $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/pyvenv.cfg
	@echo 'Installing quantlib and what it needs into $(VENV) (once) ...'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@$(PIP) --upgrade 'pip>=25.1'
	@$(PIP) --editable '.[cli]'
	@$(PIP) --editable '.[cli,litert]' 2>/dev/null \
		|| echo 'ai-edge-litert has no wheel for this Python and system: comparing with recorded vectors.'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo 'Installing what the tests need into $(VENV) (once) ...'
	@$(PIP) --editable '.[cli,testing]' --group dev
	@touch $@

$(VENV)/.installed-floor: $(VENV)/.installed
	@$(PIP) --editable '.[cli,testing]' --group test 'numpy==2.0.*' 'flatbuffers==24.3.*' 'tflite==2.18.*'
	@touch $@

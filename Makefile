# Everything here works from a bare clone with nothing but make and Python 3.11 or later.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
PYTEST := $(BIN)/python -m pytest
WORKERS ?= auto
N ?= 20000

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format torture bench clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/python:
	@python=; \
	for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or later with its venv module was found. Install one (Debian, Ubuntu: apt install python3-venv)" \
	       "or name it: make PYTHON=python3.12." >&2; exit 1; \
	fi; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# uv is ten times faster than pip; where it cannot be had or fails, pip does the same work.
$(STAMP): pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv || true
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --editable '.[demo,test,lint]' \
	  || $(BIN)/python -m pip install --quiet --editable '.[demo,test,lint]'
	@touch $@

setup: $(STAMP) ## Make .venv with everything in it

demo: setup ## Show the main job against LocalDrive; ONCE=1: from start to end, without a browser
	@$(BIN)/jupyter-drive-sync demo $(if $(filter-out 0,$(ONCE)),--once)

test: setup ## Run every test but the long ones, with coverage
	@$(PYTEST) -n $(WORKERS) --dist=worksteal -m "not torture and not bench" --cov --cov-report=term:skip-covered

lint: setup ## Check layers, style and types
	@$(BIN)/lint-imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## Put the code into its form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

torture: setup ## Run the long tests; N=1000000 is how many random cases each tries
	@DRIVE_SYNC_TORTURE=$(N) $(PYTEST) -n $(WORKERS) --dist=worksteal -m torture

bench: setup ## Measure requests and memory of a pass
	@$(PYTEST) -m bench -s tests/bench

clean: ## Remove what was made here, .venv too
	rm -rf $(VENV) .coverage* .hypothesis .mypy_cache .ruff_cache .import_linter_cache .pytest_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything here works from a bare clone with nothing but make, Python 3.11 or later, and Node 20.19
# or 22.12 or later for the front end.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
TOOLS := $(VENV)/.tools
NODE := node_modules/.package-lock.json
BUNDLE := jupyter_drive_sync/labextension/package.json
FRONT := $(shell find labextension/src labextension/style labextension/schema -type f)
PYTEST := $(BIN)/python -m pytest
# Three for two cores: flows of a browser and tests of real processes wait much of their time.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((cores + (cores + 1) / 2)))
N ?= 1000000
HUB5 := .venv-hub5
# What depends on JupyterHub's version: its configuration, its API, and whole nights on a real one.
HUB5_TESTS ?= tests/hub/real_hub tests/hub/test_configure.py tests/hub/test_hub_http.py
FIGURES ?= .figures/torture.jsonl
# Of the browser's flows, those that every change is to pass: from the prompt to the end.
STORY := tests/e2e/test_story.py tests/e2e/test_demo.py
# Of the others, those that the oldest Jupyter is to pass too: all.
FLOOR := test_

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo chromium test browser pictures references stills wheel hub5 lint format catalogue torture mutation bench clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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
$(TOOLS): | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv || true
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python 'jupyter-builder>=1.2' \
	  || $(BIN)/python -m pip install --quiet 'jupyter-builder>=1.2'
	@touch $@

$(NODE): package-lock.json .npmrc
	@command -v npm >/dev/null || { echo "Node.js with npm was not found (20.19, 22.12 or later)." >&2; exit 1; }
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUNDLE): $(NODE) $(TOOLS) package.json tsconfig.json $(FRONT)
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent --loglevel=error build:prod
	@touch $@

# The bundle is built above; Jupyter gets a link to it, so that a new one is seen at once.
$(STAMP): export HATCH_JUPYTER_BUILDER_SKIP_NPM := 1
$(STAMP): pyproject.toml package.json $(TOOLS) | $(BUNDLE)
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --editable '.[demo,hub,test,lint]' \
	  || $(BIN)/python -m pip install --quiet --editable '.[demo,hub,test,lint]'
	@$(BIN)/jupyter-builder develop --overwrite . >/dev/null
	@touch $@

setup: $(STAMP) $(BUNDLE) ## Make .venv with everything in it

demo: setup ## Show the main job against LocalDrive; ONCE=1: without a browser; HUB=1: on a JupyterHub
	@$(BIN)/jupyter-drive-sync demo $(if $(filter-out 0,$(HUB)),--hub) $(if $(filter-out 0,$(ONCE)),--once)

chromium: ## Install the browser of the tests where that is allowed (Debian, root or sudo)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  as=; [ "$$(id -u)" = 0 ] || as="sudo -n"; \
	  { command -v apt-get >/dev/null && $$as apt-get update -qq \
	    && $$as apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	  || echo "*** NO CHROMIUM: it could not be installed here. THE BROWSER TESTS ARE SKIPPED. ***" >&2; }

test: setup chromium ## Run every test but the long ones, with coverage
	@npm test --silent --loglevel=error
	@$(PYTEST) -q -n $(WORKERS) --dist=worksteal $(STORY)
	@$(PYTEST) -n $(WORKERS) --dist=worksteal --ignore=tests/e2e -m "not torture and not bench" --cov --cov-report=term:skip-covered --cov-fail-under=95
	@$(BIN)/coverage report --include='jupyter_drive_sync/core/*' --fail-under=100 --skip-covered >.coverage-core.txt \
	  || { cat .coverage-core.txt; echo "*** core is not covered whole ***"; exit 1; } >&2

browser: setup chromium ## Try every flow of the front end in Chromium, JupyterLab and Notebook
	@$(PYTEST) -q -n $(WORKERS) --dist=worksteal -m "not bench" tests/e2e

pictures: setup chromium ## Take pictures of every state and page, light and dark, into .pictures
	@rm -rf .pictures
	@$(BIN)/python -m tests.e2e.pictures .pictures
	@$(BIN)/python -m tests.e2e.sights .pictures
	@echo "See .pictures/sheet-*.png first."

references: setup chromium ## Take anew how our nodes look, after a change of looks that was wanted
	@$(BIN)/python -m tests.e2e.references tests/e2e/reference

stills: setup chromium ## Take the pictures of the README anew, the animated one too
	@$(BIN)/python -m tests.e2e.stills docs/images
	@$(BIN)/python -m tests.e2e.film docs/images/story.webp

# The floor is the oldest Jupyter that we promise; each place holds the wheel and what it needs alone,
# and the language that a test wants. On the floor every flow is tried; on the newest one that, and
# `make browser` all of them. The demo is tried from the tree: it needs what tests bring.
wheel: setup chromium ## Build the wheel, install it alone, and try it in the oldest and the newest Jupyter; FLOOR=test_marks: less
	@rm -rf dist && $(BIN)/python -m build --outdir dist . >/dev/null
	@set -e; for place in "floor jupyterlab==4.2.* notebook==7.2.* jupyterlab-language-pack-de-DE" \
	    "newest jupyterlab notebook"; do \
	  set -- $$place; name=$$1; shift; echo "The wheel with $$*:"; \
	  flows=from_the_prompt; [ $$name = newest ] || flows="$$flows or $(FLOOR)"; \
	  $(BIN)/python -m venv "dist/$$name"; \
	  $(BIN)/python -m uv pip install --quiet --python "dist/$$name/bin/python" dist/*.whl "$$@" \
	    || "dist/$$name/bin/python" -m pip install -qq dist/*.whl "$$@"; \
	  DRIVE_SYNC_E2E_PYTHON="$(CURDIR)/dist/$$name/bin/python" \
	    $(PYTEST) -q -n 2 --dist=worksteal -m "not bench" --ignore=tests/e2e/test_demo.py -k "$$flows" tests/e2e; \
	done

# The oldest JupyterHub that we promise, which Zero to JupyterHub still brings, in a place of its own.
hub5: export HATCH_JUPYTER_BUILDER_SKIP_NPM := 1
hub5: setup ## Try on JupyterHub 5 what depends on it; HUB5_TESTS=tests/hub: everything of the hub
	@test -x $(HUB5)/bin/python || $(BIN)/python -m venv $(HUB5)
	@$(BIN)/python -m uv pip install --quiet --python $(HUB5)/bin/python --editable '.[hub,test]' 'jupyterhub==5.*' \
	  || $(HUB5)/bin/python -m pip install --quiet --editable '.[hub,test]' 'jupyterhub==5.*'
	@$(HUB5)/bin/python -m pytest -q -n $(WORKERS) -m "not torture and not bench" $(HUB5_TESTS)

lint: setup ## Check layers, style and types
	@$(BIN)/lint-imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@npm run lint --silent --loglevel=error

format: setup ## Put the code into its form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@npm run format --silent --loglevel=error

catalogue: setup ## Extract what the front end says, and bring all languages up to date
	@$(BIN)/python -m tests.catalogue

# What is timed runs alone. pytest's 5: none was left to run.
torture: setup ## Run the long tests, print their figures; N=20000: fewer random cases; RESUME=1: go on
	@$(BIN)/python -m tests.figures begin $(FIGURES) '$(RESUME)' '$(N)'
	@export DRIVE_SYNC_TORTURE=$(N) DRIVE_SYNC_FIGURES=$(abspath $(FIGURES)); status=0; \
	$(PYTEST) -m bench --ignore=tests/e2e || { code=$$?; [ $$code = 5 ] || status=$$code; }; \
	$(PYTEST) -n $(WORKERS) --dist=worksteal -m "(torture or figure) and not bench" --ignore=tests/e2e \
	  || { code=$$?; [ $$code = 5 ] || status=$$code; }; \
	$(BIN)/python -m tests.figures $(FIGURES); exit $$status

mutation: setup ## Change what decides, bit by bit, and see that a test notices; goes on where it stopped
	@$(BIN)/python -m mutmut --version >/dev/null 2>&1 \
	  || $(BIN)/python -m uv pip install --quiet --python $(BIN)/python --editable '.[mutation]' \
	  || $(BIN)/python -m pip install --quiet --editable '.[mutation]'
	@$(BIN)/mutmut run >.mutation.log 2>&1 || { tail -n 20 .mutation.log >&2; exit 1; }
	@$(BIN)/python -m tests.mutation

bench: setup ## Measure requests and memory of a pass
	@$(PYTEST) -m bench -s tests

clean: ## Remove what was made here, .venv and node_modules too
	rm -rf .pictures $(VENV) $(HUB5) node_modules lib jupyter_drive_sync/labextension .coverage* .figures .mutation.log mutants .hypothesis .mypy_cache .ruff_cache .import_linter_cache .pytest_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# OpticWorks: the commands of a checkout. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PORT ?= 6543
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install run test bench lint format types lock messages css clean

help: ## List these commands
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/\1\t\2/' | expand -t 10
	@echo
	@echo 'Settings: PORT=6543 (make run), ARGS="..." (make test, make bench), PYTHON=python3'

install: ## Make .venv and install everything pinned in constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo 'Python 3.11 or newer is needed and $(PYTHON) was not found: install it (Debian: apt-get install python3 python3-venv).' >&2; exit 1; }
	@"$(PYTHON)" tools/install.py

run: install ## Start the shop on http://127.0.0.1:6543 (PORT= changes it); Ctrl-C stops it
	@exec $(BIN)/opticworks run --port "$(PORT)"

test: install ## Run the whole suite, browser tests included
	@$(BIN)/python -m pytest $(ARGS)

bench: install ## Measure the shop on this machine, ten minutes (ARGS="--quick": one)
	@$(BIN)/python -m bench $(ARGS)

lint: install ## Check style with ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: install ## Let ruff rewrite what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: install ## Check types with mypy
	@$(BIN)/mypy core $(filter-out %.egg-info,$(wildcard plugins/*/opticworks_*))

lock: ## Pin every dependency anew in constraints.txt (needs uv)
	@command -v uv >/dev/null || { echo 'uv is needed to pin dependencies and was not found: install it (pip install uv).' >&2; exit 1; }
	@"$(PYTHON)" tools/lock.py

messages: install ## Gather the mails' texts for translators and compile the catalogues
	@$(BIN)/python tools/messages.py

css: ## Compile the stylesheets (needs Node; the compiled files are part of the packages)
	@command -v npm >/dev/null || { echo 'Node is needed to compile stylesheets and npm was not found: install it (Debian: apt-get install nodejs npm).' >&2; exit 1; }
	@themes/default/css/build.sh
	@core/opticworks/admin/css/build.sh

clean: ## Remove the virtual environment and caches; the shop's data under var/ stays
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find core plugins themes tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +

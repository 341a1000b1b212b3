.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin/
PACKAGES := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml))
SERVICES := $(patsubst services/%/pyproject.toml,%,$(wildcard services/*/pyproject.toml))
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	--no-emit-package crmlink-common --no-emit-package crmlink-devstack \
	--no-emit-package crmlink-salesforce-sim
INSTALLED := .venv/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:            ## Show this list
	@awk -F':.*##' '/^[a-z-]+:.*##/{printf "  %-12s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Create .venv from hashed pins, then our packages
$(INSTALLED): requirements/all.txt $(PACKAGES:%=%/pyproject.toml)
	@PYTHON="$(PYTHON)" PACKAGES="$(PACKAGES)" bash scripts/install.sh
	@touch $@

run: install     ## Start everything and walk through the main job (ARGS, MEMBERS, BROKER, DATABASE, PORT)
	@$(BIN)python -m crmlink_devstack run $(if $(MEMBERS),--members "$(MEMBERS)") \
		$(if $(BROKER),--broker "$(BROKER)") $(if $(DATABASE),--database "$(DATABASE)") \
		$(if $(PORT),--port "$(PORT)") $(ARGS)

test: install    ## All tests a developer needs, on real PostgreSQL and Apache Kafka (ARGS: a choice of pytest's)
ifdef ARGS
	@$(BIN)pytest $(ARGS)
else
	@$(BIN)pytest -n 2 --dist loadfile -m "not e2e"
	@$(BIN)pytest -m e2e
endif

unit: install    ## Seconds: no Kafka, no PostgreSQL, no sockets
	@$(BIN)pytest -m "not integration and not e2e" --disable-socket --allow-unix-socket $(ARGS)

prove: install   ## Measure at full size; writes docs/reports/performance.md
	@$(BIN)python benchmarks/report.py $(ARGS)

check: install   ## Formatting, lint, types, pins; never rewrites
	$(BIN)ruff format --check .
	$(BIN)ruff check .
	@for part in $(PACKAGES) tests; do $(BIN)mypy $$part || exit 1; done
	$(BIN)pip check

format: install  ## Rewrite
	$(BIN)ruff check --fix .
	$(BIN)ruff format .

pins: install    ## Resolve requirements/ anew, with hashes and without addresses
	$(BIN)$(COMPILE) libs/*/pyproject.toml services/*/pyproject.toml requirements/dev.in -o requirements/all.txt
	for s in $(SERVICES); do $(BIN)$(COMPILE) -c requirements/all.txt services/$$s/pyproject.toml -o requirements/$$s.txt || exit 1; done

clean:           ## Stop what runs here; remove .venv, downloads, data and caches
	@bash scripts/clean.sh

.PHONY: help install run test unit prove check format pins clean

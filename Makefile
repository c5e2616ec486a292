# Everything here needs Python >= 3.11 and make; Node, nats-server and the rest come from PyPI into .venv.

PORT ?= 8080
DEMO ?= 1
PORTAL_HOME ?= .portal
WORKERS ?= auto
PORTAL_IMAGE ?= kundenportal:latest
CODE := chassis events gateway portalctl services tests

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip install --disable-pip-version-check -qq
NODE_PATH := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) web/index.html web/vite.config.ts web/svelte.config.js web/tsconfig.json

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev web run test test-containers image sbom check check-python check-web fix bench faults openapi openapi-check docs clean

help:  ## this list
	@echo "Kundenportal. make TARGET:"
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS='	' read -r name what; do printf '  %-16s %s\n' "$$name" "$$what"; done
	@echo "Variables: PORT=$(PORT) DEMO=$(DEMO) PORTAL_HOME=$(PORTAL_HOME) WORKERS=$(WORKERS)"

# --- the environment -------------------------------------------------------------------------------------------------

$(PYTHON):
	@for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if command -v $$candidate >/dev/null 2>&1 && $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	    found=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then echo "This needs Python 3.11 or newer as python3; found: $$(python3 --version 2>&1 || echo none)."; exit 2; fi; \
	echo "Creating $(VENV) with $$($$found --version) ..."; \
	$$found -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv does not work here; on Debian: apt-get install python3-venv"; exit 2; }

$(VENV)/.local: requirements-local.lock pyproject.toml | $(PYTHON)
	@echo "Installing what running needs (hashes checked; once) ..."
	@$(PIP) --require-hashes -r requirements-local.lock || { echo "Once more ..."; $(PIP) --require-hashes -r requirements-local.lock; }
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(PYTHON)
	@echo "Installing what running and testing need (hashes checked; once) ..."
	@$(PIP) --require-hashes -r requirements-dev.lock || { echo "Once more ..."; $(PIP) --require-hashes -r requirements-dev.lock; }
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.local

web/node_modules/.installed: web/package-lock.json web/package.json | $(VENV)/.local
	@echo "Installing what building the web app needs ..."
	@cd web && { $(NODE_PATH) npm ci --no-audit --no-fund --loglevel=error || { echo "Once more ..."; $(NODE_PATH) npm ci --no-audit --no-fund --loglevel=error; }; }
	@touch $@

web/dist/index.html: $(WEB_SOURCES) web/node_modules/.installed
	@echo "Building the web app ..."
	@cd web && $(NODE_PATH) npm run --silent build -- --logLevel warn
	@touch $@

setup: $(VENV)/.local web/dist/index.html  ## install what `make run` needs and build the web app
setup-dev: $(VENV)/.dev web/dist/index.html  ## install what `make test` needs as well
web: web/dist/index.html  ## build the web app when its sources changed

# --- running ---------------------------------------------------------------------------------------------------------

run: setup  ## start everything: make run PORT=9090 DEMO=0
	@PORTAL_HOME="$(PORTAL_HOME)" $(VENV)/bin/portalctl run --port $(PORT) $(if $(filter 0,$(DEMO)),--no-demo)

# --- proving ---------------------------------------------------------------------------------------------------------

test: setup-dev  ## all tests, on SQLite and PostgreSQL (long runs in short)
	@$(PYTHON) -m pytest -n $(WORKERS)

test-containers: setup-dev  ## the same with PostgreSQL from testcontainers
	@TEST_CONTAINERS=1 TESTCONTAINERS_RYUK_DISABLED=true $(PYTHON) -m pytest -n $(WORKERS)

check: check-python check-web  ## format, lint, types, import rules; the web app's too

check-python: $(VENV)/.dev
	@echo "ruff ..."
	@$(VENV)/bin/ruff format --check --quiet $(CODE)
	@$(VENV)/bin/ruff check --quiet $(CODE)
	@echo "mypy ..."
	@$(PYTHON) -m mypy --no-error-summary
	@echo "import rules ..."
	@$(VENV)/bin/lint-imports --no-logo > $(VENV)/.imports || { cat $(VENV)/.imports; exit 1; }

check-web: web/node_modules/.installed
	@echo "web: types, lint, tests ..."
	@cd web && $(NODE_PATH) npm run --silent check && $(NODE_PATH) npm run --silent lint && $(NODE_PATH) npm run --silent test

fix: $(VENV)/.dev  ## format and mend what can be mended
	@$(VENV)/bin/ruff check --fix --quiet $(CODE) ; $(VENV)/bin/ruff format --quiet $(CODE)

faults: setup-dev  ## the long fault runs: 2,000 invoices, every process killed ten times; uploads cut 1,000 times
	@FAULTS=full $(PYTHON) -m pytest -n 0 -s -m faults tests/faults tests/documents/test_uploads_peers.py

bench: setup-dev  ## the figures, each beside its anchor
	@$(PYTHON) -m tests.bench

# --- generated -------------------------------------------------------------------------------------------------------

image:  ## the container image
	@docker build -f deploy/Dockerfile -t $(PORTAL_IMAGE) .

sbom: $(VENV)/.dev web/node_modules/.installed  ## bills of materials (CycloneDX) of the services and of the web app into build/
	@mkdir -p build
	@$(VENV)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --sv 1.6 --of JSON -o build/services.cdx.json
	@cd web && $(NODE_PATH) npm sbom --package-lock-only --omit dev --sbom-format cyclonedx --sbom-type application | sed -E '/"serialNumber"|"timestamp"/d' > ../build/web.cdx.json
	@echo build/services.cdx.json build/web.cdx.json

openapi: setup-dev  ## web/src/api.gen.ts from the running services' merged OpenAPI document
	@$(PYTHON) -m tests.openapi_document $(VENV)/openapi.json
	@cd web && $(NODE_PATH) npm run --silent openapi -- ../$(VENV)/openapi.json -o src/api.gen.ts

openapi-check: setup-dev  ## fails when web/src/api.gen.ts is not what `make openapi` would write
	@$(PYTHON) -m tests.openapi_document $(VENV)/openapi.json
	@cd web && $(NODE_PATH) npm run --silent openapi -- ../$(VENV)/openapi.json -o src/api.gen.ts --check

docs: $(VENV)/.dev  ## what is made from other files: JSON Schemas, docs/events.md, the broker's users, the chart's rules
	@$(PYTHON) -m events.export
	@$(VENV)/bin/portalctl nats permissions > deploy/nats/users.conf
	@$(VENV)/bin/portalctl nginx > deploy/nginx/kundenportal.conf
	@cp deploy/prometheus/rules.yml deploy/helm/kundenportal/files/rules.yml

clean:  ## away with what was built; the state in .portal stays
	@rm -rf web/dist web/node_modules $(VENV)

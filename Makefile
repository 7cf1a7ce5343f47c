# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
STORE  ?= seaweedfs
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
REAL   := $(VENV)/integrations
MAVEN  := mvn -q -B -Dmaven.repo.local=$(CURDIR)/$(REAL)/m2

.PHONY: help demo dev test test-slow test-integrations lint format test-clients test-minio test-readers test-schemathesis probe-tables bench profile clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

$(READY): pyproject.toml constraints.txt
	@# What no wheel has. Without it (or without root) the tests that need it are skipped and say so.
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! { command -v nginx && command -v tmux && command -v fish && command -v redis-cli; } >/dev/null; then \
	   apt-get install -qq -y --no-install-recommends nginx-light tmux redis-tools fish >/dev/null 2>&1 \
	   || { apt-get -qq update && apt-get install -qq -y --no-install-recommends nginx-light tmux redis-tools fish; } >/dev/null 2>&1 \
	   || echo "nginx, tmux, fish and redis-cli could not be installed; their tests will be skipped"; fi
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# An environment that uv has made has no pip.
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@echo "Installing into $(VENV) (about a minute the first time)…"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[server,dev]'
	@touch $@

demo: $(READY) ## The main job on the embedded stack, told and checked step by step (STORE=seaweedfs|juicefs|minio)
	@$(BIN)/python -m vendor.dev.demo --store $(STORE)

dev: $(READY) ## Run the embedded development stack until Ctrl-C
	@$(BIN)/vendor dev --store $(STORE)

test: lint ## Lint, types, floors and all fast tests, against real servers
	$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(READY) ## The tests that take minutes
	$(BIN)/python -m pytest -m slow

test-integrations: $(READY) ## Real Spark on two stores, a real JupyterHub, the provider's JUnit tests (needs Java 17, Maven, npm)
	@$(MAKE) --no-print-directory --jobs 3 $(REAL)/python/.installed $(REAL)/node/.installed $(REAL)/jars/.installed
	VENDOR_TEST_INTEGRATIONS=1 $(BIN)/python -m pytest -n 2 --dist worksteal --durations 10 tests/integrations/real

# What those run with. A part that cannot be installed is said, and its tests are skipped.
$(REAL)/python/.installed: tests/integrations/real/requirements.txt pyproject.toml
	@echo "Installing pyspark and jupyterhub into $(REAL) (some minutes the first time)…"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --requirement $<
	@$(@D)/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(REAL)/node/.installed:
	@mkdir -p $(@D)
	@npm install --silent --no-fund --no-audit --prefix $(@D) configurable-http-proxy@5.3.0 && touch $@ \
	 || echo "npm could not install configurable-http-proxy: the JupyterHub test will be skipped"

$(REAL)/jars/.installed: deploy/spark/pom.xml deploy/spark/jars/pom.xml $(shell find deploy/spark/src -name '*.java')
	@mkdir -p $(@D)
	@$(MAVEN) -f deploy/spark/jars/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$(@D) \
	 && $(MAVEN) -f deploy/spark/pom.xml package surefire:help -DskipTests \
	 && $(MAVEN) -f deploy/spark/pom.xml surefire:test -Dtest=SettingsTest \
	 && touch $@ \
	 || echo "Java 17 and Maven could not fetch or build the jars: the Spark tests will be skipped"

lint: $(READY) ## Style, types and the import floors
	$(BIN)/ruff check vendor tests deploy docs/*.py
	$(BIN)/ruff format --check vendor tests deploy docs/*.py
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(READY) ## Put the code into the house style
	$(BIN)/ruff check --fix vendor tests deploy docs/*.py
	$(BIN)/ruff format vendor tests deploy docs/*.py

test-clients: $(READY) ## All real clients against the development stack; writes docs/clients.md
	@CLIENTS=all $(BIN)/python -m pytest tests/clients; tried=$$?; \
	 $(BIN)/python -m tests.clients.table && exit $$tried

test-minio: $(READY) ## The store tests against a real `minio` found on the PATH
	@command -v minio >/dev/null || { echo "test-minio: skipped, there is no 'minio' on the PATH"; exit 0; }; \
	 $(BIN)/python -m pytest -m minio

test-readers: $(READY) ## The client's options in the hands of Polars, pyarrow and DuckDB, which it installs
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[readers]'
	$(BIN)/python -m pytest tests/client/test_readers.py

test-schemathesis: $(READY) ## Thousands of made-up requests along the OpenAPI document, on a stack of their own
	$(BIN)/python -m tests.openapi.fuzz

probe-tables: $(READY) ## Probe every store there is and write docs/stores.md anew
	$(BIN)/python -m vendor.dev.probe_tables

bench: $(READY) ## Measure everything against its baseline; writes .bench/bench.html (QUICK=1, SCENARIO=lease, STALLS=20)
	@$(BIN)/python -m tests.bench.run $(if $(QUICK),--quick) $(foreach one,$(SCENARIO),--scenario $(one)) $(if $(STALLS),--stalls $(STALLS))

profile: $(READY) ## Where the time of new leases goes, by component, with each store; writes .bench/profile.txt and flame graphs
	@$(BIN)/python -m tests.bench.profile

clean: ## Remove the virtual environment and all caches
	rm -rf $(VENV) .bench .clients .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Shopstream: `make demo` shows it, `make test` proves it. Each sets up what it needs in .venv.
PYTHON ?= python3
BIN := .venv/bin
SHOPPERS ?= 20
KAFKA_JARS := .shopstream/kafka-jars

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench chaos kafka sdks clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/ready ## make .venv with everything the other targets need

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Shopstream needs Python 3.11 or newer; set one with make PYTHON=python3.12 …"; exit 1; }
	@echo "Setting up .venv (once; about a minute) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $@

demo: setup ## run the whole pipeline with simulated shoppers (SHOPPERS=20); Ctrl-C stops it
	@$(BIN)/shopstream up --shoppers $(SHOPPERS)

test: setup ## run all tests; what this machine lacks (browser, Java) is said and skipped
	@$(BIN)/python -m pytest

check: setup ## format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## format and repair what ruff can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## measure every claim of the README; each script prints its figures and a ratio
	@for script in $$(grep -l __main__ benchmarks/*.py); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

chaos: setup kafka ## kill, freeze, fill and slow things under load; prints what was lost: nothing
	@$(BIN)/python -m tests.chaos.ingest
	@$(BIN)/python -m tests.chaos.streams

kafka: ## fetch the jars of Apache Kafka with Maven, for the tests on the real broker
	@test -n "$$(ls $(KAFKA_JARS)/kafka_*.jar 2>/dev/null)" || mvn --quiet --batch-mode --file tests/apache_kafka/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$(KAFKA_JARS)

sdks: setup ## fetch the SDKs of Segment, RudderStack, Snowplow and others with pip and npm, for the tests that run them
	@mkdir -p .shopstream/sdks && cp tests/conformance/package.json tests/conformance/package-lock.json .shopstream/sdks/
	@cd .shopstream/sdks && npm install --silent --no-audit --no-fund
	@$(BIN)/python -m pip install --quiet --no-deps --upgrade --target .shopstream/sdks/python --requirement tests/conformance/requirements.txt

clean: ## remove .venv and everything made by running
	@rm -rf .venv .shopstream .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

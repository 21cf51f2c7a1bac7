# `make help` lists the targets. Everything is installed into .venv here; set PYTHON to choose an interpreter.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo $$p && break; done)
V := .venv/bin
DATA ?= ../shared/data
KILLS ?= 50
ENGINE_KILLS ?= 10
SERVE_KILLS ?= 20

.DEFAULT_GOAL := help
CONSOLE := $(shell find dashboards/console -type f -not -path '*/node_modules/*' -not -path '*/dist*/*') docs/generated/openapi.json

.PHONY: help setup dev demo once console test check browser chaos chaos-long chaos-small evals bench docs clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

.venv/packages: pyproject.toml
	@test -n "$(PYTHON)" || { echo "fengsui needs Python 3.11, 3.12 or 3.13 with venv; set PYTHON=/path/to/python"; exit 1; }
	@echo "setting up .venv with $$($(PYTHON) --version) (downloads the runtime packages, about 300 MB)"
	@test -x $(V)/python || $(PYTHON) -m venv .venv
	@$(V)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch .venv/packages

.venv/warm: .venv/packages
	@$(V)/fengsui warm
	@touch .venv/warm

.venv/console: .venv/packages $(CONSOLE)
	@echo "building the console (Node of this machine, or from a wheel)"
	@$(V)/python dashboards/build.py --if-changed
	@touch .venv/console

.venv/dev: .venv/packages
	@echo "adding what tests and checks need"
	@$(V)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch .venv/dev

setup: .venv/packages  ## the runtime and the console, in .venv and dashboards/console/dist
	@$(MAKE) --no-print-directory -j2 .venv/warm .venv/console

dev: setup .venv/dev  ## the runtime, and what tests and checks need

demo: setup  ## a made province of 30 organisations, live in the browser at 127.0.0.1:8000 until Ctrl-C
	@$(V)/fengsui demo

once: setup  ## the same through the whole path at once; prints the alerts and ends
	@$(V)/fengsui demo --once

console: .venv/console  ## build the console alone

test: dev  ## every check and every test: what CI runs
	@$(V)/ruff check .
	@$(V)/mypy
	@$(V)/lint-imports
	@$(V)/fengsui rules test
	@$(V)/python dashboards/build.py check test size
	@$(V)/python -m pytest -q

check: dev  ## ruff, mypy --strict, import contracts, types of the console, fast tests
	@$(V)/ruff check . && $(V)/mypy && $(V)/lint-imports && $(V)/python dashboards/build.py check && $(V)/python -m pytest -q tests/unit

browser: dev  ## the console in chromium against a real server; screenshots under .out/browser
	@$(V)/python -m pytest -q tests/browser

chaos: dev  ## kill -9 of every role KILLS times (50) and every engine ENGINE_KILLS times (10) on Kafka, ClickHouse, PostgreSQL, S3
	@$(V)/python -m tests.chaos.large --kills $(KILLS) --engine-kills $(ENGINE_KILLS)

chaos-long: dev  ## the same ten times as long
	@$(V)/python -m tests.chaos.large --kills $$((10 * $(KILLS))) --engine-kills $$((10 * $(ENGINE_KILLS)))

chaos-small: dev  ## kill -9 of each role KILLS times and of serve SERVE_KILLS times (20) on embedded engines
	@$(V)/python -m tests.chaos.kill --kills $(KILLS)
	@$(V)/python -m tests.chaos.serve --kills $(SERVE_KILLS)

evals: dev  ## detection and decoding against what is expected of the captures and logs in DATA
	@$(V)/python -m evals.software $(DATA)
	@$(V)/python -m evals.network $(DATA)
	@$(V)/python -m evals.hunts $(DATA)
	@$(V)/python -m evals.sigma $(DATA)

bench: dev  ## speed: decoding beside NFStream and Scapy, bus to store beside chDB, the API under load
	@$(V)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: -e '.[bench]' || echo "NFStream has no wheel for this Python: the table says so"
	@$(V)/fengsui bench
	@$(V)/python -m evals.serve
	@$(V)/python -m evals.costs
	@$(V)/python -m evals.live --minutes 5 --kills 1
	@$(V)/python -m evals.clients
	@$(V)/python -m evals.scaling

docs: dev  ## generate docs/generated from the code; leaves git clean
	@$(V)/python -m docs.generate

clean:  ## remove .venv, the built console and the demo's folder
	@test ! -x $(V)/fengsui || $(V)/fengsui demo --clean
	@rm -rf .venv dashboards/console/dist dashboards/console/node_modules

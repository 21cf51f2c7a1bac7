# `make help` lists the targets. Everything is installed into .venv here; set PYTHON to choose an interpreter.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo $$p && break; done)
V := .venv/bin
DATA ?= ../shared/data
KILLS ?= 50

.DEFAULT_GOAL := help
.PHONY: help setup dev demo test check chaos evals bench docs clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.venv/runtime: pyproject.toml
	@test -n "$(PYTHON)" || { echo "fengsui needs Python 3.11, 3.12 or 3.13 with venv; set PYTHON=/path/to/python"; exit 1; }
	@echo "setting up .venv with $$($(PYTHON) --version) (downloads the runtime packages, about 300 MB)"
	@test -x $(V)/python || $(PYTHON) -m venv .venv
	@$(V)/python -m pip install --quiet --disable-pip-version-check -e .
	@$(V)/fengsui warm
	@touch .venv/runtime

.venv/dev: .venv/runtime
	@echo "adding what tests and checks need"
	@$(V)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch .venv/dev

setup: .venv/runtime  ## the runtime alone, in .venv

dev: .venv/dev  ## the runtime, and what tests and checks need

demo: .venv/runtime  ## a made province of 30 organisations through the whole path; prints the alerts
	@$(V)/fengsui demo --once

test: .venv/dev  ## every check and every test: what CI runs
	@$(V)/ruff check .
	@$(V)/mypy
	@$(V)/lint-imports
	@$(V)/fengsui rules test
	@$(V)/python -m pytest -q

check: .venv/dev  ## ruff, mypy --strict, import contracts, fast tests
	@$(V)/ruff check . && $(V)/mypy && $(V)/lint-imports && $(V)/python -m pytest -q tests/unit

chaos: .venv/dev  ## kill -9 of each role KILLS times (50) at random moments, compared with an undisturbed run
	@$(V)/python -m tests.chaos.kill --kills $(KILLS)

evals: .venv/dev  ## detection and decoding against what is expected of the captures and logs in DATA
	@$(V)/python -m evals.network $(DATA)
	@$(V)/python -m evals.hunts $(DATA)
	@$(V)/python -m evals.sigma $(DATA)

bench: .venv/dev  ## speed as ratios: decoding beside NFStream and Scapy, bus to store beside chDB alone
	@$(V)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: -e '.[bench]' || echo "NFStream has no wheel for this Python: the table says so"
	@$(V)/fengsui bench

docs: .venv/dev  ## generate docs/generated from the code; leaves git clean
	@$(V)/python -m docs.generate

clean:  ## remove .venv and the demo's folder
	@test ! -x $(V)/fengsui || $(V)/fengsui demo --clean
	@rm -rf .venv

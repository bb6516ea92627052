# make up      install what is missing and run the platform (Ctrl-C stops it)
# make test    everything that .ci/run checks
# make check   format, lint, types and import rules
# make format  mend format and lint
# make faults  kill and disturb the messaging for a while and check that nothing is lost: SECONDS=1800 SEED=1 RATE=300 BROKERS=1 REPORT=file.md
# make outages  kill, pause and restart every part of a loaded platform and check every answer: ONLY="kafka content:paused" SECONDS=600 REPORT=file.md
# make mutants  is each deliberately wrong messaging caught?
# make lock    resolve requirements.lock anew

PYTHON ?= python3
SHELL := /bin/bash
PACKAGES := $(sort $(dir $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)))
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help up test check format faults outages mutants lock install

help:
	@sed -n 's/^# //p' Makefile

up: $(INSTALLED)
	@exec .venv/bin/stoa up

test: $(INSTALLED)
	@exec .venv/bin/stoa test

check: $(INSTALLED)
	@exec .venv/bin/stoa check

format: $(INSTALLED)
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

faults: $(INSTALLED)
	@exec .venv/bin/python -m tests.faults --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED)) --rate $(or $(RATE),300) \
	  --brokers $(or $(BROKERS),1) $(if $(REPORT),--report $(REPORT))

outages: $(INSTALLED)
	@exec .venv/bin/python -m tests.outages --seconds $(or $(SECONDS),1200) $(if $(ONLY),--only $(ONLY)) $(if $(REPORT),--report $(REPORT))

mutants: $(INSTALLED)
	@exec .venv/bin/python -m tests.faults --mutants $(if $(SEED),--seed $(SEED))

install: $(INSTALLED)

.venv/bin/uv: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "stoa: Stoa needs Python 3.11 or later: name one by 'make PYTHON=python3.12 $(MAKECMDGOALS)'." >&2; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "stoa: $(PYTHON) can't make an environment: install its venv module (on Debian: python3-venv)." >&2; exit 1; }
	@echo "installing uv"
	@awk '/^[a-z]/ { ours = /^uv==/ } ours' requirements.lock > .venv/uv.txt
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt || \
	  { echo "stoa: uv can't be installed: is the package registry reachable, and is there room on the disk?" >&2; exit 1; }
	@touch $@

$(INSTALLED): .venv/bin/uv requirements.lock $(addsuffix pyproject.toml,$(PACKAGES))
	@echo "installing the packages of requirements.lock"
	@.venv/bin/uv pip install --python .venv/bin/python --require-hashes --no-deps -r requirements.lock || \
	  { echo "stoa: the packages can't be installed: is the package registry reachable, and is there room on the disk?" >&2; exit 1; }
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

# The lock names versions and hashes only: no addresses, and nothing of the workspace.
lock: .venv/bin/uv
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --no-header --no-annotate \
	  --override overrides.txt $(foreach package,$(PACKAGES),--no-emit-package stoa-$(notdir $(patsubst %/,%,$(package)))) \
	  --output-file requirements.lock $(addsuffix pyproject.toml,$(PACKAGES)) --group dev

# make demo    a demo lake: install, made logs, ingest, three answers, dashboards (SERVE=0: no dashboards)
# make test    the tests (LONG=1: those that take minutes too)    make lint    ruff and mypy
# make docs    the generated pages make lock    requirements.lock anew
# make pictures  those of the docs, of the demo lake's pages, in Chromium
# make bench   what it costs, beside the bare work (SMALL=1: of few records); see docs/bench.md
# Needs Python 3.11 or newer and make; everything else goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
PORT ?= 8501
SERVE ?= 1
PYTEST ?= -n 2 --dist loadfile --no-loadscope-reorder
LONG ?= 0
SMALL ?= 0
BENCH ?=

BIN := $(VENV)/bin
# modules are compiled when they are first used, not all of them now: half of the time of installing
INSTALL := $(BIN)/python -m pip install -q --no-compile --disable-pip-version-check -c requirements.lock
LAKE := $(BIN)/lake
ANSWERS := stolen_key exfiltration bad_domain

.PHONY: demo test lint docs pictures bench lock clean

demo: $(VENV)/.installed
	@test -f $(DEMO)/geoip/demo-asn.mmdb || $(LAKE) demo $(DEMO)
	@$(LAKE) ingest $(DEMO)/logs --geoip $(DEMO)/geoip --lake $(DEMO)/lakehouse
	@test ! -f $(DEMO)/accounts.json || $(LAKE) accounts $(DEMO)/accounts.json --lake $(DEMO)/lakehouse
	@for question in $(ANSWERS); do \
	  echo; sed -n 's/^-- //p' docs/questions/*_$$question.sql; \
	  $(LAKE) sql --lake $(DEMO)/lakehouse < $$(ls docs/questions/*_$$question.sql) || exit 1; \
	done
ifneq ($(SERVE),0)
	@echo
	@exec $(LAKE) dashboard --lake $(DEMO)/lakehouse --port $(PORT)
endif

test: $(VENV)/.developed
	@$(BIN)/python -m pytest $(PYTEST) $(if $(filter 0,$(LONG)),-m "not long")

lint: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict lake bench

docs: $(VENV)/.developed
	@$(BIN)/python docs/generate.py

pictures: $(VENV)/.developed
	@$(BIN)/python tests/pictures.py $(DEMO)/lakehouse

bench: $(VENV)/.developed
	@$(BIN)/python -m bench run $(if $(filter 0,$(SMALL)),,--small) $(BENCH)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.lock | $(VENV)/bin/python
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.developed: pyproject.toml requirements.lock | $(VENV)/bin/python
	@$(INSTALL) -e '.[dev,bench]'
	@touch $@ $(VENV)/.installed

lock:
	@rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install -q --disable-pip-version-check '.[dev,bench]'
	@{ sed -n '/^#/p' requirements.lock; \
	   $(VENV)-lock/bin/python -m pip freeze --all --exclude pip --exclude setuptools --exclude siem-lake; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock && rm -rf $(VENV)-lock

clean:
	@rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis

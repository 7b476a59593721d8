# Seven targets. Each does its own set-up from a bare Python 3.11: a virtual environment in .venv, made once and reused.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo chat test test-all lint bench docs
.DEFAULT_GOAL := demo

$(VENV)/.core: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (two minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) torch==2.13.0
	@$(PIP) --editable '.[serve,mcp]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@$(PIP) --editable '.[dev,bench]'
	@touch $@

$(VENV)/.llama: $(VENV)/.dev
	@echo "Compiling llama.cpp for the slow tests (nine minutes the first time; pip keeps the wheel)"
	@$(PIP) --editable '.[llama-cpp]' 'llama-cpp-python[server]'
	@touch $@

demo: $(VENV)/.core
	@$(BIN)/python examples/customer_care/demo.py

chat: $(VENV)/.core
	@$(BIN)/python examples/customer_care/chatbot.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=connectors $(BIN)/lint-imports --no-logo

# Some tests need real parts: a browser, an IMAP server, PostgreSQL, Tesseract. Without one, and without the right to
# install it, they say so and are skipped.
PROGRAMS := chromium:chromium dovecot:dovecot-imapd tesseract:tesseract-ocr pg_lsclusters:postgresql strace:strace
$(VENV)/.system: $(VENV)/.dev
	@absent=""; for row in $(PROGRAMS); do command -v $${row%%:*} >/dev/null || absent="$$absent $${row##*:}"; done; \
	if test -n "$$absent"; then if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	  echo "Installing$$absent for the tests"; apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$absent >/dev/null && touch $@; \
	else echo "Absent:$$absent. The tests that need them will be skipped"; fi; else touch $@; fi

test: lint $(VENV)/.system
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: lint $(VENV)/.system $(VENV)/.llama
	$(BIN)/python -m pytest

bench: $(VENV)/.dev
	@for script in retrieval ingest latency refusal leaks embed first_answer pii names hipaa questions masked_retrieval detect_speed round_trip subjects erasure erasure_large backup attack answers dialogue injection overhead rescan token_estimate audit_cost audit_append audit_verify replay ledger_scan access_oracle serve_load serve_slow serve_soak chatbot parsers hostile crash; do echo "== $$script"; $(BIN)/python benchmarks/$$script.py || exit $$?; done

docs: $(VENV)/.dev
	$(BIN)/python -m ragkit.cli.reference docs

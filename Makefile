# Everything runs in a virtual environment of its own; PYTHON names the interpreter that makes it.
PYTHON ?= python3
VENV ?= .venv
ARCHIVE ?= ../shared/archive
MODEL_FILES ?= ../shared/published
WORK ?= work
WORKERS ?= 2
BIN = $(VENV)/bin

.PHONY: help setup run test lint bench clean

help:  ## Say what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[test]'
	@touch $@

setup: $(VENV)/.installed  ## Make the virtual environment

run: setup  ## Read ARCHIVE into WORK with the published model and make events and maps
	@test -d $(ARCHIVE) || { echo "no $(ARCHIVE): give a folder of NOAA's files, make run ARCHIVE=…" >&2; exit 2; }
	@if test -d $(MODEL_FILES); then $(BIN)/reprocess model import $(MODEL_FILES) --name capannolo2022; \
	else $(BIN)/reprocess model fetch capannolo2022; fi
	$(BIN)/reprocess run $(ARCHIVE) $(WORK) --model capannolo2022 --mode published --workers $(WORKERS)
	$(BIN)/reprocess events $(WORK)

test: setup  ## Run the tests
	$(BIN)/python -m pytest

lint: setup  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup  ## Measure CPU time and memory per satellite-day
	$(BIN)/python -m tests.benchmarks.cost

clean:  ## Remove the virtual environment and the default WORK
	rm -rf $(VENV) $(WORK)

# Everything runs in a virtual environment of its own; PYTHON names the interpreter that makes it.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
WORKERS ?= 2
COMMITS ?= HEAD^!
SITE ?= build/site
BIN = $(VENV)/bin
# Hundreds of processes read the same modules: they are compiled once, whatever the session says.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup run docs test lint columns bench track soak fuzz clean

help:  ## Say what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# Python 3.11's own pip takes twice the CPU time of today's; what nobody imports need not be compiled.
INSTALL = $(PYTHON) -m venv --upgrade-deps $(VENV) && $(BIN)/pip install --quiet --no-compile --editable

$(VENV)/.installed: pyproject.toml
	$(INSTALL) '.[test]'
	@touch $@

# All at once: whoever installs both in turn has pip search for all versions twice.
$(VENV)/.docs: pyproject.toml
	$(INSTALL) '.[test,docs]'
	@touch $(VENV)/.installed $@

setup: $(VENV)/.installed  ## Make the virtual environment

run: setup  ## Simulate a small archive in DEMO, find and map the events in it
	$(BIN)/reprocess simulate $(DEMO)/archive --satellite noaa18,metop01 --start 2015-03-01 --days 30 --seed 1 --workers $(WORKERS)
	$(BIN)/reprocess run $(DEMO)/archive $(DEMO)/work --model simulated2026 --workers $(WORKERS)

docs: $(VENV)/.docs  ## Build the documentation site in SITE (build/site), with notebooks run on DEMO of make run
	test -d $(DEMO)/work/runs || $(MAKE) run
	DEMO=$(abspath $(DEMO)) $(BIN)/python -m sphinx -W --keep-going -q -c docs . $(SITE)
	@echo "$(SITE)/index.html"

test: setup  ## Run the tests
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

lint: setup  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

columns: setup  ## Write docs/columns.md, what every stored column is, from its declaration
	$(BIN)/python -m reprocess.catalogue.dictionary > docs/columns.md

traced: setup  ## Write L of the field lines where NOAA has none, which detection reads
	$(BIN)/python -m tests.support.traced

bench: setup  ## Measure CPU time and memory per satellite-day; BENCH="--against COMMIT" beside the code of a commit
	$(BIN)/python -m tests.benchmarks.cost $(BENCH)

track: setup  ## Follow a few of them over commits with asv; COMMITS="HEAD~5..HEAD" measures those
	$(BIN)/pip install --quiet --editable '.[track]'
	$(BIN)/asv --config tests/benchmarks/asv.conf.json machine --yes
	$(BIN)/asv --config tests/benchmarks/asv.conf.json run $(COMMITS)

soak: setup  ## Kill processes of a run at random, 50 times, and compare what comes out
	$(BIN)/python -m tests.soak

fuzz: setup  ## Try malformed input; FUZZ="--cases 100000 --seed 7" tries more and other
	$(BIN)/python -m tests.fuzz $(FUZZ)

clean:  ## Remove the virtual environment and the demonstration
	rm -rf $(VENV) $(DEMO) .asv

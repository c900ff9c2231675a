# Every target but help and clean sets up .venv first, and again when one of the files that the stamp needs has changed.
PYTHON = .venv/bin/python
STAMP = .venv/.ready
WORKERS = 2
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := setup
.PHONY: help setup lab train check test test-colab test-versions notebooks exercises normalise publish-to bench clean

help:                   ## lists what make can do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

setup: $(STAMP)         ## makes .venv from the lock file (AIGC_PYTHON=/path/to/python3.12: with that Python)

$(STAMP): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh

lab: $(STAMP)           ## opens JupyterLab on chapter 00 (INSTRUCTOR=1: with nbgrader's menus)
	@INSTRUCTOR=$(INSTRUCTOR) $(PYTHON) tools/lab.py $(ROOT_FLAG)

train: $(STAMP)         ## from nothing to digits; results in runs/train
	@$(PYTHON) -m aigc_course train

check: $(STAMP)         ## before a commit: style, format, and the units that are neither slow nor in a browser
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m pytest -m "not slow and not browser" -x -q

test: $(STAMP)          ## before a push: style, format, units, command line, chapters, exercises, grader, browser
	@$(PYTHON) tools/system.py
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile -m "not browser"
	@$(PYTHON) -m pytest -m browser

test-colab: $(STAMP)    ## chapters, exercises and widgets under the versions that Colab published
	@$(PYTHON) tools/environments.py colab

test-versions: $(STAMP) ## units and fast chapters under the oldest and newest versions allowed (an hour; ONLY=3.12:lowest)
	@$(PYTHON) tools/environments.py extras
	@$(PYTHON) tools/environments.py versions $(ONLY)

notebooks: $(STAMP)     ## executes every chapter in full profile and keeps the outputs
	@$(PYTHON) tools/notebooks.py execute

exercises: $(STAMP)     ## derives exercises/ from solutions/ with nbgrader
	@$(PYTHON) tools/exercises.py

normalise: $(STAMP)     ## fills in the Colab cells, takes machine-dependent things out of the notebooks
	@$(PYTHON) tools/notebooks.py normalise

publish-to: $(STAMP)    ## REPO=owner/name: sets the public address and the Colab badges, says what to push
	@$(PYTHON) tools/publish.py "$(REPO)"

bench: $(STAMP)         ## speed, time to quality, memory, grading, in turn; goes on where it stopped (AGAIN=1: anew)
	@$(PYTHON) benchmarks/bench.py $(if $(AGAIN),--again) $(if $(ONLY),--only $(ONLY))

clean:                  ## removes what the commands made; the environment stays
	rm -rf runs build dist *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.venv/*' -type d -exec rm -rf {} +

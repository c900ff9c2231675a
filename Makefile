# Every target sets up .venv first if needed; the stamp changes with the lock file and the Python version.
PYTHON = .venv/bin/python
STAMP = .venv/.ready
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: setup lab train test test-colab test-versions notebooks exercises normalise publish-to bench clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh

lab: $(STAMP)           ## opens JupyterLab on chapter 00 (INSTRUCTOR=1: with nbgrader's menus)
	@INSTRUCTOR=$(INSTRUCTOR) $(PYTHON) tools/lab.py $(ROOT_FLAG)

train: $(STAMP)         ## from nothing to digits; results in runs/train
	@$(PYTHON) -m aigc_course train

test: $(STAMP)          ## style, units, command line, chapters, browser
	@$(PYTHON) tools/system.py
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m pytest

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

# Everything runs in .venv, which the targets make by themselves; only Python 3.11+ with pip is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

LOWEST := .venv-lowest
REQUIREMENTS := requirements.txt $(addprefix requirements/,base.txt generate.txt h5.txt)

# Two processes of one thread each are faster than one of two threads: the networks of the tests are small.
WORKERS ?= 2

.PHONY: demo test test-kill test-lowest test-slow explore lint format docs bench clean

demo: $(VENV)/.installed  ## generate data, train a small detector, evaluate it, draw pictures (about 5 minutes)
	$(BIN)/python generate.py --yaml=generate_demo
	$(BIN)/python trainSynth.py --yaml=craft_tiny --fresh
	$(BIN)/python eval.py --yaml=craft_tiny --draw exp/craft_tiny/detections.png
	@echo "Pictures: exp/craft_tiny/detections_validation.png and exp/craft_tiny/detections_test.png"

test: $(VENV)/.installed-dev  ## the test suite, without what takes minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist worksteal

test-slow: $(VENV)/.installed-dev  ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

test-kill: $(VENV)/.installed-dev  ## 30 kills of a small run, half of them aimed at its saves (about 5 minutes)
	$(BIN)/python -m pytest -m kill -s

test-lowest: $(LOWEST)/.installed  ## the test suite with the lowest versions that requirements.txt admits
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -m "not slow" -n $(WORKERS) --dist worksteal

explore: $(VENV)/.installed-dev  ## the property tests on examples not tried before, for an hour with nothing to do
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=explore

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed  ## the configuration reference and the JSON Schemas for editors, from the schema
	$(BIN)/python -m config.reference > docs/configuration.md
	$(BIN)/python -m config.write_json_schema

bench: $(VENV)/.installed-dev  ## one table per claim of the README
	$(BIN)/python -m benchmarks.synthtext_index
	$(BIN)/python -m benchmarks.postprocess
	$(BIN)/python -m benchmarks.detection_iou
	$(BIN)/python -m benchmarks.generate
	$(BIN)/python -m benchmarks.generate_crops
	$(BIN)/python -m benchmarks.training_step
	$(BIN)/python -m benchmarks.word_batches

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "python -m venv failed; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.installed: $(REQUIREMENTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	touch $@

$(LOWEST)/.installed: $(REQUIREMENTS) requirements/lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c requirements/lowest.txt \
		pytest pytest-xdist hypothesis jsonschema
	touch $@

clean:  ## the environment and caches; never data or runs
	rm -rf $(VENV) $(LOWEST) .pytest_cache .ruff_cache .hypothesis

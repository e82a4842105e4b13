VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: demo test measure coverage check format docs clean

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

# Only what the demo needs; everything else comes with `make test` or `pip install .`.
$(BIN)/.demo: requirements/demo.txt
	@test -e $(BIN)/.installed || $(PYTHON) .ci/install $(VENV)
	@touch $@

demo: $(BIN)/.demo  ## the main job on a bundled repository: issue in, verified patch out
	$(BIN)/python -m sweagent demo

test: $(BIN)/.installed  ## all tests, in parallel
	$(BIN)/python -m pytest -n auto --dist worksteal

measure: $(BIN)/.installed  ## the tests that take minutes each
	$(BIN)/python -m pytest -m slow

coverage: $(BIN)/.installed  ## all tests, and how much of the code they run, in subprocesses too; fails below the floor
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term

docs: $(BIN)/.installed  ## write the pages that are made from the code
	$(BIN)/python .ci/docs

check: $(BIN)/.installed  ## lint, formatting, types, locked requirements, the action and its workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/uv lock --check --offline --quiet
	$(BIN)/python .ci/check-lock
	$(BIN)/zizmor --quiet --offline --min-severity medium action.yml docs/examples/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows docs/examples/*.yml

format: $(BIN)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis

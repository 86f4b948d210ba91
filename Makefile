# make demo   sets itself up, distils, indexes and searches the embedded sample
# make test   sets itself up and runs every test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: demo test check format docs install clean
.DEFAULT_GOAL := demo

demo: install
	$(BIN)/opticlir demo

test: install
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install
	$(BIN)/typer opticlir.cli utils docs --name opticlir --output docs/cli.md

install: $(VENV)/installed

# torch comes first and alone: whatever follows accepts it and leaves it as it is
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist demo-run

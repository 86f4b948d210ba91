# make demo   sets itself up, then trains, indexes and searches the embedded sample
# make test   sets itself up and runs every test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# packages that torch brings along, other ones for each kind of machine
TORCH_BRINGS := setuptools triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti \
  nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand nvidia-cusolver \
  nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: demo test coverage check check-deep lock install-locked format docs site pictures notebooks install install-dev clean
.DEFAULT_GOAL := demo

demo: install
	$(BIN)/opticlir demo

test: install-dev
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

# all tests once more, with the share of lines that they run; takes half as long again as `make test`
coverage: install-dev
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --cov

# as many cases as are promised, and how many small changes of the code the tests notice; takes an hour or two
check-deep: install-dev
	$(BIN)/python -m pytest --deep tests/storage tests/search tests/data tests/test_maxsim.py
	$(BIN)/python tests/mutation.py

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# the pages of the reference that come from the code
docs: install-dev
	$(BIN)/python docs/generate.py

# the documentation site in site/; builds and opens without a connection (search needs `python -m http.server -d site`)
site: install-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# the picture of the README, from the model that `make demo` trained
pictures: install
	$(BIN)/python docs/pictures/search_result.py --model demo-run/swa --out docs/pictures/search_result.png

# runs the notebooks and stores what they print
notebooks: install-dev
	$(BIN)/python examples/execute.py

# requirements-dev.lock: the versions in .venv with the hashes of all their files; needs `uv`. torch has its own line
lock: install-dev
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' > $(VENV)/versions.txt
	uv pip compile pyproject.toml --extra dev --constraint $(VENV)/versions.txt --generate-hashes --no-annotate \
	  --no-header --no-emit-index-url --python-version 3.11.7 --no-emit-package torch $(TORCH_BRINGS:%=--no-emit-package %) \
	  --output-file requirements-dev.lock --quiet

# what `make install-dev` installs, but exactly the locked files: pip refuses any other
install-locked:
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --no-deps --require-hashes --requirement requirements-dev.lock
	$(PIP) --no-deps --editable .
	touch $(VENV)/for-users $(VENV)/for-developers

install: $(VENV)/for-users
install-dev: $(VENV)/for-developers

# torch comes first and alone: whatever follows accepts it and leaves it as it is
$(VENV)/for-users: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --editable ".[embedded,pictures]"
	touch $@

$(VENV)/for-developers: $(VENV)/for-users
	$(PIP) --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist demo-run site .coverage

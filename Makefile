# Everything from a bare clone: `make demo` and `make test` need Python 3.11 or newer, and make .venv themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# What running it needs: the suite without the tools of its tests.
USABLE := $(VENV)/.usable

.PHONY: demo reproduce test test-slow lint docs bench install clean

demo: $(USABLE)
	$(BIN)/inoc-evals demo

reproduce: $(USABLE)
	$(BIN)/inoc-evals reproduce --world toy

# Two at a time, a file in one piece, each with its share of the cores; then what measures time, by itself.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not alone" -n 2 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest -m alone

test-slow: install
	$(BIN)/python -m pytest -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-cache
	$(BIN)/inspect-evals-lint inoc_evals

# The theme's notice that its support ends in 2027 is for us, and no warning about the pages.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: install
	$(BIN)/python benchmarks/provider_vs_hf.py

install: $(INSTALLED)

# Made again when what is to be installed has changed.
$(INSTALLED): EXTRA := dev
$(USABLE): EXTRA := all
$(INSTALLED) $(USABLE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[$(EXTRA)]'
	@touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

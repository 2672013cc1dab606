# Commands for people and CI. Needs only Python >= 3.11 and make.

PYTHON ?= python3
BIN := .venv/bin
# uv also looks for wheels in the folders of PIP_FIND_LINKS (uv wants commas between them).
comma := ,
empty :=
export UV_FIND_LINKS ?= $(subst $(empty) $(empty),$(comma),$(strip $(PIP_FIND_LINKS)))
FILES := -r requirements.txt -r requirements-dev.txt -c constraints.txt

# Tests start hundreds of processes: each would compile our sources anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo check test lint small-tests all-tests bench eval eval-quick torture pictures update sbom audit

setup: .venv/ready

# uv is five times faster than pip; without it, pip installs the same. The stamp skips repeated
# setup. CTranslate2 needs CUDA 12's cuBLAS, which torch no longer includes.
.venv/ready: requirements.txt requirements-dev.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	if $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; \
	then $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode $(FILES); \
	else $(BIN)/python -m pip install --quiet $(FILES); fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	if command -v nvidia-smi >/dev/null; then $(BIN)/python -m pip install --quiet nvidia-cublas-cu12; fi
	touch $@

# With Ollama if it runs, or: make demo LLM_URL=http://127.0.0.1:8000/v1 [LLM_MODEL=NAME]
demo: setup
	@$(BIN)/python -m examples.demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Tests of the whole program wait for child processes and servers half of the time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

# For the working loop: what needs no server, no whole program and no kill. Lint runs beside the
# tests: mypy takes a minute of one core when its cache is cold.
check: setup
	@$(MAKE) --no-print-directory --jobs 2 lint small-tests

test: setup
	@$(MAKE) --no-print-directory --jobs 2 lint all-tests

small-tests: setup
	$(BIN)/pytest -n auto --dist loadfile -m "not postgres" tests/unit tests/contract

# Files in collection order: the slow ones come first, so that no worker ends late.
all-tests: setup
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

bench: setup
	$(BIN)/python -m tests.bench

# Answers, search and refusals on real texts; writes docs/quality.md. DATA names a folder with the
# sets that may not be copied (tests/eval/data/README.md).
eval: setup
	$(BIN)/python -m tests.eval $(if $(DATA),--data $(DATA))

eval-quick: setup
	$(BIN)/python -m tests.eval quick

# Random faults by the hundred; a failure names its seed. Then 1,000 random examples a property.
torture: setup
	$(BIN)/python -m tests.torture
	$(BIN)/pytest -n auto --hypothesis-profile=torture tests/unit

# Draw the README's pictures from messages that the bot really sends. Needs Chromium.
pictures: setup
	$(BIN)/python -m tests.pictures

# YouTube changes every few weeks; this updates yt-dlp and nothing else, tries one known video, and
# goes back to the former yt-dlp if that fails.
update: setup
	$(BIN)/python -m tools.update $(if $(VIDEO),--video $(VIDEO))

# All installed packages with versions and licences. Checking it against CycloneDX's schema, which its
# library keeps to, would take most of a minute. In an environment of its own: it brings rfc3987-syntax,
# which Chroma would then import too, in three seconds of every index child.
sbom: setup
	test -x .venv-sbom/bin/cyclonedx-py || { $(PYTHON) -m venv .venv-sbom && \
		.venv-sbom/bin/python -m pip install --quiet cyclonedx-bom==7.5.0; }
	.venv-sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --no-validate --output-reproducible \
		--of JSON --output-file sbom.json $(BIN)/python

# Known advisories for the installed packages; skipped where no index of advisories can be reached.
audit: setup
	$(BIN)/python -m tools.audit

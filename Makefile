# Everything a fresh machine needs is Python 3.11 or newer (with venv and pip): `make demo`, `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Wheels only: nothing that is not locked by a hash runs during the set-up.
LOCKED := --require-hashes --only-binary=:all: --requirement

DEMO_CONFIG := sample_data/config.yaml
DEMO_NAME = $(shell sed -n 's/^name: *\([A-Za-z0-9._-]*\).*/\1/p' $(DEMO_CONFIG))
DEMO_RELEASE = sample_data/releases/$(DEMO_NAME)

.PHONY: demo test lock sbom clean

# An earlier demo is removed first: `anon run` never overwrites a release.
demo: $(VENV)/.core
	@if [ -f "$(DEMO_RELEASE)/release/manifest.json" ]; then rm -rf "$(DEMO_RELEASE)"; fi
	$(BIN)/anon run $(DEMO_CONFIG)

test: $(VENV)/.sdv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses auto --dist loadfile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements-core.lock pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) $(LOCKED) requirements-core.lock
	$(PIP_INSTALL) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements.lock $(VENV)/.core
	$(PIP_INSTALL) $(LOCKED) requirements.lock
	@touch $@

# Which build of torch this is depends on the machine: the versions are locked, the hashes are not.
$(VENV)/.sdv: requirements-sdv.txt $(VENV)/.dev
	$(PIP_INSTALL) --only-binary=:all: --requirement requirements-sdv.txt
	@touch $@

# One resolution for the core and every extra, so that they fit into one environment; then a lock for each use.
UV = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --custom-compile-command 'make lock'
lock: $(VENV)/.core
	mkdir -p build
	$(PIP_INSTALL) 'uv>=0.9'
	$(UV) --upgrade --all-extras pyproject.toml --output-file build/all.txt
	echo 'setuptools>=77' > build/build.in
	$(UV) --constraint build/all.txt --generate-hashes pyproject.toml build/build.in --output-file requirements-core.lock
	$(UV) --constraint build/all.txt --generate-hashes --extra dev pyproject.toml build/build.in --output-file requirements.lock
	sed -n '/^#/p' requirements-sdv.txt > build/sdv.txt
	$(UV) --constraint build/all.txt --no-annotate --no-header --extra sdv pyproject.toml \
		| grep -Ev '^(nvidia|cuda|triton)-?' >> build/sdv.txt
	mv build/sdv.txt requirements-sdv.txt

# What is installed for a run, with licences, as CycloneDX.
SBOM := build/sbom
sbom:
	rm -rf $(SBOM)
	$(PYTHON) -m venv $(SBOM)/installed
	$(SBOM)/installed/bin/python -m pip install --quiet $(LOCKED) requirements-core.lock
	$(PYTHON) -m venv $(SBOM)/tool
	$(SBOM)/tool/bin/python -m pip install --quiet 'cyclonedx-bom>=7,<8'
	$(SBOM)/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file build/sbom.cdx.json $(SBOM)/installed
	@echo build/sbom.cdx.json

clean:
	rm -rf $(VENV) build

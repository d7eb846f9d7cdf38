PORT ?= 3000
STACK ?= dev
FILE ?= $(if $(filter local,$(STACK)),.build/sandbox-$(PORT).json)
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
OWN := $(basename $(wildcard service/requirements.in))
PINNED := requirements handlers/requirements requirements-sandbox requirements-dev $(OWN)
PIN = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --no-emit-index-url --no-emit-find-links
# --no-compile: Python compiles a module at its first import. Compiling pulumi-aws would add 150 MB, mostly unused.
PIP_INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes

# The tests and the sandbox start many processes: without bytecode each compiles the same packages again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install up dev test check format audit sbom bench load mutants screenshots preview doctor people requirements python

help:  ## list the targets
	@awk -F ':.*  ## ' '/^[a-z]+:.*  ## / {printf "%-13s %s\n", $$1, $$2}' Makefile

install: python  ## install what `pulumi up` needs, each package pinned by its hash
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -r requirements.txt

up: $(VENV)/sandbox  ## run the whole login on this machine: http://localhost:$(PORT)
	@exec $(RUN) -m sandbox --port $(PORT)

dev: $(VENV)/sandbox  ## the same; saved files are live at once
	@exec $(RUN) -m sandbox --port $(PORT) --watch

test: $(VENV)/ready  ## run every test, also in Chromium
	@$(RUN) -m tests.prepare
	@$(RUN) -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder --durations=10

check: $(VENV)/ready  ## check format, lint, types, workflows, and what GitHub may deploy
	@$(RUN) -m ruff format --check --quiet . || { echo 'Write the format of these files with: make format'; exit 1; }
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m mypy
	@$(RUN) -m pytest --quiet tests/infra/test_service_types.py -k may_create_every_declared_type
	@$(VENV)/bin/zizmor --offline --quiet --no-progress .github
	@$(VENV)/bin/jactionlint --profile correctness --shellcheck $(VENV)/bin/shellcheck

format: $(VENV)/ready  ## write the format of the Python files, and sort their imports
	@$(RUN) -m ruff check --select I --fix --quiet .
	@$(RUN) -m ruff format --quiet .

audit: $(VENV)/ready  ## look for known vulnerabilities of every package
	@$(VENV)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off $(PINNED:%=-r %.txt)

sbom: $(VENV)/ready  ## write the packages of the Lambda layer to .build/layer.cdx.json (CycloneDX)
	@mkdir -p .build
	@$(VENV)/bin/cyclonedx-py requirements --output-reproducible --no-validate --pyproject pyproject.toml \
	  handlers/requirements.txt -o .build/layer.cdx.json

bench: $(VENV)/ready  ## measure times and sizes
	@$(RUN) -m benchmarks

load: $(VENV)/ready  ## run thousands of sign-ins in the sandbox, then the handlers at full speed; takes minutes
	@$(RUN) -m benchmarks.load

mutants: $(VENV)/ready  ## remove each check once and expect a failing test; takes half an hour
	@$(RUN) -m tests.mutants

screenshots: $(VENV)/ready  ## take the screenshots of the READMEs again
	@$(RUN) -m tests.prepare
	@$(RUN) -m tests.screenshots

preview: $(VENV)/sandbox  ## show what `pulumi up` would change in $(STACK)
	@command -v pulumi > /dev/null || { echo 'The Pulumi CLI is not installed: https://www.pulumi.com/docs/install/'; exit 1; }
	@pulumi preview --stack $(STACK)

doctor: $(VENV)/sandbox  ## find what prevents users from signing in at $(STACK); local is the sandbox on $(PORT)
	@$(RUN) -m doctor $(if $(FILE),--file $(FILE),--stack $(STACK))

people: $(VENV)/sandbox  ## put users of $(STACK) into groups: make people DO="add haneul@example.com admin"
	@$(RUN) -m doctor.people $(if $(FILE),--file $(FILE),--stack $(STACK)) $(DO)

requirements: $(VENV)/ready  ## pin the packages of the *.in files again, with one version of each in all files
	@$(PIN) handlers/requirements.in -o handlers/requirements.txt
	@$(PIN) requirements-dev.in -o requirements-dev.txt
	@for f in requirements requirements-sandbox $(OWN); do $(PIN) -c requirements-dev.txt $$f.in -o $$f.txt || exit 1; done

python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed. Choose one: make PYTHON=python3.13 …")'

$(VENV)/sandbox: requirements-sandbox.txt
	@$(MAKE) --no-print-directory python
	@echo "installing what the sandbox needs into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -r requirements-sandbox.txt
	@touch $@

$(VENV)/ready: requirements-dev.txt
	@$(MAKE) --no-print-directory python
	@echo "installing what the tests need into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $(VENV)/sandbox $@ # it holds what the sandbox needs

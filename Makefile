PORT ?= 3000
STACK ?= dev
FILE ?= $(if $(filter local,$(STACK)),.build/sandbox-$(PORT).json)
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PINNED := requirements handlers/requirements requirements-sandbox requirements-dev
PIN = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --no-emit-index-url --no-emit-find-links
# --no-compile: Python compiles each module at its first import. pulumi-aws alone would add 150 MB, of which we import a few.
PIP_INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes

.PHONY: help install up dev test check audit sbom bench load mutants screenshots preview doctor requirements python

help:  ## what can be made
	@awk -F ':.*  ## ' '/^[a-z]+:.*  ## / {printf "%-13s %s\n", $$1, $$2}' Makefile

install: python  ## what `pulumi up` needs, each package by its hash; without .venv, Pulumi would make one with unpinned tools
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -r requirements.txt

up: $(VENV)/sandbox  ## the whole login on this laptop: http://localhost:$(PORT)
	@exec $(RUN) -m sandbox --port $(PORT)

dev: $(VENV)/sandbox  ## the same, and what is saved in handlers/ and frontend/ is live at once
	@exec $(RUN) -m sandbox --port $(PORT) --watch

test: $(VENV)/ready  ## every test, Chromium among them
	@$(RUN) -m tests.prepare
	@$(RUN) -m pytest --numprocesses=auto --dist=loadfile --durations=10

check: $(VENV)/ready  ## format, lint, types, workflows
	@$(RUN) -m ruff format --check --quiet .
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m mypy
	@$(VENV)/bin/zizmor --offline --quiet --no-progress .github
	@$(VENV)/bin/jactionlint --profile correctness --shellcheck $(VENV)/bin/shellcheck

audit: $(VENV)/ready  ## known vulnerabilities of every package, and its hashes as the index has them
	@$(VENV)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off $(PINNED:%=-r %.txt)

sbom: $(VENV)/ready  ## what the Lambda layer holds, as .build/layer.cdx.json (CycloneDX)
	@mkdir -p .build
	@$(VENV)/bin/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml \
	  handlers/requirements.txt -o .build/layer.cdx.json

bench: $(VENV)/ready  ## time, cost and size, as a table
	@$(RUN) -m benchmarks

load: $(VENV)/ready  ## thousands of sign-ins in the sandbox, then the handlers as fast as they can: some minutes
	@$(RUN) -m benchmarks.load

mutants: $(VENV)/ready  ## take away each check once, and see a test fail: half an hour
	@$(RUN) -m tests.mutants

screenshots: $(VENV)/ready  ## the READMEs' pictures of the page, taken again
	@$(RUN) -m tests.prepare
	@$(RUN) -m tests.screenshots

preview: $(VENV)/sandbox  ## what `pulumi up` would change in $(STACK)
	@pulumi preview --stack $(STACK)

doctor: $(VENV)/sandbox  ## what keeps people from signing in at $(STACK); local is the sandbox on $(PORT)
	@$(RUN) -m doctor $(if $(FILE),--file $(FILE),--stack $(STACK))

requirements: $(VENV)/ready  ## pin again what the *.in files ask for, one version of each package in all of them
	@$(PIN) handlers/requirements.in -o handlers/requirements.txt
	@$(PIN) requirements-dev.in -o requirements-dev.txt
	@for f in requirements requirements-sandbox; do $(PIN) -c requirements-dev.txt $$f.in -o $$f.txt || exit 1; done

python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name one: make PYTHON=python3.13 …")'

$(VENV)/sandbox: requirements-sandbox.txt
	@$(MAKE) --no-print-directory python
	@echo "installing what the sandbox needs into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -r requirements-sandbox.txt
	@touch $@

$(VENV)/ready: $(VENV)/sandbox requirements-dev.txt
	@echo "installing what the tests need into $(VENV) …"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

PORT ?= 3000
STACK ?= dev
FILE ?= $(if $(filter local,$(STACK)),.build/sandbox-$(PORT).json)
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PINNED := requirements handlers/requirements requirements-dev

.PHONY: help install up dev test check audit sbom bench load mutants screenshots preview doctor requirements python

help:  ## what can be made
	@awk -F ':.*  ## ' '/^[a-z]+:.*  ## / {printf "%-13s %s\n", $$1, $$2}' Makefile

install: python  ## what `pulumi up` needs, each package by its hash; without .venv, Pulumi would make one with unpinned tools
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt

up: $(VENV)/ready  ## the whole login on this laptop: http://localhost:$(PORT)
	@exec $(RUN) -m sandbox --port $(PORT)

dev: $(VENV)/ready  ## the same, and what is saved in handlers/ and frontend/ is live at once
	@exec $(RUN) -m sandbox --port $(PORT) --watch

test: $(VENV)/ready  ## every test, Chromium among them
	@$(RUN) -m tests.prepare
	@$(RUN) -m pytest --numprocesses=auto --dist=loadfile

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

preview: $(VENV)/ready  ## what `pulumi up` would change in $(STACK)
	@pulumi preview --stack $(STACK)

doctor: $(VENV)/ready  ## what keeps people from signing in at $(STACK); local is the sandbox on $(PORT)
	@$(RUN) -m doctor $(if $(FILE),--file $(FILE),--stack $(STACK))

requirements: $(VENV)/ready  ## pin again what the *.in files ask for
	@for f in $(PINNED); do \
	  $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links $$f.in -o $$f.txt || exit 1; done

python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name one: make PYTHON=python3.13 …")'

$(VENV)/ready: requirements-dev.txt
	@$(MAKE) --no-print-directory python
	@echo "installing into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

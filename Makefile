# Everything goes through local/bootstrap.py: it makes .venv, installs the locked packages, and runs the command there. Any Python 3 starts it.
.DEFAULT_GOAL := help
.PHONY: oracle deployed help run demo backup restore token organization plan user key mail doctor test check lint format types oldest imports map template openapi revision bench build invoke api deploy clean calendars number

PYTHON ?= python3
RUN := $(PYTHON) local/bootstrap.py --requirements local --
DEV := $(PYTHON) local/bootstrap.py --requirements test --
SAM := .venv-sam/bin/sam
CODE := shared functions local migrations tests benchmarks

# Of the functions. AWS runs arm64; for `sam local` on this machine say ARCHITECTURE=x86_64 if that is what it is.
ARCHITECTURE ?= arm64
ENVIRONMENT ?= staging
WORKERS ?= 2
CASES ?= 10000

# What people say to `make token`, `organization`, `plan`, `user`, `key` and `mail` goes through the environment: a name may hold quotes.
export ROLE NAME EMAIL SLUG PLAN MAIL_LIMIT ORGANIZATION PERMISSIONS TO
export ARCHITECTURE
export SAM_CLI_TELEMETRY = 0
export PIP_DISABLE_PIP_VERSION_CHECK = 1

help: ## this list
	@echo 'make run          from a bare clone; then:'
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

run: ## the whole bundle on this machine: plays its flows, then serves http://127.0.0.1:3000 until Ctrl-C
	@$(RUN) python -m local.run

demo: ## the same without serving; fails when a step fails
	@$(RUN) python -m local.run --demo

token: ## an access token for the bundle that runs (ROLE=VIEWER and so on)
	@$(RUN) python -m local.token --role "$${ROLE:-OWNER}"

organization: ## a new organization with its owner, in the bundle that runs (NAME=Globex EMAIL=gus@globex.example; SLUG=globex PLAN=BUSINESS)
	@$(RUN) python -m local.admin organization --name "$$NAME" --email "$$EMAIL" --slug "$$SLUG" --plan "$${PLAN:-BUSINESS}"

plan: ## give an organization its plan (PLAN=PRO; ORGANIZATION=its id, else the seeded one; MAIL_LIMIT=500 mails a day)
	@$(RUN) python -m local.admin plan --organization "$$ORGANIZATION" --plan "$$PLAN" $${MAIL_LIMIT:+--mail-limit "$$MAIL_LIMIT"}

user: ## a new member (EMAIL=eva@acme.example; NAME='Eva Smith' ROLE=MEMBER; ORGANIZATION=its id, else the seeded one)
	@$(RUN) python -m local.admin user --organization "$$ORGANIZATION" --name "$$NAME" --email "$$EMAIL" --role "$${ROLE:-MEMBER}"

key: ## a new API key (PERMISSIONS='bookings:read event_types:read', else all; ORGANIZATION=its id, else the seeded one)
	@$(RUN) python -m local.admin key --organization "$$ORGANIZATION" --permissions "$${PERMISSIONS:-*}"

number: ## a WhatsApp number and its access token, as the emulated platform knows them
	@$(RUN) python -m local.graph_api

mail: ## the last mails that the bundle sent (TO=ada@)
	@$(RUN) python -m local.mail --to "$$TO"

mails: ## every kind of mail in every language, as HTML, text and pictures in build/artifacts/mails (needs Chromium)
	@$(DEV) env MAILS=1 pytest -q tests/pages/test_mails_in_pictures.py

backup: ## the database into a file (FILE=parley.dump; BACKUP_DATABASE_URL of another server, see docs/operations.md)
	@$(RUN) python -m local.backup dump "$$FILE"

restore: ## a file of `make backup` into a database of its own (FILE=parley.dump; DATABASE=parley_restored)
	@$(RUN) python -m local.backup restore "$$FILE" --database "$$DATABASE"

doctor: ## look at the database and the AWS endpoint, and say what is wrong with them
	@$(RUN) python -m local.doctor

test: ## the tests (ARGS='tests/inbox -k ladder' chooses, WORKERS=4 processes)
	@$(DEV) pytest -n $(WORKERS) --dist loadfile $(ARGS)

deployed: ## who may call what, and what nobody should send, asked of the functions as they are deployed
	@PARLEY_FORM=deployed $(DEV) pytest -n $(WORKERS) --dist loadfile tests/platform/test_permissions.py tests/platform/test_hostile.py tests/platform/test_isolation.py $(ARGS)

oracle: ## the tests that ask at random, asked for longer (CASES=10000 questions about availability, a tenth as many bookings in each pool)
	@CASES=$(CASES) $(DEV) pytest tests/scheduling/test_availability_oracle.py tests/scheduling/test_fairness.py

# The packages first, once; then what reads the code, two at a time; the tests alone, for some of them look at the clock.
check: ## everything that must be green: ruff, mypy, import-linter, template, OpenAPI document, the oldest Python, tests
	@$(DEV) true
	@$(MAKE) --no-print-directory -j 2 types template-is-valid lint imports openapi-is-fresh oldest
	@$(MAKE) --no-print-directory test

lint: ## ruff
	@$(DEV) ruff check .
	@$(DEV) ruff format --check .

format: ## ruff, mending
	@$(DEV) ruff check --fix .
	@$(DEV) ruff format .

types: ## mypy, strict
	@$(DEV) mypy $(wildcard $(CODE))

oldest: ## every handler imported by the oldest Python that is promised
	@$(RUN) python -m local.oldest_python

imports: ## who may import whom
	@$(DEV) env PYTHONPATH=shared lint-imports --no-logo

map: ## packages with their modules, fan-in, fan-out and cycles, as a Markdown table
	@$(RUN) python -m local.import_map

template: ## write the functions of template.yaml from functions/
	@$(RUN) python -m local.function_blocks

.PHONY: template-is-valid
template-is-valid: sam-cli # is fresh, sam validate --lint, and so are the stacks that are made of it
	@$(RUN) python -m local.function_blocks --check
	@$(RUN) python -m local.stacks template.yaml build/stacks >/dev/null
	@.venv-sam/bin/cfn-lint infrastructure/*.yaml build/stacks/*.yaml & $(SAM) validate --lint; status=$$?; \
	  wait $$! && echo 'infrastructure/ and the stacks are valid' && exit $$status

openapi: ## write the OpenAPI document from the handlers
	@$(RUN) python -m local.openapi

.PHONY: openapi-is-fresh
openapi-is-fresh:
	@$(DEV) python -m local.openapi --check

revision: ## a new, empty revision (NAME=scheduling_pools: domain and what)
	@$(RUN) env PYTHONPATH=shared python -m local.revision $(NAME)

calendars: ## the calendars that other projects test themselves with, read by ours (takes their packages from the registries)
	@$(DEV) env PYTHONPATH=shared python -W ignore -m benchmarks.calendar_files

bench: ## the benchmarks, each beside what it is measured against (ONLY=log_in_timing: that one)
	@$(DEV) env PYTHONPATH=shared python -m benchmarks$(if $(ONLY),.$(ONLY))

build: sam-cli openapi ## sam build, and the stacks to deploy (ARCHITECTURE=arm64 or x86_64)
	@$(RUN) $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(RUN) python -m local.stacks

invoke: ## one function in a container, against `make run` (FUNCTION=PlatformGetHealth EVENT=tests/events/….json)
	@$(RUN) python -m local.sam invoke $(FUNCTION) $(if $(EVENT),--event $(EVENT)) $(ARGS)

api: ## the whole API in containers, against `make run`: http://127.0.0.1:3001
	@$(RUN) python -m local.sam start-api $(ARGS)

# Built for what samconfig.toml deploys: wheels of the other architecture would fail in every function, and in no build.
deploy: override ARCHITECTURE := $(or $(shell sed -n '/^\[$(ENVIRONMENT)\.deploy/,/^\[/s/.*"Architecture=\([a-z0-9_]*\)".*/\1/p' samconfig.toml),arm64)
deploy: build ## sam deploy (ENVIRONMENT=staging or production)
	@$(RUN) $(SAM) deploy --config-env $(ENVIRONMENT)

# An environment of its own: the SAM CLI pins older boto3 and pydantic. Its lock is copied there when all of it is installed.
.PHONY: sam-cli
sam-cli:
	@cmp -s requirements/sam.txt .venv-sam/installed.txt || { \
	  echo 'Installing the SAM CLI into .venv-sam (once; about a minute)' && \
	  $(RUN) python -m venv --clear .venv-sam && \
	  .venv-sam/bin/python -m pip install --quiet --no-compile --require-hashes --no-deps --no-input -r requirements/sam.txt && \
	  cp requirements/sam.txt .venv-sam/installed.txt; }

clean: ## forget the data of make run, and everything that was built
	@rm -rf .local .aws-sam build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

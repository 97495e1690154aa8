# Every target does the set-up it needs; a second call goes straight to work. Works with GNU make 3.81.

MODEL =
TASK = rails_chat
AGENT = bash
EPOCHS = 1
ARCHIVE =
OUT =
PORT =
RUN =
RUBRIC =

shipworthy = .venv/bin/shipworthy
budget = $(if $(MAX_COST),--max-cost "$(MAX_COST)") $(if $(SPEND_CAP),--spend-cap "$(SPEND_CAP)")
archive = $(if $(ARCHIVE),--archive "$(ARCHIVE)")

.DEFAULT_GOAL := help
.PHONY: help run list inspect rescore report view verify doctor images test selftest check docs format clean

help: ## Show this list
	@echo "make <target>, with variables as in: make run MODEL=demo/b EPOCHS=3"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build, archive, probe and grade (MODEL, TASK, AGENT, EPOCHS, MAX_COST, SPEND_CAP, ARCHIVE)
	@bin/setup
	@$(shipworthy) run $(if $(MODEL),--model "$(MODEL)") --task "$(TASK)" --agent "$(AGENT)" --epochs "$(EPOCHS)" $(archive) $(budget)

list: ## List the archived runs (ARCHIVE)
	@bin/setup --no-engine
	@$(shipworthy) list $(archive)

inspect: ## Show one run's score sheet (RUN, ARCHIVE)
	@$(if $(RUN),,echo 'which run? make inspect RUN=<id>; make list shows the ids' >&2; exit 2)
	@bin/setup --no-engine
	@$(shipworthy) inspect "$(RUN)" $(archive)

rescore: ## Grade every archived run again (RUBRIC, ARCHIVE)
	@$(if $(RUBRIC),,echo 'under which rubric? make rescore RUBRIC=rails_chat@2, or a file' >&2; exit 2)
	@bin/setup --no-engine
	@$(shipworthy) rescore --all --rubric "$(RUBRIC)" $(archive)

report: ## Write the archive as a site to look at (OUT, RUBRIC, ARCHIVE)
	@bin/setup --no-engine
	@$(shipworthy) report $(if $(OUT),--out "$(OUT)") $(if $(RUBRIC),--rubric "$(RUBRIC)") $(archive)

view: ## Show that site in your browser, made anew as runs finish (PORT, RUBRIC, ARCHIVE)
	@bin/setup --no-engine
	@$(shipworthy) view $(if $(PORT),--port "$(PORT)") $(if $(RUBRIC),--rubric "$(RUBRIC)") $(archive)

verify: ## Hash the whole archive again and name what changed (ARCHIVE)
	@bin/setup --no-engine
	@$(shipworthy) verify $(archive)

doctor: ## Check what a run needs of this machine
	@bin/setup --no-engine
	@$(shipworthy) doctor

images: ## Build the sandbox images that are missing or changed
	@bin/setup
	@$(shipworthy) image build

test: ## Run all tests, those in real containers too
	@bin/setup --dev
	@$(shipworthy) image build
	@.venv/bin/pytest -n 2

selftest: ## Try a rubric on good and broken applications, also in containers (RUBRIC)
	@bin/setup
	@$(shipworthy) rubric selftest "$(or $(RUBRIC),rails_chat)" --lab

check: ## Check formatting, lint, types, architecture and docs
	@bin/setup --dev --no-engine
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/pytest -q tests/architecture tests/docs

docs: ## Write the generated reference pages again
	@bin/setup --no-engine
	.venv/bin/python docs/generate.py

format: ## Format the code and mend what lint can mend
	@bin/setup --dev --no-engine
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

clean: ## Remove the environment and caches, never the archive
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find runner tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.DEFAULT_GOAL := help
.PHONY: help up prepare start down clean status report ssh console env adopt validate explain preflight test soak bench check formatting lint types \
	shellcheck format lock

PYTHON := .venv/bin/python
LAB := $(PYTHON) -m development.lab
INSTALLED := .venv/.installed
COMPILE := .venv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11
SOURCES := __main__.py settings documents components commands development tests
STAGES := $(addprefix scripts/,deliver.sh receive_upload.sh start_removal.sh preflight_only.sh run.sh preflight.sh stage.sh activate.sh remove.sh recover.sh)
SHELL_SCRIPTS = $(STAGES) $(shell grep -rlIE '^\#!/(usr/)?bin/(env )?(ba)?sh' --exclude='*.py' commands development .ci tests)
NODE_GIVEN = $(or $(NODE),$(error NODE must name a node, as in: make $@ NODE=k8s-node01))

help: ## List the commands
	@sed -nE -e 's/^##@ (.*)/\n\1/p' -e 's/^([a-z]+):.* ## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

##@ Use it

up: $(INSTALLED) ## Create the lab, deploy kube-proxy to its nodes with pulumi up, and show the report
	@$(LAB) up

report: $(INSTALLED) ## Show what each node of the dev stack proved
	@$(LAB) report

adopt: $(if $(wildcard $(PYTHON)),,$(INSTALLED)) ## Write a stack from the kube-proxies that already run: make adopt FILE=Pulumi.prod.yaml FROM="--inventory hosts.ini"
	@$(PYTHON) -m commands.adopt $(or $(FILE),$(error FILE must name a stack's file, as in: make $@ FILE=Pulumi.prod.yaml FROM=--kubectl)) $(FROM)

validate: $(if $(wildcard $(PYTHON)),,$(INSTALLED)) ## Check a stack's file: make validate FILE=Pulumi.prod.yaml [FORMAT=json]
	@$(PYTHON) -m commands.validate $(or $(FILE),$(error FILE must name a stack's file, as in: make $@ FILE=Pulumi.prod.yaml)) \
		--format $(or $(FORMAT),text)

explain: $(if $(wildcard $(PYTHON)),,$(INSTALLED)) ## Show where a node's values come from: make explain FILE=Pulumi.prod.yaml NODE=k8s-node01
	@$(PYTHON) -m commands.explain $(or $(FILE),$(error FILE must name a stack's file, as in: make $@ FILE=Pulumi.prod.yaml NODE=k8s-node01)) $(NODE_GIVEN)

preflight: $(if $(wildcard $(PYTHON)),,$(INSTALLED)) ## Ask all nodes whether they are ready: make preflight FILE=Pulumi.prod.yaml [MODE=nftables] [FORMAT=json]
	@$(PYTHON) -m commands.preflight $(or $(FILE),$(error FILE must name a stack's file, as in: make $@ FILE=Pulumi.prod.yaml)) \
		--format $(or $(FORMAT),text) $(if $(MODE),--mode $(MODE))

##@ Work with the lab

start: $(INSTALLED) ## Create or resume the lab without deploying: tools, nodes, control plane
	@$(LAB) start

down: $(INSTALLED) ## Stop the lab with its nodes; make up goes on from there
	@$(LAB) down

status: $(INSTALLED) ## Show the processes of the lab
	@$(LAB) status

env: ## Print the environment for pulumi, kubectl and ssh: eval "$(make -s env)"
	@test -e $(INSTALLED) || { echo 'the lab is not up: run `make up`' >&2; exit 1; }
	@$(LAB) env

ssh: $(INSTALLED) ## Open a root shell on a node: make ssh NODE=k8s-node01
	@$(LAB) ssh $(NODE_GIVEN)

console: $(INSTALLED) ## Show a node's console: make console NODE=k8s-node01
	@$(LAB) console $(NODE_GIVEN)

clean: $(INSTALLED) ## Delete the lab, its nodes and the dev stack's state
	@$(LAB) clean

##@ Develop

check: formatting lint types shellcheck ## Check format, lint, types and shell scripts; .pre-commit-config.yaml does the same

formatting: $(INSTALLED)
	.venv/bin/ruff format --check .

lint: $(INSTALLED)
	.venv/bin/ruff check .

types: $(INSTALLED)
	.venv/bin/mypy --strict $(SOURCES)

shellcheck: $(INSTALLED)
	@$(LAB) packages
	shellcheck $(SHELL_SCRIPTS)

test: check ## Run all checks and all tests, those of the lab in a lab of their own: make test SYSTEM=bullseye
	@$(LAB) prepare
	@# The lab waits a lot, for nodes to boot and serve; the other tests take what processor time it leaves.
	@eval "$$($(LAB) env 2>/dev/null)"; log=.lab/log/tests.log; \
	nice -n 10 $(PYTHON) -m pytest -n 2 --dist loadgroup --ignore tests/lab >$$log 2>&1 & others=$$!; \
	trap 'kill $$others 2>/dev/null' EXIT; trap 'exit 130' INT TERM; \
	$(PYTHON) -m pytest tests/lab --durations=15; lab=$$?; \
	wait $$others; status=$$?; cat $$log; exit $$((status | lab))

soak: $(INSTALLED) ## Run the long fault campaign in a lab of its own: make soak CUTS=30 INTERRUPTIONS=10 SEED=1 PARTS="cuts handovers"
	@$(LAB) prepare
	@$(PYTHON) -m tests.soak $(if $(CUTS),--cuts $(CUTS)) $(if $(INTERRUPTIONS),--interruptions $(INTERRUPTIONS)) $(if $(SEED),--seed $(SEED)) $(if $(PARTS),--parts $(PARTS))

bench: $(INSTALLED) ## Measure the program on fleets: make bench NODES=5 ROUNDS=1 CONTENDERS=floor,defaults FAKE=200 OUT=/tmp/bench
	@$(PYTHON) -m development.bench $(if $(NODES),--nodes $(NODES)) $(if $(FAKE),--fake $(FAKE)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(CONTENDERS),--contenders $(CONTENDERS)) $(if $(OUT),--out $(OUT))

format: $(INSTALLED) ## Format the Python sources
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

prepare: $(INSTALLED) ## Install what the lab and its tests need: packages, tools, node image
	@$(LAB) prepare

lock: $(INSTALLED) ## Resolve the dependencies of pyproject.toml again into the requirements files
	$(COMPILE) --upgrade pyproject.toml -o requirements.txt
	$(COMPILE) --upgrade --group development pyproject.toml -c requirements.txt -o development/requirements.txt
	$(COMPILE) --upgrade development/bench/requirements.in -o development/bench/requirements.txt

$(INSTALLED): development/bootstrap.sh development/bootstrap-requirements.txt development/requirements.txt
	@echo 'Python packages: .venv' >&2
	@sh development/bootstrap.sh
	@touch $@

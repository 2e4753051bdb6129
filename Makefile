# make demo   a real Kubernetes and a replicating MySQL on this machine, from nothing
# make try    the tree as it is, in a small cluster of its own that stays; seconds
# make test   every test, from nothing, side by side; logs in tests/output/logs
# make test-kind   what needs several nodes, on kind, which is taken down in the end
# make lint   style, types, layers      make unit   seconds, no cluster      make clean   stop and remove everything
# make browser   the HTML page in Chromium, which is installed if it is missing
# make kind   as `make cluster` with KUBEMYSQL_PROVIDER=kind, which then also `make demo` and the tests have to be given
# make docs   the site, in dist/docs    make gates  what Ansible's own tools say, on three versions of ansible-core

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
TREE := $(CURDIR)/.tree
LINK := $(TREE)/ansible_collections/kubemysql/replication

export PATH := $(BIN):$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(TREE)
export ANSIBLE_LOCALHOST_WARNING := False
export ANSIBLE_INVENTORY_UNPARSED_WARNING := False
export KUBEMYSQL_HOME ?= $(HOME)/.cache/kubemysql
# Molecule runs in folders of its own.
ifdef KUBEMYSQL_KIND_CONFIG
export KUBEMYSQL_KIND_CONFIG := $(abspath $(KUBEMYSQL_KIND_CONFIG))
endif
VENV_BENCH := $(KUBEMYSQL_HOME)/venv/bench
# The local cluster's own kubeconfig; the caller's is never read or changed.
KUBECONFIG_LOCAL := $(KUBEMYSQL_HOME)/kubeconfig
LOCAL := env -u KUBECONFIG K8S_AUTH_KUBECONFIG=$(KUBECONFIG_LOCAL)

# Targets by folder or file: versions of Ansible, tests and scenarios, the latter two with namespaces of their own.
CORES := core-2.16 core-2.19 core-2.21
# These take nodes away from a cluster that has several.
NODES := integration/nodes e2e/node_lost
INTEGRATION := $(filter-out $(NODES),$(patsubst tests/%/,%,$(sort $(dir $(wildcard tests/integration/*/test_*.py)))))
SCENARIOS := $(filter-out $(NODES),$(patsubst molecule/%/molecule.yml,e2e/%,$(wildcard molecule/*/molecule.yml)))
SCRIPTS := $(patsubst tests/%.py,%,$(wildcard tests/scripts/test_*.py))

.PHONY: help venv lint unit properties browser docs gates $(CORES) generate cluster cluster-down kind mariadb demo try test test-kind \
	scripts $(SCRIPTS) integration $(INTEGRATION) local_cluster alone chaos e2e $(SCENARIOS) $(NODES) bench bench-compare bench-intent bench-tests clean

help:
	@sed -n 's/^# //p' $(firstword $(MAKEFILE_LIST))

venv: $(VENV)/.complete $(LINK)

$(VENV)/.complete: pyproject.toml
	./tools/make-venv.sh $(PYTHON) $(VENV) dev

$(LINK):
	mkdir -p $(dir $(LINK))
	ln -sfn ../../.. $(LINK)

generate: venv
	python tests/generate_constants.py
	python tests/generate_embedded.py
	python tests/generate_role.py
	python tests/generate_findings.py
	python tests/generate_layers.py

# To follow the flow of data through all that a script sources takes shellcheck three times as long as the rest of its work. So
# it does that in each file by itself, where it knows nothing of variables of the others.
lint: venv
	python tests/generate_constants.py --check
	python tests/generate_embedded.py --check
	python tests/generate_role.py --check
	python tests/generate_findings.py --check
	python tests/generate_layers.py --check
	ruff format --check .
	ruff check .
	MYPYPATH=$(TREE):tests mypy --cache-dir $(KUBEMYSQL_HOME)/mypy $(addprefix $(LINK)/plugins/,module_utils plugin_utils action filter modules) tests/unit/fakes tests/unit/plugins tests/contracts
	PYTHONPATH=$(TREE) lint-imports
	shellcheck --extended-analysis=false $$(git ls-files "*.sh")
	shellcheck --norc --exclude=SC1091,SC2034,SC2153,SC2154 $$(git ls-files "*.sh")
	shfmt -d -i 2 -ci $$(git ls-files '*.sh')
	yamllint --strict .
	ansible-lint --offline --profile production --strict

unit: venv
	pytest -q tests/unit

# Tests with random examples, and all of these.
properties: venv
	pytest -q --hypothesis-profile whole -m hypothesis tests/unit

browser: venv
	pytest -q tests/browser

docs: venv
	./tools/build-docs.sh dist/docs

# The core of `dev` is among those of ansible-test. Both run the unit tests, each with a configuration of its own.
gates: docs $(CORES)
	cd $(LINK) && antsibull-changelog lint
	cd $(LINK) && antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self .
	./tools/gates/release.sh $(CORES)

core-2.16: PYTHONS := 3.11 3.12
core-2.19: PYTHONS := 3.11 3.12 3.13
core-2.21: PYTHONS := 3.14 3.13 3.12
# Every machine has a Python for this one, which Galaxy's importer brings as well.
core-2.19: export FULL := 1
$(CORES): venv
	./tools/gates/ansible-test.sh $@ $(PYTHONS)

cluster: venv
	ansible-playbook molecule/shared/cluster-up.yml

kind: venv
	KUBEMYSQL_PROVIDER=kind $(MAKE) --no-print-directory cluster

demo: cluster
	$(LOCAL) ansible-playbook playbooks/deploy-mysql.yml

try: venv
	python tests/generate_constants.py
	python tests/generate_embedded.py
	$(LOCAL) ./tools/try.sh

cluster-down: venv
	ansible-playbook molecule/shared/cluster-down.yml

# Added once, before those that use it are side by side.
e2e/mariadb e2e/seed integration/cluster integration/provisioning: mariadb
mariadb: cluster
	ansible-playbook molecule/shared/image-mariadb.yml

# Here most of the time is waiting, in servers and network namespaces that each worker has for itself.
scripts: cluster
	pytest -q --numprocesses 2 --dist loadfile tests/scripts

$(SCRIPTS): cluster
	pytest -q tests/$@.py

integration: $(INTEGRATION)
	$(MAKE) --no-print-directory alone

$(INTEGRATION) integration/nodes: cluster
	$(LOCAL) pytest -q -m "not alone" tests/$@

# The provider kind itself; `make test-kind ONLY=local_cluster` gives it one.
local_cluster: cluster
	pytest -q tests/local_cluster

alone: cluster
	$(LOCAL) pytest -q -m alone tests/integration

# Random rounds in full, an hour. SEED=N repeats an earlier run's choices.
chaos: mariadb
	KUBEMYSQL_CHAOS=1 KUBEMYSQL_SEED=$(SEED) $(LOCAL) pytest -q -s -m chaos tests/integration

e2e: $(SCENARIOS)

# Without `create`, which would bring the cluster up once more. `molecule test` by itself does so.
$(SCENARIOS): export KUBEMYSQL_MOLECULE_SEQUENCE := [destroy, prepare, converge, idempotence, verify, destroy]
# That the same deployment changes nothing a second time is shown by `default`.
e2e/changes e2e/replica_lost: export KUBEMYSQL_MOLECULE_SEQUENCE := [destroy, prepare, converge, verify, destroy]
$(SCENARIOS) e2e/node_lost: cluster
	KUBEMYSQL_MACHINE_FACTOR=$$(python tests/machine.py) MOLECULE_GLOB='molecule/*/molecule.yml' molecule test --scenario-name $(@F)

# What runs, and what beside what, is in tools/stages.toml.
test:
	PYTHON=$(PYTHON) tools/run-tests.sh tools/stages.toml

# ONLY="e2e/default" runs these stages and what they need.
test-kind:
	PYTHON=$(PYTHON) tools/test-kind.sh $(ONLY)

$(VENV_BENCH)/.complete: pyproject.toml
	./tools/make-venv.sh $(PYTHON) $(VENV_BENCH) bench

bench: mariadb $(VENV_BENCH)/.complete
	$(LOCAL) python benchmarks/run.py
	$(LOCAL) $(VENV_BENCH)/bin/python benchmarks/side_by_side.py
	$(LOCAL) python benchmarks/probes.py
	PYTHONPATH=$(TREE) $(LOCAL) python benchmarks/intent.py
	$(LOCAL) python benchmarks/clones.py

bench-intent: cluster
	PYTHONPATH=$(TREE) $(LOCAL) python benchmarks/intent.py

# The main job now and with the collection of COMMIT, in turns.
COMMIT ?= 6318106
bench-compare: cluster
	$(LOCAL) python benchmarks/compare.py $(COMMIT)

# A run of `make test`, measured.
bench-tests: venv
	python benchmarks/tests.py

clean:
	if [[ -x $(BIN)/ansible-playbook ]]; then ansible-playbook molecule/shared/cluster-down.yml; fi
	rm -rf $(VENV) $(TREE) .mypy_cache .ruff_cache .hypothesis .import_linter_cache

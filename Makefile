# The few commands of this project; `make help` lists them.
# Everything is installed into .venv; as root, missing Debian packages are installed too.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --quiet
HERE := $(CURDIR)

# Longest time that each part of `make test` may take, in seconds.
CHECK_LIMIT ?= 600
UNIT_LIMIT ?= 2400
WALLTIME_LIMIT ?= 1500

# Tools that only the tests need, as command:package of Debian.
TEST_TOOLS := mbpoll:mbpoll systemd-analyze:systemd git:git
WITNESS := $(wildcard tests/witness/package.json)
WITNESS_LOCK := $(wildcard tests/witness/package-lock.json)
ifneq ($(WITNESS),)
TEST_TOOLS += node:nodejs npm:npm
WITNESS_STAMP := tests/witness/node_modules/.stamp
endif

# A .venv that was copied or moved here has the wrong paths inside: build it anew.
ifneq ($(file < .venv/.where),$(HERE))
.venv/.where: ALWAYS
endif

# install_packages PACKAGES: by apt-get when root; returns 1 and says so when it cannot.
define install_packages_function
install_packages() {
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "missing: $$* (install with: apt-get install $$*)" >&2
		return 1
	fi
	echo "installing Debian packages: $$*"
	export DEBIAN_FRONTEND=noninteractive
	local install="apt-get install -y -q --no-install-recommends"
	$$install "$$@" >/dev/null 2>&1 || { apt-get update -q >/dev/null && $$install "$$@" >/dev/null; }
}
endef

# find_python: prints the first 64-bit Python of at least 3.11 that can make an environment.
define find_python_function
find_python() {
	local python
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do
		if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11) or sys.maxsize < 2**32)' \
			2>/dev/null; then
			echo $$python
			return 0
		fi
	done
	return 1
}
endef

.PHONY: help setup test-setup demo check test test-unit test-walltime bench campaign validation fast clean ALWAYS

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' Makefile

setup: .venv/.run ## build .venv with what `station run` and `station demo` need

.venv/.where:
	@$(install_packages_function)
	$(find_python_function)
	if ! python=$$(find_python); then
		install_packages python3 python3-venv python3-pip || true
		python=$$(find_python) || {
			echo "needed: Python 3.11 or newer, 64-bit, with venv (Debian: python3-venv)" >&2
			exit 1
		}
	fi
	echo "building .venv with $$($$python --version)"
	rm -rf .venv
	$$python -m venv .venv
	printf '%s' '$(HERE)' > $@

.venv/.run: .venv/.where setup.cfg pyproject.toml
	@echo "installing the controller into .venv"
	$(PIP) --editable .
	$(BIN)/python -c 'import controller, drivers, sim'
	touch $@

.venv/.test: .venv/.run
	@echo "installing the test tools into .venv"
	$(PIP) --editable '.[test]'
	touch $@

tests/witness/node_modules/.stamp: $(WITNESS) $(WITNESS_LOCK)
	@command -v npm >/dev/null || { echo "npm is missing: the Node witnesses are not installed" >&2; exit 0; }
	cd tests/witness
	npm ci --no-audit --no-fund --loglevel=error
	touch node_modules/.stamp

.PHONY: test-tools
test-tools:
	@$(install_packages_function)
	packages=""
	for tool in $(TEST_TOOLS); do
		command -v "$${tool%%:*}" >/dev/null || packages+=" $${tool##*:}"
	done
	if [ -n "$$packages" ] && ! install_packages $$packages; then
		[ "$${CI:-}" != true ] || exit 1
		echo "tests that need these are skipped" >&2
	fi

test-setup: .venv/.test test-tools $(WITNESS_STAMP) ## add what the tests need to .venv

demo: setup ## run a simulated station with its controller
	@exec $(BIN)/station demo

check: .venv/.test ## ruff, mypy and import rules (a minute)
	@$(steps_function)
	$(check_steps)
	finish

test: test-setup ## all tests: the checks, unit and loop tests in parallel, then the walltime tests
	@$(steps_function)
	$(check_steps)
	$(unit_step)
	$(walltime_step)
	finish

test-unit: .venv/.test ## only the tests that do not need real time, in parallel
	@$(steps_function)
	$(unit_step)
	finish

test-walltime: test-setup ## only the tests that need real time, one after the other
	@$(steps_function)
	$(walltime_step)
	finish

# step LIMIT NAME COMMAND: runs it within the limit, goes on after a failure and remembers it.
define steps_function
set +e
passed=0
failed=()
step() {
	local limit=$$1 name=$$2 begin=$$SECONDS code
	shift 2
	echo
	echo "=== $$name"
	timeout $$([ ! -t 0 ] || echo --foreground) --kill-after=20 "$$limit" "$$@"
	code=$$?
	[ $$code != 124 ] || echo "$$name: not done within $$limit s" >&2
	if [ $$code = 5 ] && [ "$$name" = "walltime tests" ]; then
		echo "no walltime tests yet"
		code=0
	fi
	if [ $$code = 0 ]; then
		passed=$$((passed + 1))
	else
		failed+=("$$name")
	fi
	echo "=== $$name: $$([ $$code = 0 ] && echo passed || echo FAILED) in $$((SECONDS - begin)) s"
}
finish() {
	echo
	for name in "$${failed[@]}"; do echo "failed: $$name"; done
	echo "steps: $$passed passed, $${#failed[@]} failed"
	[ $${#failed[@]} = 0 ]
}
endef

define check_steps
step $(CHECK_LIMIT) "ruff check" $(BIN)/ruff check .
step $(CHECK_LIMIT) "ruff format" $(BIN)/ruff format --check .
step $(CHECK_LIMIT) "mypy" $(BIN)/mypy
step $(CHECK_LIMIT) "import rules" $(BIN)/lint-imports --no-logo
endef

define unit_step
step $(UNIT_LIMIT) "unit and loop tests" $(BIN)/python -m pytest -n auto --dist worksteal -m "not walltime"
endef

define walltime_step
step $(WALLTIME_LIMIT) "walltime tests" $(BIN)/python -m pytest -m walltime
endef

campaign: .venv/.test fast ## break everything of the demo station, one thing at a time (half an hour), then kill it 200 times
	@$(steps_function)
	step 3600 "compiled and plain are the same" $(BIN)/python -m pytest -q tests/test_compiled.py
	step 3600 "fault campaign" build/fast/python $(BIN)/station campaign config/demo.yaml --jobs $$(nproc) --junit campaign.xml
	step 3600 "does it bite" $(BIN)/python benchmarks/bite.py
	step 3600 "kill -9" env KILLS=200 $(BIN)/python -m pytest -s hil_tests/processes/test_kill_often.py
	finish

bench: .venv/.test ## run the benchmarks
	@for script in $(filter-out benchmarks/validation.py benchmarks/bite.py,$(wildcard benchmarks/*.py)); do
		echo "=== $$script"
		$(BIN)/python "$$script"
	done

validation: .venv/.test ## hold the simulated plant against references, print the figures, renew docs/plant.md
	@$(BIN)/python benchmarks/validation.py

fast: .venv/.test ## compile plant and controller into build/fast, for long simulations (minutes; needs a C compiler)
	@$(BIN)/python benchmarks/compiled/build.py
	echo "run with it: build/fast/python .venv/bin/station season config/demo.yaml --days 7"

clean: ## remove everything that make and the tools have built
	@rm -rf .venv build dist ./*.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	rm -rf tests/witness/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make demo`, `make test` and `make bench` do their whole set-up on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Baselines are comparable only on the same documents, so both commands say how many.
CHECKED := plugins --limit 40

.PHONY: demo test baselines bench clean
# Exit code 1 says that some hypotheses are refuted, as some of these should be.
demo: .venv/.demo
	$(BIN)/mih run plugins --output reports/demo || [ $$? -eq 1 ]

# Two processes with a thread each: with more threads than processors each waits for the other's.
test: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2
	$(BIN)/mih check $(CHECKED) --strict

baselines: .venv/.test
	$(BIN)/mih check $(CHECKED) --update

# About twenty minutes on two cores with nothing else to do.
bench: .venv/.test
	$(BIN)/python -m benchmarks

# torch comes first and by its exact pin: a range would fetch gigabytes of CUDA packages.
.venv/.torch: constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	touch $@

.venv/.demo: .venv/.torch pyproject.toml
	$(INSTALL) --editable .
	touch $@

.venv/.test: .venv/.torch pyproject.toml
	$(INSTALL) --editable '.[dev]'
	touch $@ .venv/.demo

clean:
	rm -rf .venv reports/demo reports/latest reports/bench.json

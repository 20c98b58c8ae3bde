# make demo and make test do everything on a fresh machine: Python 3.11+, make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXPORT_LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links

.PHONY: demo test test-fast test-slow check fix bench bench-accuracy bench-outlines bench-calibrate lock clean env

env: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "clonedetect needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: env ## build an index, rehearse a clone network on loopback, scan, export, verify
	$(BIN)/clonedetect demo --out demo-output

test: check ## everything that must hold, in under ten minutes
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report= --strict-skips
	$(BIN)/python -m coverage report --skip-covered --fail-under=90

test-fast: env ## the loop while writing, under 30 seconds
	$(BIN)/python -m pytest -n 2 -q -m "not slow and not benchmark and not end_to_end"

test-slow: env ## kill tests, large runs
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow --timeout 1800

check: env ## lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: env
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: env ## measure, and write the figures into docs/performance.md; needs a folder of benchmark data, see there
	$(BIN)/python -m pytest -m benchmark tests/benchmarks -s --timeout 0
	$(BIN)/python tests/benchmarks/figures.py docs/performance.md

bench-accuracy: env ## the published accuracy: 10 minutes for texts, 20 of two cores for pictures; rewrites docs/accuracy.md
	PYTHONPATH=tests/benchmarks $(BIN)/python -m accuracy $(ONLY)

bench-outlines: env ## fit the score of what lies over a picture; prints weights and what each bound lets through
	PYTHONPATH=tests/benchmarks $(BIN)/python -m accuracy.outlines

bench-calibrate: env ## how recall and false accepts move with the thresholds, on the calibration pictures
	PYTHONPATH=tests/benchmarks $(BIN)/python -m accuracy.calibrate

lock: env ## resolve the dependencies again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile $(EXPORT_LOCK) --custom-compile-command "make lock" \
	  --extra demo --extra heic --extra parquet --group dev --upgrade --quiet pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* .bench

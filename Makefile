# Everything works from a bare clone: the environment is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TWO := --numprocesses 2 --dist worksteal
SOURCES := protocol bus gates agents coordinators observers scenarios cli firmware tests benchmarks

.PHONY: demo test quick check fmt bench crash clean

demo: $(READY)
	$(BIN)/orchestra run spec-facts --specs scenarios/spec_facts/sample --output out
	$(BIN)/orchestra audit verify last
	$(BIN)/orchestra report last --output out/report.html
	@echo "now a battery that is not there is watched for 15 s; after 5 s its cell 7 has 3.72 V"
	$(BIN)/orchestra run battery-watch --device "emulated:jbd?fault=overvoltage+7+3.72&after=5" --for 15s --output out/watch
	$(BIN)/orchestra device plot last --output out/watch/battery.html
	@echo "read out/FACTS.md and out/watch/WATCH.md, look at out/report.html and out/watch/battery.html; then:" \
		"$(BIN)/orchestra audit show last"

test: $(READY)
	$(BIN)/python -m pytest $(TWO)

quick: $(READY)
	$(BIN)/python -m pytest $(TWO) -m "not slow"

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(SOURCES)

fmt: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(BIN)/python -m benchmarks

crash: $(READY)
	$(BIN)/python -m tests.crash

clean:
	rm -rf $(VENV) runs out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

# uv where it is there, else pip; the marker is written last, so a broken install is tried again.
$(READY): pyproject.toml
	@echo "first use: making $(VENV) and installing into it; this takes a minute"
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
		uv pip install --quiet --python $(BIN)/python --editable . --group dev; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" && \
		$(BIN)/python -m pip install --quiet --editable . --group dev; \
	fi
	@touch $(READY)

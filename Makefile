# The two commands are `make demo` and `make test`; both do all their own set-up.
.DEFAULT_GOAL := help
.PHONY: help setup demo test quick lint types test-engine test-plugin test-e2e clean

PYTHON ?= python3
ENGINE := .venv/bin
QGIS_PYTHON := .venv-qgis/bin/python

QUICK := tests/engine/words tests/engine/tables tests/engine/sites tests/engine/recipes tests/engine/judging \
	tests/models/test_attribution.py tests/models/test_band_names.py tests/models/test_loss.py \
	tests/models/test_network.py tests/models/test_windows.py tests/engine/test_words.py

help:
	@echo "make demo   make a landscape, map a dozen species on it in QGIS, and save the project and a picture"
	@echo "make test   run all checks"
	@echo "make quick  lint, types, and the tests that start no process and train nothing"
	@echo "make setup  build the environments (.venv for the engine, .venv-qgis for the plugin's tests)"
	@echo "make clean  remove what was built"

setup:
	@$(PYTHON) tools/setup.py

demo: setup
	@$(PYTHON) tools/qgis_demo.py demo

test: lint types test-engine test-plugin test-e2e

quick: lint types
	$(ENGINE)/python -m pytest $(QUICK) -q -m "not slow" -n auto --dist loadfile

lint: setup
	$(ENGINE)/ruff check .
	$(ENGINE)/ruff format --check .
	$(ENGINE)/vermin -q --no-tips --violations -t=3.9- plugin engine/protocol models/band_names.py models/card.py \
		models/card_faults.py models/errors.py models/field_types.py models/flags.py models/plain_json.py models/sensor_bands.py \
		models/tensor_header.py __init__.py engine/__init__.py models/__init__.py
	$(ENGINE)/bandit -q -r __init__.py plugin engine models

types: setup
	MYPYPATH=build/import $(ENGINE)/mypy

test-engine: setup
	$(ENGINE)/python -m pytest tests/models tests/engine -q -n auto --dist loadfile

test-plugin: setup
	QT_QPA_PLATFORM=offscreen $(QGIS_PYTHON) -m pytest tests/plugin -q

test-e2e: setup
	$(ENGINE)/python -m pytest tests/e2e -q -s

clean:
	rm -rf .venv .venv-qgis build demo dist

SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
LIVE ?= 1
BIN := .venv/bin

.PHONY: help book serve test quick proof old new mutants lab bench toy knobs cpu stories gpu gpu-record sync lock licences

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

book: .venv/ready $(if $(filter 0,$(LIVE)),,_build/lite/ready) ## build the book (LIVE=0: without Python in its pages)
	@test $(LIVE) = 0 || $(BIN)/python tools/lite.py _build/lite _build/html/lite
	LIVE=$(LIVE) $(BIN)/jupyter-book build book --config _config.yml --path-output . --all -W -n --keep-going
	@echo "Open $(CURDIR)/_build/html/intro.html"

serve: .venv/ready ## serve the built book on 127.0.0.1
	@test -e _build/html/intro.html || $(MAKE) book
	@echo "Open http://127.0.0.1:$(PORT)/intro.html and stop with Ctrl-C"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

test: .venv/ready ## check style, units, notebooks and pages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pytest -n 2

quick: .venv/ready ## check style and units in under a minute, without browser, notebooks and whole runs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pytest -n 2 -q -m 'not slow' --ignore tests/browser --ignore tests/book

# A file stays in one process: its tests share an environment, or the runs that they kill.
proof: .venv/dev ## run the slow proofs, and write tests/proof/RESULTS.md
	$(BIN)/pytest -n 2 --dist loadfile tests/proof

old: ## run the core's tests with the lowest releases that pyproject.toml lets in
	$(PYTHON) tools/bounds.py old

new: ## the same with the newest releases
	$(PYTHON) tools/bounds.py new

mutants: .venv/dev ## list the small changes to the core that its tests do not notice
	OMP_NUM_THREADS=1 $(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results

lab: .venv/ready ## open the book in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=book

bench: .venv/dev ## measure side by side with peers (resumes), and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

toy: .venv/ready ## record the run of chapter 7 again (resumes, about ten minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m kdlite run toy --out _runs/toy
	cp _runs/toy/results.json book/results/toy-language.json

knobs: .venv/ready ## record the run of chapter 11 again (resumes, about half an hour)
	OMP_NUM_THREADS=1 $(BIN)/python -m kdlite run knobs --out _runs/knobs
	cp _runs/knobs/results.json book/results/toy-knobs.json

cpu: .venv/ready ## record the run of chapter 9 again (resumes, over an hour)
	OMP_WAIT_POLICY=passive $(BIN)/python -m kdlite run cpu --out _runs/cpu
	cp _runs/cpu/results.json book/results/smollm2-cpu.json

stories: .venv/ready ## record the run of chapter 9's stories again (resumes, eight hours)
	OMP_WAIT_POLICY=passive $(BIN)/python -m kdlite run stories --out _runs/stories
	cp _runs/stories/results.json book/results/smollm2-stories.json
	cp _runs/stories/texts.json book/results/smollm2-stories-texts.json
	rm -rf book/results/weights && cp -r _runs/stories/weights book/results/weights

# What has a GPU may have no network: what python3 has installed must do there.
ON_GPU := $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON))

gpu: ## prove the code on one GPU and measure it (resumes, twelve minutes); DEVICE=cpu SCALE=tiny rehearses
	$(ON_GPU) -m benchmarks.gpu --device $(or $(DEVICE),cuda) --scale $(or $(SCALE),full) $(if $(WEIGHTS),--weights $(WEIGHTS))

gpu-record: ## record the profile gpu (resumes, by its plan five minutes of a large GPU)
	$(ON_GPU) -m kdlite run gpu --out _runs/gpu-record

sync: .venv/ready ## carry edits from book/text to the notebooks, or back, and write each first cell
	find book/text -name '*.md' -exec $(BIN)/jupytext --sync {} +
	$(BIN)/python tools/first_cells.py
	$(BIN)/python tools/tree.py
	find book/text -name '*.md' -exec $(BIN)/jupytext --sync {} +

lock: ## write requirements.txt from a clean install
	@set -eu -o pipefail; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder/venv"; \
	"$$folder/venv/bin/pip" install --quiet torch==2.13.0 '.[book,lm,pages,test]'; \
	echo '# Every package of the tested environment. Written by: make lock' > "$$folder/requirements.txt"; \
	"$$folder/venv/bin/pip" freeze --exclude kdlite | sed 's/+.*//' | grep -Ev '^(nvidia|cuda|triton)' \
	  >> "$$folder/requirements.txt"; \
	cp "$$folder/requirements.txt" requirements.txt

licences: .venv/ready ## write LICENSES.md from what is installed
	$(BIN)/python tools/licences.py

# The stamp says that the environment agrees with the two files that define it.
.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("kdlite needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 book")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

# What makes the pages of JupyterLite wants older releases than .venv has.
_build/lite/ready: book/lite/requirements.txt
	$(PYTHON) -m venv _build/lite
	_build/lite/bin/pip install --quiet --requirement book/lite/requirements.txt
	@touch $@

# With the development extras. No pinned version changes; pip knows dependency groups since 25.1.
.venv/dev: .venv/ready
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --constraint requirements.txt --group dev
	@touch $@

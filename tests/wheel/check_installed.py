"""
Check an installation of the wheel: ``python -I check_installed.py DAGS DOCUMENT [EXTRA ...]``.

tests/wheel/test_wheel.py runs this with the Python of an environment that has the wheel, Airflow and nothing else. So
it imports nothing of the tests. It ends with an error if Airflow does not see a part of the provider.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
PACKAGE = "airflow-provider-classify"
#: A module of each extra that only its packages provide.
MODULES = {
    "local": "pymupdf",
    "model": "pydantic_ai",
    "parquet": "pyarrow",
    "postgresql": "psycopg",
    "s3": "s3fs",
    "sentences": "model2vec",
    "service": "uvicorn",
}
#: The modules that the base installation must not have.
NOT_IN_BASE = ("pymupdf", "rapidocr", "onnxruntime", "model2vec", "pyarrow")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment."""
    return subprocess.run([str(BIN / program), *arguments], capture_output=True, text=True, check=False)


def listed(*arguments: str) -> list[dict[str, Any]]:
    """Return what a command of ``airflow`` lists."""
    done = run("airflow", *arguments, "--output", "json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout[done.stdout.index("[") :])
    return rows


def check_provider() -> None:
    """Airflow lists the provider, its hook, links, form, decorators, triggers, settings and plugin."""
    [provider] = [row for row in listed("providers", "list") if row["package_name"] == PACKAGE]
    assert provider["version"] == version(PACKAGE), provider

    from airflow.configuration import conf
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    hook = manager.hooks["classify"]
    assert hook is not None
    assert hook.hook_class_name == "airflow_provider_classify.hooks.classify.ClassifyHook"
    assert hook.package_name == PACKAGE
    links = {name for name in manager.extra_links_class_names if name.startswith("airflow_provider_classify")}
    assert len(links) == 2, links
    assert {"classify", "classify_branch"} <= manager.taskflow_decorators.keys()
    assert manager.field_behaviours["classify"]["relabeling"]["password"] == "API key"
    form = {name.rpartition("__")[2] for name in manager.connection_form_widgets if "classify" in name}
    assert {"backend", "evidence", "max_pages", "ocr"} <= form, form
    triggers = {trigger.trigger_class_name for trigger in manager.trigger if trigger.package_name == PACKAGE}
    modules = {name.rpartition(".")[2] for name in triggers}
    assert {"classify", "batch", "new_documents"} <= modules, triggers
    assert conf.getboolean("classify", "thumbnails") is True
    assert "classify" in {row["name"] for row in listed("plugins")}


def check_events() -> None:
    """The trigger of new documents is an event trigger that Airflow can store."""
    from airflow.triggers.base import BaseEventTrigger

    from airflow_provider_classify.triggers.new_documents import NewDocumentsTrigger

    trigger = NewDocumentsTrigger("/data/incoming", pattern="*.pdf")
    assert isinstance(trigger, BaseEventTrigger)
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_classify.triggers.new_documents.NewDocumentsTrigger"
    assert arguments["pattern"] == "*.pdf"


def check_dags(folder: str) -> None:
    """All example DAGs can be parsed, whatever extras are installed."""
    from airflow.models import DagBag

    bag = DagBag(folder)
    assert bag.import_errors == {}, bag.import_errors
    assert len(bag.dags) == len(list(Path(folder).glob("*.py")))


def check_command_line(document: str, *, can_classify: bool) -> None:
    """The command line classifies, or says in one sentence which extra it needs."""
    assert version(PACKAGE) in run("airflow-classify", "--version").stdout
    done = run("airflow-classify", "classify", "--categories", "invoice,letter", document)
    if can_classify:
        assert json.loads(done.stdout)["classification"] == "invoice", done.stdout + done.stderr
    else:
        assert done.returncode != 0
        assert "airflow-provider-classify[local]" in done.stdout + done.stderr


def check_extra(extra: str) -> None:
    """The modules of the extra can be imported."""
    importlib.import_module(MODULES.get(extra, "airflow_provider_classify"))


def main(dags: str, document: str, extras: list[str]) -> None:
    """Run all checks."""
    import airflow_provider_classify

    assert Path(airflow_provider_classify.__file__).is_relative_to(sys.prefix)
    if not extras:
        assert [name for name in NOT_IN_BASE if importlib.util.find_spec(name)] == []
    for extra in extras:
        check_extra(extra)
    check_provider()
    check_events()
    check_dags(dags)
    # The document is a text. The engine needs no reader for it, but numpy, which the extra `sentences` installs, too.
    check_command_line(document, can_classify=importlib.util.find_spec("numpy") is not None)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])

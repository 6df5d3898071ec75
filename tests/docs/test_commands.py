"""Check the commands of the README and of the documentation: run them, or check them as their program does."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import nullcontext, suppress
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from airflow_provider_classify import __version__, cli
from airflow_provider_classify.get_provider_info import get_provider_info
from airflow_provider_classify.hooks.classify import ClassifyHook
from tests.support.documents import write_pdf
from tests.support.markdown import ROOT, Block, blocks
from tests.support.packets import INVOICE_1, INVOICE_2, LETTER, write_packet

BIN = Path(sys.executable).parent
PACKAGE = "airflow-provider-classify"


def check_make(words: list[str], **_: object) -> None:
    """Make can build the targets. Nothing is built: other tests, or a person, run them."""
    subprocess.run(["make", "--dry-run", *words], cwd=ROOT, check=True, capture_output=True)


def check_pip(words: list[str], **_: object) -> None:
    """Pip is asked for this package, with extras that it has. tests/wheel installs the wheel with each of them."""
    assert words[0] == "install"
    named = [word for word in words[1:] if not word.startswith("-")]
    for word in named:
        # A folder or a wheel with its extras, or a requirement.
        match = re.fullmatch(r"(?P<path>\.|dist/[\w.-]+\.whl)(?:\[(?P<extras>[\w,]+)\])?", word)
        if match:
            assert match["path"] in (".", f"dist/airflow_provider_classify-{__version__}-py3-none-any.whl")
            extras = set(match["extras"].split(",")) if match["extras"] else set()
        elif Requirement(word).name != PACKAGE:  # a package of others that the tests run with
            assert re.search(
                rf"^{re.escape(Requirement(word).name)}==", (ROOT / "constraints.txt").read_text(), re.MULTILINE
            )
            continue
        else:
            extras = Requirement(word).extras
        assert extras <= set(metadata(PACKAGE).get_all("Provides-Extra") or [])


def check_export(words: list[str], monkeypatch: pytest.MonkeyPatch, **_: object) -> None:
    """The connection can be used, and the setting exists."""
    for word in words:
        name, _equals, value = word.partition("=")
        monkeypatch.setenv(name, value)
        if name.startswith("AIRFLOW_CONN_") and json.loads(value)["conn_type"] == "classify":
            assert ClassifyHook(name.removeprefix("AIRFLOW_CONN_").lower()).backend
        elif name.startswith("AIRFLOW__CLASSIFY__"):
            assert (
                name.removeprefix("AIRFLOW__CLASSIFY__").lower() in get_provider_info()["config"]["classify"]["options"]
            )
        else:  # another section or connection of Airflow, or the environment of the service
            assert re.fullmatch(r"AIRFLOW_HOME|AIRFLOW_(CONN)?_[A-Z_]+|CLASSIFY_(API_KEY|DATABASE)", name)


def check_airflow(words: list[str], tmp_path: Path, **_: object) -> None:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    commands = [words]
    if words[0] == "dags" and not (tmp_path / "airflow" / "airflow.db").exists():  # these commands need the DAGs
        commands = [["db", "migrate"], ["dags", "reserialize"], words]
    for command in commands:
        subprocess.run([str(BIN / "airflow"), *command], check=True, capture_output=True, env=environment)


def check_airflow_classify(words: list[str], block: Block, tmp_path: Path, **_: object) -> None:
    """The options exist. ``classify`` and ``split`` run on documents of the names that the command has."""
    if words[0] not in ("classify", "split"):  # tests/service and tests/cli run the others
        end = next((number for number, word in enumerate(words) if word in ("&", ">>")), len(words))
        with suppress(SystemExit) if words[0] == "--version" else nullcontext():
            cli.create_parser().parse_args(words[:end])
        return
    write_pdf(tmp_path / "a.pdf")
    write_pdf(tmp_path / "b.pdf", password="secret")
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "c.jpg").touch()
    if "packet.pdf" in words:
        write_packet(tmp_path / "packet.pdf", [LETTER, INVOICE_1, INVOICE_2])
    line = next(line for line in block.commands if line.startswith(f"airflow-classify {words[0]}"))
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode in (0, 1), done.stderr
    expected = [text for text in block.text.splitlines() if text.startswith("{")]
    for text, answer in zip(expected, done.stdout.splitlines(), strict=False):
        shown, real = json.loads(re.sub(r", …", "", text)), json.loads(answer)
        assert {name: real[name] for name in shown if shown[name] != "…"} == {
            name: value for name, value in shown.items() if value != "…"
        } | ({"confidence": real["confidence"]} if "confidence" in shown else {})


def check_program(words: list[str], **_: object) -> None:
    """A program of the environment of ``make``, which CONTRIBUTING.md names."""
    assert words[0].startswith(".venv/bin/")
    assert (BIN / Path(words[0]).name).exists()
    for word in words[1:]:
        if word.startswith("tests/"):
            assert (ROOT / word).exists()


def check_files(words: list[str], **_: object) -> None:
    """The files of the repository that the command reads exist. tests/deploy checks their content."""
    named = [word for word in words if word.startswith("deploy/") and not word.endswith("classify.env")]
    for word in named:
        assert (ROOT / word).is_file(), word


#: The programs in commands, with their checks.
CHECKS = {
    "airflow": check_airflow,
    "airflow-classify": check_airflow_classify,
    "cp": check_files,
    "curl": check_files,
    "docker": check_files,
    "export": check_export,
    "install": check_files,
    "make": check_make,
    "pip": check_pip,
    "python3": check_files,
    "systemctl": check_files,
}


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_the_commands_of_a_page_are_right(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert block.commands, "a console block has lines that begin with '$ '"
    for command in block.commands:
        words = shlex.split(command.rstrip("\\"), comments=True)
        while words[0] == "sudo" or re.match(r"^[A-Z_]+=", words[0]):  # environment variables of this command
            words.pop(0)
        if words[0].startswith(".venv/"):
            check_program(words)
            continue
        program = Path(words[0]).name
        assert program in CHECKS, f"no check for the command {program}; add one"
        CHECKS[program](words[1:], block=block, tmp_path=tmp_path, monkeypatch=monkeypatch)


def test_pre_commit_has_the_checks_of_make_lint() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} >= {"ruff", "ruff-format", "codespell", "mypy", "imports"}

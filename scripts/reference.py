"""
Write the parts of the reference that need the imported package: ``python scripts/reference.py FOLDER``.

``arguments.md`` has a table of all arguments of each operator, sensor and trigger, with the values of their defaults.
``command_line.md`` has the help of each command of ``airflow-classify``. ``make docs`` writes both before it builds the
pages that include them.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_classify.cli import create_parser
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.branch import ClassifyBranchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.operators.review import ClassificationReviewOperator
from airflow_provider_classify.operators.sharded_batch import classify_batch
from airflow_provider_classify.operators.sort import sort_by_route
from airflow_provider_classify.sensors.classify import ClassifySensor
from airflow_provider_classify.triggers.new_documents import NewDocumentsTrigger

PACKAGE = "airflow_provider_classify"


@dataclass(frozen=True)
class Entry:
    """
    A class or function whose arguments the reference lists.

    :param others: a class whose arguments the function also accepts, as keyword arguments.
    :param without: arguments of base classes or ``others`` that the class or function refuses or sets itself.
    :param note: a sentence below the table.
    """

    target: Callable[..., Any]
    others: type[Any] | None = None
    without: frozenset[str] = frozenset()
    note: str = ""


ENTRIES = (
    Entry(
        ClassifyOperator,
        note="`@task.classify` takes the same arguments, except `document`, which its function returns.",
    ),
    Entry(
        ClassifyBranchOperator,
        without=frozenset({"wait_for_completion", "end_from_trigger"}),
        note="`@task.classify_branch` takes the same arguments, except `document` and `result`.",
    ),
    Entry(ClassifyBatchOperator),
    Entry(classify_batch, others=ClassifyBatchOperator, without=frozenset({"shard"})),
    Entry(sort_by_route),
    Entry(ClassificationReviewOperator),
    Entry(ClassifySensor),
    Entry(NewDocumentsTrigger),
)


@dataclass(frozen=True)
class Argument:
    """
    An argument of an operator.

    :param default: the value as it is written in Python; ``None`` if the argument is required.
    :param meaning: the description of the argument, as Markdown.
    """

    name: str
    default: str | None
    meaning: str


def arguments(entry: Entry) -> list[Argument]:
    """Return the arguments of a class or function: its own, then those that it passes on to its base classes."""
    found: dict[str, inspect.Parameter] = {}
    meanings: dict[str, str] = {}
    for source in _sources(entry):
        for parameter in _parameters(source):
            if parameter.name not in entry.without:
                found.setdefault(parameter.name, parameter)
        for name, meaning in _meanings(source):
            meanings.setdefault(name, meaning)
    return [Argument(name, _default(found[name]), meanings.get(name, "")) for name in found]


def _sources(entry: Entry) -> Iterator[Any]:
    """Yield the functions and classes of the package that declare the arguments, the most derived first."""
    for target in filter(None, (entry.target, entry.others)):
        if not inspect.isclass(target):
            yield target
            continue
        yield from (cls for cls in target.__mro__ if cls.__module__.startswith(PACKAGE))


def _parameters(source: Any) -> list[inspect.Parameter]:
    function = source.__dict__.get("__init__") if inspect.isclass(source) else source
    if function is None:
        return []
    hidden = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = inspect.signature(function).parameters.values()
    return [parameter for parameter in parameters if parameter.kind not in hidden and parameter.name != "self"]


def _meanings(source: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the description of each ``:param …:`` in the docstring."""
    text = inspect.cleandoc(source.__doc__ or "")
    for name, meaning in re.findall(r"^:param (\w+):(.*?)(?=^:|\Z)", text, re.MULTILINE | re.DOTALL):
        yield name, _markdown(" ".join(meaning.split()))


def _markdown(text: str) -> str:
    """Return the text of a docstring as Markdown: roles and double backquotes become code."""
    text = re.sub(r":\w+:`~[\w.]*\.(\w+)`", r"`\1`", text)
    text = re.sub(r":\w+:(`[^`]+`)", r"\1", text)
    return text.replace("``", "`").replace("|", "\\|")


def _default(parameter: inspect.Parameter) -> str | None:
    return None if parameter.default is parameter.empty else repr(parameter.default)


def arguments_page() -> str:
    """Return a section with a table for each entry."""
    return "\n".join(line for entry in ENTRIES for line in _section(entry))


def _section(entry: Entry) -> Iterator[str]:
    yield from (f"## {entry.target.__name__}", "", "| argument | default | meaning |", "|---|---|---|")
    for argument in arguments(entry):
        default = "required" if argument.default is None else f"`{argument.default}`"
        yield f"| `{argument.name}` | {default} | {argument.meaning} |"
    yield from ("", entry.note, "") if entry.note else ("",)


def command_line_page() -> str:
    """Return the help of each command, as ``airflow-classify COMMAND --help`` prints it in 100 columns."""
    return "\n".join(
        f"## airflow-classify {name}\n\n```text\n{command.format_help().strip()}\n```\n"
        for name, command in _commands(create_parser())
    )


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    [commands] = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        command.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=100)
        yield name, command


def main(folder: Path) -> None:
    """Write the parts into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "arguments.md").write_text(arguments_page(), encoding="utf-8")
    (folder / "command_line.md").write_text(command_line_page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

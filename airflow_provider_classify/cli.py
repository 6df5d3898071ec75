"""
``airflow-classify``: the local engine from a shell, and as a service.

Nothing of Airflow is loaded here, so ``classify`` starts as fast as the engine does.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify import __version__
from airflow_provider_classify.engine.options import ATTACHMENT_MODES, OCR_MODES, EngineOptions
from airflow_provider_classify.exceptions import ClassifyError, ExtraNotInstalled, InvalidCategories
from airflow_provider_classify.model.categories import Category, parse_categories

if TYPE_CHECKING:
    from airflow_provider_classify.engine.sandbox.pool import EnginePool


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    :returns: the exit status: 0, 1 if a document failed, 2 for arguments that cannot be used, 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8 in every locale. A byte of a file name that is not UTF-8 becomes JSON's own \udc… escape.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return int(options.run(options))
    except ClassifyError as error:
        print(f"airflow-classify: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the output has gone (as with `| head`), so nothing more is written, also at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="airflow-classify", description="Classify documents with the local engine.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    classify = commands.add_parser("classify", help="classify files; one JSON object a line on stdout")
    names = classify.add_mutually_exclusive_group(required=True)
    names.add_argument(
        "--categories", metavar="A,B,…", action="append",
        help="category names, separated by commas; may be given several times",
    )  # fmt: skip
    names.add_argument(
        "--categories-file", metavar="FILE", type=Path,
        help='a JSON list of names or {"name", "description", "examples"} objects',
    )  # fmt: skip
    classify.add_argument(
        "--jobs", metavar="N", type=_at_least_one, help="processes that work at once (default: one for each core)"
    )
    _add_engine_options(classify)
    classify.add_argument("documents", metavar="FILE", nargs="+", help="documents to classify")
    classify.set_defaults(run=_classify)

    serve = commands.add_parser("serve", help="offer the engine over the classify API's HTTP contract")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8600, help="port to listen on (default: %(default)s)")
    serve.add_argument(
        "--data", metavar="FOLDER", type=Path, default=Path("classify-data"),
        help="where jobs and waiting uploads are kept (default: ./%(default)s)",
    )  # fmt: skip
    serve.add_argument(
        "--allow-anonymous", action="store_true",
        help="start without CLASSIFY_API_KEY on an address that other machines reach",
    )  # fmt: skip
    serve.add_argument(
        "--allow-private-urls", action="store_true",
        help="also fetch a file_url from loopback and private addresses, such as those of your own file servers",
    )  # fmt: skip
    _add_engine_options(serve)
    serve.epilog = "If CLASSIFY_API_KEY is set in the environment, every request must carry that key."
    serve.set_defaults(run=_serve)
    return parser


def _add_engine_options(command: argparse.ArgumentParser) -> None:
    defaults = EngineOptions()
    command.add_argument(
        "--max-pages", metavar="N", type=_at_least_one, default=defaults.max_pages,
        help="classify a document from its first N pages (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--document-types", metavar="FOLDER", type=Path, help="your own document types, beside the built-in ones"
    )
    command.add_argument(
        "--sentence-model", metavar="MODEL",
        help="a static sentence model for names that are not known: a folder, or a name on the Hugging Face hub",
    )  # fmt: skip
    command.add_argument(
        "--ocr", choices=OCR_MODES, default=defaults.ocr,
        help="read pages by OCR where the text layer lacks what the page shows (auto), always, or never "
        "(default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--attachments", choices=ATTACHMENT_MODES, default=defaults.attachments,
        help="leave the attachments of an e-mail out, or give each a result of its own (default: %(default)s)",
    )  # fmt: skip


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a number of at least 1")
    return int(text)


def _classify(options: argparse.Namespace) -> int:
    from airflow_provider_classify.engine.cores import available_cores
    from airflow_provider_classify.engine.sandbox.pool import EnginePool

    categories = _categories(options)
    engine_options = _engine_options(options)
    if engine_options.document_types:
        from airflow_provider_classify.engine.knowledge.load import load_knowledge

        load_knowledge(engine_options.document_types)  # Otherwise each document would fail for a mistake in the folder.
    documents: list[str] = options.documents
    size = min(options.jobs or available_cores(), len(documents))
    failed = 0
    with EnginePool(size, engine_options) as pool, _progress(len(documents)) as print_line:
        for answer in _answers(pool, size, documents, categories):
            failed += "error" in answer
            print_line(json.dumps(answer, ensure_ascii=False))
    return 1 if failed else 0


def _engine_options(options: argparse.Namespace) -> EngineOptions:
    sentence_model = None
    if options.sentence_model:
        from airflow_provider_classify.local.model_hub import find_sentence_model

        sentence_model = find_sentence_model(options.sentence_model)
    return EngineOptions(
        max_pages=options.max_pages,
        document_types=options.document_types,
        sentence_model=sentence_model,
        ocr=options.ocr,
        attachments=options.attachments,
    )


def _categories(options: argparse.Namespace) -> tuple[Category, ...]:
    if options.categories is not None:
        names = ",".join(options.categories).split(",")
        return parse_categories([name for name in names if name.strip()])
    try:
        text = options.categories_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCategories(f"The categories file {options.categories_file} cannot be read ({error}).") from error
    return parse_categories(text)


def _answers(
    pool: EnginePool, size: int, documents: Sequence[str], categories: Sequence[Category]
) -> Iterator[dict[str, Any]]:
    """Yield the answers in the order of the documents, each as soon as it is known."""

    def answer(document: str) -> dict[str, Any]:
        try:
            _require_file(document)
            result = pool.classify(Path(document), categories, name=document)
        except ClassifyError as error:
            return {"document": document, "error": str(error)}
        return {"document": document, **result.to_json()}

    with ThreadPoolExecutor(size) as threads:
        try:
            yield from threads.map(answer, documents)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _require_file(document: str) -> None:
    """Refuse an empty name, and what would hang the engine's process, such as a named pipe."""
    from airflow_provider_classify.documents.reference import parse_reference
    from airflow_provider_classify.documents.regular_file import require_regular_file

    parse_reference(document)
    # The engine itself says what is missing or cannot be looked at.
    with suppress(OSError, ValueError):  # ValueError: a null byte
        require_regular_file(Path(document), document)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """Provide the function that prints a line, with a progress bar on stderr if a person is looking there."""
    if not sys.stderr.isatty():
        yield _print_line
        return
    from rich.console import Console
    from rich.progress import Progress

    is_shared = sys.stdout.isatty()  # the bar has to make room for each line
    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("Classifying", total=total)

        def print_line(line: str) -> None:
            if is_shared:
                # As it is: no wrapping, and [local] is no markup.
                console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
            else:
                _print_line(line)
            progress.advance(bar)

        yield print_line


def _print_line(line: str) -> None:
    print(line, flush=True)


def _serve(options: argparse.Namespace) -> int:
    try:
        from airflow_provider_classify.service.server import serve
    except ModuleNotFoundError as error:
        raise ExtraNotInstalled(
            f"The service needs {error.name}; install airflow-provider-classify[service,local]."
        ) from error

    serve(
        host=options.host,
        port=options.port,
        data_dir=options.data,
        options=_engine_options(options),
        allow_anonymous=options.allow_anonymous,
        allow_private_urls=options.allow_private_urls,
    )
    return 0

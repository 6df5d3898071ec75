"""
The command ``airflow-classify``, which runs the local engine in a shell or as a service.

It does not import Airflow, so that it starts fast.
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
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from airflow_provider_classify import __version__
from airflow_provider_classify.documents.example_folder import with_listed_examples
from airflow_provider_classify.engine.options import (
    ATTACHMENT_MODES,
    OCR_MODES,
    EngineOptions,
    MaxPages,
    parse_max_pages,
)
from airflow_provider_classify.exceptions import (
    ClassifyError,
    DocumentNotAFile,
    ExtraNotInstalled,
    InvalidCategories,
    InvalidOutput,
)
from airflow_provider_classify.model.categories import Category, parse_categories
from airflow_provider_classify.model.xcom import failure_fields

if TYPE_CHECKING:
    from airflow_provider_classify.engine.sandbox.pool import EnginePool, EngineProcess


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    :returns: the exit status: 0 for success, 1 if a document failed, 2 for invalid arguments, 130 after Ctrl-C.
    """
    options = create_parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8 in every locale. A byte of a file name that is not UTF-8 becomes a \udc… escape of JSON.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return int(options.run(options))
    except ClassifyError as error:
        print(f"airflow-classify: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the output has ended, as with `| head`. Python must not write to the output at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def create_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line. The reference in the documentation is made from it."""
    parser = argparse.ArgumentParser(prog="airflow-classify", description="Classify documents with the local engine.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    classify = commands.add_parser("classify", help="classify files and print one line of JSON for each")
    _add_documents(classify)
    classify.set_defaults(run=_classify, to=None)

    split = commands.add_parser("split", help="write each document of packets as a PDF of its own")
    split.add_argument("--to", metavar="FOLDER", type=Path, required=True, help="folder for the PDFs")
    _add_documents(split)
    split.set_defaults(run=_classify, max_pages="all")

    serve = commands.add_parser("serve", help="run a server that offers the engine as a classify API")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8600, help="port to listen on (default: %(default)s)")
    serve.add_argument(
        "--data", metavar="FOLDER", type=Path, default=Path("classify-data"),
        help="folder for the record of jobs and for uploads (default: ./%(default)s)",
    )  # fmt: skip
    serve.add_argument(
        "--allow-anonymous", action="store_true",
        help="allow a start without CLASSIFY_API_KEY on an address that other machines can reach",
    )  # fmt: skip
    serve.add_argument(
        "--allow-private-urls", action="store_true",
        help="allow a file_url with a loopback or private address, such as that of your own file server",
    )  # fmt: skip
    _add_engine_options(serve)
    serve.epilog = "If CLASSIFY_API_KEY is set in the environment, every request must carry that key."
    serve.set_defaults(run=_serve)
    return parser


def _add_documents(command: argparse.ArgumentParser) -> None:
    names = command.add_mutually_exclusive_group(required=True)
    names.add_argument(
        "--categories", metavar="A,B,…", action="append",
        help="category names, separated by commas; the option can be repeated",
    )  # fmt: skip
    names.add_argument(
        "--categories-file", metavar="FILE", type=Path,
        help='a JSON file with a list of names or of {"name", "description", "examples"} objects',
    )  # fmt: skip
    command.add_argument(
        "--jobs", metavar="N", type=_at_least_one, help="number of processes, at least 1 (default: one for each core)"
    )
    _add_engine_options(command)
    command.add_argument("documents", metavar="FILE", nargs="+", help="documents to classify")


def _add_engine_options(command: argparse.ArgumentParser) -> None:
    defaults = EngineOptions()
    command.add_argument(
        "--max-pages", metavar="N", type=_max_pages, default=defaults.max_pages,
        help="number of first pages that are classified, at least 1, or all (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--document-types",
        metavar="FOLDER",
        type=Path,
        help="folder with document types of your own, in addition to the built-in ones",
    )
    command.add_argument(
        "--sentence-model", metavar="MODEL",
        help="static sentence model for unknown category names: a folder, or a name on the Hugging Face hub",
    )  # fmt: skip
    command.add_argument(
        "--model", metavar="FILE", type=Path,
        help="model that make train has fitted on your own documents, in place of the built-in one",
    )  # fmt: skip
    command.add_argument(
        "--ocr", choices=OCR_MODES, default=defaults.ocr,
        help="when to read pages by OCR; auto: if the page shows more than its text layer has (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--attachments", choices=ATTACHMENT_MODES, default=defaults.attachments,
        help="ignore the attachments of an e-mail, or classify each of them (default: %(default)s)",
    )  # fmt: skip


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _max_pages(text: str) -> MaxPages:
    try:
        return parse_max_pages(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _classify(options: argparse.Namespace) -> int:
    from airflow_provider_classify.engine.cores import available_cores
    from airflow_provider_classify.engine.sandbox.pool import EnginePool

    categories = _categories(options)
    engine_options = _engine_options(options)
    if engine_options.document_types:
        from airflow_provider_classify.engine.knowledge.load import load_knowledge

        load_knowledge(engine_options.document_types)  # A wrong folder is one error, not one error for each document.
    if engine_options.model:
        from airflow_provider_classify.engine.learned.model import load_model

        load_model(engine_options.model)
    documents: list[str] = options.documents
    size = min(options.jobs or available_cores(), len(documents))
    failed = 0
    with EnginePool(size, engine_options) as pool, _progress(len(documents)) as print_line:
        for answer in _answers(pool, size, documents, categories, options.to):
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
        model=options.model,
        ocr=options.ocr,
        attachments=options.attachments,
    )


def _categories(options: argparse.Namespace) -> tuple[Category, ...]:
    if options.categories is not None:
        names = ",".join(options.categories).split(",")
        return parse_categories([name for name in names if name.strip()])
    return _categories_in(options.categories_file)


def _categories_in(file: Path) -> tuple[Category, ...]:
    """Return the categories in a JSON file. :raises InvalidCategories: it has none. The error names the file."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidCategories(
            f"The categories file {str(file)!r} cannot be read ({error.strerror}); give the path of a JSON file."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidCategories(
            f"The categories file {str(file)!r} is not JSON in UTF-8; write a list of names to it, such as "
            '["invoice", "receipt"], or of objects with "name" and "description".'
        ) from error
    try:
        # One name is one category. parse_categories() would read it as JSON once more.
        return with_listed_examples(parse_categories([value] if isinstance(value, str) else value))
    except InvalidCategories as error:
        raise InvalidCategories(f"The categories file {str(file)!r}: {error}") from error


def _answers(
    pool: EnginePool, size: int, documents: Sequence[str], categories: Sequence[Category], split_to: Path | None
) -> Iterator[dict[str, Any]]:
    """Yield an answer for each document, in their order, as soon as it is known."""

    def answer(document: str) -> dict[str, Any]:
        try:
            _require_file(document)
            with pool.process() as process:
                result = process.classify(Path(document), categories, name=document).to_json()
                if split_to is not None:
                    result["documents"] = _split(process, document, result, split_to)
        except ClassifyError as error:
            return {"document": document} | failure_fields(str(error), error.kind)
        return {"document": document, **result}

    with ThreadPoolExecutor(size) as threads:
        try:
            yield from threads.map(answer, documents)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _split(process: EngineProcess, document: str, result: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Write the documents of a packet to the folder; replace files of these names. Return them with their paths."""
    from airflow_provider_classify.engine.packets.write import write_pieces

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".split-") as writing:
            pieces = list(write_pieces(process, Path(document), result, Path(writing), name=document))
            return [{"document": str(file.replace(folder / file.name)), **found} for file, found in pieces]
    except OSError as error:
        raise InvalidOutput(
            f"The documents of {document!r} cannot be written to the folder {str(folder)!r} ({error.strerror}); "
            "check its permissions and its disk."
        ) from error


def _require_file(document: str) -> None:
    """
    Raise an error for an empty name, for a folder, and for a named pipe or device.

    A named pipe or a device could block the engine's process.
    """
    from airflow_provider_classify.documents.reference import parse_reference
    from airflow_provider_classify.documents.regular_file import require_regular_file

    parse_reference(document)
    # The engine reports a missing file itself.
    with suppress(OSError, ValueError):  # ValueError: a null byte
        if Path(document).is_dir():
            files = f"{document.rstrip('/')}/*"
            raise DocumentNotAFile(f"The document {document} is a folder; name its files, as in {files}.")
        require_regular_file(Path(document), document)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """Provide a function that prints a line. If stderr is a terminal, show a progress bar there."""
    if not sys.stderr.isatty():
        yield _print_line
        return
    from rich.console import Console
    from rich.progress import Progress

    is_shared = sys.stdout.isatty()  # the lines and the progress bar are on one terminal
    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("Classifying", total=total)

        def print_line(line: str) -> None:
            if is_shared:
                # Print the line unchanged: do not wrap it, and do not read [local] as markup.
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

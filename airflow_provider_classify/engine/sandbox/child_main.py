"""
Run the engine's child process: read each request as a line of JSON, and write its reply as a line of JSON.

:class:`airflow_provider_classify.engine.sandbox.pool.EngineProcess` starts it. It ends when its input ends, when its
parent ends, or when a document takes longer than its time limit.

A request has ``path``, ``name`` and ``deadline``. With ``categories``, it asks for a classification; with ``targets``,
it asks to write documents of a packet; with ``form``, it asks what the pages show; otherwise it asks for a thumbnail.

A reply has either ``result``, or ``kind`` and ``message`` of an error. The result is the fields of a
``ClassificationResult`` or of a ``DocumentContent``, a thumbnail in Base64, or null.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_classify.engine.freed_memory import is_out_of_memory
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.lifetime import end_with_parent, let_alarm_kill, time_limit
from airflow_provider_classify.exceptions import ClassifyError, DocumentCrashedParser, ExtraNotInstalled
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.engine.classify import Classifier
    from airflow_provider_classify.engine.knowledge.document_type import Knowledge

#: The most classifiers that a child keeps, one for each set of categories. A caller rarely uses more at a time.
_CLASSIFIERS = 8
#: The collector runs after this many new objects (see ``gc.set_threshold``). Reading a page creates thousands of
#: objects, and almost none of them is in a reference cycle.
_OBJECTS_BETWEEN_COLLECTIONS = 20_000


def main(options: EngineOptions, parent: int) -> None:
    """
    Serve requests until the input ends.

    :param parent: the process id of the process that started this one.
    """
    end_with_parent(parent)
    let_alarm_kill()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(options.niceness)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    _limit_memory(options.memory_mb * 1024**2)
    requests, replies = _take_pipes()
    for line in requests:
        request = json.loads(line)
        with time_limit(request["deadline"]):
            reply = _reply(request, options)
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()


def _limit_memory(limit: int) -> None:
    """
    Limit the memory of this process to ``limit`` bytes, or to a lower limit that is set already.

    RLIMIT_DATA is used, because onnxruntime reserves much more address space (RLIMIT_AS) than it uses.
    """
    _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
    if hard_limit != resource.RLIM_INFINITY:
        limit = min(limit, hard_limit)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Return standard input and output for requests and replies. Output of libraries goes to standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, replies


def _reply(request: dict[str, Any], options: EngineOptions) -> dict[str, Any]:
    name = request["name"]
    try:
        result = _result(request, options)
    except ClassifyError as error:
        return {"kind": error.kind, "message": str(error)}
    except ModuleNotFoundError as error:
        message = f"The local engine needs {error.name}; install airflow-provider-classify[local]."
        return {"kind": ExtraNotInstalled.__name__, "message": message}
    except Exception as error:  # a parser can raise any error for a damaged file, and the child must reply
        return {"kind": DocumentCrashedParser.__name__, "message": _message(error, name, options.memory_mb)}
    return {"result": result}


def _result(request: dict[str, Any], options: EngineOptions) -> Any:
    if "categories" in request:
        return _classify(request, options)
    if "form" in request:
        return _contents(request, options)
    return _split(request) if "targets" in request else _thumbnail(request)


def _classify(request: dict[str, Any], options: EngineOptions) -> dict[str, Any]:
    categories = tuple(
        Category(**{**fields, "examples": tuple(fields["examples"])}) for fields in request["categories"]
    )
    return asdict(_classifier(categories, options).classify(Path(request["path"]), name=request["name"]))


def _contents(request: dict[str, Any], options: EngineOptions) -> dict[str, Any]:
    from airflow_provider_classify.engine.reading.contents import read_contents

    asked = {name: request[name] for name in ("name", "form", "longest_side")}
    return read_contents(Path(request["path"]), options=options, **asked).to_json()


def _split(request: dict[str, Any]) -> None:
    from airflow_provider_classify.engine.packets.split import split_file

    targets = [(Path(target), pages) for target, pages in request["targets"]]
    split_file(Path(request["path"]), targets, name=request["name"], page_count=request["page_count"])


def _thumbnail(request: dict[str, Any]) -> str | None:
    from airflow_provider_classify.engine.thumbnail import thumbnail

    size = {"longest_side": request["longest_side"]} if "longest_side" in request else {}
    picture = thumbnail(Path(request["path"]), name=request["name"], **size)
    return base64.b64encode(picture).decode() if picture else None


@lru_cache(maxsize=_CLASSIFIERS)
def _classifier(categories: tuple[Category, ...], options: EngineOptions) -> Classifier:
    knowledge = _knowledge(options.document_types)
    # Imported with the first document, so that a missing library is reported in a reply.
    from airflow_provider_classify.engine.classify import Classifier

    sentence_model = None
    if options.sentence_model:
        from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

        sentence_model = SentenceModel(options.sentence_model)
    return Classifier(categories, options, knowledge=knowledge, sentence_model=sentence_model)


@lru_cache(maxsize=1)
def _knowledge(document_types: Path | None) -> Knowledge:
    with _kept_until_exit():
        from airflow_provider_classify.engine import classify  # noqa: F401 - its modules are kept, too
        from airflow_provider_classify.engine.knowledge.load import load_knowledge
        from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled_knowledge

        knowledge = load_knowledge(document_types)
        compiled_knowledge(knowledge)
    return knowledge


@contextmanager
def _kept_until_exit() -> Iterator[None]:
    """
    Exclude the objects that the block creates from garbage collection, because they are kept until the process ends.

    The collector would examine them repeatedly, also while they are created.
    """
    gc.collect()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _message(error: Exception, name: str, memory_mb: int) -> str:
    if is_out_of_memory(error):
        return (
            f"The document {name!r} needs more memory than the {memory_mb} MB that its parser may use; "
            "split it, or raise the limit."
        )
    return (
        f"The parser failed on the document {name!r} with {type(error).__name__}: {error}; "
        "save it again, or in another format."
    )


if __name__ == "__main__":
    main(EngineOptions.from_json(sys.argv[1]), parent=int(sys.argv[2]))

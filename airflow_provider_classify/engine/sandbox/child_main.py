"""
The engine's child process: reads requests as lines of JSON, answers each with one.

Started by :class:`airflow_provider_classify.engine.sandbox.pool.EngineProcess` only. It ends when its
input does: between documents because there is nothing to read, within a document by a signal,
since a parser that hangs in C never comes back to read.

A request has ``path``, ``name`` and ``categories``; a reply has either ``result``,
the fields of a ``ClassificationResult``, or ``kind`` and ``message`` of an error.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import sys
import time
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.engine.memory import is_out_of_memory
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.exceptions import ClassifyError, DocumentCrashedParser
from airflow_provider_classify.model.categories import Category, parse_categories

if TYPE_CHECKING:
    from airflow_provider_classify.engine.classify import Classifier

#: Sets of categories whose meanings are kept; a caller hardly uses more at a time.
_CLASSIFIERS = 8


def main(options: EngineOptions) -> None:
    """Serve requests until the input ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(options.memory_mb * 1024**2)
    requests, replies = _take_channel()
    fcntl.fcntl(requests, fcntl.F_SETOWN, os.getpid())
    for request in requests:
        _die_with_parent(requests, True)
        reply = _reply(json.loads(request), options)
        # Before the reply is out: the next request may follow at once.
        _die_with_parent(requests, False)
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()


def _limit_memory(wanted: int) -> None:
    """
    Let the kernel refuse more memory than this, or than the limit that is set already.

    RLIMIT_DATA rather than RLIMIT_AS: onnxruntime and its threads reserve address space of
    which they never use half, so a limit on it would say little about memory.
    """
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _take_channel() -> tuple[Any, Any]:
    """Take standard input and output for requests and replies; what libraries print goes to standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, replies


def _die_with_parent(requests: Any, wanted: bool) -> None:
    """
    Let the end of the input kill this process, by SIGIO; requests themselves must not.

    PR_SET_PDEATHSIG would not do: it fires when the *thread* ends that started the child.
    """
    flags = fcntl.fcntl(requests, fcntl.F_GETFL)
    if not wanted:
        fcntl.fcntl(requests, fcntl.F_SETFL, flags & ~os.O_ASYNC)
        return
    # The kernel sends the signal for a request after it has woken the reader, who may be here by then.
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(requests, fcntl.F_SETFL, flags | os.O_ASYNC)
    time.sleep(0.002)
    signal.signal(signal.SIGIO, signal.SIG_DFL)


def _reply(request: dict[str, Any], options: EngineOptions) -> dict[str, Any]:
    name = request["name"]
    try:
        categories = parse_categories(request["categories"])
        result = _classifier(categories, options).classify(Path(request["path"]), name=name)
    except ClassifyError as error:
        return {"kind": error.kind, "message": str(error)}
    except Exception as error:
        return {"kind": DocumentCrashedParser.__name__, "message": _message(error, name, options.memory_mb)}
    return {"result": asdict(result)}


@lru_cache(maxsize=_CLASSIFIERS)
def _classifier(categories: tuple[Category, ...], options: EngineOptions) -> Classifier:
    # Imported with the first document, so that an install without the extra answers rather than dies.
    from airflow_provider_classify.engine.classify import Classifier
    from airflow_provider_classify.engine.knowledge.load import load_knowledge

    sentence_model = None
    if options.sentence_model:
        from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

        sentence_model = SentenceModel(options.sentence_model)
    return Classifier(
        categories,
        options,
        knowledge=load_knowledge(options.document_types),
        sentence_model=sentence_model,
    )


def _message(error: Exception, name: str, memory_mb: int) -> str:
    if is_out_of_memory(error):
        return (
            f"The document {name!r} needs more memory than the {memory_mb} MB that its parser may use; "
            "split it, or raise the limit."
        )
    return (
        f"The parser failed on the document {name!r} with {type(error).__name__}: {error}; "
        "save it anew, or in another format."
    )


if __name__ == "__main__":
    main(EngineOptions.from_json(sys.argv[1]))

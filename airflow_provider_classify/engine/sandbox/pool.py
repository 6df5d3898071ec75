"""
The engine in child processes, so that a document can harm its own classification and nothing else.

Parsers of untrusted files crash, hang and eat memory. Here a document that does so fails with an
error of its own, while the caller, an Airflow worker or a server, goes on.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from queue import LifoQueue
from typing import Any, Self

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.child_process import Child, ChildDied
from airflow_provider_classify.engine.sandbox.cores import available_cores
from airflow_provider_classify.exceptions import (
    DocumentCrashedParser,
    DocumentTookTooLong,
    EngineClosed,
    EngineNotStarted,
    error_of_kind,
)
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import ClassificationResult, PageResult

#: A child is replaced after this many documents, lest what parsers leak adds up.
DOCUMENTS_PER_CHILD = 1000
#: How a child dies that believes its parent dead; see ``child_main._die_with_parent``.
_LEFT_ALONE = "SIGIO"


class EngineProcess:
    """
    One warm child that classifies one document at a time; others wait their turn.

    It starts with the first document, and again after one that killed it.

    :param options: the engine's options; the defaults if None.
    """

    def __init__(self, options: EngineOptions | None = None) -> None:
        self._options = options or EngineOptions()
        self._turn = threading.Lock()
        # Guards the two below, so that no child is started after close; a signal handler may close.
        self._state = threading.RLock()
        self._child: Child | None = None
        self._closed = False

    def classify(self, path: Path, categories: Sequence[Category], *, name: str) -> ClassificationResult:
        """
        Classify a document; ``name`` is what errors call it.

        The child reads the categories' examples and asks the sentence model once, in the time of the first document.

        :raises DocumentTookTooLong: stopped at the time limit.
        :raises DocumentCrashedParser: the parser died, failed or reached its memory limit.
        :raises ClassifyError: what :class:`Classifier` raises.
        :raises EngineClosed: :meth:`close` was called, before or meanwhile.
        :raises EngineNotStarted: the child cannot even start.
        """
        request = {
            "path": str(path.absolute()),
            "name": name,
            "categories": [asdict(_with_absolute_examples(category)) for category in categories],
        }
        with self._turn:
            reply = self._ask(request, name)
        if "result" in reply:
            return _result(reply["result"])
        raise error_of_kind(reply["kind"], reply["message"])

    def close(self) -> None:
        """Stop the child at once, whatever it is doing."""
        with self._state:
            self._closed = True
            if self._child is not None:
                self._child.kill()
        # Else a document is being read: whoever waits for it sees the child's death and lets go of it.
        if self._turn.acquire(blocking=False):
            self._discard()
            self._turn.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _ask(self, request: Mapping[str, Any], name: str, tries_left: int = 3) -> dict[str, Any]:
        child = self._living_child()
        try:
            reply = child.ask(json.dumps(request).encode() + b"\n", time.monotonic() + self._options.seconds)
        except ChildDied as death:
            self._discard()
            if str(death) == _LEFT_ALONE and tries_left and not self._closed:
                # Its watch over this process went off though this process lives: seen on a quiet machine. It says
                # nothing about the document.
                return self._ask(request, name, tries_left - 1)
            if self._closed:
                raise EngineClosed(f"The engine was shut down while it read the document {name!r}.") from death
            if child.served == 1 and death.exit_code > 0:
                raise EngineNotStarted(
                    f"The engine for the document {name!r} did not start ({death}); check the install of this package."
                ) from death
            raise DocumentCrashedParser(
                f"The parser died on the document {name!r} ({death}); save it anew, or in another format."
            ) from death
        except TimeoutError as error:
            self._discard()
            raise self._took_too_long(name) from error
        except BaseException:
            # Interrupted: a late reply would pass for the next document's.
            self._discard()
            raise
        if reply.get("kind") == DocumentCrashedParser.__name__ or child.served >= DOCUMENTS_PER_CHILD:
            self._discard()
        return reply

    def _took_too_long(self, name: str) -> DocumentTookTooLong:
        limit = f"{self._options.seconds:g} seconds"
        return DocumentTookTooLong(f"The document {name!r} was not read within {limit}; split it, or raise the limit.")

    def _living_child(self) -> Child:
        if self._child is not None and not self._child.is_usable():
            self._discard()
        with self._state:
            if self._closed:
                raise EngineClosed("The engine is closed; make a new one.")
            if self._child is None:
                self._child = Child([self._options.to_json()])
            return self._child

    def _discard(self) -> None:
        with self._state:
            child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.let_go()


class EnginePool:
    """
    Several children for several documents at once. Thread-safe: callers bring their own threads.

    :param size: documents at once; the available cores if None.
    :param options: the options of each child, the defaults if None. Without ``threads`` the children share the cores.
    """

    def __init__(self, size: int | None = None, options: EngineOptions | None = None) -> None:
        self.size = size or available_cores()
        options = options or EngineOptions()
        if options.threads is None:
            options = replace(options, threads=max(1, available_cores() // self.size))
        self._processes = [EngineProcess(options) for _ in range(self.size)]
        # The last one given back is taken first: few documents keep few children, and those warm.
        self._free: LifoQueue[EngineProcess] = LifoQueue()
        for process in self._processes:
            self._free.put(process)

    def classify(self, path: Path, categories: Sequence[Category], *, name: str) -> ClassificationResult:
        """Classify as :meth:`EngineProcess.classify` does; waits while all children are busy."""
        process = self._free.get()
        try:
            return process.classify(path, categories, name=name)
        finally:
            self._free.put(process)

    def close(self) -> None:
        """Stop all children at once; documents being read, or waiting, fail with ``EngineClosed``."""
        for process in self._processes:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _with_absolute_examples(category: Category) -> Category:
    """The child may have been started in another folder."""
    return replace(category, examples=tuple(str(Path(example).absolute()) for example in category.examples))


def _result(fields: dict[str, Any]) -> ClassificationResult:
    pages = tuple(PageResult(**page) for page in fields.pop("page_results"))
    return ClassificationResult(page_results=pages, **fields)

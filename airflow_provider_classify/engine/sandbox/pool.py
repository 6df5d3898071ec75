"""
Run the engine in child processes, so that a document can harm only its own classification.

Parsers of untrusted files crash, hang and use up memory. A document that causes this fails with its own error, and
the caller, an Airflow worker or a server, continues.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from queue import LifoQueue
from tempfile import TemporaryDirectory
from typing import Any, Self

from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.page_contents import DocumentContent, PageForm
from airflow_provider_classify.engine.sandbox.child_process import Child, ChildDied
from airflow_provider_classify.exceptions import (
    ClassifyError,
    DocumentCrashedParser,
    DocumentTookTooLong,
    EngineClosed,
    EngineNotStarted,
    error_of_kind,
)
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult, PageResult

#: Documents after which a child is replaced, because parsers leak memory.
DOCUMENTS_PER_CHILD = 1000


class EngineProcess:
    """
    A child process that reads one document at a time; further callers wait.

    The first document starts the child, and later ones reuse it. If a document ends the child, the next document
    starts a new one.

    :param options: the engine's options; the defaults if None.
    :param documents_per_child: documents after which the child is replaced.
    """

    def __init__(self, options: EngineOptions | None = None, *, documents_per_child: int = DOCUMENTS_PER_CHILD) -> None:
        self._options = options or EngineOptions()
        self._documents_per_child = documents_per_child
        # A caller holds it while the child reads its document.
        self._turn = threading.Lock()
        # Guards the two fields below, so that no child starts after close(). A signal handler may call close().
        self._state = threading.RLock()
        self._child: Child | None = None
        self._closed = False
        #: How many children have started.
        self.starts = 0
        #: Why the last child did not start; ``None`` if it did.
        self.start_failure: EngineNotStarted | None = None

    def classify(self, path: str | Path, categories: Sequence[Category], *, name: str) -> ClassificationResult:
        """
        Classify a document.

        With the first document of a set of categories, the child also reads their examples and the sentence model.

        :param path: the document's file. A text must be an absolute path.
        :param name: the document's name in errors.
        :raises DocumentTookTooLong: the time limit was reached.
        :raises DocumentCrashedParser: the parser crashed, failed or reached its memory limit.
        :raises ClassifyError: the errors of :class:`~airflow_provider_classify.engine.classify.Classifier`.
        :raises EngineClosed: :meth:`close` was called before or during this call.
        :raises EngineNotStarted: the child did not start.
        """
        asked = [asdict(_with_absolute_examples(category)) for category in categories]
        return _result(self._answer(path, name, categories=asked))

    def thumbnail(self, path: str | Path, *, name: str, longest_side: int | None = None) -> str | None:
        """
        Return a picture of a document's first page; see :func:`~airflow_provider_classify.engine.thumbnail.thumbnail`.

        :param longest_side: the most pixels of a side; ``None`` for enough to read the page.
        :returns: a JPEG in Base64; ``None`` if the document has no pages to draw, or if the picture is too large.
        :raises ClassifyError: as :meth:`classify`.
        """
        size = {} if longest_side is None else {"longest_side": longest_side}
        picture: str | None = self._answer(path, name, **size)
        return picture

    def contents(self, path: Path, *, name: str, form: PageForm, longest_side: int) -> DocumentContent:
        """
        Return what the first pages of a document show; see
        :func:`~airflow_provider_classify.engine.reading.contents.read_contents`.

        :raises ClassifyError: as :meth:`classify`.
        """
        return DocumentContent.from_json(self._answer(path, name, form=form, longest_side=longest_side))

    def split(self, path: Path, targets: Sequence[tuple[Path, Sequence[int]]], *, name: str, page_count: int) -> None:
        """
        Write documents of a packet as PDFs; see :func:`~airflow_provider_classify.engine.packets.split.split_file`.

        :raises ClassifyError: as :meth:`classify`.
        """
        listed = [(str(target.absolute()), list(pages)) for target, pages in targets]
        self._answer(path, name, targets=listed, page_count=page_count)

    def _answer(self, path: str | Path, name: str, **asked: Any) -> Any:
        """Ask the child about a document and return its answer. :raises ClassifyError: the error of its reply."""
        absolute = path if isinstance(path, str) else str(path.absolute())
        with self._turn:
            reply = self._ask({"path": absolute, "name": name, **asked}, name)
        if "result" in reply:
            return reply["result"]
        raise error_of_kind(reply["kind"], reply["message"])

    def close(self) -> None:
        """Stop the child immediately, even while it reads a document."""
        with self._state:
            self._closed = True
            if self._child is not None:
                self._child.kill()
        # If a document is being read, the thread that waits for it sees the child's end and closes the pipes.
        if self._turn.acquire(blocking=False):
            self._discard()
            self._turn.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _ask(self, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        child = self._living_child()
        deadline = time.monotonic() + self._options.seconds
        try:
            reply = child.ask(json.dumps({**request, "deadline": deadline}).encode() + b"\n", deadline)
        except ChildDied as death:
            self._discard()
            error = self._error_of(death, name, is_first=child.served == 1)
            if isinstance(error, EngineNotStarted):
                self.start_failure = error
            raise error from death
        except TimeoutError as error:
            self._discard()
            raise self._took_too_long(name) from error
        except BaseException:
            # The wait was interrupted. End the child, because its late reply would be taken for the next one.
            self._discard()
            raise
        self.start_failure = None
        if reply.get("kind") == DocumentCrashedParser.__name__ or child.served >= self._documents_per_child:
            self._discard()
        return reply

    def _error_of(self, death: ChildDied, name: str, *, is_first: bool) -> ClassifyError:
        if self._closed:
            return EngineClosed(f"The engine was shut down while it read the document {name!r}.")
        if death.exit_code == -signal.SIGALRM:
            return self._took_too_long(name)
        if is_first and death.exit_code > 0:
            return EngineNotStarted(
                f"The engine for the document {name!r} did not start ({death}); check the install of this package."
            )
        return DocumentCrashedParser(
            f"The parser crashed on the document {name!r} ({death}); save it again, or in another format."
        )

    def _took_too_long(self, name: str) -> DocumentTookTooLong:
        limit = f"{self._options.seconds:g} seconds"
        return DocumentTookTooLong(f"The document {name!r} was not read within {limit}; split it, or raise the limit.")

    def _living_child(self) -> Child:
        if self._child is not None and not self._child.is_usable():
            self._discard()
        with self._state:
            self._check_open()
            if self._child is None:
                self._child = Child([self._options.to_json(), str(os.getpid())])
                self.starts += 1
                if self._closed:  # by a signal handler of this thread, while the child started
                    self._discard()
                    self._check_open()
            return self._child

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed("The engine is closed; create a new one.")

    def _discard(self) -> None:
        with self._state:
            child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.close()


class EnginePool:
    """
    Child processes that read several documents at the same time. Call the methods from one thread for each document.

    :param size: the number of documents at the same time; the number of available cores if None.
    :param options: the options of each child, the defaults if None. Without ``threads`` the children share the cores.
    """

    def __init__(self, size: int | None = None, options: EngineOptions | None = None) -> None:
        self.size = size or available_cores()
        options = options or EngineOptions()
        if options.threads is None:
            options = replace(options, threads=max(1, available_cores() // self.size))
        self._processes = [EngineProcess(options) for _ in range(self.size)]
        # Last in, first out: if there are few documents at a time, only few children start.
        self._free: LifoQueue[EngineProcess] = LifoQueue()
        for process in self._processes:
            self._free.put(process)

    def classify(self, path: str | Path, categories: Sequence[Category], *, name: str) -> ClassificationResult:
        """Classify as :meth:`EngineProcess.classify` does; wait while all children are busy."""
        with self.process() as process:
            return process.classify(path, categories, name=name)

    def contents(self, path: Path, *, name: str, form: PageForm, longest_side: int) -> DocumentContent:
        """Read as :meth:`EngineProcess.contents` does; wait while all children are busy."""
        with self.process() as process:
            return process.contents(path, name=name, form=form, longest_side=longest_side)

    @property
    def restarts(self) -> int:
        """How often a child was replaced: after a crash, a timeout, or many documents."""
        return sum(max(0, process.starts - 1) for process in self._processes)

    def check(self) -> None:
        """
        Check that the engine starts. If the last start of a child failed, start it again to classify a short letter.

        An error of one document says nothing about the next document. But without the engine, all documents fail.

        :raises ClassifyError: the engine does not start.
        """
        for process in self._processes:
            if process.start_failure is not None:
                with TemporaryDirectory() as folder:
                    letter = Path(folder, "letter.txt")
                    letter.write_text("Dear Mrs. Brown,\n\nthank you for your letter.\n")
                    process.classify(letter, (Category("letter"),), name=letter.name)

    @contextmanager
    def process(self) -> Iterator[EngineProcess]:
        """Provide a free child for several requests about a document; wait while all children are busy."""
        process = self._free.get()
        try:
            yield process
        finally:
            self._free.put(process)

    def close(self) -> None:
        """Stop all children immediately. Documents that are being read, or that wait, fail with ``EngineClosed``."""
        for process in self._processes:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _with_absolute_examples(category: Category) -> Category:
    """Return the category with absolute paths, because the child may have started in another folder."""
    return replace(category, examples=tuple(str(Path(example).absolute()) for example in category.examples))


def _result(fields: dict[str, Any]) -> ClassificationResult:
    pages = tuple(PageResult(**page) for page in fields.pop("page_results"))
    return ClassificationResult(page_results=pages, **fields)

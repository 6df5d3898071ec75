"""
The engine in child processes, so that a document can harm its own classification and nothing else.

Parsers of untrusted files crash, hang and eat memory. Here a document that does so fails with an
error of its own, while the caller, an Airflow worker or a server, goes on.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from queue import LifoQueue
from typing import IO, Any, Self

from airflow_provider_classify.contract import MAX_PAGES, Category, ClassificationResult, PageResult
from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.exceptions import (
    DocumentCrashedParser,
    DocumentTookTooLong,
    EngineClosed,
    EngineNotStarted,
    error_of_kind,
)

#: Seconds that a document may take, and memory that its parser may use; heavy scans take 10 and 500.
SECONDS = 120.0
MEMORY_MB = 2048
#: A child is replaced after this many documents, lest what parsers leak adds up.
DOCUMENTS_PER_CHILD = 1000
#: What a child sees of the environment: an Airflow worker's holds connections and keys.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


class EngineProcess:
    """
    One warm child that classifies one document at a time; others wait their turn.

    It starts with the first document, and again after one that killed it.

    :param seconds: wall time that a document may take.
    :param memory_mb: memory that the child may use (Linux; elsewhere not enforced).
    :param threads: cores that OCR may use; all available if None.
    :param max_pages: a longer document is classified from its first pages.
    :param document_types: folder of a user's own document types, beside those of this package.
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        memory_mb: int = MEMORY_MB,
        threads: int | None = None,
        max_pages: int = MAX_PAGES,
        document_types: Path | None = None,
    ) -> None:
        self._seconds = seconds
        arguments = [memory_mb, threads or available_cores(), max_pages]
        folder = [document_types.absolute()] if document_types else []
        self._arguments = [str(argument) for argument in (*arguments, *folder)]
        self._turn = threading.Lock()
        # Guards the two below, so that no child is started after close; a signal handler may close.
        self._state = threading.RLock()
        self._child: _Child | None = None
        self._closed = False

    def classify(self, path: Path, categories: Sequence[Category], *, name: str) -> ClassificationResult:
        """
        Classify a document; ``name`` is what errors call it.

        The child reads the categories' examples once, within the time of the first document.

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

    def _ask(self, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        child = self._living_child()
        try:
            reply = child.ask(json.dumps(request).encode() + b"\n", time.monotonic() + self._seconds)
        except _ChildDied as death:
            self._discard()
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
            raise DocumentTookTooLong(
                f"The document {name!r} was not read within {self._seconds:g} seconds; split it, or raise the limit."
            ) from error
        except BaseException:
            # Interrupted: a late reply would pass for the next document's.
            self._discard()
            raise
        if reply.get("kind") == DocumentCrashedParser.__name__ or child.served >= DOCUMENTS_PER_CHILD:
            self._discard()
        return reply

    def _living_child(self) -> _Child:
        if self._child is not None and not self._child.is_usable():
            self._discard()
        with self._state:
            if self._closed:
                raise EngineClosed("The engine is closed; make a new one.")
            if self._child is None:
                self._child = _Child(self._arguments)
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

    :param size: documents at once; the available cores if None. A pool of one gives it all cores.
    :param seconds: see :class:`EngineProcess`.
    :param memory_mb: of each child.
    :param max_pages: see :class:`EngineProcess`, as for the last one.
    """

    def __init__(
        self,
        size: int | None = None,
        *,
        seconds: float = SECONDS,
        memory_mb: int = MEMORY_MB,
        max_pages: int = MAX_PAGES,
        document_types: Path | None = None,
    ) -> None:
        self.size = size or available_cores()
        threads = max(1, available_cores() // self.size)
        self._processes = [
            EngineProcess(
                seconds=seconds,
                memory_mb=memory_mb,
                threads=threads,
                max_pages=max_pages,
                document_types=document_types,
            )
            for _ in range(self.size)
        ]
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


class _ChildDied(Exception):
    """The child ended before it answered; the message says how. By a signal if ``exit_code`` is negative."""

    def __init__(self, how: str, exit_code: int) -> None:
        super().__init__(how)
        self.exit_code = exit_code


class _Child:
    """A running child and the two pipes to it."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._owner = os.getpid()
        self._errors: IO[bytes] = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - as long as the child
        command = [sys.executable, "-P", "-m", "airflow_provider_classify.engine.worker", *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            env=_environment(),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)
        self.served = 0

    def is_usable(self) -> bool:
        """Whether it lives and is this process's own: after a fork two would read each other's replies."""
        return self._owner == os.getpid() and self._process.poll() is None

    def ask(self, request: bytes, deadline: float) -> dict[str, Any]:
        """
        Send a request and wait for its reply.

        :raises TimeoutError: none by ``deadline``, in seconds of ``time.monotonic``.
        :raises _ChildDied: instead of answering.
        """
        self.served += 1
        try:
            while request:
                self._wait_until_ready(self._input, select.POLLOUT, deadline)
                request = request[os.write(self._input, request) :]
            reply = b""
            while not reply.endswith(b"\n"):
                self._wait_until_ready(self._output, select.POLLIN, deadline)
                piece = os.read(self._output, 65536)
                if not piece:
                    raise self._death()
                reply += piece
        except BrokenPipeError as error:
            raise self._death() from error
        self._errors.truncate(0)  # warnings that led to nothing
        answer: dict[str, Any] = json.loads(reply)
        return answer

    def kill(self) -> None:
        """End the child and whatever it started; a fork's copy leaves it to its owner."""
        if self._owner == os.getpid() and self._process.poll() is None:
            with suppress(ProcessLookupError):  # ended just now
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def let_go(self) -> None:
        """Close the pipes, which nobody may be reading any more."""
        for file in (self._process.stdin, self._process.stdout, self._errors):
            if file is not None:
                file.close()

    @staticmethod
    def _wait_until_ready(descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError

    def _death(self) -> _ChildDied:
        """How it died, with the last words of its standard error."""
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
        words = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        return _ChildDied(f"{how}: {words}" if words else how, code)


def _with_absolute_examples(category: Category) -> Category:
    """The child may have been started in another folder."""
    return replace(category, examples=tuple(str(Path(example).absolute()) for example in category.examples))


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Modules come from where this process has them; numpy would start a thread for each core and has no use for them.
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}


def _result(fields: dict[str, Any]) -> ClassificationResult:
    pages = tuple(PageResult(**page) for page in fields.pop("page_results"))
    return ClassificationResult(page_results=pages, **fields)

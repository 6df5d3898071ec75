"""A child process: what it sees, how it is asked, and how its end is reported."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.child_process import Child, ChildDied
from airflow_provider_classify.model.categories import Category
from tests.support.children import engine_children, is_alive


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    monkeypatch.setenv("AIRFLOW_CONN_CLASSIFY_DEFAULT", "classify://:key@api.example")
    child = Child([EngineOptions(threads=1).to_json(), str(os.getpid())])
    yield child
    child.kill()
    child.close()


def _request(path: Path, description: str = "") -> bytes:
    categories = [asdict(Category("invoice", description)), asdict(Category("contract"))]
    request = {"path": str(path), "name": path.name, "categories": categories, "deadline": time.monotonic() + 300}
    return json.dumps(request).encode() + b"\n"


def _ask(child: Child, path: Path) -> dict[str, Any]:
    return child.ask(_request(path), time.monotonic() + 60)


def test_it_answers_and_sees_no_secrets(child: Child, documents: Path) -> None:
    assert _ask(child, documents / "invoice.pdf")["result"]["classification"] == "invoice"
    assert _ask(child, documents / "lost.pdf")["kind"] == "DocumentNotFound"
    (pid,) = engine_children()
    assert b"AIRFLOW" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_it_gets_no_request_while_it_hangs(child: Child, documents: Path) -> None:
    """Neither a reply that never comes nor a request larger than a pipe blocks its parent."""
    _ask(child, documents / "invoice.pdf")
    (pid,) = engine_children()
    os.kill(pid, signal.SIGSTOP)
    for request in (_request(documents / "invoice.pdf"), _request(documents / "invoice.pdf", "word " * 200_000)):
        with pytest.raises(TimeoutError):
            child.ask(request, time.monotonic() + 0.1)
    child.kill()
    assert not is_alive(pid)


def test_its_end_is_reported_with_the_signal(child: Child, documents: Path) -> None:
    (pid,) = engine_children()
    os.kill(pid, signal.SIGSEGV)
    with pytest.raises(ChildDied, match=r"^SIGSEGV$") as caught:
        _ask(child, documents / "invoice.pdf")
    assert caught.value.exit_code == -signal.SIGSEGV
    assert not child.is_usable()


def test_it_ends_itself_at_the_time_limit(child: Child, documents: Path) -> None:
    """A parent that is stopped cannot end it: here the parent waits much longer than the limit."""
    _ask(child, documents / "invoice.pdf")
    request = json.loads(_request(documents / "endless.pdf")) | {"deadline": time.monotonic() + 0.3}
    with pytest.raises(ChildDied, match=r"^SIGALRM$"):
        child.ask(json.dumps(request).encode() + b"\n", time.monotonic() + 60)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, None], ids=["ignored", "blocked"])
def test_its_time_limit_holds_whatever_signals_its_parent_ignores(handler: Any, documents: Path) -> None:
    before = signal.getsignal(signal.SIGALRM)
    if handler is None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    else:
        signal.signal(signal.SIGALRM, handler)
    try:
        child = Child([EngineOptions(threads=1).to_json(), str(os.getpid())])
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    try:
        request = json.loads(_request(documents / "endless.pdf")) | {"deadline": time.monotonic() - 1}
        with pytest.raises(ChildDied, match=r"^SIGALRM$"):
            child.ask(json.dumps(request).encode() + b"\n", time.monotonic() + 60)
    finally:
        child.kill()
        child.close()

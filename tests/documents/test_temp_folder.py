"""Temporary folders of processes that were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_classify.documents import temp_folder
from airflow_provider_classify.documents.temp_folder import PREFIX, remove_abandoned, temporary_folder

HOLD = """
from airflow_provider_classify.documents.temp_folder import temporary_folder
with temporary_folder() as folder:
    (folder / "document").write_bytes(b"half of it")
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    tempfile.tempdir = None


def hold() -> tuple[subprocess.Popen[str], Path]:
    """Start a process that holds a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_killed_process_leaves_a_folder_that_the_next_start_removes(parent: Path) -> None:
    live, live_folder = hold()
    killed, killed_folder = hold()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert killed_folder.exists()

    live_2, live_2_folder = hold()  # a start
    assert not killed_folder.exists()
    assert (live_folder / "document").exists()
    for process, folder in ((live, live_folder), (live_2, live_2_folder)):
        process.communicate("\n")
        assert process.returncode == 0
        assert not folder.exists()


def test_the_own_folder_is_left(parent: Path) -> None:
    with temporary_folder() as folder:
        remove_abandoned(str(parent))
        assert folder.exists()
    assert not folder.exists()


def test_what_is_not_such_a_folder_is_left(parent: Path) -> None:
    (parent / "other").mkdir()
    (parent / f"{PREFIX}file").touch()
    (parent / f"{PREFIX}link").symlink_to(parent / "other")
    (parent / f"{PREFIX}dead").mkdir()
    remove_abandoned(str(parent))
    assert {entry.name for entry in parent.iterdir()} == {"other", f"{PREFIX}file", f"{PREFIX}link"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
def test_the_folder_of_another_user_is_left(parent: Path) -> None:
    (parent / f"{PREFIX}other").mkdir()
    os.chown(parent / f"{PREFIX}other", 12345, 12345)
    remove_abandoned(str(parent))
    assert (parent / f"{PREFIX}other").exists()


def test_a_folder_that_is_taken_for_abandoned_before_it_is_locked_is_made_anew(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may clean up between the making and the locking of a folder."""
    make = tempfile.mkdtemp
    made: list[Path] = []

    def make_and_clean(**options: str) -> str:
        made.append(Path(make(**options)))
        if len(made) == 1:
            remove_abandoned(str(parent))
        return str(made[-1])

    monkeypatch.setattr(temp_folder.tempfile, "mkdtemp", make_and_clean)
    with temporary_folder() as folder:
        assert [path.exists() for path in made] == [False, True]
        assert folder == made[1]

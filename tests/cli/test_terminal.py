"""The command line at a terminal and in a pipe: progress, encodings, signals."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.support.command_line import COMMAND, lines, run, start


def test_a_person_at_a_terminal_sees_the_progress(invoice: Path) -> None:
    ours, its = pty.openpty()
    try:
        done = subprocess.run(
            [COMMAND, "classify", "--categories", "invoice,letter", str(invoice)],
            stdout=subprocess.PIPE,
            stderr=its,
            encoding="utf-8",
            env=os.environ | {"TERM": "xterm"},
        )
        drawn = os.read(ours, 100_000).decode()
    finally:
        os.close(its)
        os.close(ours)
    assert done.returncode == 0
    assert "Classifying" in drawn
    assert [answer["classification"] for answer in lines(done)] == ["invoice"]


def test_at_a_terminal_a_line_is_printed_as_it_is(tmp_path: Path) -> None:
    """Names in brackets are no markup, and a line longer than the screen is not broken."""
    document = tmp_path / "invoice [local] [bold] :smile:.txt"
    document.write_text("Invoice number 7")
    missing = tmp_path / "none [local].pdf"
    ours, its = pty.openpty()
    drawn = bytearray()

    def read() -> None:
        with suppress(OSError):  # the terminal is closed
            while piece := os.read(ours, 100_000):
                drawn.extend(piece)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        done = subprocess.run(
            [COMMAND, "classify", "--categories", "invoice,letter", str(document), str(missing)],
            stdout=its,
            stderr=its,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "40"},
        )
    finally:
        os.close(its)
        thread.join()
        os.close(ours)
    assert done.returncode == 1
    printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode())
    answers = [json.loads(line) for line in re.findall(r"\{.*\}", printed)]
    assert [answer["document"] for answer in answers] == [str(document), str(missing)]


def test_a_reader_that_has_seen_enough(invoice: Path) -> None:
    process = start("classify", "--jobs", "1", "--categories", "invoice,letter", *[invoice] * 100)
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        assert json.loads(process.stdout.readline())["classification"] == "invoice"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_ctrl_c_ends_it_without_a_traceback(invoice: Path) -> None:
    # Where the tests run in a shell's background, SIGINT is ignored, and a child would inherit that.
    take_signals = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    arguments = ["classify", "--jobs", "1", "--categories", "invoice,letter", *[invoice] * 500]
    process = start(*arguments, preexec_fn=take_signals)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert "Traceback" not in errors
    assert process.returncode == 130


def test_json_is_utf8_in_every_locale(invoice: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = run("classify", "--categories", "invoice,Überweisung", invoice, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"Überweisung"' in done.stdout


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such file names")
def test_a_file_name_that_is_no_text_is_escaped_as_json_does(tmp_path: Path) -> None:
    document = tmp_path / os.fsdecode(b"\xff.txt")
    document.write_text("Dear Mrs Trevanion,")
    done = run("classify", "--categories", "invoice,letter", document)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\udcff.txt" in done.stdout
    assert lines(done)[0]["document"] == str(document)

"""``airflow-classify split``, run as a shell runs it."""

from __future__ import annotations

from pathlib import Path

from tests.support.command_line import lines, run
from tests.support.packets import INVOICE_1, INVOICE_2, LETTER, write_packet


def test_split_writes_each_document(tmp_path: Path, letter: Path) -> None:
    packet = write_packet(tmp_path / "packet.pdf", [INVOICE_1, INVOICE_2, *[LETTER] * 3])
    done = run("split", "--categories", "invoice,letter", "--to", tmp_path / "out", packet, letter)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = lines(done)
    assert first["total_pages"] == 5
    assert (first["documents"][0]["category"], first["documents"][0]["pages"]) == ("invoice", [1, 2])
    assert (second["documents"][0]["category"], second["documents"][0]["pages"]) == ("letter", [1])
    written = [found["document"] for answer in (first, second) for found in answer["documents"]]
    assert sorted(written) == sorted(map(str, (tmp_path / "out").iterdir()))


def test_split_says_which_file_it_cannot_split(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Dear Mrs Trevanion,")
    done = run("split", "--categories", "letter", "--to", tmp_path / "out", tmp_path / "notes.txt")
    assert done.returncode == 1
    assert "cannot be split" in lines(done)[0]["error"]
    assert list((tmp_path / "out").iterdir()) == []

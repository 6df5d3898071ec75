"""The documents of the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.documents import write_pdf

LETTER = "Dear Mrs Trevanion,\n\nthank you for your letter of 22 May.\n\nYours sincerely,\nLenka Horák"


@pytest.fixture
def invoice(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "invoice.pdf")


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "letter.pdf", LETTER)

"""Which files of a watched folder are complete."""

from __future__ import annotations

import pytest

from airflow_provider_classify.documents.arrivals import EMPTY_FOR, Arrivals, is_ignored
from airflow_provider_classify.documents.storage_listing import ListedFile


def listing(**sizes):
    return [ListedFile(name, size, f"version {size}", None) for name, size in sizes.items()]


def test_a_file_arrives_when_it_has_not_changed_between_two_scans():
    arrivals = Arrivals(stable_for=2)
    assert arrivals.update(listing(a=5), 0).arrived == []
    assert arrivals.update(listing(a=5), 1).arrived == []
    assert arrivals.update(listing(a=5), 2).arrived == ["a"]
    assert arrivals.update(listing(a=5), 3).arrived == []


def test_two_scans_compare_a_file_even_if_no_time_is_asked_for():
    arrivals = Arrivals(stable_for=0)
    assert arrivals.update(listing(a=5), 0).arrived == []
    assert arrivals.update(listing(a=5), 0.1).arrived == ["a"]


def test_a_file_that_grows_for_a_minute_arrives_once():
    arrivals = Arrivals(stable_for=2)
    arrived = [arrivals.update(listing(a=min(second, 60) + 1), second).arrived for second in range(70)]
    assert arrived == [["a"] if second == 62 else [] for second in range(70)]


def test_another_version_of_the_same_size_is_a_change():
    arrivals = Arrivals(stable_for=1)
    for second in (0, 1):
        arrivals.update([ListedFile("a", 5, "first", None)], second)
    assert arrivals.update([ListedFile("a", 5, "second", None)], 2).arrived == []
    assert arrivals.update([ListedFile("a", 5, "second", None)], 3).arrived == ["a"]


def test_an_empty_file_gets_time_for_its_first_bytes():
    arrivals = Arrivals(stable_for=1)
    assert arrivals.update(listing(a=0), 0).arrived == []
    assert arrivals.update(listing(a=0), EMPTY_FOR - 1).arrived == []
    assert arrivals.update(listing(a=0), EMPTY_FOR).arrived == ["a"]


def test_a_file_that_was_gone_is_new():
    arrivals = Arrivals(stable_for=1)
    for second, files in enumerate((listing(a=5), listing(a=5), [], listing(a=5))):
        scan = arrivals.update(files, second)
    assert scan.arrived == []
    assert arrivals.update(listing(a=5), 4).arrived == ["a"]


def test_what_is_gone_takes_no_memory():
    arrivals = Arrivals(stable_for=0)
    for number in range(50):
        scan = arrivals.update([ListedFile(f"{number}.pdf", 1, "v", None)], number)
    assert list(scan.files) == ["49.pdf"]


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.pdf",
        "sub/.hidden.pdf",
        ".snapshot/a.pdf",
        "a.pdf.part",
        "A.PDF.PART",
        "a.pdf.crdownload",
        "a.tmp",
        "~$report.docx",
        "sub/~$report.docx",
        "a.pdf.filepart",
        "a.pdf~",
    ],
)
def test_hidden_and_partial_files_are_ignored(name):
    assert is_ignored(name)


@pytest.mark.parametrize("name", ["a.pdf", "sub.part/a.pdf", "part", "tmp.pdf", "a~b.pdf", "~a.pdf"])
def test_other_files_are_not(name):
    assert not is_ignored(name)

"""The end of a batch's log."""

from __future__ import annotations

from airflow_provider_classify.batch.output import read_output, write_output
from airflow_provider_classify.batch.record_entry import Entry
from airflow_provider_classify.batch.summary import Summary
from airflow_provider_classify.model.cascade import answer_fields, is_escalated


def row(number, category="invoice", confidence=0.95):
    return {"document": f"{number}.pdf", "classification": category, "confidence": confidence, "intent": "x"}


def lines(rows, output="s3://conn@out/a.jsonl?sig=secret"):
    summary = Summary()
    for _ in summary.count(rows):
        pass
    return list(summary.lines(output))


def test_it_tells_counts_doubtful_documents_and_the_output():
    rows = [row(number) for number in range(12)]
    rows += [row("b", "letter", 0.5), row("a", "letter", 0.25), row("blank", None, 0.0)]
    rows += [row("bad") | {"error": "It is damaged.", "error_kind": "DocumentCorrupt"}]
    assert lines(rows) == [
        "15 of 16 documents are classified.",
        "  12 invoice",
        "   2 letter",
        "1 of them are blank.",
        "The least confident answers, of those below 0.8:",
        "  0.25 letter: a.pdf",
        "  0.50 letter: b.pdf",
        "The output is s3://conn@out/a.jsonl.",
    ]


def test_at_most_ten_doubtful_documents_are_listed():
    rows = [row(number, confidence=(number % 797) / 1000) for number in range(5000)]
    doubtful = [line for line in lines(rows) if line.endswith(".pdf")]
    assert len(doubtful) == 10
    assert all(line.startswith("  0.00 ") for line in doubtful[:7])


def test_a_batch_of_sure_documents_lists_none():
    assert lines([row(1)], output=None) == ["1 of 1 documents are classified.", "  1 invoice"]


def test_a_name_cannot_forge_a_line():
    found = lines([row("a\nThe output is /etc", "in\x1b[31mvoice", 0.1)])
    assert all("\n" not in line and "\x1b" not in line for line in found)


def test_a_csv_file_keeps_the_counts_of_a_cascade(tmp_path):
    """A later batch reuses its rows, so that it must know which documents were escalated."""
    answer = {"intent": "f", "success": True, "classification": "letter", "confidence": 0.9}
    written = [
        answer | {"document": "a.pdf", "answered_by": "engine"},
        answer | {"document": "b.pdf"} | answer_fields("paid", {"answered_by": "engine", "confidence": 0.4}),
        answer | {"document": "c.pdf"} | answer_fields("engine", {"answered_by": "engine"}, "It is an image."),
    ]
    path = str(tmp_path / "out.csv")
    write_output(path, written)
    read = list(read_output(path))
    assert [row.get("escalated", False) for row in read] == [False, True, True]
    counts = []
    for rows in (written, read):
        summary = Summary()
        list(summary.count(rows))
        counts.append((summary.escalated, summary.calls_saved, summary.answered_by))
    assert counts == [(2, 1, {"engine": 2, "paid": 1})] * 2
    reused = [Entry.from_row(row) for row in read]
    assert [is_escalated(entry.cascade) for entry in reused] == [False, True, True]

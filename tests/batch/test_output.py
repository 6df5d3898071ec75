"""The formats of an output: what is written is read again."""

from __future__ import annotations

import csv
import random
import sys

import pytest

from airflow_provider_classify.batch.csv_output import read_csv, write_csv
from airflow_provider_classify.batch.output import check_output, check_previous, read_output, write_output
from airflow_provider_classify.exceptions import ExtraNotInstalled, InvalidOutput, StorageNotFound
from airflow_provider_classify.model.batch_output import COLUMNS
from airflow_provider_classify.results import read_results

CLASSIFIED = {
    "document": "s3://c@bucket/a.pdf",
    "intent": "f1",
    "job_id": "j1",
    "success": True,
    "classification": "letter",
    "confidence": 0.875,
    "total_pages": 2,
    "processed_pages": 2,
    "page_results": [{"page": 1, "success": True, "classification": "letter", "confidence": 0.9}],
    "scores": {"letter": 0.9, "invoice": 0.1},
    "language": "de",
    "reused": True,
}
BLANK = {
    "document": "b.pdf",
    "intent": "f2",
    "success": True,
    "classification": None,
    "confidence": 0.0,
    "total_pages": 1,
    "processed_pages": 1,
    "blank": True,
}
FAILED = {
    "document": "c.pdf",
    "intent": "f3",
    "success": False,
    "classification": None,
    "confidence": 0.0,
    "error": "The document 'c.pdf' is damaged; save it again.",
    "error_kind": "DocumentCorrupt",
}
ROWS = [CLASSIFIED, BLANK, FAILED]


def columns_of(row):
    """Return the fields of a row that are columns, without those that are not set."""
    return {name: value for name, value in row.items() if name in COLUMNS and value is not None}


@pytest.fixture(params=["jsonl", "csv", "parquet"])
def output(request, tmp_path):
    output = str(tmp_path / f"out.{request.param}")
    write_output(output, ROWS)
    return output


class TestReadResults:
    def test_yields_typed_rows(self, output):
        rows = list(read_results(output))
        if output.endswith("csv"):
            assert [columns_of(row) for row in rows] == [columns_of(row) for row in ROWS]
            assert all("classification" in row for row in rows if "error" not in row)
        else:
            assert rows == ROWS

    def test_can_be_read_again(self, output):
        results = read_results(output)
        assert len(list(results)) == len(list(results)) == 3

    def test_to_arrow(self, output):
        table = read_results(output).to_arrow()
        assert table.column_names == list(COLUMNS)
        assert [columns_of(row) for row in table.to_pylist()] == [columns_of(row) for row in ROWS]

    def test_to_pandas(self, output):
        frame = read_results(output).to_pandas()
        assert list(frame.columns) == list(COLUMNS)
        assert frame["confidence"].max() == 0.875
        assert int(frame["total_pages"].sum()) == 3
        assert frame["classification"].isna().tolist() == [False, True, True]
        assert frame["error_kind"].dropna().tolist() == ["DocumentCorrupt"]

    @pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
    def test_a_value_of_another_type_is_missing_in_tables(self, tmp_path, ending):
        output = tmp_path / f"out.{ending}"
        write_output(str(output), [CLASSIFIED | {"language": 7, "confidence": 1, "total_pages": True}, BLANK])
        results = read_results(output)
        [row, _] = results.to_arrow().to_pylist()
        assert (row["language"], row["confidence"], row["total_pages"]) == (None, 1.0, None)
        assert results.to_pandas()["language"].isna().all()
        [row, _] = results
        assert row.get("language") == (None if ending == "csv" else 7)

    def test_an_output_without_rows(self, tmp_path):
        for ending in ("jsonl", "csv", "parquet"):
            output = tmp_path / f"none.{ending}"
            write_output(str(output), [])
            assert list(read_results(output)) == []
            assert read_results(output).to_arrow().num_rows == len(read_results(output).to_pandas()) == 0

    def test_a_library_that_is_not_installed(self, tmp_path, monkeypatch):
        output = str(tmp_path / "out.jsonl")
        write_output(output, ROWS)
        for library, method in (("pyarrow", "to_arrow"), ("pandas", "to_pandas")):
            monkeypatch.setitem(sys.modules, library, None)
            with pytest.raises(ExtraNotInstalled, match=library):
                getattr(read_results(output), method)()

    @pytest.mark.parametrize("wrong", [None, 3, "", "out.xlsx", "https://example.com/out.jsonl", {"documents": 3}])
    def test_what_is_no_output(self, wrong):
        with pytest.raises(InvalidOutput):
            read_results(wrong)

    def test_a_file_that_does_not_exist(self, tmp_path):
        with pytest.raises(StorageNotFound):
            list(read_results(tmp_path / "out.csv"))


#: Names and errors that a spreadsheet or a reader of lines could take for something else.
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "'=already marked",
    "''=twice",
    "a;=1+1",
    "a\t=1+1",
    'quoted "name", with comma',
    "two\nlines",
    "C:\\new\\file",
    "'harmless",
    "naïve café ☃",
    " ",
]


class TestCsv:
    def cells(self, tmp_path, documents):
        output = tmp_path / "out.csv"
        write_output(str(output), [{**FAILED, "document": text, "error": text} for text in documents])
        return output

    def test_each_text_is_read_as_it_was(self, tmp_path):
        rows = list(read_output(str(self.cells(tmp_path, HOSTILE))))
        assert [row["document"] for row in rows] == [row["error"] for row in rows] == HOSTILE

    def test_any_text_is_read_as_it_was(self, tmp_path):
        chance = random.Random(7)
        texts = ["".join(chance.choices("'=+-@;\t\r\n\\nr\",ab＝", k=chance.randint(1, 9))) for _ in range(3000)]
        rows = list(read_output(str(self.cells(tmp_path, texts))))
        assert [row["document"] for row in rows] == texts

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_no_cell_is_a_formula_in_any_spreadsheet(self, tmp_path, separator):
        text = self.cells(tmp_path, HOSTILE).read_bytes().decode("utf-8-sig")
        for line in text.split("\r\n"):
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
                for cells in csv.reader([line], delimiter=separator, quoting=quoting):
                    assert not [cell for cell in cells if cell.lstrip('"')[:1] in tuple("=+-@＝＋－＠\t")]

    def test_each_row_is_a_line_with_the_same_columns(self, tmp_path):
        lines = self.cells(tmp_path, HOSTILE).read_bytes().removesuffix(b"\r\n").split(b"\r\n")
        assert len(lines) == len(HOSTILE) + 1
        assert not any(b"\n" in line or b"\r" in line for line in lines)
        assert lines[0].decode("utf-8-sig").split(",") == list(COLUMNS)

    def test_other_libraries_read_it(self, tmp_path):
        import pandas
        from pyarrow import csv as arrow_csv

        output = tmp_path / "out.csv"
        write_output(str(output), ROWS)
        table = arrow_csv.read_csv(output)
        assert table.column_names == list(pandas.read_csv(output).columns) == list(COLUMNS)
        assert table["confidence"].to_pylist() == [0.875, 0.0, 0.0]
        assert table["success"].to_pylist() == [True, True, False]

    @pytest.mark.parametrize("left_out", [1, 3, 30, 75])
    def test_a_line_that_was_cut_off_is_left_out(self, tmp_path, left_out):
        output = tmp_path / "out.csv"
        write_output(str(output), [{**CLASSIFIED, "document": 'a "b".pdf', "intent": "f" * 64}] * 3)
        output.write_bytes(output.read_bytes()[:-left_out])
        rows = list(read_output(str(output)))
        assert [row["intent"] for row in rows[:2]] == ["f" * 64] * 2
        assert all(row["intent"] != "f" * 64 for row in rows[2:]) or left_out == 1

    @pytest.mark.parametrize("content", ["", "a,b\r\n1,2\r\n", '{"document": "a"}\n', "\0\0"])
    def test_another_file(self, tmp_path, content):
        (tmp_path / "out.csv").write_text(content)
        with pytest.raises(InvalidOutput, match=r"out\.csv"):
            list(read_output(str(tmp_path / "out.csv")))

    def test_columns_of_a_later_version_are_ignored(self, tmp_path):
        with (tmp_path / "now.csv").open("w+b") as file:
            write_csv(file, [BLANK])
            file.seek(0)
            header, line, _ = file.read().split(b"\r\n")
        with (tmp_path / "later.csv").open("w+b") as file:
            file.write(header + b",new\r\n" + line + b",x\r\n")
            file.seek(0)
            [row] = read_csv(file, "later.csv")
        assert columns_of(row) == columns_of(BLANK)


class TestNames:
    @pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "s3://c@b/out.parquet", "file:///out.csv"])
    def test_of_outputs(self, name):
        check_output(name)

    @pytest.mark.parametrize("name", ["out", "out.json", "out.xlsx", "out.CSV", "", "https://example.com/out.csv"])
    def test_of_no_output(self, name):
        with pytest.raises(InvalidOutput):
            check_output(name)

    def test_parquet_without_pyarrow(self, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ExtraNotInstalled, match=r"\[parquet\]"):
            check_output("out.parquet")

    @pytest.mark.parametrize("output", ["out.jsonl", "out.parquet", None])
    def test_a_csv_file_has_not_the_fields_for_another_format(self, output):
        with pytest.raises(InvalidOutput, match=r"previous\.csv"):
            check_previous("previous.csv", output)

    def test_a_csv_file_has_the_fields_for_another(self):
        check_previous("previous.csv", "out.csv")
        check_previous("previous.jsonl", "out.csv")

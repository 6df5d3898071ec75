"""Check the blocks of the pages that are no code: results, settings, document types and tables."""

from __future__ import annotations

import configparser
import csv
import io
import json
import re
from pathlib import Path
from typing import Any, NotRequired, get_origin, get_type_hints

import pytest
import yaml

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.get_provider_info import get_provider_info
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.model.batch_output import BatchManifest
from airflow_provider_classify.model.xcom import failure_fields
from airflow_provider_classify.routing import sort_by_route
from tests.support.markdown import Block, blocks
from tests.support.packets import INVOICE_1, INVOICE_2, LETTER, write_packet

#: The languages of blocks that a test of tests/docs checks.
CHECKED = {"python", "console", "json", "yaml", "ini", "csv", "text"}


def parse(text: str) -> Any:
    """Return the JSON of a block, in which ``…`` stands for elements that are left out."""
    return json.loads(re.sub(r",\s*…(?=\s*[,}\]])", "", text))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return a result with as many fields as the local engine gives."""
    packet = write_packet(tmp_path_factory.mktemp("packet") / "packet.pdf", [LETTER, INVOICE_1, INVOICE_2])
    return ClassifyHook().classify(str(packet), ["invoice", "letter"])


def test_each_block_has_a_check() -> None:
    assert {str(block): block.language for block in blocks() if block.language not in CHECKED} == {}


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_an_object_of_a_page_has_the_fields_of_a_real_one(block: Block, result: dict[str, Any]) -> None:
    shown = parse(block.text)
    if "failures" in shown:
        fields = get_type_hints(BatchManifest, include_extras=True)
        required = {name for name, kind in fields.items() if get_origin(kind) is not NotRequired}
        assert required <= shown.keys() <= fields.keys()
        return
    if "route" in shown:
        routes = {"invoice": "pay", "letter": "pay"}
        [sorted_result] = sort_by_route([result], routes=routes, review="ask", minimum_confidence=0.0)["pay"]
        assert shown.keys() == sorted_result["decision"].keys()
        return
    if "classification" not in shown:
        return  # no result: a reply or a log line of the service, which tests/service checks
    assert shown.keys() <= {*result, *failure_fields("", "")}
    for name in ("page_results", "documents"):
        for part in shown.get(name) or []:
            assert part.keys() <= {key for real in result[name] for key in real}


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if not block.included], ids=str)
def test_document_types_of_a_page_can_be_loaded(block: Block, tmp_path: Path) -> None:
    written = yaml.safe_load(block.text)
    if block.page == "docs/document-types.md":
        (tmp_path / "own.yaml").write_text(block.text)
        assert load_knowledge(tmp_path).types.keys() >= written.keys()


@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_settings_of_a_page_exist(block: Block) -> None:
    settings = configparser.ConfigParser()
    settings.read_string(block.text)
    if settings.has_section("classify"):
        assert set(settings["classify"]) <= set(get_provider_info()["config"]["classify"]["options"])


@pytest.mark.parametrize("block", blocks("csv"), ids=str)
def test_tables_have_the_columns_of_labels(block: Block) -> None:
    rows = list(csv.DictReader(io.StringIO(block.text)))
    assert rows
    assert all(row["path"] and row["category"] for row in rows)

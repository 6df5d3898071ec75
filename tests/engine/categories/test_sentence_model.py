from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.engine.categories.meanings import BY_RESEMBLANCE, Draft, add_nearness, meanings_of
from airflow_provider_classify.engine.categories.related_types import BY_KIND
from airflow_provider_classify.engine.categories.sentence_model import SentenceModel
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.exceptions import SentenceModelNotUsable
from airflow_provider_classify.model.categories import Category
from tests.support.sentence_model import WORDS, write_sentence_model

OBITUARY = "Kerra Trevanion, beloved wife and mother, passed away on 3 May. The funeral will be held at St Piran's."


@pytest.fixture
def model(tmp_path: Path) -> SentenceModel:
    return SentenceModel(write_sentence_model(tmp_path / "model"))


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "notice.txt"
    path.write_text(OBITUARY)
    return path


def types(model: SentenceModel | None, *categories: Category) -> list[dict[str, float]]:
    return [dict(meaning.types) for meaning in meanings_of(categories, load_knowledge(), model)]


@pytest.mark.parametrize(
    "category",
    [Category("zibble"), Category("Zibble_Plonk"), Category("plonkZibble"), Category("plonk", "A zibble.")],
    ids=lambda category: category.name,
)
def test_an_unknown_name_means_the_type_that_it_is_near_to(model: SentenceModel, category: Category) -> None:
    (meaning,) = meanings_of([category], load_knowledge(), model)
    assert meaning.types == {"obituary": BY_RESEMBLANCE, "newspaper article": BY_RESEMBLANCE * BY_KIND}
    assert not meaning.is_exact
    assert types(None, category) == [{}]


def test_a_known_name_is_left_as_it_is(tmp_path: Path) -> None:
    astray = write_sentence_model(tmp_path, WORDS | {"invoice": (1, 0, 0), "letter": (1, 0, 0), "memo": (1, 0, 0)})
    categories = [Category("invoice", "Zibble."), Category("Letters"), Category("memo"), Category("id_card")]
    assert types(SentenceModel(astray), *categories) == types(None, *categories)


def test_a_type_that_a_category_names_is_no_other_categorys(model: SentenceModel) -> None:
    obituary, zibble = types(model, Category("obituary"), Category("zibble"))
    assert obituary["obituary"] == 1.0
    assert zibble == {}


def test_what_is_near_to_nothing_means_nothing(model: SentenceModel) -> None:
    assert types(model, Category("wozzer"), Category("plonk"), Category("???")) == [{}, {}, {}]


def test_of_two_names_the_nearer_one_gets_the_type(model: SentenceModel) -> None:
    zibble, quandle = types(model, Category("zibble"), Category("quandle"))
    assert zibble["obituary"] == BY_RESEMBLANCE
    assert quandle["recipe"] == BY_RESEMBLANCE
    assert quandle["obituary"] < BY_RESEMBLANCE / 2


def test_words_and_nearness_count_together() -> None:
    both = Draft(Category("x"), guessed={"code": 0.8, "prescription": 0.6})
    neither = Draft(Category("y"), guessed={"code": 0.5})
    add_nearness([both, neither], [{"prescription": 0.7}, {}])
    assert both.guessed["prescription"] == pytest.approx(BY_RESEMBLANCE)
    assert 0 < both.guessed["code"] < BY_RESEMBLANCE
    assert neither.guessed == {"code": 0.5}


def test_the_version_changes_with_the_files(tmp_path: Path) -> None:
    first, again, other = (
        SentenceModel(write_sentence_model(tmp_path / name, words)).version
        for name, words in [("a", WORDS), ("b", WORDS), ("c", WORDS | {"zibble": (0, 1, 0)})]
    )
    assert first == again != other


def test_it_works_in_the_engines_process(tmp_path: Path, document: Path, model: SentenceModel) -> None:
    categories = [Category("zibble"), Category("letter")]
    results = []
    for _ in range(2):
        with EngineProcess(EngineOptions(sentence_model=tmp_path / "model")) as engine:
            results.append(engine.classify(document, categories, name="notice.txt"))
    assert results[0] == results[1]
    assert results[0].classification == "zibble"
    assert results[0].extra["engine"]["sentence_model"] == model.version
    with EngineProcess() as engine:
        without = engine.classify(document, categories, name="notice.txt")
    assert "sentence_model" not in without.extra["engine"]
    assert without.extra["scores"]["zibble"] < results[0].extra["scores"]["zibble"]


def test_it_is_not_even_opened_for_names_that_are_known(tmp_path: Path, document: Path) -> None:
    with EngineProcess(EngineOptions(sentence_model=tmp_path / "none")) as engine:
        result = engine.classify(document, [Category("obituary"), Category("letter")], name="notice.txt")
        assert result.classification == "obituary"
        assert "sentence_model" not in result.extra["engine"]
        with pytest.raises(SentenceModelNotUsable, match=r"none' is not a folder .*\[classify\] sentence_model"):
            engine.classify(document, [Category("zibble")], name="notice.txt")


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_model_is_named(tmp_path: Path, file: str) -> None:
    folder = write_sentence_model(tmp_path / "model")
    (folder / file).write_bytes(b"\0" * 64)
    with pytest.raises(
        SentenceModelNotUsable, match=r"model' cannot be loaded by model2vec \(.+\); name a static model"
    ):
        types(SentenceModel(folder), Category("zibble"))

"""The files of document types: what they may hold, and what is said of those that are wrong."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import yaml

from airflow_provider_classify.engine.knowledge.document_type import DocumentType, Geometry, Knowledge, Style
from airflow_provider_classify.engine.knowledge.load import FOLDER, load_knowledge
from airflow_provider_classify.engine.knowledge.yaml_entry import STRENGTHS
from airflow_provider_classify.engine.text.words import fold, label_words
from airflow_provider_classify.exceptions import InvalidDocumentTypes

OWN = """\
toll sheet:
  description: A sheet that lists the tolls of a bridge.
  aliases: bridge sheet, Brückenzettel
  labels: toll
  parents: receipt
  related: form
  titles: toll sheet, tolls of the day
  geometry: narrow, short
  styles: amounts
  cues:
    en:
      decisive: bridge keeper
      weak: 'toll:'
    de:
      strong: brückengeld*, *zoll
  patterns:
    usual:
      - 'T-\\d{4}'
"""


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def own_types(tmp_path: Path, content: str) -> Knowledge:
    (tmp_path / "own.yaml").write_text(content)
    return load_knowledge(tmp_path)


def test_an_entry_becomes_a_type(tmp_path: Path) -> None:
    toll = own_types(tmp_path, OWN).types["toll sheet"]
    assert toll == DocumentType(
        name="toll sheet",
        description="A sheet that lists the tolls of a bridge.",
        aliases=("bridge sheet", "Brückenzettel"),
        labels=("toll",),
        parents=("receipt",),
        related=("form",),
        titles=("toll sheet", "tolls of the day"),
        cues={"bridge keeper": 3.0, "toll:": 0.5, "bruckengeld*": 2.0, "*zoll": 2.0},
        languages={
            "bridge keeper": frozenset({"en"}),
            "toll:": frozenset({"en"}),
            "bruckengeld*": frozenset({"de"}),
            "*zoll": frozenset({"de"}),
        },
        patterns=((re.compile(r"T-\d{4}", re.MULTILINE), 1.0),),
        geometry=frozenset({Geometry.NARROW, Geometry.SHORT}),
        styles=frozenset({Style.AMOUNTS}),
    )


def test_own_types_stand_beside_those_of_the_package_or_replace_them(tmp_path: Path, knowledge: Knowledge) -> None:
    own = own_types(tmp_path, OWN + "invoice:\n  description: A bill of ours.\n")
    assert own.types["invoice"].description == "A bill of ours."
    assert own.types.keys() == knowledge.types.keys() | {"toll sheet"}
    assert own.version != knowledge.version


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a: [", "is not YAML"),
        ("- a", "line 1: the file is not a mapping"),
        ("a: text", "line 1: the document type 'a' is not a mapping"),
        ("a:\n  aliases: b", "line 2: the document type 'a' has no description"),
        ("a:\n  description: A.\n  colour: red", "line 2: the document type 'a' has an unknown field 'colour'"),
        ("a:\n  description: A.\n  aliases: b,, c", "line 3: the document type 'a' has a comma too many"),
        ("a:\n  description: A.\n  parents: nowhere", "names the type 'nowhere', which no file describes"),
        ("a:\n  description: A.\n  related: nowhere", "names the type 'nowhere', which no file describes"),
        ("a:\n  description: A.\n  geometry: round", "has a geometry 'round' that is not one of narrow, card"),
        (
            "a:\n  description: A.\n  cues:\n    en:\n      loud: b",
            "line 5: .* has a strength 'loud' that is not one of",
        ),
        ("a:\n  description: A.\n  cues:\n    en:\n      weak: '!'", "line 5: .* has a cue that is not a phrase: '!'"),
        ("a:\n  description: A.\n  cues:\n    en:\n      weak: ab*", "has a cue that is not a phrase: 'ab\\*'"),
        ("a:\n  description: A.\n  cues:\n    en:\n      weak: two words*", "has a cue that is not a phrase"),
        ("a:\n  description: A.\n  patterns:\n    weak:\n      - '('", "line 5: .* is not a regular expression"),
        ("a:\n  description: A.\na:\n  description: B.", "line 4: the document type 'a' is described twice"),
    ],
)
def test_complaints_name_file_type_and_line(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(InvalidDocumentTypes, match=complaint) as raised:
        own_types(tmp_path, content)
    assert "own.yaml" in str(raised.value)


def test_without_some_types(knowledge: Knowledge) -> None:
    rest = knowledge.without(["invoice", "receipt"])
    assert knowledge.types.keys() - rest.types.keys() == {"invoice", "receipt"}


def test_over_a_hundred_types_each_with_something_to_tell_it_by(knowledge: Knowledge) -> None:
    assert len(knowledge.types) > 100
    for document_type in knowledge.types.values():
        assert document_type.description.endswith("."), document_type.name
        assert document_type.cues or document_type.aliases, document_type.name
        assert set(document_type.cues.values()) <= set(STRENGTHS.values())
        assert not {*document_type.parents, *document_type.related} & {document_type.name}


def test_no_alias_means_two_types(knowledge: Knowledge) -> None:
    owners: dict[tuple[str, ...], set[str]] = {}
    for document_type in knowledge.types.values():
        for alias in (document_type.name, *document_type.aliases, *document_type.labels):
            owners.setdefault(tuple(label_words(alias)), set()).add(document_type.name)
    assert {alias: names for alias, names in owners.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    "title", ["Rechnung", "Facture", "Fattura", "Factura", "Factuur", "Faktura", "Счёт-фактура", "发票", "請求書"]
)
def test_an_invoice_is_known_in_many_languages(knowledge: Knowledge, title: str) -> None:
    invoice = knowledge.types["invoice"]
    known = {tuple(label_words(text)) for text in (*invoice.aliases, *invoice.titles)}
    assert tuple(label_words(title)) in known


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_language_of_a_type_lists_a_phrase_once(file: Path) -> None:
    for name, entry in yaml.safe_load(file.read_text()).items():
        for language, by_strength in entry.get("cues", {}).items():
            phrases = [fold(phrase.strip()) for phrases in by_strength.values() for phrase in phrases.split(",")]
            assert [phrase for phrase, count in Counter(phrases).items() if count > 1] == [], (name, language)


def test_a_type_of_covers(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("slip:\n  description: A slip.\n  cover: yes\nnote:\n  description: A note.\n")
    types = load_knowledge(tmp_path).types
    assert (types["slip"].cover, types["note"].cover, types["fax cover sheet"].cover) == (True, False, True)


def test_cover_is_yes_or_no(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("slip:\n  description: A slip.\n  cover: perhaps\n")
    with pytest.raises(InvalidDocumentTypes, match=r"'slip' has 'perhaps' where yes or no is expected"):
        load_knowledge(tmp_path)


def test_without_some_cues(knowledge: Knowledge) -> None:
    rest = knowledge.without_cues({("invoice", "bill to")})
    assert "bill to" in knowledge.types["invoice"].cues
    assert "bill to" not in rest.types["invoice"].cues
    assert rest.types["receipt"] == knowledge.types["receipt"]


def test_a_cue_has_the_languages_of_its_files(knowledge: Knowledge) -> None:
    invoice = knowledge.types["invoice"]
    assert invoice.languages["bill to"] == {"en"}
    assert invoice.languages.keys() == invoice.cues.keys()


#: The scripts of the languages that are not written in Latin letters. Japanese mixes three scripts.
SCRIPTS = {
    "ar": {"ARABIC"}, "fa": {"ARABIC"}, "bg": {"CYRILLIC"}, "ru": {"CYRILLIC"}, "sr": {"CYRILLIC", "LATIN"},
    "uk": {"CYRILLIC"}, "el": {"GREEK"}, "he": {"HEBREW"}, "hi": {"DEVANAGARI"}, "ja": {"CJK", "KANA"},
    "ko": {"HANGUL", "CJK"}, "th": {"THAI"}, "zh": {"CJK"},
}  # fmt: skip
#: Words in Latin letters that are written so in texts of other scripts.
LATIN_ANYWHERE = {"no", "iphone", "自己pr"}


def scripts_of(text: str) -> set[str]:
    """Return the scripts of a text's letters. The kana of Japanese count as one script."""
    names = [unicodedata.name(character) for character in text if character.isalpha()]
    first = {name.split()[0] for name in names}
    kana = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH"}
    return {{"IDEOGRAPHIC": "CJK"}.get(name, "KANA" if name in kana else name) for name in first}


def mixes_scripts(phrase: str) -> bool:
    """Return whether a phrase mixes scripts that no language mixes. Some Latin words occur in texts of all scripts."""
    found = scripts_of(" ".join(word for word in phrase.split() if word.lower() not in LATIN_ANYWHERE))
    return len(found) > 1 and not found <= {"CJK", "KANA"}


@pytest.mark.parametrize(
    ("phrase", "is_mixed"),
    [
        ("декларация", False),
        ("деклaрация", True),  # with a Latin letter
        ("račun ضريبية", True),
        ("счет no", False),
        ("アンケート用紙", False),
        ("お支払金額", False),
        ("発票 счет", True),
    ],
)
def test_a_phrase_that_mixes_scripts_is_found(phrase: str, is_mixed: bool) -> None:
    assert mixes_scripts(phrase) == is_mixed


def test_no_phrase_mixes_scripts(knowledge: Knowledge) -> None:
    mixed = [
        (document_type.name, phrase)
        for document_type in knowledge.types.values()
        for phrase in (*document_type.aliases, *document_type.labels, *document_type.titles, *document_type.cues)
        if mixes_scripts(phrase)
    ]
    assert mixed == []


def test_a_cue_has_the_script_of_its_language(knowledge: Knowledge) -> None:
    wrong = [
        (document_type.name, cue, language)
        for document_type in knowledge.types.values()
        for cue, languages in document_type.languages.items()
        for language in languages
        if not scripts_of(" ".join(word for word in cue.split() if word not in LATIN_ANYWHERE))
        <= SCRIPTS.get(language, {"LATIN"})
    ]
    assert wrong == []

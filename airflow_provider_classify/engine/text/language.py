"""
Guess the language of a text from its script and its most common words.

A result names the language, for people and for routes. The engine also uses it: cues of unrelated languages do not
count, and a page in another language than the page before it is more likely to begin a document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

from airflow_provider_classify.engine.text.words import words_of

#: Words that are common in the sentences, forms and tables of a language. Related languages share some.
_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words_of(words))
    for language, words in {
        "en": "the of and to is that for with by from this are was be have not or your you our it as at an will name "
        "number amount address phone received due description payment customer",
        "de": "der die das und ist nicht ein eine einer den dem des mit von zum zur auf für sich wir sie ihr ihre bei "
        "oder werden wird sind datum nr rechnung betrag menge preis straße telefon kunde vom bitte tag uhr mwst",
        "fr": "le la les des et est une du dans pour par sur au aux que qui vous nous votre avec ce cette pas sont "
        "numéro nom montant facture rue prénom né ttc prix quantité",
        "es": "el los las del por con para una que se su sus al como este esta nombre fecha número usted apellidos "
        "nacimiento factura importe cantidad calle documento",
        "it": "il lo gli della delle dei di che per con una non sono nel nella alla dal come numero nome importo "
        "fattura quantità cognome nato residente",
        "pt": "os as do da dos das em para com uma que não se por ao você seu sua número nome fatura valor rua "
        "quantidade nascimento",
        "nl": "de het een van te voor met niet zijn dat aan door naar bij uw wij deze wordt naam factuur bedrag aantal",
        "sv": "och att det som är på för med av den till inte om ett har vi från eller faktura belopp datum namn",
        "da": "og det er på for med af til ikke om et har vi fra eller jeg deres efter mellem jer mig hvis uden næste "
        "faktura beløb beløbet dato navn",
        "no": "og det er på for med av til ikke om et har vi fra eller jeg deres etter mellom dere meg hvis uten neste "
        "faktura beløp beløpet dato navn",
        "fi": "ja ei että tai oli ovat mutta myös kun joka jos mukaan euroa yhteensä päiväys nimi osoite puhelin määrä",
        "pl": "na do że się nie jest dla od po przez oraz za pod lub numer imię nazwisko faktura kwota ilość cena",
        "cs": "na se je že do pro od jako nebo která který jsou číslo datum jméno částka cena množství",
        "sk": "na sa je že od pre ako alebo ktorá ktorý sú pri aby podľa číslo dátum meno suma cena množstvo",
        "hr": "se da za koji koja koje nije ili kao što bez prema između biti broj iznos račun ime prezime ukupno",
        "sl": "se je za ki ali kot pri tudi lahko med bil bila številka znesek račun ime priimek skupaj",
        "ro": "nu care pentru din cu este sunt prin sau fost până fără către privind această numele suma lei",
        "hu": "az hogy nem egy volt vagy mint ezt csak után szerint alapján kérjük név összeg dátum kft",
        "et": "ja ei ning kui oma see mis või seda eest kuupäev kokku nimi aadress tasuda summa",
        "lv": "un ir par ar uz ka vai līdz kas gada datums vārds uzvārds summa līgums",
        "lt": "ir yra kad arba pagal bei kuris buvo metų bus suma vardas pavardė sutartis",
        "ca": "els les la del dels amb per una que aquest aquesta pel als seva fins nom import quantitat",
        "id": "yang dan untuk dengan dari ini nomor tanggal bahwa karena bisa mohon kantor pajak rekening nama jumlah",
        "ms": "yang dan untuk dengan dari ini nombor tarikh bahawa kerana boleh sila pejabat cukai akaun nama jumlah",
        "vi": "và của cho được các những không ngày tháng năm người theo với trong hoặc tiền công đồng này",
        "tr": "ve bir bu için ile da de olarak olan ne tarih adı numarası fatura tutar miktar",
    }.items()
}
#: Groups of related languages, which can hardly be distinguished in a short text.
_RELATED = (
    {"da", "no", "nb", "nn", "sv"}, {"cs", "sk"}, {"hr", "sr", "sl", "bs"}, {"id", "ms"}, {"es", "pt", "ca", "gl"},
    {"ru", "uk", "bg", "be", "mk"},
)  # fmt: skip
#: The words of all languages.
COMMON_WORDS: frozenset[str] = frozenset().union(*_WORDS.values())
#: The number of languages that have a word. A word of many languages distinguishes them less.
_LANGUAGES_OF = Counter(word for known in _WORDS.values() for word in known)
#: The fewest words for a decision, and the greatest score of the second language as a share of the first one's.
_FEWEST, _CLOSEST = 3, 0.75
#: Letters of one language, or of a script of which only one language is recognised. The first match decides.
_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    "uk": re.compile("[іїєґ]"),
    "ru": re.compile("[ыэ]"),
    "sr": re.compile("[ђћџљњј]"),
    "bg": re.compile("ъ"),
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "zh": re.compile("[\u3400-\u9fff]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
}
#: The least share of these letters in a text. Japanese mixes kana with Chinese characters; every text may have Latin
#: names.
_LEAST_OF_SCRIPT = {"uk": 0.02, "ru": 0.005, "sr": 0.02, "bg": 0.01, "ja": 0.05}
_USUAL_SHARE = 0.3


def guess_language(words: Iterable[str] | Mapping[str, int]) -> str | None:
    """
    Return the language of a text as an ISO 639-1 code, or ``None`` if too few words indicate one.

    :param words: the text's words, folded; or how often each word occurs.
    """
    counts = words if isinstance(words, Mapping) else Counter(words)
    return _by_script(counts) or _by_words(counts)


def common_words_of() -> Mapping[str, frozenset[str]]:
    """Return the common words of each language."""
    return _WORDS


@cache
def related_languages(languages: frozenset[str]) -> frozenset[str]:
    """
    Return the languages and those that can hardly be distinguished from them in a short text.

    If this module does not know one of the languages, return all languages, because :func:`guess_language` never
    returns that language.
    """
    known = frozenset().union(_WORDS, _SCRIPTS, *_RELATED)
    if not languages <= known:
        return known | languages
    return languages.union(*(group for group in _RELATED if not languages.isdisjoint(group)))


def _by_script(words: Mapping[str, int]) -> str | None:
    foreign = "".join([word for word in words if not word.isascii()])
    if not foreign:
        return None
    letters = sum(map(len, words))
    for language, letter in _SCRIPTS.items():
        if len(letter.findall(foreign)) > letters * _LEAST_OF_SCRIPT.get(language, _USUAL_SHARE):
            return language
    return None


def _by_words(words: Mapping[str, int]) -> str | None:
    found = {language: [word for word in known if word in words] for language, known in _WORDS.items()}
    scores = {language: sum(words[word] / _LANGUAGES_OF[word] for word in known) for language, known in found.items()}
    best, second = sorted(scores, key=lambda language: -scores[language])[:2]
    is_enough = sum(words[word] for word in found[best]) >= _FEWEST
    return best if is_enough and scores[second] <= _CLOSEST * scores[best] else None

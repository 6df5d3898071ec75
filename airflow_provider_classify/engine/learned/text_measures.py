"""Measure the text of a page in ways that do not depend on its language: signs, figures, kinds of lines."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

from airflow_provider_classify.engine.scoring.features import SENTENCE_WORDS, Features, PageText
from airflow_provider_classify.engine.text.words import words_of

#: Signs that are counted together.
_SIGNS: Sequence[tuple[str, str]] = (
    ("stops", "."), ("commas", ",，、"), ("colons", ":："), ("semicolons", ";"), ("questions", "?？"),
    ("exclamations", "!！"), ("hyphens", "-"), ("dashes", "–—"), ("slashes", "/"), ("brackets", "("),
    ("money", "$€£¥₹₽"), ("percent", "%"), ("at", "@"), ("numero", "#№"), ("stars", "*"), ("quotes", "\"“”«»„「」"),
    ("apostrophes", "'’"), ("bullets", "•·▪●►■◦"), ("plus", "+"), ("equals", "="), ("bars", "|"), ("blanks", "_"),
    ("marks", "©®™"), ("degrees", "°"), ("angles", "<>"), ("sections", "§"), ("boxes", "☐□☑✓☒"), ("ampersands", "&"),
    ("mathematics", "∑∫≤≥≈∈αβγδεθλμσπ±×"), ("ellipses", "…"),
)  # fmt: skip

#: What is searched among the words of the text that do not consist of letters alone, and its name.
_PATTERNS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("dates", r"\d[./-]\d{1,2}[./-]\d"),
        ("times", r"\d[:h]\d\d\b"),
        ("amounts", r"\d[.,]\d\d(?!\d)"),
        ("thousands", r"\d[., ]\d{3}\b"),
        ("years", r"\b(?:19|20)\d\d\b"),
        ("long_numbers", r"\d{7}"),
        ("codes", r"[A-Z][-/]?\d{3}"),
        ("references", r"\[\d{1,3}\]|\(\d{4}\)"),
        ("telephones", r"\d[)./ -]{1,2}\d{2,4}[./ -]\d{2}"),
        ("units", r"\d ?(?:mm|cm|kg|mA|V|k?Hz|[MG]Hz|°C|µ|μ|k?Ω|dB|W|bar|rpm|mg|ml)\b"),
        ("ranges", r"\d ?[–-] ?\d"),
    )
)

#: Pieces of text that are counted, and their name.
_PIECES: Sequence[tuple[str, Sequence[str]]] = (
    ("web", ("www.", "http", ".com")),
    ("fillers", ("<<", "....", "____")),
    ("et_al", ("et al",)),
)

#: Kinds of lines.
_LINES = (
    "numbered", "bulleted", "quoted", "before_colon", "after_colon", "sentence_end", "hyphenated", "ends_in_figure",
    "one_word", "capitals", "only_figures", "title",
)  # fmt: skip
#: The most lines whose kind is found.
_MOST_LINES = 80

#: Words by which a text speaks of its writer or to its reader, and words of reports, in the most common languages.
_VOICES: Sequence[tuple[str, frozenset[str]]] = tuple(
    (name, frozenset(words_of(words)))
    for name, words in (
        (
            "i",
            "i my me mine ich mein meine meiner mir mich je mon ma mes moi yo mi mis io mio mia meu minha ik "
            "mijn jag min "
            "mitt mina jeg я мне мой меня 我 私",
        ),
        (
            "we",
            "we our us ours wir uns unser unsere unserer nous notre nos nosotros nuestro nuestra nuestros noi "
            "nostro nostra "
            "nós nosso nossa wij ons onze vi vår vores våra мы наш нас наша 我们 当社 弊社",
        ),
        (
            "you",
            "you your yours sie ihr ihre ihrer ihnen du dein dir vous votre vos toi ton usted ustedes su sus tu "
            "lei suo sua "
            "voi vostro você seu sua u uw jij je du din ditt er вы ваш вас ваша 您 你",
        ),
        (
            "third",
            "he she his her they their him er ihm il elle ils lui él ella ellos egli lui ele ela hij zij han "
            "hon он она они "
            "его 他 彼",
        ),
        (
            "shall",
            "shall must may hereby thereof herein soll muss darf hiermit doit peut deberá podrá deve deverá "
            "moet zal skal "
            "ska должен обязан",
        ),
        (
            "past",
            "was were had said told been war waren hatte sagte été était avait dit fue era dijo había è stato "
            "era ha foi "
            "disse werd zei had var sade был была были сказал",
        ),
    )
)

NAMES: tuple[str, ...] = (
    "text:characters", "text:lines", "text:words", "text:prose", "text:letters", "text:figures", "text:upper",
    "text:not_ascii", "text:sentence_words", "text:variety", "text:word_length", "text:line_words", "text:legibility",
    "text:is_ocr", "text:amounts", "text:without_spaces",
    *(f"sign:{name}" for name, _ in _SIGNS),
    *(f"found:{name}" for name, _ in _PATTERNS),
    *(f"found:{name}" for name, _ in _PIECES),
    *(f"line:{name}" for name in _LINES),
    *(f"voice:{name}" for name, _ in _VOICES),
)  # fmt: skip

#: Signs that are counted even if there are none.
_NO_SIGN = "\0"
_COUNTED = "0123456789" + _NO_SIGN + "".join(signs for _, signs in _SIGNS)
#: Take the counts of the signs of each group. A group of one sign has a second that no text has, so that
#: the result is always a tuple.
_COUNTS = [itemgetter(*(group if len(group) > 1 else group + _NO_SIGN)) for _, group in _SIGNS]
#: Scale of the square roots of shares: one sign in a hundred characters counts 1.
_SHARE_SCALE = 100.0
#: At most so many characters of a page are searched. Longer pages are mostly more of the same.
_MOST_CHARACTERS = 2000


def text_measures(text: PageText, features: Features) -> list[float]:
    """Return the measures named by ``NAMES``, most of them between 0 and 3."""
    raw, words = text.raw[:_MOST_CHARACTERS], Counter(text.words)
    signs = dict.fromkeys(_COUNTED, 0) | Counter(raw)
    length, count = max(1, len(raw)), max(1, len(text.words))
    split = raw.split()
    not_words = " ".join(word for word in split if not word.isalpha())
    figures = sum(signs[figure] for figure in "0123456789")
    letters = sum(number for sign, number in signs.items() if sign.isalpha())
    return [
        math.log1p(features.characters) / 4,
        math.log1p(features.lines) / 3,
        math.log1p(len(text.words)) / 3,
        features.prose,
        letters / length,
        figures / length,
        sum(number for sign, number in signs.items() if sign.isupper()) / length,
        sum(number for sign, number in signs.items() if not sign.isascii()) / length,
        sum(words[word] for word in SENTENCE_WORDS.intersection(words)) / count,
        len(words) / count,
        letters / max(1, len(split)) / 6,
        count / max(1, len(text.lines)) / 8,
        features.legibility,
        float(features.is_ocr),
        math.log1p(features.amounts) / 2,
        float(bool(text.unspaced)),
        *(math.sqrt(_SHARE_SCALE * sum(count(signs)) / length) for count in _COUNTS),
        *(math.log1p(len(pattern.findall(not_words))) for _, pattern in _PATTERNS),
        *(math.log1p(sum(map(raw.count, pieces))) for _, pieces in _PIECES),
        *_kinds_of_lines(raw.split("\n")[:_MOST_LINES]),
        *(
            math.sqrt(_SHARE_SCALE * sum(words[w] for w in voice.intersection(words)) / count) / 2
            for _, voice in _VOICES
        ),
    ]


def _kinds_of_lines(lines: Sequence[str]) -> list[float]:
    """Return the share of the lines of each kind of ``_LINES``."""
    lines = [line.strip() for line in lines]
    lines = [line for line in lines if line]
    first, last = Counter(line[0] for line in lines), Counter(line[-1] for line in lines)
    counts = (
        sum(first[figure] for figure in "0123456789"),
        sum(first[sign] for sign in "•·▪●►■◦*–-"),
        sum(first[sign] for sign in '>"“«»„'),
        last[":"] + last["："],
        sum(": " in line for line in lines),
        sum(last[sign] for sign in ".!?。"),
        last["-"],
        sum(last[figure] for figure in "0123456789"),
        sum(" " not in line for line in lines),
        sum(map(str.isupper, lines)),
        sum(not line.upper().isupper() for line in lines),
        sum(map(str.istitle, lines)),
    )
    return [number / max(1, len(lines)) for number in counts]

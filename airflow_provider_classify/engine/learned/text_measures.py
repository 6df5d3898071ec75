"""Measure the text of a page: signs, digits, kinds of lines, and a few words of the most common languages."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter

from airflow_provider_classify.engine.scoring.features import Features, PageText
from airflow_provider_classify.engine.text.words import words_of

#: Groups of signs that are counted together, each with its name.
_SIGNS: Sequence[tuple[str, str]] = (
    ("stops", "."), ("commas", ",，、"), ("colons", ":："), ("semicolons", ";"), ("questions", "?？"),
    ("exclamations", "!！"), ("hyphens", "-"), ("dashes", "–—"), ("slashes", "/"), ("brackets", "("),
    ("money", "$€£¥₹₽"), ("percent", "%"), ("at", "@"), ("numero", "#№"), ("stars", "*"), ("quotes", "\"“”«»„「」"),
    ("apostrophes", "'’"), ("bullets", "•·▪●►■◦"), ("plus", "+"), ("equals", "="), ("bars", "|"), ("blanks", "_"),
    ("marks", "©®™"), ("degrees", "°"), ("angles", "<>"), ("sections", "§"), ("boxes", "☐□☑✓☒"), ("ampersands", "&"),
    ("mathematics", "∑∫≤≥≈∈αβγδεθλμσπ±×"), ("ellipses", "…"),
)  # fmt: skip

#: Patterns and their names. They are searched in the words that contain other characters than letters.
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

#: Pieces of text that are counted together, each group with its name.
_PIECES: Sequence[tuple[str, Sequence[str]]] = (
    ("web", ("www.", "http", ".com")),
    ("fillers", ("<<", "....", "____")),
    ("et_al", ("et al",)),
)

#: The kinds of lines, in the order of :func:`_kinds_of_lines`.
_LINES = (
    "numbered", "bulleted", "quoted", "before_colon", "after_colon", "sentence_end", "hyphenated", "ends_in_digit",
    "one_word", "capitals", "no_letters", "title",
)  # fmt: skip
#: The most lines of a page whose kind is determined.
_MAX_LINES = 80

#: Words for the writer, the reader and other persons, for duties, and for the past, in the most common languages.
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
    "text:characters", "text:lines", "text:words", "text:prose", "text:letters", "text:digits", "text:upper",
    "text:not_ascii", "text:sentence_words", "text:variety", "text:word_length", "text:line_words", "text:legibility",
    "text:is_ocr", "text:amounts", "text:without_spaces",
    *(f"sign:{name}" for name, _ in _SIGNS),
    *(f"found:{name}" for name, _ in _PATTERNS),
    *(f"found:{name}" for name, _ in _PIECES),
    *(f"line:{name}" for name in _LINES),
    *(f"voice:{name}" for name, _ in _VOICES),
)  # fmt: skip

#: For each word, the numbers of the groups of _VOICES that have it.
_VOICES_OF: Mapping[str, Sequence[int]] = {
    word: [number for number, (_, voice) in enumerate(_VOICES) if word in voice]
    for _, words in _VOICES
    for word in words
}
#: A sign that no text contains.
_NO_SIGN = "\0"
#: The signs that have a count even if a text does not contain them.
_COUNTED = "0123456789" + _NO_SIGN + "".join(signs for _, signs in _SIGNS)
#: One function for each group, which returns the counts of its signs. _NO_SIGN is added to a group of one sign,
#: because ``itemgetter`` returns a tuple only for several keys.
_COUNTS = [itemgetter(*(group if len(group) > 1 else group + _NO_SIGN)) for _, group in _SIGNS]
#: Shares are multiplied by this before their square root is taken. One sign in a hundred characters gives 1.
_SHARE_SCALE = 100.0
#: The most characters of a page that are measured. More text seldom changes the measures.
_MAX_CHARACTERS = 2000


def text_measures(text: PageText, features: Features) -> list[float]:
    """Return the measures that ``NAMES`` lists. Most of them lie between 0 and 3."""
    raw, words = text.raw[:_MAX_CHARACTERS], text.counts
    signs = dict.fromkeys(_COUNTED, 0) | Counter(raw)
    length, count = max(1, len(raw)), max(1, len(text.words))
    split = raw.split()
    not_words = " ".join(word for word in split if not word.isalpha())
    digits = sum(signs[digit] for digit in "0123456789")
    letters = sum(number for sign, number in signs.items() if sign.isalpha())
    return [
        math.log1p(features.characters) / 4,
        math.log1p(features.lines) / 3,
        math.log1p(len(text.words)) / 3,
        features.prose,
        letters / length,
        digits / length,
        sum(number for sign, number in signs.items() if sign.isupper()) / length,
        sum(number for sign, number in signs.items() if not sign.isascii()) / length,
        text.sentence_words / count,
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
        *_kinds_of_lines(raw.split("\n")[:_MAX_LINES]),
        *(math.sqrt(_SHARE_SCALE * number / count) / 2 for number in _counts_of_voices(words)),
    ]


def _counts_of_voices(words: Mapping[str, int]) -> list[int]:
    """Return how often the words of each group of ``_VOICES`` occur."""
    counts = [0] * len(_VOICES)
    for word in words.keys() & _VOICES_OF.keys():
        for voice in _VOICES_OF[word]:
            counts[voice] += words[word]
    return counts


def _kinds_of_lines(lines: Sequence[str]) -> list[float]:
    """Return, for each kind of ``_LINES``, the share of the lines that are of this kind."""
    lines = [line.strip() for line in lines]
    lines = [line for line in lines if line]
    first, last = Counter(line[0] for line in lines), Counter(line[-1] for line in lines)
    counts = (
        sum(first[digit] for digit in "0123456789"),
        sum(first[sign] for sign in "•·▪●►■◦*–-"),
        sum(first[sign] for sign in '>"“«»„'),
        last[":"] + last["："],
        sum(": " in line for line in lines),
        sum(last[sign] for sign in ".!?。"),
        last["-"],
        sum(last[digit] for digit in "0123456789"),
        sum(" " not in line for line in lines),
        sum(map(str.isupper, lines)),
        sum(not line.upper().isupper() for line in lines),
        sum(map(str.istitle, lines)),
    )
    return [number / max(1, len(lines)) for number in counts]

"""
The confidence of an answer.

It comes from the probabilities of the answer's tokens if the provider gives them, else from the agreement of several
answers, else it is the confidence that the model states. ``confidence_source`` in a result names the source.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from airflow_provider_classify.llm.answer import Answer, Choices, PageAnswer, spans_of

ConfidenceSource = Literal["logprobs", "votes", "stated"]
CONFIDENCE_SOURCES: tuple[ConfidenceSource, ...] = get_args(ConfidenceSource)
#: The highest confidence in the nearest category if the document belongs to no category.
_MOST_FOR_NEAREST = 0.5


class Token(NamedTuple):
    """A token of an answer, and the natural logarithm of its probability."""

    data: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    An answer with its confidence, before a calibration.

    :param confidence: the confidence in ``answer.option``.
    :param pages: the confidence in each page's option.
    :param votes: how many answers chose each option; empty if the model was asked once.
    """

    answer: Answer
    confidence: float
    source: ConfidenceSource
    pages: Mapping[int, float]
    votes: Mapping[str, int]


def judge(answers: Sequence[Answer], probabilities: Sequence[float]) -> Judgement:
    """
    Return the most frequent answer, with its confidence.

    :param answers: the answers of the model about one document, at least one.
    :param probabilities: the probabilities of the category and of the pages' categories in the first answer, in order;
        empty if the provider gives none. With probabilities, the first answer is returned.
    """
    first = answers[0]
    if probabilities:
        per_page = probabilities[1:] if len(probabilities) == 1 + len(first.pages) else ()
        pages = dict(zip(first.pages, per_page, strict=False)) or _stated(first)
        return Judgement(first, probabilities[0], "logprobs", pages, {})
    if len(answers) == 1:
        return Judgement(first, first.confidence, "stated", _stated(first), {})
    votes = Counter(answer.option for answer in answers)
    winner = max(votes, key=lambda option: (votes[option], -_place(option, answers)))
    chosen = next(answer for answer in answers if answer.option == winner)
    numbers = dict.fromkeys(number for answer in answers for number in answer.pages)
    page_votes = {number: Counter(a.pages[number].option for a in answers if number in a.pages) for number in numbers}
    best = {number: counted.most_common(1)[0] for number, counted in page_votes.items()}
    pages_answered = {number: PageAnswer(option, 0.0) for number, (option, _) in best.items()}
    return Judgement(
        Answer(chosen.option, chosen.nearest, chosen.confidence, chosen.reasoning, pages_answered),
        votes[winner] / len(answers),
        "votes",
        {number: times / page_votes[number].total() for number, (_, times) in best.items()},
        dict(votes),
    )


def in_category(option: str, nearest: str, confidence: float, choices: Choices) -> tuple[str, float]:
    """
    Return the category of an answer, and the confidence in it.

    A result has a category even if the answer is that none fits. Then it is the nearest one, with a confidence of at
    most 0.5, so that a threshold sends the document to a person.
    """
    if not choices.is_none(option):
        return option, confidence
    return nearest, min(_MOST_FOR_NEAREST, 1.0 - confidence)


def category_probabilities(text: str, tokens: Sequence[Token]) -> list[float]:
    """
    Return the probability of each category in an answer, in order.

    :param text: the answer, as JSON.
    :param tokens: the tokens of the answer.
    :returns: an empty list if the tokens do not add up to the text.
    """
    data = text.encode()
    if not tokens or b"".join(token.data for token in tokens).strip() != data.strip():
        return []
    offset = len(b"".join(token.data for token in tokens)) - len(b"".join(token.data for token in tokens).lstrip())
    offset -= len(data) - len(data.lstrip())
    probabilities = []
    for begin, end in spans_of(text, "category"):
        first, last = len(text[:begin].encode()) + offset, len(text[:end].encode()) + offset
        total, place = 0.0, 0
        for token in tokens:
            if place < last and place + len(token.data) > first:
                total += token.logprob
            place += len(token.data)
        probabilities.append(min(1.0, math.exp(total)))
    return probabilities


def tokens_of(details: Mapping[str, Any] | None) -> list[Token]:
    """
    Return the tokens in the details that a provider adds to a response.

    OpenAI's APIs give a list, and Google's an object with the ``chosen_candidates``.
    """
    found = (details or {}).get("logprobs")
    if isinstance(found, Mapping):
        found = found.get("chosen_candidates")
    tokens: list[Token] = []
    for entry in found if isinstance(found, Sequence) else ():
        logprob = entry.get("logprob", entry.get("log_probability"))
        text = entry.get("token")
        if logprob is None or text is None:
            return []
        data = entry.get("bytes")
        tokens.append(Token(bytes(data) if data else str(text).encode(), float(logprob)))
    return tokens


def _stated(answer: Answer) -> dict[int, float]:
    return {number: page.confidence for number, page in answer.pages.items()}


def _place(option: str, answers: Sequence[Answer]) -> int:
    return next(place for place, answer in enumerate(answers) if answer.option == option)

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest

from airflow_provider_classify.llm.answer import Answer, Choices, PageAnswer
from airflow_provider_classify.llm.confidence import (
    Token,
    category_probabilities,
    in_category,
    judge,
    tokens_of,
)

CHOICES = Choices.of(["invoice", "letter"])


def answer(option: str, confidence: float = 0.7, pages: dict[int, PageAnswer] | None = None) -> Answer:
    return Answer(option, "letter" if option == "none of these" else option, confidence, "Because.", pages or {})


def test_the_probabilities_of_the_tokens_come_first() -> None:
    judgement = judge([answer("invoice", 0.2)], [0.97])
    assert (judgement.confidence, judgement.source, judgement.votes) == (0.97, "logprobs", {})


def test_without_them_the_share_of_equal_answers_counts() -> None:
    judgement = judge([answer("letter"), answer("invoice"), answer("invoice"), answer("none of these")], [])
    assert judgement.answer.option == "invoice"
    assert (judgement.confidence, judgement.source) == (0.5, "votes")
    assert judgement.votes == {"letter": 1, "invoice": 2, "none of these": 1}


def test_of_equally_many_votes_the_first_answer_counts() -> None:
    assert judge([answer("letter"), answer("invoice")], []).answer.option == "letter"


def test_the_models_own_word_is_the_last_resort() -> None:
    judgement = judge([answer("invoice", 0.35)], [])
    assert (judgement.confidence, judgement.source) == (0.35, "stated")


def test_pages_have_a_confidence_of_the_same_source() -> None:
    pages = {1: PageAnswer("invoice", 0.9), 2: PageAnswer("letter", 0.6)}
    other = {1: PageAnswer("invoice", 0.9), 2: PageAnswer("invoice", 0.6)}
    assert judge([answer("invoice", pages=pages)], []).pages == {1: 0.9, 2: 0.6}
    assert judge([answer("invoice", pages=pages)], [0.99, 0.98, 0.5]).pages == {1: 0.98, 2: 0.5}
    voted = judge([answer("invoice", pages=pages), answer("invoice", pages=other), answer("invoice", pages=other)], [])
    assert voted.pages == {1: 1.0, 2: pytest.approx(2 / 3)}
    assert voted.answer.pages[2].option == "invoice"


def test_no_category_is_the_nearest_one_with_at_most_one_half() -> None:
    assert in_category("invoice", "invoice", 0.9, CHOICES) == ("invoice", 0.9)
    assert in_category("none of these", "letter", 0.9, CHOICES) == ("letter", pytest.approx(0.1))
    assert in_category("none of these", "letter", 0.1, CHOICES) == ("letter", 0.5)


def split(text: str, *cuts: int, logprob: float = -0.1) -> list[Token]:
    data, ends = text.encode(), [0, *cuts, len(text.encode())]
    return [Token(data[begin:end], logprob) for begin, end in pairwise(ends)]


def test_the_probability_of_a_category_is_that_of_all_its_tokens() -> None:
    text = '{"category": "rémy letter", "n": 1}'
    begin = text.encode().index("rémy".encode())
    tokens = split(text, begin, begin + 2, begin + 5, begin + len("rémy letter".encode()))
    # Of the five tokens, three are within the category. One of them begins in the middle of a character.
    assert category_probabilities(text, tokens) == [pytest.approx(math.exp(-0.3))]


def test_a_token_that_has_more_than_the_category_counts() -> None:
    text = '{"category":"a"}'
    assert category_probabilities(text, [Token(text.encode(), math.log(0.25))]) == [pytest.approx(0.25)]


def test_space_around_the_answer_does_not_matter() -> None:
    text = '{"category":"a"}'
    tokens = [Token(b"\n ", 0.0), Token(b'{"category":"', 0.0), Token(b"a", math.log(0.5)), Token(b'"}\n', 0.0)]
    assert category_probabilities(text, tokens) == [pytest.approx(0.5)]
    assert category_probabilities(f"\n {text}", tokens) == [pytest.approx(0.5)]


def test_tokens_of_another_text_give_no_probability() -> None:
    assert category_probabilities('{"category":"a"}', [Token(b'{"category":"b"}', 0.0)]) == []
    assert category_probabilities('{"category":"a"}', []) == []


def test_the_tokens_of_openai_and_of_google_are_read() -> None:
    expected = [Token(b"a", -0.5), Token("é".encode(), -1.0)]
    openai = [{"token": "a", "bytes": [97], "logprob": -0.5}, {"token": "?", "bytes": [195, 169], "logprob": -1.0}]
    google = {"chosen_candidates": [{"token": "a", "log_probability": -0.5}, {"token": "é", "log_probability": -1.0}]}
    assert tokens_of({"logprobs": openai}) == expected
    assert tokens_of({"logprobs": google}) == expected
    for none in (None, {}, {"logprobs": []}, {"logprobs": [{"token": "a", "logprob": None}]}, {"logprobs": {}}):
        assert tokens_of(none) == []


def test_pages_are_in_the_order_of_the_answer() -> None:
    text = json.dumps({"category": "a", "pages": [{"page": 1, "category": "b"}, {"page": 2, "category": "c"}]})
    chances = {"a": 0.9, "b": 0.8, "c": 0.7}
    tokens = [Token(c.encode(), math.log(chances[c]) if text[i - 1 : i + 2] == f'"{c}"' and c in chances else 0.0)
              for i, c in enumerate(text)]  # fmt: skip
    assert category_probabilities(text, tokens) == [pytest.approx(p) for p in (0.9, 0.8, 0.7)]

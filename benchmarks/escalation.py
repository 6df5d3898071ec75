"""
Measure what a cascade from the local engine to a language model sends and costs, by threshold.

    python -m benchmarks.escalation FOLDER [--threshold 0.9]

FOLDER has ``labels.csv`` with the columns path and category, or a folder for each category. A stand-in for the model
answers from these labels: a real HTTP server on loopback with OpenAI's API for chat completions. The stand-in is always
right, so the accuracy is the best that a model can reach.

Tokens are counted roughly as providers do: one token for four characters, and 85 tokens for a picture, with 170 more
for each square of 512 × 512 pixels. The cascade runs once, with the threshold: ``ClassifyBatchOperator`` asks the local
engine first, and the stand-in about the rest. The table then applies other thresholds to the same first answers.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

# This module sets up an Airflow when it is imported, so it must come first.
from benchmarks.cascade import THRESHOLDS, First, first_of, line, parse_options  # isort: skip
import pymupdf

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.llm.answer import Choices
from airflow_provider_classify.llm.prompt import JpegPart, Prompt, build_prompt
from airflow_provider_classify.llm.settings import IMAGE_PX
from airflow_provider_classify.model.cascade import Cascade, Escalate, after_first
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from tests.support.chat_server import ChatReply, ChatRequest, chat_server, says
from tests.support.context import context

#: The tokens of an answer about a whole document, and of each page in an answer about several pages.
_ANSWER, _PAGE = 50, 20
_OPTIONS = EngineOptions(seconds=600)


@dataclass(frozen=True)
class Question:
    """The prompt about a document, with its size in tokens, the tokens of the answer, and its number of pictures."""

    prompt: Prompt
    tokens: int
    answer_tokens: int
    pictures: int


def main() -> None:
    labels, chosen = parse_options(__doc__)
    questions = ask_for_all(labels)
    with tempfile.TemporaryDirectory() as folder:
        rows, manifest, requests = run(labels, questions, chosen, Path(folder))
    right = sum(row.get("classification") == labels[row["document"]] for row in rows)
    usage = manifest.get("usage", {})
    print(f"One run of the cascade at {chosen:g} over {len(rows)} documents:")
    print(f"  escalated documents   {manifest['escalated']}, requests that the stand-in got: {requests}")
    print(f"  tokens                {usage.get('input_tokens', 0):,} in, {usage.get('output_tokens', 0):,} out")
    print(f"  accuracy              {right / len(rows):.1%}, not classified: {manifest['failed']}\n")
    firsts = [(row["document"], first_of(row, labels)) for row in rows]
    print("threshold   escalated          tokens in   tokens out   share of the tokens without an engine   accuracy")
    everything = sum(question.tokens + question.answer_tokens for question in questions.values())
    for threshold in [None, *sorted({*THRESHOLDS, chosen}), 1.01]:
        print_line(firsts, questions, threshold, everything)


def ask_for_all(labels: Mapping[str, str]) -> dict[str, Question]:
    """Return the question about each document that can be read and is not blank."""
    categories = parse_categories(sorted(set(labels.values())))
    choices = Choices.of([category.name for category in categories])

    def ask(path: str) -> Question | None:
        try:
            content = pool.contents(Path(path), name=path, form="auto", longest_side=IMAGE_PX)
        except ClassifyError:
            return None
        if not content.filled:
            return None
        return question(build_prompt(categories, content.filled, choices.none))

    with EnginePool(options=_OPTIONS) as pool, ThreadPoolExecutor(pool.size) as threads:
        asked = zip(labels, threads.map(ask, labels), strict=True)
        return {path: found for path, found in asked if found is not None}


def question(prompt: Prompt) -> Question:
    pictures = [part for part in prompt.parts if isinstance(part, JpegPart)]
    texts = [prompt.instructions, *(part for part in prompt.parts if isinstance(part, str))]
    tokens = ceil(len("".join(texts)) / 4) + sum(picture_tokens(base64.b64decode(part.data)) for part in pictures)
    return Question(
        prompt, tokens, _ANSWER + _PAGE * (len(prompt.pages) if len(prompt.pages) > 1 else 0), len(pictures)
    )


def picture_tokens(jpeg: bytes) -> int:
    picture = pymupdf.Pixmap(jpeg)
    return 85 + 170 * ceil(picture.width / 512) * ceil(picture.height / 512)


def run(
    labels: Mapping[str, str], questions: Mapping[str, Question], threshold: float, folder: Path
) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    """Run the batch. Return its rows, its manifest, and the number of requests that the stand-in got."""
    by_fence = {fence_of(question.prompt.instructions): path for path, question in questions.items()}

    def answer(request: ChatRequest) -> ChatReply:
        path = by_fence[fence_of(request.instructions)]
        label, asked = labels[path], questions[path]
        pages = [{"page": number, "category": label, "confidence": 1.0} for number in asked.prompt.pages]
        more = {"pages": pages} if len(pages) > 1 else {}
        return says(label, confidence=1.0, usage=(asked.tokens, asked.answer_tokens), **more)

    with chat_server(answer) as server:
        os.environ |= server.environment(document_timeout=600)
        manifest = ClassifyBatchOperator(
            task_id="escalation",
            documents=list(labels),
            categories=sorted(set(labels.values())),
            output=str(folder / "out.jsonl"),
            classify_conn_id="engine",
            escalate_to="model",
            escalate_below=threshold,
            max_failed=len(labels),
        ).execute(context())
        if server.invalid:
            raise SystemExit(f"A request was not valid: {server.invalid[0]}")
        requests = len(server.requests)
    rows = [json.loads(text) for text in (folder / "out.jsonl").read_text().splitlines()]
    return rows, manifest, requests


def fence_of(instructions: str) -> str:
    return instructions.partition("between the lines <")[2].partition(">")[0]


def print_line(
    firsts: Sequence[tuple[str, First]], questions: Mapping[str, Question], threshold: float | None, everything: int
) -> None:
    cascade = None if threshold is None else Cascade("engine", "model", threshold)
    sent = [path for path, first in firsts if isinstance(after_first(cascade, first.outcome), Escalate)]
    asked = [questions[path] for path in sent if path in questions]
    tokens, output = sum(one.tokens for one in asked), sum(one.answer_tokens for one in asked)
    counted = line([first for _, first in firsts], threshold)
    name = "no model" if threshold is None else "all" if threshold > 1 else f"{threshold:g}"
    share = (tokens + output) / everything if everything else 0.0
    print(
        f"{name:>9}   {len(sent):>4} {len(sent) / len(firsts):>6.1%}   {tokens:>12,}   {output:>10,}   "
        f"{share:>37.1%}   {counted.right / len(firsts):>8.1%}"
    )


if __name__ == "__main__":
    main()

"""Show a result to a person, and add the person's answer to the result. This module does not need Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from airflow_provider_classify.documents.reference import is_http_url, label_of, name_of
from airflow_provider_classify.exceptions import InvalidResult
from airflow_provider_classify.model.evidence import described
from airflow_provider_classify.model.markdown import escape, link, linked_image
from airflow_provider_classify.model.printable_text import encodable
from airflow_provider_classify.model.scores import probabilities_of, scores_of, share_of

#: The most lines of evidence that a review shows.
MAX_EVIDENCE = 8
#: The most categories with probabilities, and the most page numbers in a list, that a review shows.
MAX_SCORES = 10
#: The least probability that the document belongs to none of the categories that is shown.
_LEAST_NONE = 0.005
#: The length of the bar for the probability 1, in characters.
_BAR = 20
#: The fields that only a result without a category has. A person's answer removes them.
_NO_ANSWER = ("blank", "error", "error_kind")


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A person's answer.

    :param category: the category that the person chose, or the prediction that stands; ``None`` if there is neither.
    :param by: the person's name; ``None`` if nobody answered in time, so that the prediction stands.
    :param at: the time of the answer, in ISO 8601.
    """

    category: str | None
    by: str | None
    at: str


def parse_result(value: object) -> Mapping[str, Any]:
    """
    Return a result from XCom.

    :raises InvalidResult: the value is not a result: it is ``None``, a job id, a list or another object.
    """
    if value is None:
        raise InvalidResult(
            "The result to review is None; check that the task that classifies succeeded and pushed its result."
        )
    if isinstance(value, Mapping):
        if "classification" in value or value.get("success") is False:
            return value
        raise InvalidResult(
            "The result to review has no classification; give what a ClassifyOperator or ClassifySensor pushed."
        )
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        raise InvalidResult("The result to review is a list; give one result, or give the list to expand().")
    raise InvalidResult(
        f"The result to review is a {type(value).__name__}; give what a ClassifyOperator or ClassifySensor pushed."
    )


def predicted_category(result: Mapping[str, Any]) -> str | None:
    """Return the category that the classifier predicts; ``None`` for a blank document and a failure."""
    return result.get("classification") or None


def review_options(result: Mapping[str, Any], categories: Sequence[str] = ()) -> list[str]:
    """
    Return the categories from which a person chooses, the best first.

    The prediction comes first, then the categories by score, then those without a score in their own order. If the
    document probably belongs to none of the scored categories, those without a score come first.

    :param categories: the names of all categories. Without them, the options are the categories of the result's
        ``scores``. Only the local engine scores all categories.
    :raises InvalidResult: no categories are given, and the result has no scores.
    """
    scores = scores_of(result)
    names = list(categories) or list(scores)
    if not names:
        raise InvalidResult(
            f"The result of {_name(result)} has no scores, so the categories are unknown; "
            "give the review the same categories as the classification."
        )
    predicted = predicted_category(result)
    if predicted is not None and predicted not in names:
        names.append(predicted)
    ranked = sorted(names, key=lambda name: (name != predicted, -scores.get(name, 0.0)))
    if probabilities_of(result).is_probably_none:
        ranked.sort(key=lambda name: name in scores)
    return ranked


def review_subject(result: Mapping[str, Any]) -> str:
    """Return the question for a person, as plain text."""
    return f"Which category fits {_name(result)}?"


def review_body(
    result: Mapping[str, Any], *, thumbnail: str | None = None, threshold: float | None = None, stays_after: str = ""
) -> str:
    """
    Return the information for the choice of a category, as Markdown for the ``body`` of a human-in-the-loop operator.

    The text names the document, the predicted category and its confidence. It lists how probable each category is, and
    the lines that are the evidence for the prediction. A document with an http(s) URL gets a link. The text of the
    document is escaped. The length is limited to a few thousand characters.

    :param result: a result from XCom. It can be of a blank document or a failure, and it can lack evidence.
    :param thumbnail: the URL of a picture of the document's first page. It is relative to Airflow's UI or begins with
        ``http``. Airflow's UI drops ``data:`` URLs.
    :param threshold: the confidence, 0 to 1, below which a person is asked; the text says that this is the reason.
    :param stays_after: the time after which the result stays as it is if nobody has answered, in words, such as
        ``2 days``. Airflow highlights the button of the prediction then, and the text explains it.
    :raises InvalidResult: the value is not a result.
    """
    result = parse_result(result)
    parts = [_document(result), _prediction(result, threshold), *_remarks(result)]
    if thumbnail:
        parts += [linked_image("The first page of the document", thumbnail), "*Click the picture to enlarge it.*"]
    parts += [*_probability_table(result), *_evidence_list(result)]
    parts.append("**Which category is right?** Your answer becomes the category of the document.")
    if stays_after and predicted_category(result):
        parts.append(_default(result, stays_after))
    return "\n\n".join(parts)


def with_answer(result: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """
    Return the result with a person's answer as its classification.

    The answer gets the confidence 1, so that a threshold does not send the document to review again. ``predicted``
    keeps the classifier's ``classification`` and ``confidence``, and its ``error`` and ``error_kind`` if it failed. If
    nobody answered in time, ``classification`` and ``confidence`` do not change. The fields about pages and scores
    never change.
    """
    corrected = dict(result)
    before = {"classification": predicted_category(result), "confidence": share_of(result.get("confidence"))}
    before |= {name: result[name] for name in _NO_ANSWER if result.get(name)}
    if answer.by is not None:
        for name in _NO_ANSWER:
            corrected.pop(name, None)
        corrected |= {"success": True, "classification": answer.category, "confidence": 1.0}
        if isinstance(result.get("confidence_by_path"), Mapping):
            corrected["confidence_by_path"] = dict.fromkeys(_parents(answer.category or ""), 1.0)
    # After an earlier review, the result already has the classifier's own prediction.
    predicted = result.get("predicted") or before
    return corrected | {"reviewed_by": answer.by, "reviewed_at": answer.at, "predicted": predicted}


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _document(result: Mapping[str, Any]) -> str:
    label = _label(result)
    if not label:
        return "The result does not name its document."
    if is_http_url(label):
        return f"**Document:** {link(_name(result), label)} (opens in a new tab)"
    return f"**Document:** {escape(label, 500)}"


def _prediction(result: Mapping[str, Any], threshold: float | None) -> str:
    if result.get("success") is False:
        reason = result.get("error") or "the classifier gave no reason"
        return f"**Prediction:** none. The document could not be classified: {escape(reason, 500)}"
    predicted = predicted_category(result)
    if predicted is None:
        return "**Prediction:** none. The document seems to be blank."
    confidence = result.get("confidence")
    probabilities = probabilities_of(result)
    if probabilities.is_probably_none:
        none = f"**none of these**, with a confidence of {_percent(probabilities.none)}"
        asked = "" if threshold is None else " You are asked because none of the categories seems to fit."
        return f"**Prediction:** {none}. The nearest category is {escape(predicted)} ({_percent(confidence)}).{asked}"
    shown = _percent(confidence)
    asked = ""
    if threshold is not None:
        limit = _percent(threshold)
        below = "a little below" if limit == shown else "below"  # the confidence is rounded
        is_known = share_of(confidence) is not None
        asked = f" You are asked because it is {below} {limit}." if is_known else " So you are asked."
    return f"**Prediction:** **{escape(predicted)}**, with a confidence of {shown}.{asked}"


def _default(result: Mapping[str, Any], after: str) -> str:
    """Say what happens if nobody answers in time. Call this only for a result with a prediction."""
    category = escape(str(predicted_category(result)))
    advice = "That is why its button is highlighted."
    if probabilities_of(result).is_probably_none:
        category += f", the nearest category ({_percent(result.get('confidence'))})"
        advice += " It is not a recommendation."
    return f"If nobody answers within {after}, the document's category will be {category}. {advice}"


def _remarks(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the facts about the document that a person should know before the choice."""
    if source := result.get("read_from"):
        yield f"The classifier read the file {escape(source)} in the document."
    if isinstance(reason := result.get("reasoning"), str) and reason:
        yield f"The model's reason: “{escape(reason, 300)}”"
    if result.get("mixed") is True:
        groups = [
            f"{escape(group['category'])} on {_pages(group['pages'])}"
            for group in _objects(result.get("categories"))
            if isinstance(group.get("pages"), list) and group.get("category")
        ]
        if groups:
            yield f"The pages belong to different categories: {'; '.join(islice(groups, MAX_SCORES))}."
    failed = [page.get("page") for page in _objects(result.get("page_results")) if page.get("success") is False]
    if failed:
        yield f"The classifier could not read {_pages(failed)}."
    if any(part.get("unknown_script") is True for part in (result, *_objects(result.get("page_results")))):
        yield "The document is a scan in a script that the classifier cannot read."


def _probability_table(result: Mapping[str, Any]) -> Iterator[str]:
    scores = scores_of(result)
    if not scores or predicted_category(result) is None:
        return
    probabilities = probabilities_of(result)
    if result.get("reviewed_by") or not probabilities.categories:
        return  # after a person's answer, the scores are not probabilities
    # The scores order the categories if the confidence is rounded to 0.
    ranked = sorted(probabilities.categories.items(), key=lambda item: (-item[1], -scores.get(item[0], 0.0)))
    shown = [(escape(name), value) for name, value in ranked[:MAX_SCORES]]
    if probabilities.none >= _LEAST_NONE:
        shown = sorted([*shown, ("*none of these*", probabilities.none)], key=lambda item: -item[1])
    rows = [f"| {name} | {_percent(value)} | {_bar(value)} |" for name, value in shown]
    if len(ranked) > MAX_SCORES:
        rows.append(f"| {len(ranked) - MAX_SCORES} more | | |")
    yield "\n".join(["| Category | Probability | |", "|:--|--:|:--|", *rows])


def _bar(probability: float) -> str:
    filled = round(probability * _BAR)
    return f"`{'█' * filled}{'░' * (_BAR - filled)}`"


def _evidence_list(result: Mapping[str, Any]) -> Iterator[str]:
    found = list(islice(_evidence_lines(result), MAX_EVIDENCE))
    if found:
        nearest = escape(str(predicted_category(result)))
        is_none = probabilities_of(result).is_probably_none
        title = f"What the document has in common with {nearest}" if is_none else "Found in the document"
        yield f"**{title}:**\n\n" + "\n".join(f"- {line}" for line in found)


def _evidence_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield each line of evidence once, with its page."""
    seen: set[tuple[object, object]] = set()
    url = label if is_http_url(label := _label(result)) and label.lower().endswith(".pdf") else None
    for part in (result, *_objects(result.get("page_results"))):
        for found in _objects(part.get("evidence")):
            (text, is_quotation), page = described(found), found.get("page")
            if not text or (page, text) in seen:
                continue
            seen.add((page, text))
            where = f"page {page}" if isinstance(page, int) else "the document"
            shown = link(where, f"{url}#page={page}") if url and isinstance(page, int) else where
            sign = f", evidence for {escape(found['type'])}" if found.get("type") else ""
            quoted = f"“{escape(text, 160)}”" if is_quotation else escape(text, 160)
            yield f"{quoted} on {shown}{sign}"


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list; nothing if the value is not a list."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield from (item for item in value if isinstance(item, Mapping))


def _percent(value: object) -> str:
    """Return a share as a percentage. A small share is not shown as 0 %, because it may be rounded."""
    share = share_of(value)
    if share is None:
        return "unknown"
    if share < 0.01:
        return "less than 1 %"
    return f"{min(round(share * 100), 99) if share < 1 else 100} %"


def _pages(numbers: Sequence[object]) -> str:
    listed = ", ".join(str(number) for number in islice(numbers, MAX_SCORES) if isinstance(number, int))
    return f"page{'s' if len(numbers) > 1 else ''} {listed}{' …' if len(numbers) > MAX_SCORES else ''}"


def _label(result: Mapping[str, Any]) -> str:
    """Return the reference of the document without a signature, as text; empty if the result does not name it."""
    document = result.get("document")
    return encodable(label_of(document)) if isinstance(document, str) else ""


def _name(result: Mapping[str, Any]) -> str:
    label = _label(result)
    return name_of(label) if label else "this document"

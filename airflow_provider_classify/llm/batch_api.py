"""
Send the documents of a batch through the batch API of the model's provider, with the adapters of common.ai.

A batch API costs about half as much as single requests, and can take a day. The adapters (OpenAI, Anthropic) send text
only and give no log-probabilities. So a document with a page that must be sent as a picture gets a single request, and
the confidence of the other documents is the one that the model states.

Each vendor batch has a file beside the record of the batch. It is written before the batch is submitted, and gets the
batch's id afterwards. So a retry waits for a batch that an earlier try has submitted. If that try was killed before it
knew the id, the adapter finds the batch by its key, if the provider keeps one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.work import BatchWork
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.engine.page_contents import DocumentContent
from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import (
    ApiUnavailable,
    ClassifyError,
    DocumentError,
    JobTimedOut,
    RequestRejected,
)
from airflow_provider_classify.llm.adapter import call
from airflow_provider_classify.llm.answer import Answer, Choices, output_type
from airflow_provider_classify.llm.confidence import judge
from airflow_provider_classify.llm.prompt import Prompt, build_prompt
from airflow_provider_classify.llm.result import Writer
from airflow_provider_classify.llm.vendor_batch import VendorBatch
from airflow_provider_classify.model.polling import pause
from airflow_provider_classify.model.usage import Usage

if TYPE_CHECKING:
    from airflow.providers.common.ai.batch.base import BatchAdapter, RawResultItem
    from airflow.providers.common.ai.batch.output_schema import OutputSpec

    from airflow_provider_classify.llm.backend import LlmBackend
    from airflow_provider_classify.llm.cost import Budget

T = TypeVar("T")

#: The longest pause between two looks at a vendor batch, in seconds.
LONGEST_PAUSE = 300.0
#: The number of failed looks in a row after which the task fails.
_MOST_FAILURES = 5


@dataclass(frozen=True)
class VendorRun:
    """
    The work of one try.

    :param adapter: the adapter of the provider.
    :param model: the name of the model at the provider.
    """

    backend: LlmBackend
    work: BatchWork
    progress: ProgressLog
    budget: Budget
    adapter: BatchAdapter
    model: str

    def run(self, pool: EnginePool) -> list[Item]:
        """
        Submit the vendor batches, wait for them, and record their answers.

        :returns: the documents that need single requests.
        :raises ClassifyError: the provider or a record failed as a whole. The next try continues.
        """
        folder, todo = self.work.record.parts_folder, {item.fingerprint: item for item in self.work.todo}
        batches = [found for batch in VendorBatch.load_all(folder) if (found := self._found(batch, folder)) is not None]
        waiting = {fingerprint for batch in batches for fingerprint in batch.documents}
        new = [item for item in self.work.todo if item.fingerprint not in waiting]
        # A kill can lose the last second of the batch's record. Single requests find the answers in the record of jobs.
        answered = [item for item in new if self.backend.has_answer(self.work.key_of(item))]
        known = {item.fingerprint for item in answered}
        prompts, left = self._prompts([item for item in new if item.fingerprint not in known], pool)
        left += answered
        batches += self._submit_all(prompts, folder)
        for batch in batches:
            self._wait(batch)
            left += [todo[fingerprint] for fingerprint in self._collect(batch, todo) if fingerprint in todo]
            batch.delete(folder)
        return left

    def _found(self, batch: VendorBatch, folder: str) -> VendorBatch | None:
        """Return a batch of an earlier try with its id; ``None`` if it never reached the provider."""
        if batch.batch_id is None:
            batch_id = self._call(lambda: self.adapter.find_orphaned_batch(batch.key, batch.fingerprint, batch.since))
            if batch_id is None:
                batch.delete(folder)
                return None
            batch = replace(batch, batch_id=batch_id)
            batch.save(folder)
        return batch

    def _prompts(
        self, items: Sequence[Item], pool: EnginePool
    ) -> tuple[dict[tuple[int, ...], dict[str, tuple[Prompt, DocumentContent]]], list[Item]]:
        """Read documents. Return the prompts by page numbers, and the documents that this API cannot take."""
        by_pages: dict[tuple[int, ...], dict[str, tuple[Prompt, DocumentContent]]] = defaultdict(dict)
        left: list[Item] = []
        settings, choices = self.backend.settings, self._choices

        def read(item: Item) -> DocumentContent | None:
            try:
                with Document(item.reference).local_copy() as path:
                    return pool.contents(path, name=item.document, form=settings.send, longest_side=settings.image_px)
            except DocumentError:  # run_batch() reads the document again and records the error
                return None

        with ThreadPoolExecutor(pool.size) as threads:
            for item, content in zip(items, threads.map(read, items), strict=True):
                if content is None or not content.filled or any(page.picture for page in content.filled):
                    left.append(item)
                else:
                    prompt = build_prompt(self.work.categories, content.filled, choices.none)
                    by_pages[prompt.pages][item.fingerprint] = prompt, content
        return by_pages, left

    def _submit_all(
        self, prompts: Mapping[tuple[int, ...], Mapping[str, tuple[Prompt, DocumentContent]]], folder: str
    ) -> Iterator[VendorBatch]:
        for pages, asked in prompts.items():
            listed = list(asked.items())
            for start in range(0, len(listed), self.adapter.max_requests):
                part = dict(listed[start : start + self.adapter.max_requests])
                yield self._submit(pages, part, folder)

    def _submit(
        self, pages: tuple[int, ...], asked: Mapping[str, tuple[Prompt, DocumentContent]], folder: str
    ) -> VendorBatch:
        documents = {fingerprint: _without_contents(content) for fingerprint, (_, content) in asked.items()}
        key = hashlib.sha256(json.dumps([self.work.record.task.safe_name, *documents]).encode()).hexdigest()[:16]
        batch = VendorBatch(key, pages, documents, None, datetime.now(UTC).isoformat())
        requests: list[Any] = [
            {
                "prompt": "".join(part for part in prompt.parts if isinstance(part, str)),
                "system_prompt": prompt.instructions,
            }
            for prompt, _ in asked.values()
        ]
        arguments: dict[str, Any] = {
            "model": self.model,
            "output_spec": self._spec(pages),
            "max_tokens": self.backend.settings.max_tokens,
        }
        self.budget.require_left(f"{len(requests)} documents")
        self._call(lambda: self.adapter.validate_requests(requests, idempotency_key=key, **arguments))
        batch.save(folder)
        submitted = self._call(
            lambda: self.adapter.submit(requests, idempotency_key=key, input_fingerprint=batch.fingerprint, **arguments)
        )
        batch = replace(batch, batch_id=submitted.batch_id)
        batch.save(folder)
        self.work.log.info("%d documents are in the batch %s of the provider.", len(requests), batch.batch_id)
        return batch

    def _wait(self, batch: VendorBatch) -> None:
        """
        Wait until a batch has ended.

        :raises RequestRejected: the provider rejected the batch.
        :raises JobTimedOut: the deadline of the task has passed.
        """
        batch_id, began, failures = str(batch.batch_id), time.time(), 0
        while True:
            try:
                state = self._call(lambda: self.adapter.get_batch(batch_id))
                failures = 0
            except ClassifyError:
                failures += 1
                if failures == _MOST_FAILURES:
                    raise
            else:
                if state.status == "failed":
                    batch.delete(self.work.record.parts_folder)
                    raise RequestRejected(
                        f"The provider of the model of {self.backend.settings.conn_id!r} rejected the batch "
                        f"{batch_id}; set batch_api of the connection to false to ask without its batch API."
                    )
                if state.status != "in_progress":
                    return
            now = time.time()
            if self.work.wait is not None and now >= self.work.wait.deadline:
                raise JobTimedOut(
                    f"The batch {batch_id} of the model's provider has not ended; retry {self.work.record.task} to "
                    "wait for it, or raise its timeout."
                )
            self.backend.retrier.pause(pause(now - began, LONGEST_PAUSE))

    def _collect(self, batch: VendorBatch, todo: Mapping[str, Item]) -> list[str]:
        """Record the answers of a batch. Return the fingerprints of the documents that have no valid answer."""
        spec, fingerprints = self._spec(batch.pages), list(batch.documents)
        left = set(fingerprints)
        for raw in self._call(lambda: list(self.adapter.iter_results(str(batch.batch_id)))):
            fingerprint = fingerprints[raw.index]
            if (item := todo.get(fingerprint)) is None:  # an earlier try has recorded it
                left.discard(fingerprint)
            elif raw.provider_status in ("expired", "cancelled"):
                error = ApiUnavailable(
                    f"The batch {batch.batch_id} of the model's provider ended before it came to {item.document} "
                    f"({raw.provider_status}); retry {self.work.record.task}."
                )
                self.progress.one_done(failed=not self.work.record.failed(item, error))
                left.discard(fingerprint)
            elif (answer := self._answer(raw, spec, batch.pages)) is not None:
                self._record(item, answer, raw, batch.documents[fingerprint])
                left.discard(fingerprint)
        return [fingerprint for fingerprint in fingerprints if fingerprint in left]

    def _answer(self, raw: RawResultItem, spec: OutputSpec, pages: tuple[int, ...]) -> Answer | None:
        from airflow.providers.common.ai.batch.output_schema import validate_extracted_output

        if raw.provider_status != "success":
            return None
        outcome = validate_extracted_output(self.adapter.extract_output(raw, spec), spec)
        if not outcome.ok:
            return None
        return Answer.of(output_type(self._choices, pages).model_validate(outcome.value), self._choices)

    def _record(self, item: Item, answer: Answer, raw: RawResultItem, content: Mapping[str, Any]) -> None:
        counts = raw.usage or {}
        usage = Usage(1, counts.get("input_tokens", 0), counts.get("output_tokens", 0), None)
        self.budget.add(usage)
        engine = self.backend.engine(f"{self.adapter.name}:{self.model}", raw.model)
        writer = Writer(self._choices, engine, self.backend.calibration)
        result = writer.result(DocumentContent.from_json(content), judge([answer], []), usage)
        job_id = self.backend.keep(item.document, self.work.categories, self.work.key_of(item), result)
        self.progress.one_done(failed=not self.work.record.classified(item, result.to_json(), job_id))

    @property
    def _choices(self) -> Choices:
        return Choices.of([category.name for category in self.work.categories])

    def _spec(self, pages: tuple[int, ...]) -> OutputSpec:
        from airflow.providers.common.ai.batch.output_schema import build_output_spec

        return build_output_spec(output_type(self._choices, pages))

    def _call(self, request: Callable[[], T]) -> T:
        return call(request, self.backend.settings)


def _without_contents(content: DocumentContent) -> dict[str, Any]:
    """Return a content as JSON without its text and pictures, which must not be stored beside the output."""
    pages = [replace(page, text="", picture=None) for page in content.pages]
    return replace(content, pages=pages).to_json()

"""Send the webhooks of jobs that have ended, in an event loop that runs in its own thread."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from yarl import URL

from airflow_provider_classify import __version__
from airflow_provider_classify.exceptions import JobNotFound, RequestRejected
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.trace import outgoing_headers, traced
from airflow_provider_classify.service.api_keys import WEBHOOK_SECRET_VARIABLE, Keys
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.safe_connections import guarded_session
from airflow_provider_classify.service.webhook_signature import signed_headers
from airflow_provider_classify.service.webhook_store import DueWebhook, WebhookStore

#: Seconds between the tries of one webhook, about nine hours in total.
PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 21600.0)
#: The largest share that is added to a pause at random. So webhooks that failed together are not tried again together.
_JITTER = 0.2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookLimits:
    """
    The limits of sending webhooks.

    :param seconds: the most seconds of one try, from the look-up of the host name to the reply's header.
    :param pauses: seconds before each further try.
    :param concurrent: the most tries at the same time.
    :param poll_seconds: seconds between two searches for webhooks that are due.
    """

    seconds: float = 15.0
    pauses: Sequence[float] = PAUSES
    concurrent: int = 16
    poll_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The outcome of one try.

    :param reason: the HTTP status or the kind of error, for the log.
    :param is_final: whether no further try is made: the webhook was accepted, or no try can succeed.
    :param retry_after: seconds that the receiver has asked to wait; 0 if it named none.
    """

    accepted: bool
    reason: str
    is_final: bool
    retry_after: float = 0.0

    @classmethod
    def of_reply(cls, status: int, retry_after: str | None) -> Outcome:
        """Return the outcome of a reply. 410 means that the receiver wants no more webhooks at this URL."""
        accepted = 200 <= status < 300
        wait = float(retry_after) if retry_after and retry_after.isdecimal() and len(retry_after) < 10 else 0.0
        return cls(accepted, f"HTTP {status}", accepted or status == 410, wait)


def next_pause(outcome: Outcome, attempt: int, pauses: Sequence[float], jitter: float) -> timedelta | None:
    """
    Return how long to wait before the next try; ``None`` if no further try is made.

    :param attempt: the number of the try that has ended, from 1.
    :param pauses: seconds before each further try.
    :param jitter: a random number from 0 to 1.
    """
    if outcome.is_final or attempt > len(pauses):
        return None
    pause = pauses[attempt - 1] * (1 + _JITTER * jitter)
    return timedelta(seconds=max(pause, min(outcome.retry_after, max(pauses))))


class Webhooks:
    """
    Sends the recorded webhooks.

    If this process has no secret to sign a webhook, it leaves the webhook to the other processes that send the webhooks
    of the record. If no other process sends them, the webhook is never sent.

    :param allow_private: also send to loopback, private and other addresses that are not public.
    :param is_shared: whether other processes send the webhooks of the record too.
    :param jitter: returns a random number from 0 to 1.
    """

    def __init__(
        self,
        jobs: JobStore,
        recorded: WebhookStore,
        keys: Keys,
        events: Events,
        *,
        allow_private: bool = False,
        is_shared: bool = False,
        limits: WebhookLimits | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._jobs = jobs
        self._recorded = recorded
        self._keys = keys
        self._events = events
        self._allow_private = allow_private
        self._is_shared = is_shared
        self._has_warned = False
        self._limits = limits or WebhookLimits()
        self._jitter = jitter
        self._tls = ssl.create_default_context()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="classify-webhooks", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Stop sending, and wait up to ``seconds`` for the thread to end. Webhooks that were not sent stay recorded."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(seconds)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._send_until_stopped())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _send_until_stopped(self) -> None:
        stopped = self._loop.create_task(self._stopping.wait())
        while not stopped.done():
            free = self._limits.concurrent - len(self._tasks)
            for webhook in await self._due(free) if free else ():
                task = self._loop.create_task(self._send(webhook))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            # If all places are taken, no webhook can be claimed until a try has ended.
            is_full = len(self._tasks) >= self._limits.concurrent
            awaited = [stopped, *self._tasks] if is_full else [stopped]
            await asyncio.wait(
                awaited,
                timeout=None if is_full else self._limits.poll_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _due(self, most: int) -> list[DueWebhook]:
        try:
            return await asyncio.to_thread(self._claim, most)
        except Exception:  # After any error, the later webhooks must be sent.
            _log.exception("The webhooks that are due cannot be read; this is tried again.")
            return []

    def _claim(self, most: int) -> list[DueWebhook]:
        owners = self._keys.with_webhook_secret() if self._is_shared else None
        if owners is not None and not self._has_warned and self._recorded.is_due_for_others(owners):
            self._has_warned = True
            _log.warning(
                "This process leaves some webhooks to other processes, because it has no secret to sign them; start it "
                "with the --keys-file and the %s of the processes that serve the API.",
                WEBHOOK_SECRET_VARIABLE,
            )
        return self._recorded.claim(most, owners)

    async def _send(self, webhook: DueWebhook) -> None:
        with traced(webhook.traceparent):
            try:
                await self._try(webhook)
            except asyncio.CancelledError:
                await asyncio.to_thread(self._recorded.try_again, webhook, timedelta(0), counted=False)
                raise
            except JobNotFound:  # The job was deleted meanwhile, or has expired.
                await asyncio.to_thread(self._recorded.remove, webhook.job_id)
            except Exception:
                # After any error, the other webhooks must be sent. This one is due again when its lease has expired.
                _log.exception("The webhook of the job %s is tried again.", webhook.job_id)

    async def _try(self, webhook: DueWebhook) -> None:
        secret = self._keys.webhook_secret(webhook.owner)
        if secret is None and self._is_shared:  # The key has lost its secret since the claim.
            await asyncio.to_thread(self._recorded.try_again, webhook, timedelta(0), counted=False)
            return
        if secret is None:
            _log.warning(
                "The webhook of the job %s is not sent, because there is no secret to sign it; set %s, or give the "
                "client's key a secret in the file of --keys-file.",
                webhook.job_id,
                WEBHOOK_SECRET_VARIABLE,
            )
            outcome = Outcome(accepted=False, reason="no secret", is_final=True)
        else:
            job = await asyncio.to_thread(self._jobs.get, webhook.job_id)
            body = json.dumps(job.to_json(), ensure_ascii=False).encode()
            with self._events.timed("webhook"):
                outcome = await self._post(webhook, body, secret)
        pause = next_pause(outcome, webhook.attempt, self._limits.pauses, self._jitter())
        if pause is None:
            await asyncio.to_thread(self._recorded.remove, webhook.job_id)
        else:
            await asyncio.to_thread(self._recorded.try_again, webhook, pause)
        self._events.webhook_tried(webhook.job_id, outcome.accepted, outcome.reason, webhook.attempt, pause)

    async def _post(self, webhook: DueWebhook, body: bytes, secret: str) -> Outcome:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"airflow-provider-classify/{__version__}",
            **signed_headers(secret, webhook.job_id, int(time.time()), body),
            **outgoing_headers(),
        }

        def refusal(address: str) -> RequestRejected:
            return RequestRejected(f"The webhook leads to the address {address}; use a public one.")

        try:
            async with (
                asyncio.timeout(self._limits.seconds),
                guarded_session(self._tls, allow_private=self._allow_private, refusal=refusal) as session,
                session.post(
                    URL(webhook.url, encoded=webhook.url.isascii()), data=body, headers=headers, allow_redirects=False
                ) as reply,
            ):
                return Outcome.of_reply(reply.status, reply.headers.get("Retry-After"))
        except RequestRejected:
            return Outcome(accepted=False, reason="address refused", is_final=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(accepted=False, reason=type(error).__name__, is_final=False)

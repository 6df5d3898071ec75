"""How a batch stands is told while it runs, from a worker's thread and from an event loop."""

from __future__ import annotations

import asyncio
import logging

from airflow_provider_classify.batch.progress_log import ProgressLog

LINES = ("0 of 2 documents done", "2 of 2 documents done, 1 failed")


def told(caplog):
    return [record.getMessage() for record in caplog.records]


def finish(log):
    log.one_done(failed=False)
    log.one_done(failed=True)


def test_on_a_worker(caplog):
    caplog.set_level(logging.INFO)
    with ProgressLog(logging.getLogger(), total=2, done=0, interval=0.01) as log:
        while not told(caplog):
            pass
        finish(log)
    assert told(caplog)[0].startswith(LINES[0])
    assert told(caplog)[-1].startswith(LINES[1])


async def test_on_an_event_loop(caplog):
    caplog.set_level(logging.INFO)
    async with ProgressLog(logging.getLogger(), total=2, done=0, interval=0.01) as log:
        while not told(caplog):
            await asyncio.sleep(0)
        finish(log)
    assert told(caplog)[0].startswith(LINES[0])
    assert told(caplog)[-1].startswith(LINES[1])
    lines = len(told(caplog))
    await asyncio.sleep(0.05)
    assert len(told(caplog)) == lines

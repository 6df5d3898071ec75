"""The record of reported documents."""

from __future__ import annotations

import pytest

from airflow_provider_classify.exceptions import TaskStateUnavailable
from airflow_provider_classify.lifecycle.reported_documents import ReportedDocuments
from tests.support.event_triggers import StateStore

DAY = 86400.0


async def loaded(*stores, place="folder"):
    record = ReportedDocuments(place, stores)
    await record.load()
    return record


async def test_a_record_outlives_its_object():
    store = StateStore()
    record = await loaded(store)
    assert record.is_saved
    record.add({"a.pdf": "1", "b.pdf": "2"})
    assert not record.is_saved
    await record.save()
    record = await loaded(store)
    assert record.is_saved
    assert (record.has("a.pdf", "1"), record.has("b.pdf", "2")) == (True, True)
    assert (record.has("a.pdf", "2"), record.has("c.pdf", "1")) == (False, False)


async def test_a_small_record_is_one_value():
    store = StateStore()
    record = await loaded(store)
    record.add({f"{number}.pdf": "1" for number in range(900)})
    await record.save()
    await loaded(store)
    assert (store.writes, store.reads, len(store.values)) == (1, 2, 1)


async def test_values_stay_small_while_a_record_grows():
    store = StateStore()
    record = await loaded(store)
    for start in range(0, 20_000, 500):
        record.add({f"{number}.pdf": "1" for number in range(start, start + 500)})
        await record.save()
    assert max(map(len, store.values.values())) < 65535
    record = await loaded(store)
    assert len(record) == 20_000
    assert all(record.has(f"{number}.pdf", "1") for number in range(20_000))
    before = store.writes
    record.add({"0.pdf": "2"})
    await record.save()
    assert store.writes == before + 1


async def test_a_record_that_is_interrupted_while_it_grows_stays_as_it_was():
    store = StateStore()
    record = await loaded(store)
    record.add({f"{number}.pdf": "1" for number in range(1000)})
    await record.save()
    record.add({f"{number}.pdf": "1" for number in range(1000, 3000)})
    written = store.aset

    async def fail_at_the_head(key, value):
        if "values" in value:
            raise ConnectionError
        await written(key, value)

    store.aset = fail_at_the_head
    with pytest.raises(TaskStateUnavailable):
        await record.save()
    assert not record.is_saved
    store.aset = written
    assert len(await loaded(store)) == 1000
    await record.save()
    assert len(await loaded(store)) == 3000


async def test_a_record_that_has_shrunk_is_written_anew():
    store = StateStore()
    record = await loaded(store)
    record.add({f"{number}.pdf": "1" for number in range(3000)})
    await record.save()
    record.forget_departed(["0.pdf"], now=0)
    record.forget_departed(["0.pdf"], now=8 * DAY)
    await record.save()
    record = await loaded(store)
    record.add({"new.pdf": "1"})
    await record.save()
    record = await loaded(store)
    assert len(record) == 2
    assert record.has("0.pdf", "1")
    assert record.has("new.pdf", "1")


async def test_a_document_is_forgotten_a_week_after_it_left_the_folder():
    store = StateStore()
    record = await loaded(store)
    record.add({"a.pdf": "1", "b.pdf": "1"})
    record.forget_departed(["a.pdf"], now=0)
    await record.save()
    record = await loaded(store)
    record.forget_departed(["a.pdf"], now=7 * DAY)
    assert record.has("b.pdf", "1"), "the disk may not have been mounted"
    record.forget_departed(["a.pdf", "b.pdf"], now=7.5 * DAY)
    record.forget_departed(["a.pdf"], now=14 * DAY)
    assert record.has("b.pdf", "1"), "it was back"
    record.forget_departed(["a.pdf"], now=22 * DAY)
    assert not record.has("b.pdf", "1")
    assert record.has("a.pdf", "1")


async def test_each_asset_has_the_record():
    first, second = StateStore(), StateStore()
    record = await loaded(first)
    record.add({"a.pdf": "1"})
    await record.save()
    record = await loaded(first, second)
    assert record.has("a.pdf", "1")
    record.add({"b.pdf": "1"})
    await record.save()
    assert (await loaded(second)).has("b.pdf", "1")


async def test_places_are_apart():
    store = StateStore()
    record = await loaded(store)
    record.add({"a.pdf": "1"})
    await record.save()
    assert not (await loaded(store, place="another")).has("a.pdf", "1")


async def test_a_store_that_fails_is_no_empty_record():
    store = StateStore()
    store.fails = True
    with pytest.raises(TaskStateUnavailable, match=r"state store .*the database is away"):
        await loaded(store)


@pytest.mark.parametrize("head", ['"text"', '{"values": "x", "entries": {}}', '{"values": 1}', "[]"])
async def test_a_damaged_record_names_its_key(head):
    store = StateStore()
    record = await loaded(store)
    record.add({"a.pdf": "1"})
    await record.save()
    [key] = store.values
    store.values[key] = head
    with pytest.raises(TaskStateUnavailable, match=key):
        await loaded(store)

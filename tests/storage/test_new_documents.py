"""The event trigger on every kind of storage."""

from __future__ import annotations

import asyncio
import logging

import pytest

from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.triggers.new_documents import NewDocumentsTrigger
from tests.storage.storages import azure_fields, gcs_fields, s3_fields, set_connection
from tests.storage.tcp_proxy import TcpProxy
from tests.support.event_triggers import StateStore, Triggerer, names, until

FIELDS = {"s3": s3_fields, "azure": azure_fields, "gcs": gcs_fields}


@pytest.fixture
def folder(storage):
    return storage.folder()


def watch(folder, **arguments):
    return NewDocumentsTrigger(folder, **{"scan_interval": 0.2, "stable_for": 0.3, **arguments})


async def put(folder, name, content=b"x"):
    await asyncio.to_thread(StoragePath(f"{folder}/{name}").write_bytes, content)


async def test_each_version_of_a_document_is_reported_once(folder):
    await put(folder, "other.pdf")
    await put(folder, ".hidden.pdf")
    await put(folder, "upload.pdf.part")
    await put(folder, "sub/deep.pdf")
    store = StateStore()
    async with Triggerer() as triggerer:
        payloads = triggerer.start(watch(folder, pattern="*.pdf"), store)
        deep = triggerer.start(watch(folder, pattern="**/*.pdf"), store)
        await until(lambda: payloads and deep)
        await asyncio.sleep(1.1)  # S3 tells the time of an object in seconds
        await put(folder, "other.pdf", b"y")
        await until(lambda: len(payloads) == 2)
        await put(folder, "new.pdf", b"new")
        await until(lambda: len(payloads) == 3 and "new.pdf" in names(deep))
    assert names(payloads) == ["other.pdf", "other.pdf", "new.pdf"]
    assert set(names(deep)) == {"other.pdf", "deep.pdf", "new.pdf"}
    [document] = payloads[2]["documents"]
    assert document["document"] == f"{folder}/new.pdf"
    assert await asyncio.to_thread(StoragePath(document["document"]).read_bytes) == b"new"
    assert document["size"] == 3
    assert document["modified"].startswith("20")
    assert payloads[2]["folder"] == folder

    async with Triggerer() as triggerer:
        await put(folder, "later.pdf")
        payloads = triggerer.start(watch(folder, pattern="*.pdf"), store)
        await until(lambda: payloads)
        await asyncio.sleep(1)
    assert names(payloads) == ["later.pdf"]


async def test_a_prefix_that_is_not_there_yet(folder):
    async with Triggerer() as triggerer:
        payloads = triggerer.start(watch(folder))
        await asyncio.sleep(1)
        await put(folder, "a.pdf")
        await until(lambda: payloads)
    assert names(payloads) == ["a.pdf"]


async def test_a_storage_that_is_away_for_a_time_loses_and_repeats_nothing(object_store, caplog, no_client_pauses):
    caplog.set_level(logging.INFO)
    direct = object_store.folder()
    with TcpProxy(object_store.port) as proxy:
        conn_id = f"storage_watched_{object_store.kind}"
        set_connection(conn_id, FIELDS[object_store.kind](proxy.port))
        await put(direct, "a.pdf")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(direct.replace(f"storage_{object_store.kind}", conn_id)))
            await until(lambda: payloads)
            proxy.is_broken = True
            await put(direct, "b.pdf")
            await until(lambda: "until it can be scanned" in caplog.text, 120)
            await asyncio.sleep(2)
            proxy.is_broken = False
            await until(lambda: len(payloads) == 2, 120)
            await asyncio.sleep(1)
            assert triggerer.failure() is None
    assert names(payloads) == ["a.pdf", "b.pdf"]
    assert caplog.text.count("until it can be scanned") == 1
    assert caplog.text.count("is scanned again") == 1


@pytest.mark.parametrize("missing", ["bucket", "connection"])
async def test_a_missing_bucket_or_connection_is_named_once_and_nothing_is_created(object_store, caplog, missing):
    before = object_store.buckets()
    root = object_store.root
    folder = (
        f"{root}-missing/in"
        if missing == "bucket"
        else root.replace(f"storage_{object_store.kind}", "storage_missing") + "/in"
    )
    async with Triggerer() as triggerer:
        payloads = triggerer.start(watch(folder))
        await until(lambda: "until it can be scanned" in caplog.text, 120)
        await asyncio.sleep(1)
        assert triggerer.failure() is None
    assert payloads == []
    assert caplog.text.count("until it can be scanned") == 1
    assert ("documents-missing" if missing == "bucket" else "'storage_missing' of a storage URI is not") in caplog.text
    assert object_store.buckets() == before

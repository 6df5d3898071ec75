"""The event trigger, run with Airflow's own sharing of scans on real folders."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time

import pytest

from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import AirflowTooOld, InvalidDocument, StorageUnavailable
from airflow_provider_classify.lifecycle import event_triggers
from airflow_provider_classify.triggers.arrival_events import MAX_BYTES, MAX_DOCUMENTS
from airflow_provider_classify.triggers.new_documents import NewDocumentsTrigger
from tests.support.event_triggers import StateStore, Triggerer, names, until

pytestmark = pytest.mark.skipif(
    not hasattr(event_triggers.BaseEventTrigger, "create_shared_stream_producer"),
    reason="event triggers need Airflow 3.3",
)

INTERVAL = 0.02


def watch(folder, **arguments):
    return NewDocumentsTrigger(folder, **{"scan_interval": INTERVAL, "stable_for": 2 * INTERVAL, **arguments})


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


@pytest.fixture
def scans(monkeypatch):
    """Count the scans, by folder."""
    count: dict[str, int] = {}
    scan = StoragePath.scan

    def counted(self, depth):
        count[self.reference] = count.get(self.reference, 0) + 1
        return scan(self, depth)

    monkeypatch.setattr(StoragePath, "scan", counted)
    return count


async def some_scans(scans, folder, number=6):
    """Wait for this many more scans of a folder."""
    goal = scans.get(str(folder), 0) + number
    await until(lambda: scans.get(str(folder), 0) >= goal)


class TestEvents:
    async def test_an_event_names_the_documents(self, folder):
        (folder / "invoice.pdf").write_bytes(b"12345")
        os.utime(folder / "invoice.pdf", (1_700_000_000, 1_700_000_000))
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            await until(lambda: payloads)
        assert payloads == [
            {
                "folder": str(folder),
                "documents": [
                    {
                        "document": str(folder / "invoice.pdf"),
                        "size": 5,
                        "modified": "2023-11-14T22:13:20+00:00",
                        "version": "5 1700000000.0",
                    }
                ],
            }
        ]

    async def test_each_document_is_reported_once(self, folder, scans):
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            for name in ("a.pdf", "b.pdf", ".hidden", "c.pdf.part", "~$d.docx"):
                (folder / name).write_text("x")
                await some_scans(scans, folder, 3)
            (folder / "c.pdf.part").rename(folder / "c.pdf")
            await some_scans(scans, folder)
        assert names(payloads) == ["a.pdf", "b.pdf", "c.pdf"]

    async def test_a_new_version_is_a_new_event(self, folder, scans):
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            for content in ("one", "two", "longer"):
                (folder / "a.pdf").write_text(content)
                await until(lambda content=content: payloads and payloads[-1]["documents"][0]["size"] == len(content))
                await some_scans(scans, folder, 4)
        assert [payload["documents"][0]["size"] for payload in payloads] == [3, 3, 6]

    async def test_permissions_are_no_new_version(self, folder, scans):
        (folder / "a.pdf").write_text("x")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            await until(lambda: payloads)
            (folder / "a.pdf").chmod(0o640)
            await some_scans(scans, folder)
        assert names(payloads) == ["a.pdf"]

    async def test_a_file_that_grows_is_reported_when_it_is_complete(self, folder, scans):
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder, stable_for=0.5))
            with (folder / "a.pdf").open("ab", buffering=0) as file:
                for _ in range(30):
                    file.write(b"x" * 100)
                    await some_scans(scans, folder, 1)
            assert payloads == []
            await until(lambda: payloads)
        assert [document["size"] for document in payloads[0]["documents"]] == [3000]

    async def test_the_pattern_chooses(self, folder):
        for name in ("a.pdf", "b.txt", "sub/c.pdf", "sub/deep/d.pdf"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("x")
        async with Triggerer() as triggerer:
            flat = triggerer.start(watch(folder, pattern="*.pdf"))
            deep = triggerer.start(watch(folder, pattern="**/*.pdf"))
            await until(lambda: flat and deep)
        assert names(flat) == ["a.pdf"]
        assert names(deep) == ["a.pdf", "c.pdf", "d.pdf"]

    async def test_events_are_small(self, folder):
        for number in range(250):
            (folder / f"{number:04}.pdf").write_text("x")
        for number in range(120):
            (folder / f"long-{number:04}-{'x' * 200}.pdf").write_text("x")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            await until(lambda: sum(len(payload["documents"]) for payload in payloads) >= 370)
        assert sorted(names(payloads)) == sorted(path.name for path in folder.iterdir())
        assert max(len(payload["documents"]) for payload in payloads) == MAX_DOCUMENTS
        assert all(len(str(payload["documents"])) < 1.2 * MAX_BYTES for payload in payloads)

    async def test_a_name_that_json_cannot_hold_is_named_in_the_log(self, folder, caplog):
        (folder / os.fsdecode(b"r\xe9sum\xe9.pdf")).write_text("x")
        (folder / "a.pdf").write_text("x")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            await until(lambda: payloads)
        assert names(payloads) == ["a.pdf"]
        assert "r\\udce9sum\\udce9.pdf is not reported, because its name is not UTF-8; rename it." in caplog.text


class TestSharing:
    async def test_watchers_of_one_place_share_a_scan(self, folder, scans, monkeypatch):
        running = []
        monkeypatch.setattr(threading, "excepthook", running.append)
        async with Triggerer() as triggerer:
            received = [
                triggerer.start(watch(folder, pattern=pattern)) for pattern in ("*", "*.pdf", "*.txt") for _ in range(5)
            ]
            await some_scans(scans, folder, 3)
            threads = [thread for thread in threading.enumerate() if thread.name.startswith("classify-scan")]
            (folder / "a.pdf").write_text("x")
            (folder / "b.txt").write_text("x")
            await until(lambda: all(received))
            late = triggerer.start(watch(folder, pattern="*.t*"))
            await until(lambda: late)
        assert len(threads) == 1
        assert [names(payloads) for payloads in received[::5]] == [["a.pdf", "b.txt"], ["a.pdf"], ["b.txt"]]
        assert names(late) == ["b.txt"]

    def test_the_key_is_that_of_the_place(self, tmp_path):
        key = watch(tmp_path).shared_stream_key()
        assert key == watch(f"{tmp_path}/", pattern="*.pdf").shared_stream_key()
        assert key != watch(tmp_path, pattern="**/*.pdf").shared_stream_key()
        assert key != watch(tmp_path, scan_interval=1).shared_stream_key()
        assert key != watch(tmp_path / "sub").shared_stream_key()

    async def test_the_event_loop_goes_on_during_a_scan(self, folder, monkeypatch):
        scan = StoragePath.scan

        def slow(self, depth):
            time.sleep(0.5)
            return scan(self, depth)

        monkeypatch.setattr(StoragePath, "scan", slow)
        (folder / "a.pdf").write_text("x")
        turns = 0
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            while not payloads:
                turns += 1
                await asyncio.sleep(0.01)
        assert turns > 50


class TestRestart:
    async def test_a_new_triggerer_reports_only_what_is_new(self, folder, scans):
        store = StateStore()
        (folder / "a.pdf").write_text("x")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder), store)
            await until(lambda: store.writes)
        assert names(payloads) == ["a.pdf"]
        (folder / "b.pdf").write_text("x")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder), store)
            await until(lambda: payloads)
            await some_scans(scans, folder)
            assert [document.get("may_repeat") for document in payloads[0]["documents"]] == [True]
            (folder / "c.pdf").write_text("x")
            await until(lambda: len(payloads) == 2)
        assert names(payloads) == ["b.pdf", "c.pdf"]
        assert "may_repeat" not in payloads[1]["documents"][0]

    async def test_what_airflow_has_not_stored_is_reported_again(self, folder, scans):
        store = StateStore()
        (folder / "a.pdf").write_text("x")
        async with Triggerer() as triggerer:
            triggerer.stores_events = False
            triggerer.start(watch(folder), store)
            await some_scans(scans, folder)
        assert store.writes == 0
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder), store)
            await until(lambda: payloads)
        assert names(payloads) == ["a.pdf"]

    async def test_assets_have_their_own_memory(self, folder):
        (folder / "a.pdf").write_text("x")
        first, second = StateStore(), StateStore()
        async with Triggerer() as triggerer:
            triggerer.start(watch(folder), first)
            await until(lambda: first.writes)
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder), second)
            await until(lambda: payloads)
        assert names(payloads) == ["a.pdf"]

    async def test_nothing_is_reported_while_it_is_unknown_what_was_reported(self, folder, scans, caplog, monkeypatch):
        monkeypatch.setattr("airflow_provider_classify.triggers.arrival_events._RECORD_PAUSE", INTERVAL)
        store = StateStore()
        (folder / "a.pdf").write_text("x")
        async with Triggerer() as triggerer:
            triggerer.start(watch(folder), store)
            await until(lambda: store.writes)
        store.fails = True
        (folder / "b.pdf").write_text("x")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder), store)
            await some_scans(scans, folder, 10)
            assert payloads == []
            assert triggerer.failure() is None
            store.fails = False
            await until(lambda: payloads)
            await some_scans(scans, folder)
        assert names(payloads) == ["b.pdf"]
        assert caplog.text.count("No new documents in") == 1


class TestOutages:
    async def test_a_folder_may_appear_later(self, tmp_path, caplog):
        caplog.set_level(logging.INFO)
        folder = tmp_path / "later"
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            await until(lambda: "until it can be scanned" in caplog.text)
            await asyncio.sleep(20 * INTERVAL)
            folder.mkdir()
            (folder / "a.pdf").write_text("x")
            await until(lambda: payloads)
        assert names(payloads) == ["a.pdf"]
        assert caplog.text.count("until it can be scanned") == 1
        assert caplog.text.count("is scanned again") == 1

    async def test_a_storage_that_is_away_for_a_time_loses_and_repeats_nothing(
        self, folder, scans, caplog, monkeypatch
    ):
        caplog.set_level(logging.INFO)
        is_away = False
        counted = StoragePath.scan

        def scan(self, depth):
            files = list(counted(self, depth))
            if is_away:
                raise StorageUnavailable("The storage is away; retry.")
            return files

        monkeypatch.setattr(StoragePath, "scan", scan)
        (folder / "a.pdf").write_text("x")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            await until(lambda: payloads)
            is_away = True
            (folder / "b.pdf").write_text("x")
            await some_scans(scans, folder, 4)
            assert triggerer.failure() is None
            is_away = False
            await until(lambda: len(payloads) == 2)
            await some_scans(scans, folder)
        assert names(payloads) == ["a.pdf", "b.pdf"]
        assert caplog.text.count("until it can be scanned") == 1
        assert caplog.text.count("is scanned again") == 1

    async def test_a_folder_outside_the_allowed_roots_is_not_scanned(self, folder, tmp_path, monkeypatch, caplog):
        monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", str(tmp_path / "elsewhere"))
        (folder / "a.pdf").write_text("x")
        async with Triggerer() as triggerer:
            payloads = triggerer.start(watch(folder))
            await until(lambda: "allowed_roots" in caplog.text)
            assert payloads == []


async def test_a_hundred_thousand_files_are_reported_in_parts(folder, scans, monkeypatch):
    """Many names, of files that are not read. The scan is real, the storage is not: creating them takes minutes."""
    from airflow_provider_classify.documents.storage_listing import ListedFile

    files = [ListedFile(f"{number:06}.pdf", 1, "v", None) for number in range(100_000)]
    monkeypatch.setattr(StoragePath, "scan", lambda self, depth: iter(files))
    store = StateStore()
    async with Triggerer() as triggerer:
        payloads = triggerer.start(watch(folder), store)
        await until(lambda: len(payloads) >= 30)
        before = len(payloads)
    told = names(payloads)
    assert len(told) == len(set(told)) >= before * MAX_DOCUMENTS
    assert told == [f"{number:06}.pdf" for number in range(len(told))]
    async with Triggerer() as triggerer:
        again = triggerer.start(watch(folder), store)
        await until(lambda: len(again) >= 10)
    assert not set(names(again)) & set(told)


class TestArguments:
    def test_a_trigger_survives_its_serialization(self, tmp_path):
        trigger = watch(tmp_path, pattern="*.pdf")
        path, arguments = trigger.serialize()
        assert path == "airflow_provider_classify.triggers.new_documents.NewDocumentsTrigger"
        assert NewDocumentsTrigger(**arguments).serialize() == (path, arguments)
        assert arguments["folder"] == str(tmp_path)

    @pytest.mark.parametrize("folder", ["", None, 5])
    def test_a_folder_is_needed(self, folder):
        message = f"The folder of a NewDocumentsTrigger is {folder!r}; give the path of a folder"
        with pytest.raises(InvalidDocument, match=message):
            NewDocumentsTrigger(folder)

    def test_a_web_server_cannot_be_watched(self):
        with pytest.raises(InvalidDocument, match="a web server does not list its documents"):
            NewDocumentsTrigger("https://user:secret@example.com/incoming")

    def test_a_template_is_refused(self):
        with pytest.raises(InvalidDocument, match="is a template, and Airflow does not render it"):
            NewDocumentsTrigger("{{ params.folder }}")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"scan_interval": 0}, "The scan_interval of the watched folder .* is 0; give a number of seconds above 0"),
            ({"scan_interval": "1s"}, "The scan_interval of the watched folder .* is '1s'"),
            (
                {"stable_for": -1},
                "The stable_for of the watched folder .* is -1; give a number of seconds of 0",
            ),
            ({"pattern": ["*.pdf"]}, r"The pattern of the watched folder .* is \['\*.pdf'\]; give a string"),
            ({"pattern": "/in/*.pdf"}, "give a string relative to the folder"),
        ],
    )
    def test_arguments_are_checked(self, tmp_path, arguments, message):
        with pytest.raises(ValueError, match=message):
            NewDocumentsTrigger(tmp_path, **arguments)

    def test_an_older_airflow_is_named(self, tmp_path, monkeypatch):
        class OlderEventTrigger:
            pass

        monkeypatch.setattr(event_triggers, "BaseEventTrigger", OlderEventTrigger)
        with pytest.raises(AirflowTooOld, match=r"^NewDocumentsTrigger needs Airflow 3\.3 or newer, and this is \d"):
            NewDocumentsTrigger(tmp_path)


async def test_without_airflows_sharing_a_trigger_scans_alone(folder):
    (folder / "a.pdf").write_text("x")
    async with asyncio.timeout(60):
        async for event in watch(folder).run():
            assert names([event.payload]) == ["a.pdf"]
            return

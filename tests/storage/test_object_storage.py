"""Files and folders on every kind of storage."""

from __future__ import annotations

import pytest
from standalone import free_port

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import (
    ConnectionNotUsable,
    DocumentNotFound,
    StorageForbidden,
    StorageNotFound,
    StorageNotInstalled,
    StorageUnavailable,
)
from tests.storage.storages import azure_fields, gcs_fields, names, rejected_credentials, s3_fields, set_connection
from tests.storage.tcp_proxy import TcpProxy


@pytest.fixture
def folder(storage):
    return storage.folder()


class TestFiles:
    def test_what_is_written_is_read(self, folder):
        path = StoragePath(folder) / "sub" / "a file.txt"
        assert not path.exists()
        path.write_bytes(b"one")
        with path.write() as file:
            file.write(b"two")
        assert path.exists()
        assert path.read_bytes() == b"two"
        with path.open_whole() as file:
            assert list(file) == [b"two"]
        assert names(folder) == ["sub/a file.txt"]

    def test_a_write_that_fails_leaves_the_file_as_it_was(self, folder):
        path = StoragePath(folder) / "out.jsonl"
        path.write_bytes(b"whole")

        def write_half():
            with path.write() as file:
                file.write(b"half " * 2_000_000)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            write_half()
        assert path.read_bytes() == b"whole"
        assert names(folder) == ["out.jsonl"]

    def test_what_is_missing(self, folder):
        StoragePath(f"{folder}/there").write_bytes(b"x")
        missing = StoragePath(f"{folder}/missing")
        for call in (missing.open, missing.read_bytes):
            with pytest.raises(StorageNotFound, match="missing"):
                call()
        missing.delete()
        missing.delete_folder()
        with pytest.raises(DocumentNotFound, match="missing"), Document(missing.reference).open():
            pass

    def test_another_process_has_written_meanwhile(self, storage, folder, other_process):
        """File systems keep listings; what is read has to be what is there."""
        if storage.kind == "memory":
            pytest.skip("the memory of this process is no other's")
        path = StoragePath(folder) / "a"
        path.write_bytes(b"x")
        assert names(folder) == ["a"]
        other_process.write(path.reference, "longer than before")
        assert path.read_bytes() == b"longer than before"
        other_process.write(f"{folder}/b", "")
        assert names(folder) == ["a", "b"]
        assert (StoragePath(folder) / "b").exists()


class TestFolders:
    def test_files_are_listed_by_pattern(self, folder):
        for name in ("a.pdf", "b[1].pdf", "sub/c.pdf", "sub/deeper/d.pdf", "sub/e.txt"):
            (StoragePath(folder) / name).write_bytes(b"x")

        def listed(pattern):
            return [name.removeprefix(f"{folder}/") for name in StoragePath(folder).list_files(pattern)]

        assert listed("*") == ["a.pdf", "b[1].pdf"]
        assert listed("sub/*.pdf") == ["sub/c.pdf"]
        assert listed("**/*.pdf") == ["a.pdf", "b[1].pdf", "sub/c.pdf", "sub/deeper/d.pdf"]
        assert listed("*.docx") == []
        assert StoragePath(f"{folder}/").list_files("a*") == [f"{folder}/a.pdf"]

    def test_a_folder_is_deleted_with_all_that_is_in_it_and_nothing_else(self, folder):
        for name in ("parts/1", "parts/sub/2", "parts-of-another/3"):
            (StoragePath(folder) / name).write_bytes(b"x")
        (StoragePath(folder) / "parts").delete_folder()
        (StoragePath(folder) / "parts").delete_folder()
        assert names(folder) == ["parts-of-another/3"]
        (StoragePath(folder) / "parts-of-another").delete_if_empty()
        assert names(folder) == ["parts-of-another/3"]

    def test_a_folder_that_is_missing_on_a_file_system(self, tmp_path):
        with pytest.raises(StorageNotFound, match="nowhere"):
            StoragePath(f"file://{tmp_path}/nowhere").list_files()


class TestBuckets:
    def test_a_prefix_without_objects_is_an_empty_folder(self, object_store):
        for pattern in ("*", "**/*"):
            assert StoragePath(f"{object_store.root}/nothing/here").list_files(pattern) == []

    def test_a_missing_bucket_is_named_and_not_created(self, object_store):
        missing = StoragePath(object_store.root.replace("documents", "documnets") + "/a.txt")
        before = object_store.buckets()
        for call in (
            missing.open,
            lambda: missing.write_bytes(b"x"),
            missing.list_files,
            lambda: missing.list_files("**/*"),
            lambda: write_to(missing),
        ):
            with pytest.raises(StorageNotFound, match=f"documnets.*{missing.conn_id}") as raised:
                call()
            assert raised.value.__cause__ is not None
        assert not missing.exists()
        missing.delete_folder()
        assert object_store.buckets() == before == {"documents"}

    def test_a_connection_that_does_not_exist(self, object_store):
        scheme = object_store.root.partition("://")[0]
        absent = StoragePath(f"{scheme}://absent@documents/a.txt")
        for call in (absent.open, absent.exists, absent.list_files, lambda: write_to(absent), absent.delete_folder):
            with pytest.raises(ConnectionNotUsable, match="'absent'"):
                call()
        with pytest.raises(ConnectionNotUsable, match="'absent'"), Document(absent.reference).open():
            pass

    def test_wrong_credentials(self, object_store):
        with rejected_credentials(object_store) as root:
            path = StoragePath(f"{root}/a.txt")
            for call in (
                path.open,
                path.exists,
                path.list_files,
                lambda: write_to(path),
                lambda: path.write_bytes(b"x"),
            ):
                with pytest.raises(StorageForbidden, match=f"{path.conn_id}") as raised:
                    call()
                assert not raised.value.retryable
                assert "s3cret" not in str(raised.value)

    def test_a_server_that_is_not_there(self, object_store, no_client_pauses):
        set_connection("storage_down", fields_of(object_store)(free_port()))
        path = StoragePath(object_store.root.replace(f"storage_{object_store.kind}", "storage_down") + "/a.txt")
        for call in (path.open, path.list_files, lambda: path.write_bytes(b"x")):
            with pytest.raises(StorageUnavailable, match="storage_down") as raised:
                call()
            assert raised.value.retryable

    def test_a_slow_server_and_one_that_hangs_up(self, object_store, no_client_pauses):
        with TcpProxy(object_store.port, delay=0.3) as proxy:
            set_connection("storage_slow", fields_of(object_store)(proxy.port))
            folder = object_store.folder().replace(f"storage_{object_store.kind}", "storage_slow")
            (StoragePath(folder) / "a").write_bytes(b"x")
            assert StoragePath(folder).list_files() == [f"{folder}/a"]
            proxy.is_broken = True
            with pytest.raises(StorageUnavailable):
                (StoragePath(folder) / "a").read_bytes()


def test_a_storage_without_a_provider():
    with pytest.raises(StorageNotInstalled, match="nosuchstorage://"):
        StoragePath("nosuchstorage://bucket/a").open()


def test_a_password_in_the_place_of_a_connection_is_not_shown():
    with pytest.raises(ConnectionNotUsable) as raised:
        StoragePath("s3://AKIA:s3cret@bucket/a").open()
    assert "s3cret" not in str(raised.value)


def write_to(path):
    with path.write() as file:
        file.write(b"x")


def fields_of(storage):
    return {"s3": s3_fields, "azure": azure_fields, "gcs": gcs_fields}[storage.kind]

"""``[classify] allowed_roots``: which documents a task may read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_classify.documents.allowed_roots import is_allowed, require_allowed_examples, roots_of
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.folder import list_documents
from airflow_provider_classify.exceptions import DocumentError, DocumentNotAllowed
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.model.categories import Category
from tests.support.scripted_server import Answer, scripted_server
from tests.support.storage import attach

ACCEPTED = Answer(202, {"job_id": "1", "status": "queued"})


@pytest.mark.parametrize(
    ("root", "allowed", "refused"),
    [
        (
            "s3://bucket",
            ["s3://bucket/a", "s3://c@bucket/a", "S3://bucket/a/b"],
            ["s3://bucket2/a", "s3://c@bucket2/a"],
        ),
        ("s3://bucket/", ["s3://bucket/a"], ["s3://bucke/a", "gs://bucket/a", "s3a://bucket/a", "/bucket/a"]),
        (
            "s3://bucket/in",
            ["s3://bucket/in/a", "s3://bucket/in/a b?#.pdf", "s3://bucket/in//a"],
            ["s3://bucket/in2/a", "s3://bucket/a", "s3://bucket/in/../a", "s3://bucket//in/a", "s3://bucket/./in/a"],
        ),
        ("s3://c@bucket", ["s3://c@bucket/a"], ["s3://bucket/a", "s3://d@bucket/a"]),
        ("s3://", ["s3://bucket/a", "s3://c@other/a"], ["gs://bucket/a", "file:///a"]),
        (
            "https://x.org/in",
            [
                "https://x.org/in/a.pdf?sig=1#2",
                "https://X.ORG/in/a",
                "https://x.org:443/in/a",
                "https://user:p@x.org/in/a",
                "https://x.org/%69n/a",
                "https://x.org/in/a%2Fb",
                "https://x.org/in/?../a",
            ],
            [
                "http://x.org/in/a",
                "https://x.org:8443/in/a",
                "https://x.org/in2/a",
                "https://x.org/in/../a",
                "https://x.org/in/%2e%2e/a",
                "https://x.org/in/%252e%252e/a",
                "https://x.org/in/..;x/a",
                "https://x.org/in%2F..%2Fa",
                "https://x.org/in/..\\a",
                "https://x.org/in%2Fa",
                "https://x.org.evil.org/in/a",
                "https://x.org@evil.org/in/a",
                "https://evil.org\\@x.org/in/a",
                "https://evil.org/https://x.org/in/a",
                "https://evil.org?https://x.org/in/a",
                "https://x.org/in\n/a",
                "https://x.org",
            ],
        ),
        (
            "s3://bucket",
            [],
            ["simplecache::s3://bucket/a", "zip://a::s3://bucket/b", "s3://bucket/a::file:///etc/passwd"],
        ),
    ],
)
def test_a_prefix_is_compared_by_whole_segments(root: str, allowed: list[str], refused: list[str]) -> None:
    assert [uri for uri in allowed if not is_allowed(uri, [root])] == []
    assert [uri for uri in refused if is_allowed(uri, [root])] == []


def test_a_folder_is_compared_with_what_links_lead_to(tmp_path: Path) -> None:
    for name in ("data", "data2", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.pdf").write_bytes(b"x")
    (tmp_path / "data" / "out.pdf").symlink_to(tmp_path / "elsewhere" / "a.pdf")
    (tmp_path / "data" / "folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in.pdf").symlink_to(tmp_path / "data" / "a.pdf")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for root in (tmp_path / "data", f"{tmp_path}/data/", f"file://{tmp_path}/data", tmp_path / "link"):
        allowed = ["data/a.pdf", "data/none.pdf", "data/../data/a.pdf", "in.pdf", "link/a.pdf", "data"]
        refused = ["data2/a.pdf", "data/../data2/a.pdf", "data/out.pdf", "data/folder/a.pdf", "link/folder/a.pdf", "."]
        for prefix in (f"{tmp_path}/", f"file://{tmp_path}/"):
            assert [path for path in allowed if not is_allowed(prefix + path, [str(root)])] == []
            assert [path for path in refused if is_allowed(prefix + path, [str(root)])] == []


def test_a_folder_allows_no_uri_and_a_prefix_no_folder(tmp_path: Path) -> None:
    assert not is_allowed("s3://bucket/a", ["/"])
    assert not is_allowed("https://x.org/etc/passwd", ["/"])
    assert not is_allowed("/etc/passwd", ["s3://bucket", "https://x.org"])
    assert is_allowed("/etc/passwd", ["s3://bucket", "/"])
    assert not is_allowed("/data/a\0b", ["/data"])


def test_the_setting_is_a_list() -> None:
    assert roots_of("/data, s3://bucket/in,\n https://x.org ,") == ["/data", "s3://bucket/in", "https://x.org"]
    with pytest.raises(DocumentNotAllowed, match=r"allowed_roots.*'data'"):
        roots_of("data")


# --- where it is asked --------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is allowed, as is memory://bucket, and beside it a file that is not."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(b"x")
    (folder / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    (tmp_path / "secret.pdf").write_bytes(b"s3cret")
    attach("memory", fs=MemoryFileSystem())
    for bucket in ("bucket", "bucket2"):
        ObjectStoragePath(f"memory://{bucket}/a.pdf").write_bytes(b"x")
    monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", f"{folder}, memory://bucket")
    yield folder
    MemoryFileSystem.store.clear()


def readings(reference: str) -> Iterator[str | None]:
    """What each way to read a document ends in: nothing, or an error's words."""

    def opened() -> None:
        with Document(reference).open():
            pass

    def copied() -> None:
        with Document(reference).local_copy():
            pass

    for read in (opened, copied, Document(reference).fingerprint):
        try:
            read()
        except DocumentError as error:
            yield str(error)
        else:
            yield None


def test_every_way_to_read_is_restricted(data: Path) -> None:
    for allowed in (f"{data}/a.pdf", f"file://{data}/a.pdf", "memory://bucket/a.pdf"):
        assert set(readings(allowed)) == {None}
    for refused in (
        f"{data}/link.pdf",
        f"{data}/../secret.pdf",
        f"file://{data}/link.pdf",
        "memory://bucket2/a.pdf",
        "/etc/passwd",
        "https://x.org/a.pdf?sig=1",
    ):
        for words in readings(refused):
            assert words is not None
            assert "allowed_roots" in words
            assert Document(refused).label in words


@pytest.mark.usefixtures("data")
def test_a_url_is_given_to_no_api(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server(ACCEPTED) as server:
        connection = {"conn_type": "classify", "host": server.url, "password": "key"}
        monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps(connection))
        with pytest.raises(DocumentNotAllowed):
            ClassifyHook("server").submit("https://x.org/a.pdf", ["a", "b"])
        monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", "https://x.org")
        ClassifyHook("server").submit("https://x.org/a.pdf", ["a", "b"])
    assert len(server.requests) == 1


async def test_a_url_is_given_to_no_api_from_an_event_loop(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server(ACCEPTED) as server:
        connection = {"conn_type": "classify", "host": server.url, "password": "key"}
        monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps(connection))
        with pytest.raises(DocumentNotAllowed):
            await ClassifyHook("server").asubmit("https://x.org/a.pdf", ["a", "b"])
        with pytest.raises(DocumentNotAllowed):
            await ClassifyHook("server").asubmit(f"{data}/link.pdf", ["a", "b"])
    assert server.requests == []


def test_a_redirect_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        scripted_server(Answer(200, b"s3cret")) as other,
        scripted_server(Answer(302, b"", {"Location": f"{other.url}/b.pdf?sig=s3cret"})) as server,
    ):
        monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", server.url)
        with pytest.raises(DocumentNotAllowed) as raised, Document(f"{server.url}/a.pdf").local_copy():
            pass
    assert other.requests == []
    assert "s3cret" not in str(raised.value)


def test_only_an_allowed_folder_is_listed(data: Path) -> None:
    assert [Document(found).name for found in list_documents(str(data), "a*")] == ["a.pdf"]
    for folder in (str(data.parent), f"file://{data.parent}", "memory://bucket2"):
        with pytest.raises(DocumentNotAllowed):
            list_documents(folder, "*")


def test_examples_are_restricted(data: Path) -> None:
    require_allowed_examples([Category("a", examples=(f"{data}/a.pdf",)), Category("b")])
    with pytest.raises(DocumentNotAllowed, match="/etc/passwd"):
        require_allowed_examples([Category("a", examples=(f"{data}/a.pdf", "/etc/passwd"))])


def test_without_the_setting_everything_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"x")
    assert set(readings(str(tmp_path / "a.pdf"))) == {None}

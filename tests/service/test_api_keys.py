"""The keys of clients, their file, and what limits them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_classify.cli import main
from airflow_provider_classify.exceptions import InvalidKeys
from airflow_provider_classify.service.api_keys import Key, Keys, KeysFile, key_line, new_key, parse_keys
from airflow_provider_classify.service.errors import HttpError
from airflow_provider_classify.service.rate_limits import RateLimits
from airflow_provider_classify.service.webhook_signature import is_webhook_secret, new_webhook_secret

HASH = f"sha256:{'5e' * 32}"


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def write(path: Path, *lines: str) -> None:
    """Replace the file, as an editor does; its time is another one each time."""
    path.write_text("\n".join(lines) + "\n")
    write.times += 1  # type: ignore[attr-defined]
    os.utime(path, ns=(write.times, write.times))  # type: ignore[attr-defined]


write.times = 10**18  # type: ignore[attr-defined]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def find(path: Path, clock: Callable[[], float]) -> Callable[[str], Key | None]:
    return Keys(file=KeysFile(path, clock=clock)).find


def test_a_line_is_the_key_without_the_key(keys_file: Path, clock: Clock) -> None:
    key, secret = new_key(), new_webhook_secret()
    line = key_line(key, Key("team-a", quota=1000, rate=60, webhook_secret=secret))
    assert key not in line
    write(keys_file, "# keys", "", line, key_line(other := new_key(), Key("team-b")))
    found = find(keys_file, clock)
    assert found(key) == Key("team-a", 1000, 60, secret)
    assert found(other) == Key("team-b")
    assert found(new_key()) is None
    assert found("") is None
    assert secret not in repr(found(key))


def test_two_keys_of_one_name_are_one_client(keys_file: Path, clock: Clock) -> None:
    old, new = new_key(), new_key()
    write(keys_file, key_line(old, Key("a", quota=5)), key_line(new, Key("a", quota=5)))
    assert find(keys_file, clock)(old) == find(keys_file, clock)(new) == Key("a", quota=5)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["team-a"], "Line 1 .* is not NAME sha256:HASH"),
        (["# a", f"team/a {HASH}"], "Line 2 .* is not NAME sha256:HASH"),
        (["team-a sha256:12"], "is not NAME sha256:HASH"),
        ([f"a {HASH} quota=0"], "'quota' twice or with a value"),
        ([f"a {HASH} quota=1 quota=2"], "'quota' twice"),
        ([f"a {HASH} rate=fast"], "'rate' twice or with a value"),
        ([f"a {HASH} webhook-secret=whsec_c2hvcnQ="], "'webhook-secret' twice or with a value"),
        ([f"a {HASH} unknown=1"], "'unknown' twice or with a value"),
        ([f"a {HASH}", f"b {HASH}"], "Line 2 .* has a key that another line has"),
        ([f"a {HASH}", f"a sha256:{'ab' * 32} quota=1"], "Line 2 .* different settings"),
    ],
)
def test_a_line_that_is_not_valid_is_named(lines: list[str], words: str) -> None:
    with pytest.raises(InvalidKeys, match=words) as caught:
        parse_keys("\n".join(lines), "'keys'")
    assert "c2hvcnQ" not in str(caught.value)


def test_a_change_of_the_file_takes_effect(keys_file: Path, clock: Clock) -> None:
    old, new = new_key(), new_key()
    write(keys_file, key_line(old, Key("a")))
    found = find(keys_file, clock)
    write(keys_file, key_line(new, Key("a")))
    assert found(new) is None  # The file is looked at once a second.
    clock.seconds += 1
    assert found(new) == Key("a")
    assert found(old) is None


@pytest.mark.parametrize("damage", ["invalid", "missing", "binary"])
def test_the_last_keys_stay_when_the_file_is_damaged(
    keys_file: Path, clock: Clock, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    key, later = new_key(), new_key()
    write(keys_file, key_line(key, Key("a")))
    found = find(keys_file, clock)
    if damage == "invalid":
        write(keys_file, "half a li")
    elif damage == "binary":
        keys_file.write_bytes(b"\xff\xfe")
    else:
        keys_file.unlink()
    for _ in range(3):
        clock.seconds += 1
        assert found(key) == Key("a")
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    write(keys_file, key_line(later, Key("b")))
    clock.seconds += 1
    assert (found(key), found(later)) == (None, Key("b"))


def test_a_service_does_not_start_without_its_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeys, match="cannot be read"):
        KeysFile(tmp_path / "missing")


def test_the_own_key_works_beside_the_file(keys_file: Path) -> None:
    write(keys_file, key_line(named := new_key(), Key("a", webhook_secret=(secret := new_webhook_secret()))))
    keys = Keys("own", KeysFile(keys_file), webhook_secret=(shared := new_webhook_secret()))
    assert keys.find("own") == Key()
    assert keys.find(named).name == "a"
    assert keys.find("Own") is None
    assert (keys.webhook_secret("a"), keys.webhook_secret("")) == (secret, shared)
    assert not Keys().are_required
    assert Keys().find(None) == Key()


# --- the command --------------------------------------------------------------------------


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("airflow-classify")), "key", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def test_the_command_prints_a_line_and_shows_the_key_once() -> None:
    done = run("team-a", "--quota", "1000", "--rate", "60", "--webhook-secret")
    assert done.returncode == 0
    [(digest, key)] = parse_keys(done.stdout, "stdout").items()
    assert (key.name, key.quota, key.rate) == ("team-a", 1000, 60)
    assert is_webhook_secret(key.webhook_secret or "")
    shown = done.stderr.split()
    assert [word for word in shown if parse_keys(key_line_or_none(word), "stderr").get(digest)]
    assert key.webhook_secret in shown


def key_line_or_none(word: str) -> str:
    try:
        return key_line(word, Key("any"))
    except InvalidKeys:
        return ""


def test_the_command_hashes_a_key_of_stdin() -> None:
    key = new_key()
    done = run("team-a", "--from-stdin", given=f"{key}\n")
    assert parse_keys(done.stdout, "stdout") == parse_keys(key_line(key, Key("team-a")), "")
    assert key not in done.stderr


@pytest.mark.parametrize("key", ["", "short", "x" * 23, "with a space in the middle of it", "ü" * 30])
def test_the_command_refuses_a_key_that_can_be_guessed(key: str) -> None:
    done = run("team-a", "--from-stdin", given=key)
    assert (done.returncode, done.stdout) == (2, "")
    assert "let the command make one" in done.stderr


def test_the_command_refuses_a_name_with_a_space(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "team a"]) == 2
    assert "choose another name" in capsys.readouterr().err


# --- the rate -----------------------------------------------------------------------------


def test_a_rate_allows_a_burst_and_then_one_by_one(clock: Clock) -> None:
    limits, key = RateLimits(clock), Key("a", rate=30)
    for _ in range(30):
        limits.take(key)
    with pytest.raises(HttpError) as caught:
        limits.take(key)
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "2"})
    clock.seconds += 2
    limits.take(key)
    with pytest.raises(HttpError):
        limits.take(key)
    clock.seconds += 3600
    for _ in range(30):
        limits.take(key)
    with pytest.raises(HttpError):
        limits.take(key)


def test_the_rate_of_a_key_is_its_own(clock: Clock) -> None:
    limits = RateLimits(clock)
    limits.take(Key("a", rate=1))
    limits.take(Key("b", rate=1))
    for _ in range(100):
        limits.take(Key())
    with pytest.raises(HttpError) as caught:
        limits.take(Key("a", rate=1))
    assert json.loads(bytes(caught.value.response().body)) == {
        "detail": "This key may make 1 requests in a minute; try again after 60 seconds"
    }

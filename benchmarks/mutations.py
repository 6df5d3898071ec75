"""Ways to damage a document, each the same for the same random numbers."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

#: The most bits that are flipped, and the most bytes that a header or a block has.
MAX_FLIPS, MAX_HEADER, MAX_BLOCK = 200, 2048, 4096
#: Numbers that parsers trip over, as a text format writes them.
TROUBLESOME = (
    b"0",
    b"-1",
    b"255",
    b"65536",
    b"2147483647",
    b"4294967296",
    b"99999999999999999999",
    b"1e38",
    b"0.00001",
)
_NUMBER = re.compile(rb"\d+")


def flipped_bits(data: bytes, _other: bytes, random: Random) -> bytes:
    """One bit to some hundred, anywhere."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, MAX_FLIPS)):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def truncated(data: bytes, _other: bytes, random: Random) -> bytes:
    """The end is missing, as after a broken download."""
    return data[: random.randrange(1, len(data))]


def spliced_header(data: bytes, other: bytes, random: Random) -> bytes:
    """Begins as another document does: that one's header in place of its own, or before it."""
    header = other[: random.randint(4, MAX_HEADER)]
    return header + data[random.choice((0, len(header))) :]


def moved_block(data: bytes, _other: bytes, random: Random) -> bytes:
    """A block of bytes stands in place of another."""
    length = min(len(data), random.randint(1, MAX_BLOCK))
    source, target = (random.randrange(len(data) - length + 1) for _ in range(2))
    return data[:target] + data[source : source + length] + data[target + length :]


def other_numbers(data: bytes, _other: bytes, random: Random) -> bytes:
    """Some of the numbers that are written as digits, sizes and offsets in a PDF among them, are others."""
    share = random.choice((0.001, 0.01, 0.1))
    return _NUMBER.sub(
        lambda match: random.choice(TROUBLESOME) if random.random() < share else match.group(),
        data,
    )


def damaged_part(data: bytes, other: bytes, random: Random) -> bytes:
    """One part of an archive is damaged within, and the archive is whole; of what is none, some bits are flipped."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [(member.filename, archive.read(member)) for member in archive.infolist()]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, ValueError, RuntimeError, EOFError):
        return flipped_bits(data, other, random)
    chosen = random.randrange(len(parts)) if parts else 0
    damage = random.choice((flipped_bits, truncated, moved_block, other_numbers))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, content) in enumerate(parts):
            archive.writestr(name, damage(content, other, random) if number == chosen and len(content) > 1 else content)
    return file.getvalue()


KINDS: tuple[Callable[[bytes, bytes, Random], bytes], ...] = (
    flipped_bits,
    truncated,
    spliced_header,
    moved_block,
    other_numbers,
    damaged_part,
)


@dataclass(frozen=True)
class Mutation:
    """One damaged document: the ``number``-th of those that are made of ``documents``."""

    number: int
    documents: Sequence[Path]

    @property
    def kind(self) -> str:
        """Which way it is damaged, in words."""
        return KINDS[self.number % len(KINDS)].__name__.replace("_", " ")

    @property
    def source(self) -> Path:
        """The document that it was."""
        return self.documents[self.number // len(KINDS) % len(self.documents)]

    @property
    def name(self) -> str:
        """What errors call it; all that is needed to make it again."""
        return f"{self.number} {self.source.name} {self.kind}"

    def damaged(self) -> bytes:
        """The document after the mutation."""
        random = Random(self.number)
        other = random.choice(self.documents).read_bytes()
        return KINDS[self.number % len(KINDS)](self.source.read_bytes(), other, random)

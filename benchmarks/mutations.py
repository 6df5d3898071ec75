"""Damage a document in several ways. The same random numbers give the same damage."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

#: The most bits that are flipped, and the most bytes of a header and of a block.
MAX_FLIPS, MAX_HEADER, MAX_BLOCK = 200, 2048, 4096
#: Numbers at which parsers often fail, written as digits.
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
    """Flip up to MAX_FLIPS bits anywhere."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, MAX_FLIPS)):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def truncated(data: bytes, _other: bytes, random: Random) -> bytes:
    """Cut off the end, as a broken download does."""
    return data[: random.randrange(1, len(data))]


def spliced_header(data: bytes, other: bytes, random: Random) -> bytes:
    """Put the header of another document in the place of this document's header, or before the document."""
    header = other[: random.randint(4, MAX_HEADER)]
    return header + data[random.choice((0, len(header))) :]


def moved_block(data: bytes, _other: bytes, random: Random) -> bytes:
    """Overwrite a block of bytes with another block of the document."""
    length = min(len(data), random.randint(1, MAX_BLOCK))
    source, target = (random.randrange(len(data) - length + 1) for _ in range(2))
    return data[:target] + data[source : source + length] + data[target + length :]


def other_numbers(data: bytes, _other: bytes, random: Random) -> bytes:
    """Replace some of the numbers that are written as digits, such as sizes and offsets in a PDF."""
    share = random.choice((0.001, 0.01, 0.1))
    return _NUMBER.sub(
        lambda match: random.choice(TROUBLESOME) if random.random() < share else match.group(),
        data,
    )


def damaged_part(data: bytes, other: bytes, random: Random) -> bytes:
    """Damage one part of an archive, and keep the archive itself valid. Flip bits in a document that is no archive."""
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
    """A damaged document: the mutation of ``documents`` with this number, counted from 0."""

    number: int
    documents: Sequence[Path]

    @property
    def kind(self) -> str:
        """The kind of damage, in words."""
        return KINDS[self.number % len(KINDS)].__name__.replace("_", " ")

    @property
    def source(self) -> Path:
        """The document that is damaged."""
        return self.documents[self.number // len(KINDS) % len(self.documents)]

    @property
    def name(self) -> str:
        """The name of the mutation in errors. The number in it is enough to repeat the mutation."""
        return f"{self.number} {self.source.name} {self.kind}"

    def damaged(self) -> bytes:
        """Return the damaged document."""
        random = Random(self.number)
        other = random.choice(self.documents).read_bytes()
        return KINDS[self.number % len(KINDS)](self.source.read_bytes(), other, random)

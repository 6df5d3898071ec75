"""Create OLE files (compound files, [MS-CFB]): Outlook messages, and Office files in them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECTOR, _MINI_SECTOR, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT_SECTOR, _NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass
class _Entry:
    name: str
    kind: int
    data: bytes = b""
    children: list[_Entry] = field(default_factory=list)


def ole(streams: Mapping[str, bytes]) -> bytes:
    """Return a file with these streams. Slashes in a name separate its storages."""
    root = _Entry("Root Entry", _ROOT)
    for path, data in streams.items():
        *folders, name = path.split("/")
        entry = root
        for folder in folders:
            found = next((child for child in entry.children if child.name == folder), None)
            if found is None:
                found = _Entry(folder, _STORAGE)
                entry.children.append(found)
            entry = found
        entry.children.append(_Entry(name, _STREAM, data))
    return _written(root)


def outlook_message(
    *,
    subject: str = "",
    body: str = "",
    html: bytes = b"",
    rtf: bytes = b"",
    sender: str = "",
    attachments: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return an Outlook message with the properties that are not empty; ``rtf`` is compressed RTF."""
    properties = {"0037001F": subject.encode("utf-16-le"), "1000001F": body.encode("utf-16-le"), "10130102": html}
    properties["10090102"] = rtf
    properties |= {"0C1A001F": sender.encode("utf-16-le"), "001A001F": "IPM.Note".encode("utf-16-le")}
    streams = {f"__substg1.0_{tag}": data for tag, data in properties.items() if data}
    streams["__properties_version1.0"] = bytes(32)
    for number, (name, data) in enumerate((attachments or {}).items()):
        folder = f"__attach_version1.0_#{number:08X}"
        streams[f"{folder}/__properties_version1.0"] = bytes(8)
        streams[f"{folder}/__substg1.0_3707001F"] = name.encode("utf-16-le")
        streams[f"{folder}/__substg1.0_37010102"] = data
    return ole(streams)


def _written(root: _Entry) -> bytes:
    entries: list[_Entry] = []
    links: list[tuple[int, int]] = []  # for each entry: its next sibling and its first child

    def number(entry: _Entry, following: int) -> int:
        place = len(entries)
        entries.append(entry)
        links.append((following, _NONE))
        child = _NONE
        for kid in reversed(entry.children):
            child = number(kid, child)
        links[place] = (following, child)
        return place

    number(root, _NONE)
    sectors: list[bytes] = []
    table: list[int] = []

    def stored(data: bytes) -> int:
        if not data:
            return _END
        first = len(sectors)
        pieces = [data[place : place + _SECTOR].ljust(_SECTOR, b"\0") for place in range(0, len(data), _SECTOR)]
        sectors.extend(pieces)
        table.extend([*range(first + 1, first + len(pieces)), _END])
        return first

    mini, mini_table, starts = b"", [], []
    for entry in entries:
        if entry.kind != _STREAM or len(entry.data) >= _CUTOFF:
            starts.append(stored(entry.data) if entry.kind == _STREAM else 0)
            continue
        starts.append(len(mini) // _MINI_SECTOR if entry.data else _END)
        count = -(-len(entry.data) // _MINI_SECTOR)
        mini_table += [*range(len(mini_table) + 1, len(mini_table) + count), _END] if count else []
        mini += entry.data.ljust(count * _MINI_SECTOR, b"\0")
    starts[0] = stored(mini)
    root.data = mini
    mini_start = stored(b"".join(struct.pack("<I", link) for link in mini_table).ljust(_SECTOR, b"\xff"))
    directory = b"".join(_record(entry, *links[n], starts[n]) for n, entry in enumerate(entries))
    directory_start = stored(directory + _record(_Entry("", 0), _NONE, _NONE, 0) * (-len(entries) % 4))
    fat_count = 1
    while fat_count * 128 < len(table) + fat_count:
        fat_count += 1
    fat_start = len(sectors)
    table += [_FAT_SECTOR] * fat_count
    table += [_FREE] * (fat_count * 128 - len(table))
    sectors += [struct.pack("<128I", *table[n * 128 : n * 128 + 128]) for n in range(fat_count)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIIII", 0, fat_count, directory_start, 0, _CUTOFF, mini_start, 1, _END, 0, fat_start)
    others = [fat_start + n if n < fat_count else _FREE for n in range(1, 109)]
    return header + struct.pack("<108I", *others) + b"".join(sectors)


def _record(entry: _Entry, following: int, child: int, start: int) -> bytes:
    name = entry.name.encode("utf-16-le")
    record = name.ljust(64, b"\0") + struct.pack("<HBB", len(name) + 2 if name else 0, entry.kind, 1)
    record += struct.pack("<III", _NONE, following, child) + bytes(36)
    return record + struct.pack("<IQ", start, len(entry.data))

"""Decode text, and find its encoding."""

from __future__ import annotations

import codecs
import re

#: At most this many bytes are examined to find the encoding.
SAMPLE_BYTES = 64 * 1024
#: The encodings of plain text, apart from Unicode, that are detected: Chinese, Japanese, Korean, Cyrillic, Central
#: European, Western, Greek, Turkish, Hebrew, Arabic, Baltic and Thai. Others, mostly EBCDIC and Mac, hardly occur, and
#: would mostly be detected by mistake.
_ENCODINGS = (
    *("cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "iso8859_5", "koi8_r", "cp866"),
    *("cp1250", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
)
#: The encodings of European languages in Latin letters. They differ in few letters, so a short text can be valid in
#: each of them.
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257")
#: Languages that are written in cp1250.
_CENTRAL_EUROPEAN = frozenset(
    {"Czech", "Polish", "Hungarian", "Slovak", "Slovene", "Croatian", "Romanian", "Serbian", "Bosnian", "Albanian"}
)
#: Symbols within a word, and letters that only Icelandic has. Text that was decoded with a wrong encoding has them.
_MISFIT = re.compile(r"(?<=[^\W\d_])(?:(?![^\W\d_])[^\s\d.,;:!?'’&/@()_-]|[¹²³])(?=[^\W\d_])|[ýþðÝÞÐ]")
#: Two adjacent letters that are not ASCII. Text in any script other than Latin has them.
_FOREIGN_PAIR = re.compile(r"(?:(?![a-zA-Z])[^\W\d_]){2}")
#: The escape sequences that begin Japanese text in ISO-2022-JP, which has only ASCII bytes.
_ISO_2022_JP = (b"\x1b$B", b"\x1b$@")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Charsets that senders often declare wrongly.
_NO_CHARSETS = frozenset({"us-ascii", "ascii", "unknown-8bit", "default", "utf-16", "utf-32"})
#: Charsets that senders declare, and the larger charsets that the senders mean.
_LARGER = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "iso-8859-9": "cp1254",
    "big5": "big5hkscs",
}
_DECLARED_CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.I)
#: A page declares its charset within this many bytes.
_CHARSET_WITHIN = 2048
#: In UTF-16 text, at least this share of the high bytes is zero. The share is 1 in English text, and 0.1 to 0.3 in
#: Chinese text, in which only the digits and line breaks are ASCII characters.
_ZERO_SHARE = 0.1
#: For each high byte that is zero, at most this many low bytes are zero, such as the low byte of U+4E00.
_ZERO_RATIO = 0.2
#: In binary data at least this share of the characters are control characters.
_CONTROL_SHARE = 0.01


def decode_text(data: bytes) -> str:
    """
    Return ``data`` as text; a last character that is cut off is dropped.

    The encoding is the first of these: that of the byte order mark; ISO-2022-JP if an escape sequence shows it; UTF-16
    or UTF-32 if zero bytes show it; UTF-8 if the bytes are valid; the encoding that makes the most likely text.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decode(data, encoding)
    if any(escape in data for escape in _ISO_2022_JP):
        return _decode(data, "iso2022_jp")
    encoding_by_zeros = _wide_encoding(data)
    if encoding_by_zeros is not None:
        return _decode(data, encoding_by_zeros)
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return _decode(data, _likely_encoding(data))


def decode_declared(data: bytes, charset: str | None) -> str:
    """
    Return ``data`` as text in the charset that a mail or a page declares.

    A charset is replaced by the larger one that senders mean by it, as browsers do. A charset that is missing, unknown
    or often declared wrongly is ignored; then the result is that of :func:`decode_text`.
    """
    name = (charset or "").strip().lower()
    if not name or name in _NO_CHARSETS:
        return decode_text(data)
    try:
        text = data.decode(_LARGER.get(name, name), errors="replace")
    except (LookupError, UnicodeError):  # Python does not know the charset, or the charset is not for text
        return decode_text(data)
    # Some charsets can express halves of surrogate pairs, which UTF-8 cannot encode.
    return text.encode("utf-8", errors="replace").decode()


def decode_html(data: bytes) -> str:
    """Return the source of an HTML page as text: by its byte order mark, else by the charset that it declares."""
    if data.startswith(tuple(mark for mark, _ in _BYTE_ORDER_MARKS)):
        return decode_text(data)
    declared = _DECLARED_CHARSET.search(data[:_CHARSET_WITHIN])
    return decode_declared(data, declared[1].decode("ascii") if declared else None)


def head_as_text(head: bytes) -> str | None:
    """Return the beginning of a file as text, or None if it is binary."""
    text = decode_text(head)
    control = sum(character < " " and character not in "\t\n\r\f\x1b" for character in text)
    return text if "\0" not in text and control <= len(text) * _CONTROL_SHARE else None


def _decode(data: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)(errors="replace").decode(data)


def _wide_encoding(data: bytes) -> str | None:
    """
    Return UTF-16 or UTF-32, little or big endian, if the places of the zero bytes fit.

    In such text the high byte of many characters is zero, for example of spaces. The low byte of few characters is
    zero.
    """
    sample = data[: min(len(data), SAMPLE_BYTES) // 4 * 4]
    if b"\0" not in sample:
        return None
    zeros = [sample[offset::4].count(0) for offset in range(4)]
    units = len(sample) // 4
    if zeros[3] == units and zeros[2] > units / 2:
        return "utf-32-le"
    if zeros[0] == units and zeros[1] > units / 2:
        return "utf-32-be"
    first, second = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if max(first, second) < _ZERO_SHARE * 2 * units or min(first, second) > _ZERO_RATIO * max(first, second):
        return None
    return "utf-16-le" if second > first else "utf-16-be"


def _likely_encoding(data: bytes) -> str:
    """Return the encoding in which ``data`` makes the most likely text."""
    # Imported only for such text, because the import takes a tenth of a second.
    from charset_normalizer import from_bytes

    sample = _whole_characters(data[:SAMPLE_BYTES])
    best = from_bytes(sample, cp_isolation=list(_ENCODINGS)).best()
    if best is not None:
        if best.encoding == "cp1250" and best.language in _CENTRAL_EUROPEAN:
            return "cp1250"
        if best.encoding not in _LATIN and _FOREIGN_PAIR.search(str(best)):
            return best.encoding
    return min(_LATIN, key=lambda encoding: len(_MISFIT.findall(_decode(sample, encoding))))


def _whole_characters(data: bytes) -> bytes:
    """Return ``data`` up to its last white space, so that no character of several bytes is cut off at the end."""
    end = max(data.rfind(space) for space in (b" ", b"\n", b"\r", b"\t"))
    return data[:end] if end > len(data) / 2 else data

"""The body of a reply, put together from its chunks within a limit of decoded bytes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from airflow_provider_classify.api import errors
from airflow_provider_classify.api.settings import ApiSettings

#: The largest reply that is read, in decoded bytes. A result with hundreds of pages takes less than 1 MB.
LONGEST_REPLY = 16 * 1024 * 1024
#: Bytes that are read of an error's page.
_LONGEST_ERROR_PAGE = 64 * 1024
#: zlib's window for a gzip or zlib stream, told apart by its header.
_GZIP_OR_ZLIB = zlib.MAX_WBITS + 32


class ReplyBody:
    """
    Collects and decodes the chunks of a reply as they come from the connection.

    It decodes the compression itself, in pieces: an HTTP library decodes a whole chunk at once, and a few
    kilobytes of it can become gigabytes.

    :param status: the reply's status. Of an error's page only the beginning is kept.
    :param headers: the reply's headers; their names are looked up whatever their case.
    :param what: what the request is about, for errors.
    """

    def __init__(self, status: int, headers: Mapping[str, str], *, what: str, settings: ApiSettings) -> None:
        self._is_success = 200 <= status < 300
        self._limit = LONGEST_REPLY if self._is_success else _LONGEST_ERROR_PAGE
        self._what = what
        self._settings = settings
        self._encoding = headers.get("Content-Encoding", "").strip().lower()
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if self._encoding in ("gzip", "x-gzip", "deflate") else None
        self._body = bytearray()
        #: Nothing further needs to be read.
        self.is_full = False
        if self._inflate is None and self._encoding not in ("", "identity"):
            self._refuse_encoding()

    def feed(self, chunk: bytes) -> None:
        """Add a chunk. :raises InvalidReply: it cannot be decoded, or the body of a success passes the limit."""
        if self.is_full:
            return
        if self._inflate is not None:
            try:
                # One byte more than fits shows that there is more.
                chunk = self._inflate.decompress(chunk, self._limit - len(self._body) + 1)
            except zlib.error:
                self._refuse_encoding()
                return
        self._body += chunk
        if len(self._body) > self._limit:
            if self._is_success:
                raise errors.too_large(self._what, self._limit, self._settings)
            self.is_full = True

    def finish(self) -> bytes:
        """Return the body when all chunks are added. :raises InvalidReply: the compressed body is not complete."""
        if self._inflate is not None and not self._inflate.eof and not self.is_full and self._body:
            self._refuse_encoding()
        with memoryview(self._body) as view:  # a slice of the array would be one more copy of up to 16 MB
            return bytes(view[: self._limit])

    def _refuse_encoding(self) -> None:
        if self._is_success:
            raise errors.not_decoded(self._what, self._encoding, self._settings)
        self.is_full = True

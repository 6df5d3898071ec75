"""Collect and decompress the body of a reply, up to a size limit."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from airflow_provider_classify.api import errors
from airflow_provider_classify.api.settings import ApiSettings

#: The largest reply that is read, in decompressed bytes. A result of hundreds of pages has less than 1 MB.
LONGEST_REPLY = 16 * 1024 * 1024
#: The most bytes that are read of an error page.
_LONGEST_ERROR_PAGE = 64 * 1024
#: The window size that makes zlib accept gzip and zlib streams.
_GZIP_OR_ZLIB = zlib.MAX_WBITS + 32


class ReplyBody:
    """
    Collects and decompresses the chunks of a reply.

    An HTTP library decompresses a whole chunk in one step, and a few kilobytes can expand to gigabytes. This class
    stops at the limit.

    :param status: the status of the reply. Only the beginning of an error page is kept.
    :param headers: the headers of the reply, a mapping that ignores case.
    :param what: names the document or job of the request in errors.
    :raises InvalidReply: a successful reply has a ``Content-Encoding`` that is not supported.
    """

    def __init__(self, status: int, headers: Mapping[str, str], *, what: str, settings: ApiSettings) -> None:
        self._is_success = 200 <= status < 300
        self._limit = LONGEST_REPLY if self._is_success else _LONGEST_ERROR_PAGE
        self._what = what
        self._settings = settings
        self._encoding = headers.get("Content-Encoding", "").strip().lower()
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if self._encoding in ("gzip", "x-gzip", "deflate") else None
        self._body = bytearray()
        #: Whether no more chunks are needed.
        self.is_full = False
        if self._inflate is None and self._encoding not in ("", "identity"):
            self._refuse_encoding()

    def feed(self, chunk: bytes) -> None:
        """Add a chunk. :raises InvalidReply: a successful reply cannot be decompressed or is too large."""
        if self.is_full:
            return
        if self._inflate is not None:
            try:
                # One byte more than the limit shows that the body is too large.
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
        """
        Return the body after the last chunk, and free the memory of the chunks. Call it once.

        :raises InvalidReply: the compressed body of a successful reply is incomplete.
        """
        if self._inflate is not None and not self._inflate.eof and not self.is_full and self._body:
            self._refuse_encoding()
        with memoryview(self._body) as view:  # a slice of the array would be one more copy of up to 16 MB
            body = bytes(view[: self._limit])
        self._body.clear()
        return body

    def _refuse_encoding(self) -> None:
        if self._is_success:
            raise errors.not_decoded(self._what, self._encoding, self._settings)
        self.is_full = True

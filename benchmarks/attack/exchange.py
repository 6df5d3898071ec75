"""Build requests to the service."""

from __future__ import annotations

import json
from dataclasses import dataclass

DOCUMENT = b"INVOICE\n\nInvoice number 7\nBill to Example Ltd\nTotal amount due 42.00\nPayment terms 30 days\n"
CATEGORIES = json.dumps(["invoice", "letter"])
HOST = b"Host: attacker\r\n"


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    The exchange on one connection.

    :param sent: the pieces that are sent.
    :param end: the action after the last piece: ``wait`` waits for an answer, ``half`` closes the sending side first,
        ``reset`` resets the connection.
    :param cancel: whether to cancel the job as soon as it is accepted.
    :param pause: seconds after each piece.
    """

    sent: tuple[bytes, ...]
    end: str = "wait"
    cancel: bool = False
    pause: float = 0.0

    @property
    def beginning(self) -> bytes:
        """The first piece; empty if nothing is sent."""
        return self.sent[0] if self.sent else b""


def request(
    body: bytes = b"",
    *,
    method: bytes = b"POST",
    target: bytes = b"/classify",
    headers: bytes = b"",
    length: object = None,
) -> bytes:
    """Return a request. ``length`` replaces the right Content-Length; an empty text leaves the header out."""
    announced = (
        b"" if length == "" else b"Content-Length: %s\r\n" % str(len(body) if length is None else length).encode()
    )
    return b"%s %s HTTP/1.1\r\n%s%s%s\r\n%s" % (method, target, HOST, headers, announced, body)


def part(name: str, content: bytes, file_name: str | None = None) -> bytes:
    """Return a part of a multipart form, with the boundary ``b``."""
    file = f'; filename="{file_name}"' if file_name is not None else ""
    return b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name.encode(), file.encode(), content)


def form(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    """Return a multipart form, with the boundary ``b``."""
    return b"".join(parts) + end


MULTIPART = b"Content-Type: multipart/form-data; boundary=b\r\n"
URLENCODED = b"Content-Type: application/x-www-form-urlencoded\r\n"


def valid(document: bytes = DOCUMENT, headers: bytes = b"", categories: str = CATEGORIES) -> bytes:
    """Return a valid submit."""
    body = form(part("pdf_file", document, "a.txt"), part("categories", categories.encode()))
    return request(body, headers=MULTIPART + headers)

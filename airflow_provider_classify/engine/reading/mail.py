"""Read a mail of any format: its headers, its text and its attachments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading.dispatch import open_source
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.opened_document import Attachment, OpenedDocument, ReadPage
from airflow_provider_classify.engine.reading.plain_text import PAGE_HEIGHT, PAGE_WIDTH, text_document
from airflow_provider_classify.engine.reading.sniffing import TNEF_START, Format
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentTooLarge, DocumentTypeUnknown

#: A mail with fewer words has too little text for a classification. It may consist of a greeting, "please find
#: attached", a name and an address.
MANY_WORDS = 60
#: An alternative text is a stub if it has less than this share of the words of the longest alternative.
WHOLE = 0.5
#: An image whose shorter side has fewer pixels than this is a logo, an icon or a line.
LEAST_SIDE = 200
#: Parts that are not documents: signatures, keys, calendar entries, contact cards, delivery reports, sound and video.
_NO_DOCUMENT_TYPES = re.compile(
    r"application/(?:x-)?pkcs7-signature|application/pgp-.*|application/ics|text/calendar"
    r"|text/(?:x-)?vcard|message/(?!rfc822).*|text/rfc822-headers|audio/.*|video/.*"
)
_NO_DOCUMENT_SUFFIXES = (".ics", ".vcf", ".asc", ".sig", ".p7s", ".pgp")
_WORD = re.compile(r"[^\W\d_]{2,}")
#: Chinese, Japanese and Thai have no spaces between words. Each of their characters counts as half a word.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
#: The line above a signature.
_SIGNATURE = re.compile(r"^-- ?$", re.M)


@dataclass(frozen=True, slots=True)
class MailPart:
    """
    A part of a mail that is not its text: its file name, its media type and its bytes.

    :param is_cut: whether ``data`` has only its first bytes, because it is larger than what is read.
    """

    name: str
    media_type: str
    data: bytes
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """
    A mail in EML or Outlook's format, as it was read.

    :param headers: those of its header lines that are read, such as ``From: …``.
    :param text: the text of the mail.
    :param parts: the attachments, and the images in its text.
    """

    headers: Sequence[str]
    text: str
    parts: Sequence[MailPart]


def mail_document(mail: Mail, kind: Format, source: Source, options: ReadingOptions) -> OpenedDocument:
    """
    Return a mail as a document: its headers, then its text, and its attachments.

    An attachment that is larger than what is read raises ``DocumentTooLarge`` when it is opened.

    :raises DocumentEmpty: it has neither headers nor text nor attachments.
    """
    attachments = tuple(
        Attachment(part.name, partial(_open_part, part, source.name, options.deeper()))
        for part in mail.parts
        if _is_document(part)
    )
    text = "\n".join([*mail.headers, "", mail.text])
    try:
        document = text_document(text, kind, name=source.name, max_pages=options.max_pages)
    except DocumentEmpty:
        if not attachments:
            raise
        blank = ReadPage(Page(1, PAGE_WIDTH, PAGE_HEIGHT, (), "text_layer", is_blank=True))
        document = OpenedDocument(kind, 1, iter([blank]))
    words = count_words(mail.text)
    is_in_winmail = not words and not attachments and any(_is_winmail(part) for part in mail.parts)
    return replace(
        document,
        is_mail=True,
        says_little=words < MANY_WORDS,
        attachments=attachments,
        unreadable_text=_winmail_error(source.name) if is_in_winmail else None,
    )


def _open_part(part: MailPart, mail_name: str, options: ReadingOptions) -> AbstractContextManager[OpenedDocument]:
    name = f"{mail_name}/{part.name}"
    if part.is_cut:
        raise DocumentTooLarge(
            f"The attachment {name!r} is too large to be read within its mail; save it as a file, and give that."
        )
    return open_source(Source(name, part.data), options)


def best_alternative(texts: Sequence[str]) -> str:
    """
    Return the best of a mail's alternative texts, which are sorted from the plainest to the richest.

    It is the plainest text that is not a stub such as "your program cannot show this mail".
    """
    counts = [count_words(text) for text in texts]
    most = max(counts, default=0)
    return next((text for text, count in zip(texts, counts, strict=True) if count >= WHOLE * most), "")


def count_words(text: str) -> int:
    """Return the number of words in a mail's text, without its signature and without quoted lines."""
    own = _SIGNATURE.split(text, maxsplit=1)[0]
    own = "\n".join(line for line in own.splitlines() if not line.startswith(">"))
    return len(_WORD.findall(_UNSPACED.sub(" ", own))) + len(_UNSPACED.findall(own)) // 2


def _is_winmail(part: MailPart) -> bool:
    """Return whether a part is Outlook's container for the text and the attachments of a mail (TNEF)."""
    return part.data.startswith(TNEF_START)


def _winmail_error(name: str) -> DocumentTypeUnknown:
    # The libraries that read TNEF are no longer maintained; tnefparse had its last release in 2021.
    return DocumentTypeUnknown(
        f"The mail {name!r} has its content in winmail.dat (TNEF), which only Outlook reads; "
        "have the mail sent as HTML or plain text, or save it from Outlook as MSG."
    )


def _is_document(part: MailPart) -> bool:
    if (
        _is_winmail(part)
        or _NO_DOCUMENT_TYPES.fullmatch(part.media_type)
        or part.name.lower().endswith(_NO_DOCUMENT_SUFFIXES)
    ):
        return False
    return bool(part.data) and not (part.media_type.startswith("image/") and _is_small_image(part.data))


def _is_small_image(data: bytes) -> bool:
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as image:
            return min(image.size) < LEAST_SIDE
    except Exception:
        # Pillow can raise any error for a damaged image. If the image is opened as a document, that error is reported.
        return False

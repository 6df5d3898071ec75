"""Extract the document from a signed file: CAdES (``.p7m``) or S/MIME."""

from __future__ import annotations

import base64
import binascii
import re

from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEmpty, ExtraNotInstalled

#: The most bytes of a signed document.
MAX_SIGNED_BYTES = 64 * 1024**2
#: The most nested signatures that are removed.
_MAX_LAYERS = 5
_PEM = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_SEQUENCE = b"\x30"


def signed_content(data: bytes, name: str) -> bytes:
    """
    Return the document in a signed file. The signature is not verified.

    :raises DocumentCorrupt: it is not in the format PKCS #7.
    :raises DocumentEmpty: it has only the signature, without the document.
    """
    for _ in range(_MAX_LAYERS):
        data = _unpacked(data, name)
        if not _is_signed(data):
            return data
    return data


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        from asn1crypto import cms
    except ImportError as error:
        raise ExtraNotInstalled(
            "Reading signed documents (p7m) needs asn1crypto; "
            "install airflow-provider-classify[local] where the tasks run."
        ) from error
    try:
        signed = cms.ContentInfo.load(_binary(data))["content"]
        content = signed["encap_content_info"]["content"].native
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        raise DocumentCorrupt(
            f"The document {name!r} is signed (p7m), and the signature is damaged; fetch it again."
        ) from error
    if not isinstance(content, bytes) or not content:
        raise DocumentEmpty(f"The document {name!r} is a signature (p7m) without the signed document; give that one.")
    return content


def _binary(data: bytes) -> bytes:
    """Return the signed file in binary form; it may be PEM or base64."""
    if data.startswith(_SEQUENCE):
        return data
    try:
        return base64.b64decode(_PEM.sub(b"", data), validate=False)
    except binascii.Error:
        return data


def _is_signed(data: bytes) -> bool:
    return data.startswith(_SEQUENCE) and b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in data[:64]

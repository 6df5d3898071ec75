"""
Sign webhooks as the Standard Webhooks specification says (https://www.standardwebhooks.com).

Libraries in many languages verify these signatures. The signature covers the id, the time and the body. So nobody can
change a request that they have seen, or send it again later.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

_PREFIX = "whsec_"
#: The specification asks for a secret of 24 to 64 bytes.
_LEAST_BYTES, _MOST_BYTES = 24, 64


def new_webhook_secret() -> str:
    """Return a new random secret."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def is_webhook_secret(secret: str) -> bool:
    """Return whether this is ``whsec_`` and then the Base64 of 24 to 64 bytes."""
    try:
        return secret.startswith(_PREFIX) and _LEAST_BYTES <= len(_bytes_of(secret)) <= _MOST_BYTES
    except (binascii.Error, ValueError):
        return False


def signed_headers(secret: str, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """
    Return the headers that sign a request.

    :param webhook_id: the id of the webhook. Every try has the same id, so that the receiver can ignore a repeated one.
    :param timestamp: the time of this try, in seconds since 1970.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(_bytes_of(secret), signed, hashlib.sha256)).decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def _bytes_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)

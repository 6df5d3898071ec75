"""The signatures of webhooks, checked by the reference library of the specification."""

from __future__ import annotations

import json
import time

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from airflow_provider_classify.service.webhook_signature import is_webhook_secret, new_webhook_secret, signed_headers

BODY = '{"job_id": "1", "progress": "ü"}'.encode()


def test_the_library_verifies_a_signature() -> None:
    secret = new_webhook_secret()
    headers = signed_headers(secret, "1", int(time.time()), BODY)
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


def test_the_library_refuses_what_was_changed() -> None:
    secret = new_webhook_secret()
    now = int(time.time())
    headers = signed_headers(secret, "1", now, BODY)
    for changed in (
        {**headers, "webhook-id": "2"},
        {**headers, "webhook-timestamp": str(now + 1)},
        signed_headers(new_webhook_secret(), "1", now, BODY),
        signed_headers(secret, "1", now - 3600, BODY),
        signed_headers(secret, "1", now, BODY + b" "),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(BODY, changed)


def test_a_secret_has_a_form() -> None:
    assert is_webhook_secret(new_webhook_secret())
    for secret in ("", "whsec_", "whsec_c2hvcnQ=", "secret", "whsec_ü", new_webhook_secret()[6:]):
        assert not is_webhook_secret(secret)

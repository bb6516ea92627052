"""Webhooks by the Standard Webhooks specification, version 1: signing for the sender, verifying for the receiver.

Three headers travel with a delivery: `webhook-id` (the same for every attempt: remember it and a repeat is known),
`webhook-timestamp` (seconds since 1970, of this attempt) and `webhook-signature` (`v1,` and base64 of HMAC-SHA256 over
`id.timestamp.body`; several, separated by spaces, while a secret is being rotated).
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

from stoa_events import structured
from stoa_events.contracts import Event
from stoa_events.envelope import Envelope
from stoa_events.structured import Unknown

CONTENT_TYPE = "application/cloudevents+json"
SECRET_PREFIX = "whsec_"  # noqa: S105  # no secret, but what each begins with
#: From the specification: shorter keys can be guessed, longer ones bring nothing.
KEY_BYTES = range(24, 65)


class BadSecret(ValueError):
    """A secret is not one; the message says what a secret looks like, and shows nothing of this one."""


class BadSignature(ValueError):
    """The delivery does not come from Stoa, or is older than five minutes: answer 401 and do nothing else."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose signature is right. `id` stays the same when it is tried again."""

    id: str
    envelope: Envelope
    event: Event | Unknown


def secret_of(key: bytes) -> str:
    """How a key is shown to people and kept in settings; `key` is 24 to 64 bytes of chance."""
    if len(key) not in KEY_BYTES:
        raise BadSecret(f"A key has {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes, not {len(key)}.")
    return SECRET_PREFIX + base64.b64encode(key).decode()


def sign(body: bytes, *, delivery_id: str, at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers for a body that is sent exactly so. During a rotation, each valid secret adds its signature."""
    text, moment = body.decode(), at.astimezone(UTC)
    signatures = [_webhook(secret).sign(delivery_id, moment, text) for secret in secrets]
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


class Verifier:
    """Reads deliveries that one of the secrets has signed in the last five minutes.

    Give it every secret that is valid now: while one is rotated, the old and the new. Raises BadSecret.
    """

    def __init__(self, *secrets: str) -> None:
        if not secrets:
            raise BadSecret("A verifier needs the endpoint's secret.")
        self._webhooks = [_webhook(secret) for secret in secrets]

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """The event in a request; `body` as it was received, not parsed and written again.

        Raises BadSignature before anything of the body is believed; BadEnvelope or BadData where a signed body can't be
        read: log an error and answer 204, since a retry would bring the same.
        """
        names = {name.lower(): value for name, value in headers.items()}
        if not any(_is_signed_by(webhook, names, body) for webhook in self._webhooks):
            raise BadSignature("No signature of the last five minutes by a secret of this endpoint.")
        envelope, event = structured.parse(body)
        return Delivery(names["webhook-id"], envelope, event)


def _webhook(secret: str) -> Webhook:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or len(key) not in KEY_BYTES:
        raise BadSecret(f"A secret reads {SECRET_PREFIX} and then base64 of {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes.")
    return Webhook(key)


def _is_signed_by(webhook: Webhook, headers: dict[str, str], body: bytes) -> bool:
    try:
        webhook.verify(body, headers, json_parse=False)
    # ValueError: the library raises it for a signature that is no base64 and a body that is no UTF-8.
    except (WebhookVerificationError, ValueError):
        return False
    return True

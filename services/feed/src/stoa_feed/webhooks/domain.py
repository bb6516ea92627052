"""Rules of webhooks: what an answer means, when to try again, when to stop."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stoa_common.errors import Conflict, FieldError, Invalid, NotFound, Refusal
from stoa_feed.webhooks.models import Delivery, Kind, Status, Webhook

MOST_WEBHOOKS: Final = 20
#: Both secrets sign for so long after a rotation.
ROTATION_GRACE: Final = timedelta(hours=24)
#: After a failed attempt: the schedule that Standard Webhooks suggests, three days and four hours in all.
RETRY_DELAYS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
#: A delay is made longer by up to a tenth, so that receivers that were down are not all asked in one second.
JITTER: Final = 0.1
LONGEST_WISH: Final = timedelta(hours=24)
#: A webhook to which nothing could be delivered for so long is disabled.
PATIENCE: Final = timedelta(days=5)
#: From so many failures in a row on a webhook rests before it is sent anything new, longer each time.
RESTS_FROM: Final = 3
LONGEST_REST: Final = timedelta(minutes=5)
#: From so many on it counts as having been down: its first success brings what waits forward.
WAS_DOWN: Final = 10

GONE: Final = 410
WITH_RETRY_AFTER: Final = frozenset({429, 502, 503, 504})


class WebhookIsUnknown(NotFound):
    """The organization has no such webhook."""

    def __init__(self) -> None:
        super().__init__("Your organization has no such webhook.")


class DeliveryIsUnknown(NotFound):
    """The webhook has no such delivery."""

    def __init__(self) -> None:
        super().__init__("This webhook has no such delivery; the log goes back 30 days.")


class TooManyWebhooks(Conflict):
    """The organization has as many webhooks as it may."""


class WebhookUrlIsRefused(Invalid):
    """Nothing may be sent to this URL."""

    def __init__(self, message: str) -> None:
        wrong = FieldError(field="url", message=message)
        super().__init__("Give the URL of a receiver that the public Internet reaches over https.", errors=[wrong])


class EventIsGone(Refusal):
    """The event has had its time."""

    status, title = 410, "Gone"

    def __init__(self) -> None:
        super().__init__("The feed no longer holds this event: read the resource through the API.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. `status` is the answer's; `error` says why there was none, or why it is no success."""

    status: int | None
    error: str | None
    duration_ms: int
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def error_of(status: int) -> str | None:
    """Why an answer with this status is no success."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return "Redirects are not followed: change the webhook's URL."
    return "Gone: the receiver wants no more." if status == GONE else "Not a 2xx status."


def settle(delivery: Delivery, outcome: Outcome, *, at: datetime, chance: float) -> None:
    """Write an attempt down, and decide what becomes of the delivery. `chance` is between 0 and 1."""
    attempt = {
        "at": at.isoformat(),
        "status": outcome.status,
        "duration_ms": outcome.duration_ms,
        "error": outcome.error,
    }
    delivery.attempts = [*delivery.attempts, attempt]
    tried = len(delivery.attempts)
    if outcome.is_success:
        _end(delivery, Status.DELIVERED, at=at)
    elif tried > len(RETRY_DELAYS) or delivery.kind == Kind.TEST or outcome.status == GONE:
        _end(delivery, Status.FAILED, at=at)
    else:
        wish = min(outcome.retry_after or timedelta(0), LONGEST_WISH)
        delivery.next_attempt_at = at + max(RETRY_DELAYS[tried - 1] * (1 + JITTER * chance), wish)


def give_up(delivery: Delivery, *, at: datetime) -> None:
    """The feed no longer holds the event."""
    attempt = {"at": at.isoformat(), "status": None, "duration_ms": 0, "error": "The feed no longer holds this event."}
    delivery.attempts = [*delivery.attempts, attempt]
    _end(delivery, Status.FAILED, at=at)


def _end(delivery: Delivery, status: Status, *, at: datetime) -> None:
    delivery.status, delivery.ended_at, delivery.next_attempt_at = status, at, None


def judge(webhook: Webhook, outcome: Outcome, *, at: datetime) -> bool:
    """What an attempt tells about the webhook. True where it was down and is back: what waits may be tried now."""
    if outcome.is_success:
        was_down = webhook.failures >= WAS_DOWN
        webhook.failures, webhook.failing_since, webhook.rests_until = 0, None, None
        return was_down
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or at
    webhook.rests_until = at + rest(webhook.failures)
    if outcome.status == GONE:
        disable(webhook, "The receiver answered 410 Gone.")
    elif at - webhook.failing_since >= PATIENCE:
        disable(webhook, f"Nothing could be delivered since {webhook.failing_since:%Y-%m-%d %H:%M} UTC.")
    return False


def rest(failures: int) -> timedelta:
    """Nothing for the first failures, which may be one event's; then 5 s, 10 s, and so on up to 5 minutes."""
    if failures < RESTS_FROM:
        return timedelta(0)
    doublings = min(failures - RESTS_FROM, 10)
    return min(timedelta(seconds=5 << doublings), LONGEST_REST)


def disable(webhook: Webhook, reason: str) -> None:
    webhook.is_enabled, webhook.disabled_reason = False, reason


def enable(webhook: Webhook) -> None:
    """Go on where it stopped, with a clean slate."""
    webhook.is_enabled, webhook.disabled_reason = True, None
    webhook.failures, webhook.failing_since, webhook.rests_until = 0, None, None


def rotate(webhook: Webhook, *, sealed: bytes, at: datetime) -> None:
    """A new secret; the one before it signs beside it for a day."""
    webhook.sealed_earlier_secret, webhook.earlier_secret_until = webhook.sealed_secret, at + ROTATION_GRACE
    webhook.sealed_secret = sealed


def sealed_secrets(webhook: Webhook, *, at: datetime) -> list[bytes]:
    """Those that sign now, the newest first."""
    earlier = webhook.sealed_earlier_secret
    is_valid = earlier is not None and webhook.earlier_secret_until is not None and at < webhook.earlier_secret_until
    return [webhook.sealed_secret, *([earlier] if is_valid and earlier is not None else [])]


def retry_after(headers: Mapping[str, str], *, status: int) -> timedelta | None:
    """The receiver's wish in seconds (RFC 9110, section 10.2.3), where it comes with a status that may carry one."""
    told = headers.get("Retry-After", "")
    if status not in WITH_RETRY_AFTER or not (told.isascii() and told.isdigit()) or len(told) > 9:
        return None
    return timedelta(seconds=int(told))

"""docs/events/feed.md says what the feed does."""

import re
from pathlib import Path

import pytest

from stoa_common import permissions, sse
from stoa_common.pages import DEFAULT_LIMIT, MAX_LIMIT
from stoa_feed.events import router as events_router
from stoa_feed.events import tail
from stoa_feed.settings import Settings
from stoa_feed.webhooks import deliverer, domain, provider, service, turns
from stoa_feed.webhooks import router as webhooks_router
from stoa_feed.webhooks.schemas import WebhookIn

from .conftest import ROOT

#: As it reads when its lines are joined.
PAGE = " ".join(Path(ROOT / "docs/events/feed.md").read_text().split())
ROUTES = [*events_router.router.routes, *webhooks_router.router.routes]


def _words(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


DELAYS = [_words(delay.total_seconds()) for delay in domain.RETRY_DELAYS]
STATUSES = [str(status) for status in sorted(domain.WITH_RETRY_AFTER)]


@pytest.mark.parametrize(
    "said",
    [
        f"after {', '.join(DELAYS[:-1])} and {DELAYS[-1]}:",
        f"not a 2xx within {provider.TIMEOUT_SECONDS:.0f} s",
        f"An organization may have {domain.MOST_WEBHOOKS} webhooks",
        f"For {_words(domain.ROTATION_GRACE.total_seconds())} deliveries are signed by both",
        f"longer, up to {_words(domain.LONGEST_WISH.total_seconds())}.",
        f"on {', '.join(STATUSES[:-1])} and {STATUSES[-1]}",
        f"up to {_words(domain.LONGEST_REST.total_seconds()).replace('min', 'minutes')}",
        f"sent in the last {deliverer.LOG_KEPT.days} days",
        f"1 to {MAX_LIMIT} events a page, {DEFAULT_LIMIT} unless said",
        f"every {sse.HEARTBEAT_SECONDS:.0f} s",
        f"takes nothing for {sse.EventStream.write_seconds:.0f} s is cut",
        f"may hold {tail.MOST_STREAMS_OF_ONE} streams open",
        f"for {Settings.model_fields['retention_days'].default} days",
        service.TEST_TYPE,
    ],
)
def test_a_number_on_the_page_is_the_one_that_holds(said: str) -> None:
    assert said in PAGE


def test_what_the_page_says_in_words_is_so() -> None:
    assert (domain.PATIENCE.days, turns.WAVE, domain.RESTS_FROM, domain.WAS_DOWN) == (5, 8, 3, 10)
    assert len(domain.RETRY_DELAYS) + 1 == 10
    assert all(f"`{field}`" in PAGE for field in WebhookIn.model_fields)
    assert {permissions.PERMISSIONS[f"{name}"].roles for name in ("event:read", "webhook:read", "webhook:write")} == {
        frozenset({permissions.Role.ADMIN, permissions.Role.OWNER})
    }


def test_a_route_on_the_page_exists() -> None:
    paths = {re.sub(r"{\w+}", "{}", getattr(route, "path", "")) for route in ROUTES}

    named = re.findall(r"(?:\$STOA|POST |GET |`)(/api/v1/feed/[\w/${}]+|\.\.\./deliveries/[\w/{}]+)", PAGE)
    found = {re.sub(r"\$ID|{\w+}", "{}", name.replace("...", "/api/v1/feed/webhooks/{}")) for name in named}

    assert found - paths == set()
    assert len(found) > 6

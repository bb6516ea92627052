"""Webhooks as their owners see them over HTTP, and as nobody else does."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.pages import encode_cursor
from stoa_common.testing import Identities
from stoa_events.contracts import LessonPublished
from stoa_feed.events import service
from stoa_feed.webhooks.models import Webhook
from stoa_feed.webhooks.sealing import Sealer, WrongWebhookSecret, new_secret

from .hooks import Hooks

URL = "http://127.0.0.2:9/hook"


async def test_a_webhook_is_made_shown_changed_and_deleted(hooks: Hooks) -> None:
    made = await hooks.make(URL, types=[LessonPublished.type], description="Ours")
    shown = await hooks.show(made)
    changed = await hooks.ask("PATCH", f"/{made['id']}", json={"url": URL + "/2", "types": [], "is_enabled": False})
    await hooks.ask("DELETE", f"/{made['id']}", status=204)

    assert {**shown, "secret": made["secret"]} == made
    assert (shown["url"], shown["types"], shown["description"]) == (URL, [LessonPublished.type], "Ours")
    assert (changed["url"], changed["types"], changed["is_enabled"]) == (URL + "/2", [], False)
    assert changed["description"] == "Ours"
    await hooks.ask("GET", f"/{made['id']}", status=404)


async def test_a_secret_is_shown_once_and_lies_sealed_in_the_database(hooks: Hooks, database: Database) -> None:
    made = await hooks.make(URL)
    rotated = await hooks.ask("POST", f"/{made['id']}/secret/rotation")

    told = str([await hooks.show(made), await hooks.ask("GET"), await hooks.deliveries(made)])
    async with database.transaction() as session:
        row = (await session.scalars(select(Webhook).where(Webhook.id == UUID(made["id"])))).one()
    assert made["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in told
        assert secret.encode() not in row.sealed_secret + (row.sealed_earlier_secret or b"")


def test_a_sealed_secret_opens_for_its_webhook_and_setting_alone() -> None:
    secret, webhook_id = new_secret(), new_id()
    sealed = Sealer("a" * 32).seal(secret, webhook_id=webhook_id)

    assert Sealer("a" * 32).open(sealed, webhook_id=webhook_id) == secret
    for sealer, owner in ((Sealer("b" * 32), webhook_id), (Sealer("a" * 32), new_id())):
        with pytest.raises(WrongWebhookSecret):
            sealer.open(sealed, webhook_id=owner)


async def test_webhooks_are_listed_page_by_page(hooks: Hooks) -> None:
    made = [(await hooks.make(URL))["id"] for _ in range(3)]

    first = await hooks.ask("GET", params={"limit": 2})
    second = await hooks.ask("GET", params={"limit": 2, "after": first["next"]})

    assert [item["id"] for item in first["items"] + second["items"]] == made
    assert second["next"] is None


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "ftp://127.0.0.2/", "http://", "https://user:pw@127.0.0.2/", "https://127.0.0.2/#here",
        "http://127.0.0.2:99999/", "http://[::1/", "http://127.0.0.2/ x", "http://127.0.0.2\\@example.com/",
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://169.254.169.254/",
        "http://10.0.0.1/", "http://0.0.0.0/", "http://localhost/", "http://nothing.invalid/",
    ],
)  # fmt: skip
async def test_a_url_that_may_not_be_reached_is_refused_with_the_field(hooks: Hooks, url: str) -> None:
    refused = await hooks.ask("POST", status=422, json={"url": url})
    webhook = await hooks.make(URL)
    change = await hooks.ask("PATCH", f"/{webhook['id']}", status=422, json={"url": url})

    assert [wrong["field"] for wrong in refused["errors"]] == ["url"]
    assert [wrong["field"] for wrong in change["errors"]] == ["url"]


async def test_an_unknown_type_is_named(hooks: Hooks) -> None:
    refused = await hooks.ask("POST", status=422, json={"url": URL, "types": ["stoa.content.course.burned.v1"]})

    assert refused["errors"][0]["field"] == "types"


async def test_an_organization_has_so_many_webhooks_and_no_more(hooks: Hooks) -> None:
    for _ in range(20):
        await hooks.make(URL)

    refused = await hooks.ask("POST", status=409, json={"url": URL})

    assert refused["type"] == "urn:stoa:problem:too-many-webhooks"


ROUTES = [
    ("GET", "", None),
    ("PATCH", "", {"description": "theirs"}),
    ("DELETE", "", None),
    ("POST", "/test", None),
    ("POST", "/secret/rotation", None),
    ("POST", "/replay", {"since": "2026-01-01T00:00:00Z"}),
    ("GET", "/deliveries", None),
    ("GET", "/deliveries/{delivery_id}", None),
    ("POST", "/deliveries/{delivery_id}/replay", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_a_stranger_finds_nothing(
    hooks: Hooks, identities: Identities, method: str, path: str, body: Any
) -> None:
    webhook = await hooks.make(URL, is_enabled=False)
    delivery = await hooks.ask("POST", f"/{webhook['id']}/test", status=202)
    stranger = identities.principal("admin")
    options = {"json": body} if body else {}

    where = f"/{webhook['id']}{path.format(delivery_id=delivery['id'])}"
    refused = await hooks.ask(method, where, status=404, caller=stranger, **options)

    assert refused["type"] == "urn:stoa:problem:webhook-is-unknown"
    assert (await hooks.ask("GET", caller=stranger))["items"] == []
    assert {**(await hooks.show(webhook)), "secret": webhook["secret"]} == webhook


async def test_a_delivery_of_another_webhook_is_not_found(hooks: Hooks) -> None:
    mine, other = await hooks.make(URL, is_enabled=False), await hooks.make(URL)
    delivery = await hooks.ask("POST", f"/{mine['id']}/test", status=202)

    await hooks.ask("GET", f"/{other['id']}/deliveries/{delivery['id']}", status=404)


@pytest.mark.parametrize("role", ["learner", "author", "operator"])
@pytest.mark.parametrize(("method", "path", "body"), [*ROUTES, ("POST", None, {"url": URL}), ("GET", None, None)])
async def test_only_admins_have_webhooks(
    hooks: Hooks, identities: Identities, role: str, method: str, path: str | None, body: Any
) -> None:
    where = "" if path is None else f"/{new_id()}{path.format(delivery_id=new_id())}"

    await hooks.ask(method, where, status=403, caller=identities.principal(role), json=body)


@pytest.mark.parametrize("body", [{}, {"after": "x", "since": "2026-01-01T00:00:00Z"}, {"since": "2026-01-01T00:00"}])
async def test_a_replay_says_from_where(hooks: Hooks, body: dict[str, str]) -> None:
    webhook = await hooks.make(URL)

    await hooks.ask("POST", f"/{webhook['id']}/replay", status=422, json=body)


async def test_a_replay_from_before_the_window_is_told_to_begin_with_a_snapshot(
    hooks: Hooks, copy: Any, make: Any, database: Database, organization_id: UUID
) -> None:
    webhook = await hooks.make(URL, is_enabled=False)
    await copy([make.record(make.lesson(organization_id)) for _ in range(3)])
    async with database.transaction() as session:
        while await service.prune(session, before=clock.now() + timedelta(minutes=1)):
            pass

    body = {"after": encode_cursor([organization_id, 1])}
    refused = await hooks.ask("POST", f"/{webhook['id']}/replay", status=410, json=body)

    assert refused["type"] == "urn:stoa:problem:place-is-gone"

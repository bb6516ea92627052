"""Deliveries as receivers see them: signed, tried again for days, each receiver alone with its troubles."""

from typing import Any

import httpx2
import pytest

from stoa_common.ids import new_id
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_events.contracts import CourseImported, LessonPublished
from stoa_events.webhooks import BadSignature, Verifier
from stoa_feed.webhooks.domain import RETRY_DELAYS

from .hooks import Hooks, Work
from .receivers import (
    answer,
    hang_up,
    receiving,
)


async def test_an_event_arrives_signed_and_as_the_pull_feed_shows_it(
    hooks: Hooks, work: Work, publish: Any, client: httpx2.AsyncClient, identities: Identities, admin: Principal
) -> None:
    async with receiving() as receiver:
        webhook = await hooks.make(receiver.url)
        [event_id] = await publish()
        await work.until_quiet()
        await work.until_quiet()

    [request] = receiver.requests
    page = await client.get("/api/v1/feed/events", headers=identities.headers(admin))
    assert request.body in page.content
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["webhook-id"] == event_id
    delivery = Verifier(webhook["secret"]).read(request.headers, request.body)
    assert isinstance(delivery.event, LessonPublished)
    [shown] = await hooks.deliveries(webhook)
    assert (shown["status"], shown["number"], shown["attempts"][0]["status"]) == ("delivered", 1, 204)


async def test_a_webhook_is_sent_what_comes_after_it_was_made_and_only_its_types(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    await publish(3)
    async with receiving() as every, receiving() as courses:
        await hooks.make(every.url)
        made = await hooks.make(courses.url, types=[CourseImported.type])
        event_ids = await publish(20)
        await work.until_quiet()

    assert sorted(every.ids) == sorted(event_ids)
    assert courses.connections == 0
    assert (await hooks.show(made))["read_until"] == 23


async def test_a_failed_delivery_is_tried_again_over_days_and_then_given_up(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    async with receiving(answer(500)) as receiver:
        webhook = await hooks.make(receiver.url)
        [event_id] = await publish()
        for delay in RETRY_DELAYS:
            await work.until_quiet()
            tried = len(receiver.requests)
            work.times.pass_by(seconds=delay.total_seconds() - 2)
            await work.until_quiet()
            assert len(receiver.requests) == tried
            work.times.pass_by(seconds=delay.total_seconds() * 0.1 + 4)
        await work.until_quiet()
        work.times.pass_by(days=30)
        await work.until_quiet()

    assert receiver.ids == [event_id] * 10
    assert len({request.headers["webhook-timestamp"] for request in receiver.requests}) == 10
    [shown] = await hooks.deliveries(webhook, status="failed")
    assert [attempt["status"] for attempt in shown["attempts"]] == [500] * 10
    assert shown["next_attempt_at"] is None


async def test_a_receiver_may_wish_for_a_later_time(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving(answer(503, headers="Retry-After: 3600\r\n")) as receiver:
        await hooks.make(receiver.url)
        await publish()
        await work.until_quiet()
        work.times.pass_by(minutes=50)
        await work.until_quiet()
        tried_early = len(receiver.requests)
        work.times.pass_by(minutes=11)
        await work.until_quiet()

    assert (tried_early, len(receiver.requests)) == (1, 2)


async def test_410_disables_the_webhook_and_enabling_it_goes_on_where_it_stopped(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    async with receiving(answer(410)) as receiver:
        webhook = await hooks.make(receiver.url)
        await publish()
        await work.until_quiet()
        missed = await publish(2)
        await work.until_quiet()
        disabled = await hooks.show(webhook)
        receiver.behavior = answer(200)
        enabled = await hooks.ask("PATCH", f"/{webhook['id']}", json={"is_enabled": True})
        await work.until_quiet()

    assert disabled["is_enabled"] is False
    assert disabled["disabled_reason"] == "The receiver answered 410 Gone."
    assert (enabled["is_enabled"], enabled["disabled_reason"], enabled["failures"]) == (True, None, 0)
    assert sorted(receiver.ids[1:]) == sorted(missed)


async def test_a_webhook_that_fails_for_days_is_disabled_with_the_reason(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    async with receiving(hang_up) as receiver:
        webhook = await hooks.make(receiver.url)
        for _ in range(7):
            await publish()
            await work.until_quiet()
            work.times.pass_by(days=1)
        tried = receiver.connections
        await publish()
        await work.until_quiet()

    shown = await hooks.show(webhook)
    assert shown["is_enabled"] is False
    assert shown["disabled_reason"].startswith("Nothing could be delivered since ")
    assert receiver.connections == tried


async def test_both_secrets_sign_for_a_day_after_a_rotation(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving() as receiver:
        old = await hooks.make(receiver.url)
        new = await hooks.ask("POST", f"/{old['id']}/secret/rotation")
        await publish()
        await work.until_quiet()
        [both] = receiver.requests

        for secret in (old["secret"], new["secret"]):
            assert Verifier(secret).read(both.headers, both.body)

        await hooks.ask("POST", f"/{old['id']}/secret/rotation")
        await publish()
        await work.until_quiet()
        with pytest.raises(BadSignature):
            Verifier(old["secret"]).read(receiver.requests[-1].headers, receiver.requests[-1].body)


async def test_the_earlier_secret_ends_after_a_day(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving() as receiver:
        old = await hooks.make(receiver.url)
        await hooks.ask("POST", f"/{old['id']}/secret/rotation")
        work.times.pass_by(hours=25)
        await publish()
        await work.until_quiet()

    assert receiver.requests[0].headers["webhook-signature"].count("v1,") == 1


async def test_a_test_event_takes_the_same_way_and_its_delivery_shows_the_result(hooks: Hooks, work: Work) -> None:
    async with receiving() as receiver:
        webhook = await hooks.make(receiver.url, is_enabled=False)
        tested = await hooks.ask("POST", f"/{webhook['id']}/test", status=202)
        await work.until_quiet()
        receiver.behavior = answer(500)
        failing = await hooks.ask("POST", f"/{webhook['id']}/test", status=202)
        await work.until_quiet()
        work.times.pass_by(days=3)
        await work.until_quiet()

    assert len(receiver.requests) == 2
    delivery = Verifier(webhook["secret"]).read(receiver.requests[0].headers, receiver.requests[0].body)
    assert delivery.envelope.type == "stoa.feed.webhook.tested.v1"
    assert str(delivery.envelope.orgid) == str(hooks.admin.organization_id)
    shown = [await hooks.ask("GET", f"/{webhook['id']}/deliveries/{made['id']}") for made in (tested, failing)]
    assert [(one["status"], one["attempts"][0]["status"]) for one in shown] == [("delivered", 204), ("failed", 500)]


async def test_another_organizations_events_are_never_sent(
    hooks: Hooks, work: Work, publish: Any, copy: Any, make: Any
) -> None:
    async with receiving() as receiver:
        await hooks.make(receiver.url)
        [mine] = await publish()
        await copy([make.record(make.lesson(new_id()))])
        await work.until_quiet()

    assert receiver.ids == [mine]

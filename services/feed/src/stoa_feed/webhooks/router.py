"""Webhooks over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller
from stoa_feed.webhooks import schemas, service
from stoa_feed.webhooks.models import Status
from stoa_feed.webhooks.provider import Sender
from stoa_feed.webhooks.schemas import (
    DeliveryOut,
    ReplayIn,
    ReplayOut,
    WebhookChange,
    WebhookIn,
    WebhookOut,
    WebhookWithSecret,
)
from stoa_feed.webhooks.sealing import Sealer

router = Router(prefix="/api/v1/feed/webhooks", tags=["webhooks"])
SenderDep = Annotated[Sender, resource(Sender)]
SealerDep = Annotated[Sealer, resource(Sealer)]
_READ = require("webhook:read")
_WRITE = require("webhook:write")
_SECRET: dict[str, Any] = require("webhook:write", keeps_answer=False)


@router.post("", status_code=201, response_model=WebhookWithSecret, **_SECRET)
async def create_webhook(
    body: WebhookIn, session: SessionDep, caller: Caller, sender: SenderDep, sealer: SealerDep
) -> WebhookWithSecret:
    """Have events posted to a URL from now on; the answer shows the secret that signs them, this once."""
    webhook, secret = await service.create_webhook(session, body, owner=caller, sender=sender, sealer=sealer)
    return schemas.with_secret(webhook, secret)


@router.get("", response_model=Page[WebhookOut], **_READ)
async def list_webhooks(session: SessionDep, caller: Caller, window: PageQuery) -> dict[str, Any]:
    """List the organization's webhooks."""
    items, following = await service.list_webhooks(session, owner=caller, window=window)
    return {"items": items, "next": following}


@router.get("/{webhook_id}", response_model=WebhookOut, **_READ)
async def get_webhook(webhook_id: UUID, session: SessionDep, caller: Caller) -> Any:
    """Show a webhook, whether it is enabled, and since when it fails."""
    return await service.get_webhook(session, webhook_id, owner=caller)


@router.patch("/{webhook_id}", response_model=WebhookOut, **_WRITE)
async def change_webhook(
    webhook_id: UUID, body: WebhookChange, session: SessionDep, caller: Caller, sender: SenderDep
) -> Any:
    """Change a webhook; enabled again, it goes on where it stopped."""
    return await service.change_webhook(session, webhook_id, body, owner=caller, sender=sender)


@router.delete("/{webhook_id}", status_code=204, **_WRITE)
async def delete_webhook(webhook_id: UUID, session: SessionDep, caller: Caller) -> Response:
    """Delete a webhook with its log."""
    await service.delete_webhook(session, webhook_id, owner=caller)
    return Response(status_code=204)


@router.post("/{webhook_id}/test", status_code=202, response_model=DeliveryOut, **_WRITE)
async def test_webhook(webhook_id: UUID, session: SessionDep, caller: Caller) -> Any:
    """Send a test event, once; read the delivery to see what came of it."""
    return await service.test_webhook(session, webhook_id, owner=caller)


@router.post("/{webhook_id}/secret/rotation", response_model=WebhookWithSecret, **_SECRET)
async def rotate_secret(webhook_id: UUID, session: SessionDep, caller: Caller, sealer: SealerDep) -> WebhookWithSecret:
    """Make a new secret, shown this once; for 24 h the one before it signs beside it."""
    webhook, secret = await service.rotate_secret(session, webhook_id, owner=caller, sealer=sealer)
    return schemas.with_secret(webhook, secret)


@router.post("/{webhook_id}/replay", status_code=202, response_model=ReplayOut, **_WRITE)
async def replay_since(webhook_id: UUID, body: ReplayIn, session: SessionDep, caller: Caller) -> ReplayOut:
    """Send all events again from a place or time on, under the ids that they had."""
    return await service.replay_since(session, webhook_id, body, owner=caller)


@router.get("/{webhook_id}/deliveries", response_model=Page[DeliveryOut], **_READ)
async def list_deliveries(
    webhook_id: UUID,
    session: SessionDep,
    caller: Caller,
    window: PageQuery,
    status: Annotated[Status | None, Query(description="Only these.")] = None,
) -> dict[str, Any]:
    """List what was sent in the last 30 days, and each attempt, the newest first."""
    items, following = await service.list_deliveries(session, webhook_id, owner=caller, status=status, window=window)
    return {"items": items, "next": following}


@router.get("/{webhook_id}/deliveries/{delivery_id}", response_model=DeliveryOut, **_READ)
async def get_delivery(webhook_id: UUID, delivery_id: UUID, session: SessionDep, caller: Caller) -> Any:
    """Show one delivery with each attempt."""
    return await service.get_delivery(session, webhook_id, delivery_id, owner=caller)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202, response_model=DeliveryOut, **_WRITE)
async def replay_delivery(webhook_id: UUID, delivery_id: UUID, session: SessionDep, caller: Caller) -> Any:
    """Send one event again, under the id that it had."""
    return await service.replay_delivery(session, webhook_id, delivery_id, owner=caller)

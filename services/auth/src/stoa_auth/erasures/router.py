"""Erasures over HTTP, for operators."""

from datetime import timedelta
from typing import Annotated

from stoa_auth.erasures import service
from stoa_auth.erasures.schemas import ErasureOut, IsOpenQuery, PersonQuery
from stoa_auth.settings import Settings
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource

router = Router(prefix="/api/v1/auth/erasures", tags=["privacy"])
SettingsDep = Annotated[Settings, resource(Settings)]


@router.get("", response_model=Page[ErasureOut], **require("platform:read"))
async def list_erasures(
    session: SessionDep,
    settings: SettingsDep,
    window: PageQuery,
    is_open: IsOpenQuery = None,
    person_id: PersonQuery = None,
) -> Page[ErasureOut]:
    """Who asked to be forgotten, as digests, the oldest first; and which services have done it."""
    late_after = timedelta(seconds=settings.erasure_late_after_seconds)
    return await service.list_erasures(session, window, is_open=is_open, person_id=person_id, late_after=late_after)

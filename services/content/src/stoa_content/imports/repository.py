"""Queries on import reports; the caller's organization is part of each."""

from uuid import UUID

from sqlalchemy import select

from stoa_common.database import Session
from stoa_common.errors import NotFound
from stoa_common.security import Principal
from stoa_content.imports.models import ImportReport


class ImportReportNotFound(NotFound):
    """There is no such course, or no import made it."""


async def get_report(session: Session, course_id: UUID, caller: Principal) -> ImportReport:
    query = select(ImportReport).where(
        ImportReport.course_id == course_id, ImportReport.organization_id == caller.organization_id
    )
    report = await session.scalar(query)
    if report is None:
        raise ImportReportNotFound("There is no such course.")
    return report

"""The public catalog: what an organization shows to everybody, without a token.

A course is in it while it is published and somebody with `course:write` has marked it public; all of an organization's
are out of it while the organization is suspended.
"""

from datetime import datetime
from uuid import UUID

from stoa_common import outbox
from stoa_common.database import Session
from stoa_common.pages import Page, PageQuery
from stoa_content.catalog.domain import CatalogNotFound, PublicCourseNotFound
from stoa_content.catalog.repository import SuspendedOrganizations
from stoa_content.catalog.schemas import PublicChapterOut, PublicCourseOut, PublicCourseOutlineOut
from stoa_content.courses import service as courses
from stoa_events.contracts import CatalogClosed, CatalogOpened


async def list_courses(session: Session, organization_id: UUID, window: PageQuery) -> Page[PublicCourseOut]:
    """A page of the catalog; raises CatalogNotFound where there is nothing to see at all."""
    if await SuspendedOrganizations(session).has(organization_id):
        raise CatalogNotFound
    shown, following = await courses.list_public(session, organization_id, window)
    if not shown and window.after is None:
        raise CatalogNotFound
    return Page(items=[PublicCourseOut.model_validate(course) for course in shown], next=following)


async def get_course(session: Session, organization_id: UUID, course_id: UUID) -> PublicCourseOutlineOut:
    """What a course is about, with the titles of its chapters and lessons; raises PublicCourseNotFound."""
    found = await courses.find_public(session, organization_id, course_id)
    if found is None or await SuspendedOrganizations(session).has(organization_id):
        raise PublicCourseNotFound
    course, chapters = found
    titles = [
        PublicChapterOut(title=chapter.title, lessons=[lesson.title for s in chapter.sections for lesson in s.lessons])
        for chapter in chapters
    ]
    return PublicCourseOutlineOut(**PublicCourseOut.model_validate(course).model_dump(), chapters=titles)


async def suspend(session: Session, organization_id: UUID, *, at: datetime) -> None:
    """Show nothing of the organization's."""
    if await SuspendedOrganizations(session).add(organization_id, at=at):
        # Of ours, and not left to the suspension's own event: whoever reads that may ask before we know.
        outbox.add(session, CatalogClosed(organization_id=organization_id, closed_at=at))


async def resume(session: Session, organization_id: UUID, *, at: datetime) -> None:
    """Show again what is public."""
    if await SuspendedOrganizations(session).remove(organization_id):
        outbox.add(session, CatalogOpened(organization_id=organization_id, opened_at=at))

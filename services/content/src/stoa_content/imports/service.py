"""How a course comes in: checked at once, kept, and written by a job in one transaction."""

import asyncio
from dataclasses import asdict
from uuid import UUID

from stoa_common import clock, jobs, outbox, personal_keys
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.jobs.schemas import JobOut
from stoa_common.personal_keys import PersonIsErased
from stoa_common.security import Principal
from stoa_content.assessments import service as assessments
from stoa_content.courses import service as courses
from stoa_content.courses.service import Course, Section
from stoa_content.imports import digests, repository
from stoa_content.imports.domain import ParsedCourse, ParsedLesson
from stoa_content.imports.formats import parse_archive
from stoa_content.imports.models import ImportReport
from stoa_content.imports.provider import ArchiveStore
from stoa_events.contracts.content import CourseImported

JOB = "course.import"
# Parsing is work for the CPU: two at once are as fast as more, and leave room for other requests.
_parsers = asyncio.Semaphore(2)


async def request_import(
    session: Session, archives: ArchiveStore, content: bytes, *, content_digest: str | None, author: Principal
) -> JobOut:
    """Check an archive as a whole, keep it, and queue its import; raises a Refusal that says what to mend."""
    digests.check(content_digest, content)
    await _parse(content)
    owner = {"organization_id": author.organization_id, "person_id": author.person_id}
    archive = await archives.put(content, **owner)
    # An upload may take longer than its person stays, and then nobody sweeps after it.
    if await personal_keys.is_erased(session, author.person_id):
        await archives.forget(author.person_id)
        raise PersonIsErased("This person was erased.")
    return await jobs.enqueue(session, JOB, caller=author, arguments={"archive": archive})


async def import_course(
    session: Session, archives: ArchiveStore, *, archive: str, organization_id: UUID, person_id: UUID
) -> Course:
    """Write the course of a kept archive: all of it with this transaction, or nothing."""
    content = await archives.get(archive, organization_id=organization_id, person_id=person_id)
    parsed = await _parse(content)
    course = _add_course(session, parsed, organization_id)
    session.add(_report(course, parsed))
    outbox.add(session, _imported(course))
    return course


async def get_report(session: Session, course_id: UUID, *, reader: Principal) -> ImportReport:
    return await repository.get_report(session, course_id, reader)


async def _parse(content: bytes) -> ParsedCourse:
    async with _parsers:
        return await asyncio.to_thread(parse_archive, content)


def _add_course(session: Session, parsed: ParsedCourse, organization_id: UUID) -> Course:
    lessons = list(parsed.lessons())
    course = courses.add_course(
        session,
        organization_id=organization_id,
        title=parsed.title,
        language=parsed.language,
        description=parsed.description,
        source_format=parsed.report.format,
        lesson_count=len(lessons),
        question_count=sum(len(lesson.quiz.questions) for lesson in lessons if lesson.quiz),
        at=clock.now(),
    )
    position = 0
    for chapter_position, parsed_chapter in enumerate(parsed.chapters):
        chapter = courses.add_chapter(session, course, position=chapter_position, title=parsed_chapter.title)
        for section_position, parsed_section in enumerate(parsed_chapter.sections):
            section = courses.add_section(session, chapter, position=section_position, title=parsed_section.title)
            for parsed_lesson in parsed_section.lessons:
                _add_lesson(session, section, parsed_lesson, position=position)
                position += 1
    return course


def _add_lesson(session: Session, section: Section, parsed: ParsedLesson, *, position: int) -> None:
    quiz_id = new_id() if parsed.quiz else None
    lesson = courses.add_lesson(
        session,
        section,
        position=position,
        title=parsed.title,
        text=parsed.text,
        videos=[asdict(video) for video in parsed.videos],
        quiz_id=quiz_id,
    )
    if parsed.quiz and quiz_id:
        assessments.add_quiz(
            session,
            parsed.quiz,
            quiz_id=quiz_id,
            organization_id=section.organization_id,
            course_id=section.course_id,
            lesson_id=lesson.id,
        )


def _report(course: Course, parsed: ParsedCourse) -> ImportReport:
    return ImportReport(
        course_id=course.id,
        organization_id=course.organization_id,
        format=parsed.report.format,
        counts=dict(parsed.report.counts),
        unsupported=[asdict(each) for each in parsed.report.unsupported],
    )


def _imported(course: Course) -> CourseImported:
    return CourseImported(
        course_id=course.id,
        organization_id=course.organization_id,
        title=course.title,
        source_format=course.source_format,
        lesson_count=course.lesson_count,
        question_count=course.question_count,
        imported_at=course.imported_at,
    )

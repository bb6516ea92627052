"""The administrator's part: an organization, a course in it, an invitation to a class."""

import asyncio
import secrets
import time
from collections.abc import Callable

import httpx2

from stoa_devkit.demo.archive import Archive
from stoa_devkit.demo.client import JSON, Gateway, Person, Refused
from stoa_devkit.demo.records import Course, Lesson
from stoa_devkit.mail.reading import kept_mails
from stoa_devkit.trouble import Trouble

PAUSE_SECONDS = 0.3
IMPORT_SECONDS = 180.0
READY_SECONDS = 180.0
MAIL_SECONDS = 20.0
#: A reserved domain (RFC 2606): no mail to a made-up learner can reach anybody.
MAIL_DOMAIN = "demo.stoa.example"


def made_up_person(gateway: Gateway, role: str) -> Person:
    """Nobody yet: an address and a password that no other run has."""
    return Person(gateway, f"{role}-{secrets.token_hex(5)}@{MAIL_DOMAIN}", secrets.token_urlsafe(18))


async def found_organization(gateway: Gateway) -> Person:
    """A new administrator, logged in, of an organization of their own."""
    admin = made_up_person(gateway, "admin")
    await admin.register(name="Demo Administrator", organization_name=f"Demo {secrets.token_hex(3)}")
    await admin.log_in()
    return admin


async def import_course(admin: Person, archive: Archive, *, progress: Callable[[float], None]) -> str:
    """The new draft's id, when its job has succeeded."""
    job = await admin.upload("/api/v1/content/imports", archive.content, archive.content_type)
    deadline = time.monotonic() + IMPORT_SECONDS
    while job["status"] in ("queued", "running"):
        if time.monotonic() > deadline:
            raise Trouble(f"The import did not end within {IMPORT_SECONDS:.0f} s; its job is {job['id']}.")
        await asyncio.sleep(PAUSE_SECONDS)
        job = await admin.get(f"/api/v1/content/jobs/{job['id']}")
        progress(job["progress"])
    return _course_of(job)


def _course_of(job: JSON) -> str:
    if job["status"] != "succeeded":
        problem = job.get("problem") or {}
        raise Trouble(f"The import {job['status']}: {problem.get('detail', 'no reason was given')}")
    return str(job["result"]["id"])


async def publish(admin: Person, course_id: str) -> Course:
    """The course as learners find it."""
    await admin.post(f"/api/v1/content/courses/{course_id}/publish")
    return outline(await admin.get(f"/api/v1/content/courses/{course_id}"))


def outline(course: JSON) -> Course:
    """A course's answer, flat: lessons in order, and the titles above them."""
    chapters = course["chapters"]
    sections = [section for chapter in chapters for section in chapter["sections"]]
    lessons = [lesson for section in sections for lesson in section["lessons"]]
    return Course(
        id=course["id"],
        title=course["title"],
        lessons=[Lesson(lesson["id"], lesson["title"]) for lesson in lessons],
        headings=[part["title"] for part in [*sections, *chapters]],
        quizzes=sum(1 for lesson in lessons if lesson.get("quiz_id")),
    )


async def wait_until_ready(admin: Person, course: Course, *, progress: Callable[[float], None]) -> None:
    """Until every lesson can be asked about; raises Trouble when that takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        index = await _index(admin, course.id)
        progress(index["lessons"] / max(len(course.lessons), 1))
        if index["ready"]:
            return
        if time.monotonic() > deadline:
            raise Trouble(f"After {READY_SECONDS:.0f} s the tutor knows {index['lessons']} lessons of the course only.")
        await asyncio.sleep(PAUSE_SECONDS)


async def _index(admin: Person, course_id: str) -> JSON:
    try:
        index: JSON = await admin.get(f"/api/v1/ai/courses/{course_id}")
    except Refused as refusal:
        if refusal.status != httpx2.codes.NOT_FOUND:
            raise
        # No event of the course has reached the tutor yet.
        return {"lessons": 0, "ready": False}
    return index


async def invite(admin: Person, *, learners: int) -> str:
    """The token with which so many people may join as learners."""
    path = f"/api/v1/auth/organizations/{admin.organization_id}/invitations"
    # One use to spare: the last registration may be repeated, and must not find the invitation used up by itself.
    wanted = {"roles": ["learner"], "max_uses": learners + 1, "expires_in_hours": 1}
    try:
        invitation = await admin.post(path, wanted)
    except Refused as refusal:
        if refusal.status != httpx2.codes.FORBIDDEN:
            raise
        await _verify_email(admin, refusal)
        invitation = await admin.post(path, wanted)
    return str(invitation["token"])


async def _verify_email(admin: Person, refusal: Refused) -> None:
    """Only who has shown their address invites: read the mail, as people do. Raises Trouble where none comes."""
    deadline = time.monotonic() + MAIL_SECONDS
    while (code := await asyncio.to_thread(_code_for, admin.email)) is None:
        if time.monotonic() > deadline:
            raise Trouble(
                f"{refusal} The demo reads mail only beside a platform of this checkout, without AUTH_SMTP_URL: "
                "elsewhere set AUTH_INVITING_NEEDS_VERIFIED_EMAIL=false there."
            )
        await asyncio.sleep(PAUSE_SECONDS)
    await admin.gateway.call("POST", "/api/v1/auth/verify-email", body={"token": code})


def _code_for(email: str) -> str | None:
    try:
        mails = kept_mails(to=email, limit=1)
    except Trouble:
        # The demo may run beside a platform of another machine.
        return None
    return mails[0]["token"] if mails else None

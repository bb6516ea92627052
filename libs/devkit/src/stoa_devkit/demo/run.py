"""The demo from its first request to its last figure."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from stoa_devkit.demo import author
from stoa_devkit.demo.agreement import settled_events, wait_for_agreement
from stoa_devkit.demo.answer_sheet import AnswerSheet
from stoa_devkit.demo.client import JSON, Gateway, Person
from stoa_devkit.demo.course import Material
from stoa_devkit.demo.learner import Learner
from stoa_devkit.demo.progress import Screen
from stoa_devkit.demo.questions import shares
from stoa_devkit.demo.records import Course, Told
from stoa_devkit.demo.report import Outcome
from stoa_devkit.demo.simulation import Ability

AT_ONCE = 5
ANSWERS_SHOWN = 3
LOOKS_FOR_AGREEMENT = 60
LOOKS_FOR_REST = 10


async def run(gateway: Gateway, material: Material, *, learners: int, screen: Screen) -> Outcome:
    """The whole demo; raises Trouble where the platform refuses or stays away."""
    admin = await author.found_organization(gateway)
    course = await _prepare(admin, material, screen)
    people = await _register(gateway, await author.invite(admin, learners=learners), learners, screen)
    questions = material.questions(course)
    told = await _study(people, course, questions, material.sheet, screen)
    dashboard, events = await _compare(admin, course, told, screen)
    return Outcome(
        gateway=gateway.url,
        course=course,
        told=told.figures(),
        answers=told.best_answers(questions, count=ANSWERS_SHOWN),
        bad_citations=told.bad_citations,
        events=events,
        dashboard=dashboard,
        email=admin.email,
        password=admin.password,
    )


async def _prepare(admin: Person, material: Material, screen: Screen) -> Course:
    screen.begin("import", "Importing the course", total=100)
    course_id = await author.import_course(
        admin, material.archive, progress=lambda share: screen.reach("import", share * 100)
    )
    screen.fill("import")
    course = await author.publish(admin, course_id)
    count = len(course.lessons)
    screen.begin("index", "Indexing lessons", total=count)
    await author.wait_until_ready(admin, course, progress=lambda share: screen.reach("index", share * count))
    screen.fill("index")
    return course


async def _register(gateway: Gateway, invitation: str, learners: int, screen: Screen) -> list[Person]:
    screen.begin("people", "Registering learners", total=learners)
    people = [author.made_up_person(gateway, "learner") for _ in range(learners)]

    async def join(number: int, person: Person) -> None:
        await person.register(name=f"Learner {number}", invitation=invitation)
        await person.log_in()
        screen.advance("people")

    await _few_at_once(partial(join, number, person) for number, person in enumerate(people, start=1))
    return people


async def _study(
    people: list[Person], course: Course, questions: list[str], sheet: AnswerSheet, screen: Screen
) -> Told:
    told = Told()
    asked = shares(questions, len(people))
    screen.begin("lessons", "Reading lessons", total=len(people) * len(course.lessons))
    screen.begin("quizzes", "Taking quizzes", total=len(people) * course.quizzes)
    screen.begin("questions", "Asking the tutor", total=sum(len(share) for share in asked))
    learners = [Learner(person, Ability.of_learner(i), asked[i]) for i, person in enumerate(people)]
    await _few_at_once(partial(learner.study, course, sheet, told, screen.advance) for learner in learners)
    return told


async def _compare(admin: Person, course: Course, told: Told, screen: Screen) -> tuple[JSON, dict[str, int]]:
    screen.begin("analytics", "Waiting for analytics", total=1)
    dashboard = await wait_for_agreement(admin, course.id, told.figures(), looks=LOOKS_FOR_AGREEMENT)
    events = await settled_events(admin, looks=LOOKS_FOR_REST)
    screen.fill("analytics")
    return dashboard, events


async def _few_at_once(work: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do all of it, five pieces at a time. Of the troubles that learners meet together, one is raised."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(piece: Callable[[], Awaitable[None]]) -> None:
        async with turns:
            await piece()

    try:
        async with asyncio.TaskGroup() as group:
            for piece in work:
                group.create_task(in_turn(piece))
    except ExceptionGroup as troubles:
        raise troubles.exceptions[0] from None

"""Each library is known in one kind of file. (The order of layers and features is import-linter's: pyproject.toml.)"""

import ast

import pytest

from .conftest import Source, sources, told

COMMON = "libs/common/"
DEVKIT = "libs/devkit/"
#: Library -> file names that may import it, folders that may, and what everybody else does instead.
KNOWN_IN: dict[str, tuple[frozenset[str], tuple[str, ...], str]] = {
    "sqlalchemy": (
        frozenset({"models.py", "repository.py", "database.py"}),
        (COMMON, "/migrations/"),
        "Write the query as a method of the feature's repository; Session comes from stoa_common.database.",
    ),
    "alembic": (frozenset(), (COMMON, DEVKIT, "/migrations/"), "Schemas change in migrations/versions alone."),
    "asyncpg": (frozenset(), (COMMON, DEVKIT), "Write the query as a method of the feature's repository."),
    "faststream": (
        frozenset(),
        # Its defaults lose events: one file switches them off, and nobody else calls it.
        (f"{COMMON}src/stoa_common/messaging/group.py",),
        "Write @router.on(SomeEvent) of stoa_common.messaging.EventRouter: it brings the inbox, tries and parking.",
    ),
    "aiokafka": (
        frozenset(),
        (
            f"{COMMON}src/stoa_common/messaging/",
            f"{COMMON}src/stoa_common/testing/",
            f"{COMMON}src/stoa_common/topics.py",
            f"{COMMON}src/stoa_common/failures.py",
            # For other teams, who have no stoa_common.
            "/libs/events/src/stoa_events/consumer/",
            "/libs/events/src/stoa_events/testkit/",
            DEVKIT,
        ),
        "Record with outbox.add(session, event), and read with stoa_common.messaging.EventRouter.",
    ),
    "openai": (
        frozenset({"provider.py"}),
        ("/stoa_ai/providers/",),
        "Say what you need in a provider's words: only a provider speaks to a model.",
    ),
}
FRAMEWORKS = frozenset(
    {
        *("fastapi", "starlette", "granian", "uvicorn", "aiohttp", "httpx2"),
        *("sqlalchemy", "alembic", "asyncpg", "procrastinate", "chdb", "clickhouse_connect"),
        *("aiokafka", "faststream", "redis", "obstore", "openai"),
    }
)


def strangers(source: Source, *, library: str) -> list[str]:
    names, folders, _ = KNOWN_IN[library]
    if source.name in names or any(folder in f"/{source.place}" for folder in folders):
        return []
    return [f"{source.place}:{line}: {name}" for line, name in source.imports() if name.split(".")[0] == library]


def framework_in_rules(source: Source) -> list[str]:
    """What a `domain.py` may not hold: a framework, or anything that waits."""
    if source.name != "domain.py":
        return []
    imported = [f"{source.place}:{line}: {name}" for line, name in source.imports() if name.split(".")[0] in FRAMEWORKS]
    waiting = [
        f"{source.place}:{node.lineno}: waits"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
    ]
    return imported + waiting


@pytest.mark.parametrize("library", KNOWN_IN)
def test_a_library_is_known_where_it_belongs(library: str) -> None:
    found = [stranger for source in sources() for stranger in strangers(source, library=library)]

    assert not found, told(found, instead=KNOWN_IN[library][2])


def test_rules_are_plain_python() -> None:
    found = [line for source in sources() for line in framework_in_rules(source)]

    assert not found, told(found, instead="domain.py decides; ask in the repository, and pass the answer in.")


@pytest.mark.parametrize(
    ("library", "text"),
    [
        ("sqlalchemy", "from sqlalchemy.orm import Mapped"),
        ("faststream", "from faststream.kafka import KafkaBroker"),
        ("aiokafka", "import aiokafka"),
        ("openai", "def late():\n    import openai"),
    ],
)
def test_a_stranger_is_seen(library: str, text: str) -> None:
    assert strangers(Source("services/some/src/stoa_some/feature/service.py", text), library=library)


@pytest.mark.parametrize("text", ["import fastapi", "async def late(): ...", "from sqlalchemy import select"])
def test_a_rule_that_is_not_plain_is_seen(text: str) -> None:
    assert framework_in_rules(Source("services/some/src/stoa_some/feature/domain.py", text))

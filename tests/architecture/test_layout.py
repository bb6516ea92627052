"""A service is a list of features, and a feature is a folder with always the same file names."""

from pathlib import PurePosixPath

from .conftest import ROOT, SERVICES, Source, sources, told

SERVICE_FILES = frozenset({"__init__.py", "processes.py", "settings.py", "database.py", "dependencies.py"})
FEATURE_FILES = frozenset(
    {
        "__init__.py",
        "router.py",
        "consumers.py",
        "service.py",
        "repository.py",
        "provider.py",
        "domain.py",
        "models.py",
        "schemas.py",
    }
)
#: Modules beyond the table, each because a file of the table would grow past reading: formats, algorithms, protocols.
MORE_FILES: dict[str, frozenset[str]] = {
    "ai/ask": frozenset({"recordings.py"}),
    "ai/passages": frozenset(
        {
            *("blocks.py", "sentences.py", "splitter.py", "words.py"),
            *("cache.py", "embedder.py", "graph.py", "weights.py"),
        }
    ),
    "ai/providers": frozenset({"extractive.py", "reading.py", "screen.py"}),
    # What the service answers to people, beside its database's tables.
    "analytics/ingestion": frozenset({"personal.py"}),
    "analytics/warehouse": frozenset({"migrations.py"}),
    "auth/accounts": frozenset({"passwords.py"}),
    "auth/administration": frozenset({"impersonation.py", "shapes.py"}),
    "auth/audit": frozenset({"sealing.py"}),
    "auth/api_keys": frozenset({"grants.py"}),
    "auth/factors": frozenset({"codes.py", "sealing.py"}),
    # Routes that answer pages, for every feature that has some.
    "auth/browsers": frozenset({"routing.py"}),
    "auth/keys": frozenset({"signing.py"}),
    # `python -m stoa_auth.mail` shows what is kept; the loop sends.
    "auth/mail": frozenset({"__main__.py", "sealing.py", "sender.py", "texts.py", "writing.py"}),
    # The loop tells which erasures are late.
    "auth/erasures": frozenset({"watch.py"}),
    "auth/portability": frozenset({"archive.py", "keeper.py", "sealing.py", "tasks.py", "texts.py"}),
    # One file of use cases each, and what only a rule of roles is.
    "auth/organizations": frozenset(
        {
            *("invitations.py", "members.py", "memberships.py", "policies.py", "powers.py", "roles.py"),
            *("invitations_router.py", "roles_router.py"),
        }
    ),
    # A standard a file: each door of OAuth has rules of its own.
    "auth/oauth": frozenset(
        {
            *("answers.py", "authenticating.py", "authorizing.py", "claims.py", "codes.py", "discovery.py"),
            *("endpoints.py", "exchange.py", "front.py", "inspection.py", "leaving.py", "refusals.py"),
            *("requests.py", "tokens.py"),
        }
    ),
    "auth/pages": frozenset(
        {
            *("forms.py", "invited.py", "mailed.py", "signing_on.py"),
            # Of who has logged in.
            *("account_router.py", "identities.py", "stepping_up.py"),
        }
    ),
    "auth/people": frozenset({"addresses.py"}),
    "auth/rendering": frozenset({"texts.py"}),
    # To Redis, as the relay is to Kafka.
    "auth/revocations": frozenset({"publisher.py"}),
    "auth/scim": frozenset(
        {
            *("discovery.py", "discovery_router.py", "provisioning.py", "settling.py", "tidying.py"),
            *("answering.py", "comparing.py", "filtering.py", "reading.py", "representing.py", "sources.py"),
            # What is particular to each kind of resource; the use cases are the same.
            *("kinds.py", "groups.py", "users.py", "moving.py"),
        }
    ),
    "auth/sessions": frozenset(
        {
            *("devices.py", "opening.py", "switching.py", "through_clients.py"),
            "federated.py",
            # A log-in in two steps, and a step-up: by what, and what follows.
            *("log_ins.py", "proofs.py", "second_factors.py", "step_ups.py"),
        }
    ),
    # One file of use cases for each who acts: a browser that logs in, a person, an admin; and what a provider sends.
    "auth/sign_on": frozenset(
        {
            *("admission.py", "connections.py", "connections_router.py", "identities.py"),
            *("binding.py", "desk.py", "id_token.py", "refusals.py", "sealing.py", "ways.py"),
        }
    ),
    "feed/events": frozenset({"retention.py", "tail.py"}),
    "feed/webhooks": frozenset({"deliverer.py", "sealing.py", "turns.py"}),
    # What is kept, what is on its way, and how both reach a client.
    "gateway/caching": frozenset({"flights.py", "sending.py", "store.py"}),
    "gateway/documents": frozenset({"index.py"}),
    "gateway/identity": frozenset({"credentials.py", "exchange.py"}),
    # `python -m stoa_gateway.proxy` prints the table; one request's connection and trail; equal writes that are joined.
    "gateway/proxy": frozenset({"__main__.py", "access_log.py", "exchange.py", "listing.py", "trail.py", "twins.py"}),
    "gateway/routing": frozenset({"policies.py", "table.py"}),
    # Whose request it is; Redis' protocol; counting without Redis; what may be asked, and what clients are told of it.
    "gateway/limits": frozenset({"addresses.py", "connection.py", "local.py", "quotas.py", "rates.py"}),
    # What is told, one open answer, and the one reader of Redis.
    "gateway/streams": frozenset({"listener.py", "notices.py", "reader.py", "telling.py"}),
    "content/assessments": frozenset({"arithmetic.py", "questions.py"}),
    "content/courses": frozenset({"quick.py", "status.py"}),
    "content/imports": frozenset(
        {
            # Jobs in: the import through its third door. What the service answers to people, beside its tables.
            *("tasks.py", "personal.py"),
            *("archive.py", "digests.py", "folder.py", "formats.py", "tars.py", "zips.py"),
            *("frontmatter.py", "html.py", "markdown.py", "markdown_keys.py", "markdown_quiz.py"),
            *("olx.py", "olx_choices.py", "olx_keys.py", "olx_page.py", "olx_problem.py", "olx_responses.py"),
            *("olx_unit.py", "olx_values.py", "olx_xml.py"),
        }
    ),
}
NO_DRAWERS = frozenset({"utils", "helpers", "core", "manager", "managers", "util", "helper", "common", "misc", "base"})
LONGEST_FILE = 250
#: Longer files, each with the reason why it is one.
LONG_FILES: dict[str, str] = {}


def _inside(source: Source) -> tuple[str, PurePosixPath] | None:
    """The service that a file belongs to, and its place in the service's package."""
    parts = PurePosixPath(source.place).parts
    if parts[0] != "services":
        return None
    return parts[1], PurePosixPath(*parts[4:])


def misplaced(source: Source) -> str | None:
    """Why a file has no place in its service, or None."""
    found = _inside(source)
    if found is None or found[1].parts[0] == "migrations":
        return None
    service, place = found
    if len(place.parts) == 1:
        return None if place.name in SERVICE_FILES else f"{source.place}: no file of a service"
    feature = "/".join([service, *place.parts[:-1]])
    allowed = FEATURE_FILES | MORE_FILES.get(feature, frozenset())
    return None if place.name in allowed else f"{source.place}: no file of a feature"


def test_every_file_of_a_service_has_a_name_that_newcomers_know() -> None:
    found = [reason for source in sources() if (reason := misplaced(source))]

    instead = "Put it where its name says, or list a module with a subject of its own in MORE_FILES of this test."
    assert not found, told(found, instead=instead)


def test_every_service_has_its_processes_and_settings() -> None:
    wanted = [
        ROOT / f"services/{name}/src/stoa_{name}/{file}.py" for name in SERVICES for file in ("processes", "settings")
    ]

    missing = [str(path.relative_to(ROOT)) for path in wanted if not path.is_file()]

    assert not missing, told(missing, instead="A service reads as processes.py (its parts) and settings.py (its form).")


def test_nothing_is_named_after_a_drawer() -> None:
    found = [source.place for source in sources() if NO_DRAWERS & {*_stems(source)}]

    assert not found, told(found, instead="Name it after its subject; if no name fits, the design needs a thought.")


def _stems(source: Source) -> list[str]:
    return [part.removesuffix(".py") for part in PurePosixPath(source.place).parts[3:]]


def test_files_stay_short_enough_to_read() -> None:
    counts = {source.place: source.text.count("\n") for source in sources()}
    found = [f"{place}: {n} lines" for place, n in counts.items() if n > LONGEST_FILE and place not in LONG_FILES]

    instead = f"Split it by subject; above {LONGEST_FILE} lines the reason stands in LONG_FILES of this test."
    assert not found, told(found, instead=instead)


def test_every_exception_is_still_needed() -> None:
    known = {source.place for source in sources()}
    listed = [
        f"services/{s}/src/stoa_{s}/{f}/{name}"
        for key, names in MORE_FILES.items()
        for s, _, f in [key.partition("/")]
        for name in names
    ]

    stale = [place for place in [*listed, *LONG_FILES] if place not in known]

    assert not stale, told(stale, instead="Take these exceptions out of this test: the files are gone.")


def test_a_misplaced_file_is_seen() -> None:
    assert misplaced(Source("services/auth/src/stoa_auth/accounts/helpers.py", ""))
    assert misplaced(Source("services/auth/src/stoa_auth/main.py", ""))
    assert not misplaced(Source("services/auth/src/stoa_auth/accounts/service.py", ""))

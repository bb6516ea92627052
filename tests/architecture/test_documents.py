"""What the pages say exists, exists; and what exists is on its page."""

import json
import re
from pathlib import Path

import stoa_events.contracts as contracts
from stoa_devkit.cli import HOMES
from stoa_gateway.proxy import listing
from stoa_gateway.routing.domain import Upstream, routes
from stoa_gateway.routing.policies import read_policies

from .conftest import ROOT, told

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]+\]\((?!https?://|#)([^)#]+)[^)]*\)")
EVENTS = ROOT / "docs/events"


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    found = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    return [f"{page.relative_to(ROOT)}: {link}" for link in found]


def test_no_link_leads_nowhere() -> None:
    found = [link for page in PAGES for link in broken_links(page)]

    assert not found, told(found, instead="Name the file's place relative to the page.")


def test_every_event_has_a_page_with_all_its_fields() -> None:
    pages = {type_: EVENTS / f"{type_}.md" for type_ in contracts.REGISTRY}
    missing = [
        f"{type_}: {field}"
        for type_, page in pages.items()
        for field in contracts.REGISTRY[type_].model_fields
        if not page.exists() or f"| `{field}` |" not in page.read_text()
    ]

    assert not missing, told(missing, instead="Run `stoa contracts render`.")
    assert {page.stem for page in EVENTS.glob("stoa.*.md")} == set(pages)


def test_the_index_leads_to_every_event() -> None:
    links = LINK.findall((EVENTS / "README.md").read_text())

    missing = [type_ for type_ in contracts.REGISTRY if f"{type_}.md" not in links]

    assert not missing, told(missing, instead="Run `stoa contracts render`.")


def test_the_readme_lists_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    missing = [name for name in HOMES if f"`stoa {name}" not in readme]

    assert not missing, told(missing, instead="Add the command to the table in README.md.")


def test_the_routes_that_the_gateways_page_shows_are_what_the_command_prints() -> None:
    page = (ROOT / "docs/architecture/gateway.md").read_text()
    shown = re.search(r"^METHOD .*?(?=\n```)", page, re.MULTILINE | re.DOTALL)
    assert shown is not None
    named = [tuple(line.split()[:2]) for line in shown[0].splitlines()[1:]]
    document = json.loads(max(ROOT.glob("docs/api/released/*.json")).read_text())
    policies, content = read_policies(), Upstream("content", "", ("/api/v1/content",))

    chosen = [route for route in routes(content, document, policies.of) if (route.method, route.path) in named]

    printed = listing.text(listing.rows(chosen, usual=policies.default))
    assert shown[0] == printed, told([printed], instead="Copy these lines into the page's section Routing.")


def test_a_link_that_leads_nowhere_is_seen() -> None:
    assert LINK.findall("[a](nowhere.md) [b](https://x.example) [c](#d)") == ["nowhere.md"]

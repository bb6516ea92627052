"""What the pages say exists, exists; and what exists is on its page."""

import re
from pathlib import Path

import stoa_events.contracts as contracts
from stoa_devkit.cli import app

from .conftest import ROOT, told

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]+\]\((?!https?://|#)([^)#]+)[^)]*\)")
EVENTS = (ROOT / "docs/events/README.md").read_text()


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    found = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    return [f"{page.relative_to(ROOT)}: {link}" for link in found]


def test_no_link_leads_nowhere() -> None:
    found = [link for page in PAGES for link in broken_links(page)]

    assert not found, told(found, instead="Name the file's place relative to the page.")


def test_every_event_is_listed_with_all_its_fields() -> None:
    rows = {line.split("`")[1]: line for line in EVENTS.splitlines() if line.startswith("| `stoa.")}
    missing = [
        f"{event.type}: {field}"
        for event in contracts.REGISTRY.values()
        for field in event.model_fields
        if f"`{field}`" not in rows.get(event.type, "")
    ]

    assert not missing, told(missing, instead="Add the event or its field to docs/events/README.md.")
    assert set(rows) == set(contracts.REGISTRY)


def test_the_readme_lists_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]

    missing = [name for name in names if f"`stoa {name}" not in readme]

    assert not missing, told(missing, instead="Add the command to the table in README.md.")


def test_a_link_that_leads_nowhere_is_seen() -> None:
    assert LINK.findall("[a](nowhere.md) [b](https://x.example) [c](#d)") == ["nowhere.md"]

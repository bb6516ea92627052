"""docs/events as it must be: every file but the released ones is rendered from the contracts, or kept beside us."""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from stoa_devkit.contracts.asyncapi import document
from stoa_devkit.contracts.index import index
from stoa_devkit.contracts.pages import page
from stoa_devkit.contracts.problems import Problem, Way
from stoa_devkit.contracts.schemas import schema_of
from stoa_events.contract import Event

Registry = Mapping[str, type[Event]]


def rendered(registry: Registry) -> dict[str, str]:
    """Place below docs/events -> text."""
    texts = {"README.md": index(registry), "feed.md": _kept("feed.md"), "asyncapi.json": _json(document(registry))}
    for type_, event in registry.items():
        texts[f"{type_}.md"] = page(event)
        texts[f"schemas/{type_}.json"] = _json(schema_of(event))
    return texts


def write(registry: Registry, folder: Path) -> list[str]:
    """Write what is stale and take out what has no contract any more; the names of both."""
    wanted, changed = rendered(registry), _stale(registry, folder)
    for name in changed:
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name])
        else:
            path.unlink()
    return changed


def problems(registry: Registry, folder: Path) -> Iterator[Problem]:
    """Files that don't say what the contracts say."""
    for name in _stale(registry, folder):
        yield Problem(name, Way.FILES, "is not what the contracts say.", "Run `stoa contracts render`.")


def _stale(registry: Registry, folder: Path) -> list[str]:
    wanted, there = rendered(registry), _there(folder)
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def _there(folder: Path) -> dict[str, str]:
    paths = [*folder.glob("*.md"), *folder.glob("*.json"), *folder.glob("schemas/*.json")]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def _kept(name: str) -> str:
    """A page that no contract changes."""
    return (files("stoa_devkit.contracts") / name).read_text()


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

"""All contracts beside all releases, three ways; and the first release of what is new."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from stoa_devkit.contracts import diff, examples, instances, releases
from stoa_devkit.contracts.contract import Contract, contract_of
from stoa_devkit.contracts.problems import Problem, Way
from stoa_devkit.contracts.releases import Release
from stoa_devkit.contracts.schemas import ContractIsRecursive, meaning
from stoa_events.contract import Event

Registry = Mapping[str, type[Event]]


class ContractsBreak(Exception):
    """Nothing is released while something breaks."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def check(registry: Registry, folder: Path) -> list[Problem]:
    """Everything that others can't trust, in the order of types. `folder` holds the releases."""
    released = releases.load(folder)
    found = [*releases.changed_files(folder), *_gone(registry, released)]
    for event in registry.values():
        found += _of(event, released.get(event.type, []))
    return sorted(set(found))


def release(registry: Registry, folder: Path) -> list[Path]:
    """Freeze what is not yet released, and return the new files. Raises ContractsBreak."""
    if found := check(registry, folder):
        raise ContractsBreak(found)
    released = releases.load(folder)
    contracts = [contract_of(event) for _, event in sorted(registry.items())]
    return [
        releases.write(folder, contract, number=len(released.get(contract.type, [])))
        for contract in releases.unreleased(contracts, released)
    ]


def _gone(registry: Registry, released: Mapping[str, list[Release]]) -> Iterator[Problem]:
    for type_ in sorted(released.keys() - registry.keys()):
        what = "was released, and its class is gone."
        yield Problem(
            type_, Way.DIFF, what, "Put the class back: events of it lie in logs, and others subscribe to it."
        )


def _of(event: type[Event], before: list[Release]) -> Iterator[Problem]:
    if what := _cannot_be_rendered(event):
        yield Problem(event.type, Way.CONTRACT, what, "Mend the class in stoa_events.contracts.")
        return
    now: Contract = contract_of(event)
    yield from examples.incomplete(now, event)
    for release_ in before:
        yield from diff.problems(now, release_)
        yield from instances.problems(now, release_)
        yield from examples.problems(event, release_)


def _cannot_be_rendered(event: type[Event]) -> str | None:
    if not hasattr(event, "example"):
        return "has no example."
    try:
        meaning(contract_of(event).schema)
    except ContractIsRecursive as refusal:
        return str(refusal)
    return None

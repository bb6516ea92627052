"""What the architecture's tests read: the source files of the libraries and services, as syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = tuple(sorted(path.name for path in (ROOT / "services").iterdir() if (path / "pyproject.toml").is_file()))


@dataclass(frozen=True)
class Source:
    """One Python file: where it lies, and what it says."""

    place: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.place)

    @property
    def name(self) -> str:
        return self.place.rpartition("/")[2]

    def is_in(self, *places: str) -> bool:
        """Whether the file is one of these, or lies below one that ends with a slash."""
        return any(self.place == place or (place.endswith("/") and self.place.startswith(place)) for place in places)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of each import: `from a import b` is `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    def names(self) -> Iterator[tuple[int, str]]:
        """Line and full name of each name that comes from an import, as it is used: `datetime.datetime.now`."""
        known = dict(_bindings(self.tree))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and (dotted := _dotted(node)):
                head, _, rest = dotted.partition(".")
                if head in known:
                    yield node.lineno, f"{known[head]}.{rest}".rstrip(".")


def _bindings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What each imported name stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (head, head)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return None


@lru_cache
def sources() -> tuple[Source, ...]:
    """Everything that is shipped: libraries and services, without their tests."""
    found = sorted([*ROOT.glob("libs/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")])
    return tuple(Source(str(path.relative_to(ROOT)), path.read_text()) for path in found)


def told(found: list[str], *, instead: str) -> str:
    """What a failing rule says: each place, and then what to do."""
    return "\n".join(["", *found, "", instead])

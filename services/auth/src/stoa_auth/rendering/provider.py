"""Templates (Jinja2) and files beside them, read from the package once: the only importer of Jinja2."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

PATH: Final = "/api/v1/auth/static"
#: Where pages are, for the links between them.
PAGES: Final = "/api/v1/auth/pages"
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """A file that pages ask for. Its address changes with its content, so browsers keep it for ever."""

    content: bytes
    media_type: str
    url: str


def _read() -> dict[str, File]:
    found = {}
    for file in files(__package__).joinpath("static").iterdir():
        stem, _, suffix = file.name.rpartition(".")
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        found[file.name] = File(content, _TYPES[suffix], f"{PATH}/{stem}.{digest}.{suffix}")
    return found


#: By the name that templates use: `pages.css`.
FILES: Final = _read()
#: By the name in an address: `pages.0123456789ab.css`.
BY_ADDRESS: Final = {file.url.rpartition("/")[2]: file for file in FILES.values()}

_environment: Final = Environment(
    loader=PackageLoader("stoa_auth.rendering", "templates"),
    autoescape=True,
    # A page with a hole in it is a bug that a test shall see.
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals["pages"] = PAGES


def write(template: str, **values: object) -> str:
    """The page; every value is escaped unless it is Markup."""
    return _environment.get_template(template).render(values)


def url(name: str) -> str:
    """The address of a file; raises KeyError where there is none of this name."""
    return FILES[name].url

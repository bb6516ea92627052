"""The gateway's settings file: what each route asks of the gateway, read and checked once at start.

`policies.toml` beside this file explains every line; `GATEWAY_POLICIES` names another file in its place.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stoa_gateway.routing.domain import METHODS, CacheRule, Policy, Priority

OURS: Final = Path(__file__).with_name("policies.toml")
_MEDIA_TYPE: Final = r"^(\*/\*|[a-z]+/(\*|(\*\+)?[a-z0-9][a-z0-9.+-]*))$"
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class BadPolicies(SystemExit):
    """The settings file does not make policies; the message names the file, the place, and what to mend."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Cache(_Written):
    fresh_seconds: Annotated[float, Field(ge=0)]
    stale_seconds: Annotated[float, Field(ge=0)] = 0.0
    purged_by: list[str] = []

    def rule(self) -> CacheRule:
        return CacheRule(self.fresh_seconds, self.stale_seconds, tuple(self.purged_by))


class _Settings(_Written):
    """What `[defaults]` and each `[[routes]]` may say; what is left out stays as the defaults have it."""

    limit_class: str | None = None
    priority: Priority | None = None
    answer_seconds: Seconds | None = None
    idle_seconds: Seconds | None = None
    body_seconds: Seconds | None = None
    max_body_bytes: Annotated[int, Field(ge=0)] | None = None
    retries: bool | None = None
    cache: _Cache | None = None
    content_types: list[Annotated[str, Field(pattern=_MEDIA_TYPE)]] | None = None
    methods: list[Method] | None = None

    def on(self, policy: Policy) -> Policy:
        """The policy with what is said here in the place of its own."""
        said: dict[str, Any] = {name: getattr(self, name) for name in _NAMES if getattr(self, name) is not None}
        if self.cache is not None:
            said["cache"] = self.cache.rule()
        for name in ("content_types", "methods"):
            if name in said:
                said[name] = tuple(said[name])
        return replace(policy, **said)


_NAMES: Final = tuple(_Settings.model_fields)


class _Route(_Settings):
    path: Annotated[str, Field(pattern="^/")]
    #: The methods that the section is for; all if unsaid.
    only: list[Method] | None = None


class _File(_Written):
    defaults: _Settings = _Settings()
    routes: list[_Route] = []
    #: Their readers know what may stand in them.
    limits: dict[str, Any] = {}
    upstreams: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    only: frozenset[str]
    policy: Policy


@dataclass(frozen=True, slots=True)
class Policies:
    """What holds for each route: the first section that its path matches, else the defaults.

    `limits` and `upstreams` are the file's sections of these names, for the features that they are about.
    """

    default: Policy = field(default_factory=Policy)
    limits: Mapping[str, Any] = field(default_factory=dict)
    upstreams: Mapping[str, Any] = field(default_factory=dict)
    _rules: tuple[_Rule, ...] = ()

    def of(self, method: str, path: str) -> Policy:
        """The policy of a route, named by its method and its template."""
        for rule in self._rules:
            if method in rule.only and rule.pattern.fullmatch(path):
                return rule.policy
        return self.default


def read_policies(path: Path | None = None) -> Policies:
    """The policies of a file, or our own. Raises BadPolicies."""
    chosen = path or OURS
    try:
        written = tomllib.loads(chosen.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadPolicies(f"GATEWAY_POLICIES: {chosen} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadPolicies(f"{chosen} is no TOML: {error}.") from None
    try:
        return _policies(_File.model_validate(written))
    except ValidationError as error:
        raise BadPolicies(f"{chosen} makes no policies:\n" + "\n".join(_told(error, written))) from None
    except ValueError as error:
        raise BadPolicies(f"{chosen} makes no policies: {error}") from None


def _policies(file: _File) -> Policies:
    default = file.defaults.on(Policy())
    rules = tuple(_rule(route, default) for route in file.routes)
    _check_classes(file.limits, [default, *(rule.policy for rule in rules)])
    return Policies(default, limits=file.limits, upstreams=file.upstreams, _rules=rules)


def _rule(route: _Route, default: Policy) -> _Rule:
    every = frozenset(method.upper() for method in METHODS)
    return _Rule(_pattern(route.path), frozenset(route.only) if route.only else every, route.on(default))


def _pattern(path: str) -> re.Pattern[str]:
    """`*` stands for one segment, `**` for all that follows, if anything; a parameter as `{id}` is a segment, too."""
    parts = re.split(r"(\*\*|\*)", path)
    wild = {"*": "[^/]+", "**": ".*"}
    return re.compile("".join(wild.get(part) or re.escape(part) for part in parts))


def _check_classes(limits: Mapping[str, Any], policies: Iterable[Policy]) -> None:
    for policy in policies:
        if limits and policy.limit_class not in limits:
            raise ValueError(f"no section [limits.{policy.limit_class}] says what this limit_class allows.")


def _told(error: ValidationError, written: Mapping[str, Any]) -> list[str]:
    return [f"  {_place(wrong['loc'], written)}: {wrong['msg']}" for wrong in error.errors(include_input=False)]


def _place(location: tuple[int | str, ...], written: Mapping[str, Any]) -> str:
    """A route is named by its path, since nobody counts sections."""
    match location:
        case ("routes", int(at), *rest):
            route = written["routes"][at]
            path = route.get("path", f"number {at + 1}") if isinstance(route, dict) else f"number {at + 1}"
            return f"[[routes]] {path} {'.'.join(map(str, rest))}".rstrip()
    return ".".join(map(str, location))

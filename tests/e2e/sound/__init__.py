"""A sound request for every operation of the merged document: how it is asked so that it answers a success.

Most need nothing here: the document's body, with the ids of what is the caller's, will do. `UNANSWERED` lists those
that no request from here can succeed at.
"""

from collections.abc import Mapping
from typing import Any

from callers import Callers, ids_at, sound_body
from fuzzing import Sound
from matrix import Route

from sound.accounts import ACCOUNTS
from sound.asked import Asked, Recipes
from sound.messaging import MESSAGING
from sound.oauth import OAUTH
from sound.organizations import ORGANIZATIONS
from sound.pages import PAGE_FORMS
from sound.unanswered import SOMETIMES, UNANSWERED

__all__ = ["SOMETIMES", "UNANSWERED", "Asked", "how_to_ask", "sound_request"]

RECIPES: Recipes = {**ACCOUNTS, **ORGANIZATIONS, **OAUTH, **PAGE_FORMS, **MESSAGING}


def how_to_ask(route: Route, callers: Callers) -> Asked:
    """With what the request needs made just now."""
    recipe = RECIPES.get(route.name)
    return recipe(callers) if recipe else Asked()


def sound_request(
    operation: Any, asked: Asked, callers: Callers, document: Mapping[str, Any], *, by: str | None = None
) -> Sound:
    """A request that should succeed; `by` asks the same as somebody else."""
    route = Route(operation.method.upper(), operation.path, operation.definition.raw)
    headers, ids = callers.get(by or asked.by or callers.of(route)[0])
    known = {**ids_at(route, ids), **asked.ids}
    body = sound_body(route, ids, document) if asked.body is None else asked.body
    return Sound(operation, {**headers, **asked.headers}, known, body, asked.query)

"""Requests of an operation as schemathesis makes them up from an OpenAPI document: sound ones, then broken ones."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

_MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
#: What says how to send, and not what.
_SENDING: Final = {"timeout", "verify"}


def make_up(
    operation: Any, send: Callable[[Any], None], *, examples: int, ids: Mapping[str, str], start: int = 0
) -> None:
    """Hand `examples` cases of each kind to `send`, the simplest first: the same ones for the same `start`.

    About half of them have in their path what is known by `ids`. Where nothing about the operation can be broken,
    there are no broken ones.
    """
    for mode in _MODES:

        @seed(start)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), is_real=st.booleans())
        def one(case: Any, is_real: bool) -> None:
            if is_real and case.path_parameters:
                known = {name: value for name, value in ids.items() if name in case.path_parameters}
                case.path_parameters = {**case.path_parameters, **known}
            send(case)

        try:
            one()
        except Unsatisfiable:
            continue


def prepared(case: Any, *, base_url: str, headers: Mapping[str, str]) -> requests.PreparedRequest:
    """The case as it would go onto the wire, with these headers beside its own."""
    kwargs = case.as_transport_kwargs(base_url=base_url, headers=dict(headers))
    return requests.Request(**{name: value for name, value in kwargs.items() if name not in _SENDING}).prepare()

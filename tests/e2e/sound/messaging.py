"""What operators do with parked events, replays and offsets: the same in every service."""

import uuid
from typing import Any

from callers import OPERATOR, SERVICES, Callers
from people import ok

from sound.asked import Asked, Recipe, Recipes

#: Hardly anything is on it, and what is read there again changes nothing.
TOPIC = "feed.replay"


def _messaging(service: str) -> str:
    return f"/api/v1/{service}/messaging"


def _replay(service: str) -> dict[str, Any]:
    """Of what never happened: it is over soon."""
    return {"group": f"{service}.privacy", "key": str(uuid.uuid4())}


def _reset(service: str) -> dict[str, Any]:
    return {"group": f"{service}.replays", "topic": TOPIC, "to": "earliest"}


def _asked_for_replay(service: str) -> Recipe:
    """A group gets one at a time."""

    def asked(callers: Callers) -> Asked:
        path, headers = f"{_messaging(service)}/replays", callers.person(OPERATOR).headers
        for replay in ok(callers.api.get(path, params={"limit": "200"}, headers=headers))["items"]:
            if replay["ended_at"] is None:
                ok(callers.api.delete(f"{path}/{replay['id']}", headers=headers))
        return Asked(body=_replay(service))

    return asked


def _replayed(service: str) -> Recipe:
    def asked(callers: Callers) -> Asked:
        wanted, headers = _asked_for_replay(service)(callers).body, callers.person(OPERATOR).headers
        made = ok(callers.api.post(f"{_messaging(service)}/replays", json=wanted, headers=headers))
        return Asked(ids={"replay_id": made["id"]})

    return asked


def _was_reset(service: str) -> Recipe:
    def asked(callers: Callers) -> Asked:
        path, headers = f"{_messaging(service)}/offset-resets", callers.person(OPERATOR).headers
        return Asked(ids={"reset_id": ok(callers.api.post(path, json=_reset(service), headers=headers))["id"]})

    return asked


def _parked(service: str, body: Any = None) -> Recipe:
    def asked(callers: Callers) -> Asked:
        return Asked(ids={"position": callers.poison.parked(service, callers.person(OPERATOR).headers)}, body=body)

    return asked


def _bad_event(service: str) -> Recipe:
    return lambda callers: Asked(ids=callers.poison.bad_event(service, callers.person(OPERATOR).headers))


def _of_service(service: str) -> dict[str, Recipe]:
    at, reset, replay = _messaging(service), _was_reset(service), _replayed(service)
    return {
        f"GET {at}/parked/{{position}}": _parked(service),
        f"PATCH {at}/parked/{{position}}": _parked(service, {"headers": {"note": "ours"}, "force": True}),
        f"POST {at}/parked/{{position}}/retry": _parked(service),
        f"POST {at}/parked/{{position}}/discard": _parked(service, {"reason": "A test"}),
        f"POST {at}/offset-resets": lambda _: Asked(body=_reset(service)),
        f"GET {at}/offset-resets/{{reset_id}}": reset,
        f"DELETE {at}/offset-resets/{{reset_id}}": reset,
        f"POST {at}/replays": _asked_for_replay(service),
        f"GET {at}/replays/{{replay_id}}": replay,
        f"DELETE {at}/replays/{{replay_id}}": replay,
    }


#: The others have no groups that read in batches.
IN_BATCHES = ("analytics", "feed")
BAD_EVENT = "GET /api/v1/{}/messaging/bad-events/{{group}}/{{topic}}/{{partition}}/{{offset}}"
MESSAGING: Recipes = {
    **{name: recipe for service in SERVICES for name, recipe in _of_service(service).items()},
    **{BAD_EVENT.format(service): _bad_event(service) for service in IN_BATCHES},
}

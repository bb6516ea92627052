"""The public catalog from an author's decision to everybody's browser: kept by the gateway, ended by events."""

import time
from collections.abc import Callable

import httpx2
from world import World

#: Far above what a quiet machine takes; fresh for longer than that, so nothing ends by growing old.
PATIENCE_SECONDS = 20


def until(is_so: Callable[[], bool]) -> bool:
    """Whether it comes to be so in time."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_what_is_withdrawn_is_gone_also_from_the_gateway(api: httpx2.Client, world: World) -> None:
    course_id, organization_id = world.ids["course_id"], world.ids["organization_id"]
    anybody = httpx2.Client(base_url=api.base_url)
    catalog = f"/api/v1/content/public/{organization_id}"

    def show_to(visibility: str) -> int:
        path = f"/api/v1/content/courses/{course_id}/visibility"
        return api.put(path, json={"visibility": visibility}, headers=world.owner.headers).status_code

    def became() -> str:
        return anybody.get(catalog).headers.get("Cache-Status", "")

    assert anybody.get(catalog).status_code == 404
    assert show_to("public") == 200
    assert [course["id"] for course in anybody.get(catalog).json()["items"]] == [course_id]
    # The purge of what was just decided may come after the first answer, and end it once more.
    time.sleep(2)
    assert until(lambda: "hit" in became())

    assert show_to("organization") == 200

    assert until(lambda: anybody.get(catalog).status_code == 404)
    assert anybody.get(f"{catalog}/courses/{course_id}").status_code == 404
    anybody.close()

"""How OAuth's endpoints answer what they refuse: as their standards ask, and as a problem at once.

RFC 6749 wants `application/json` with `error` and `error_description`, and clients of others read nothing else; ours
read `type`, `detail` and `errors` (RFC 9457). The members don't meet, so one object holds both.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from stoa_auth.oauth.refusals import RequestIsMalformed, code_of
from stoa_common.errors import Refusal
from stoa_common.http import problems

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthRoute(APIRoute):
    """An endpoint whose refusals clients of any make understand."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                wrong = problems.field_errors(error.errors())
                refusal: Refusal = RequestIsMalformed("Mend the fields listed in `errors`.", errors=wrong)
            except HTTPException as error:
                if error.status_code != 400:
                    raise
                refusal = RequestIsMalformed("Send a form: application/x-www-form-urlencoded.")
            except Refusal as refused:
                refusal = refused
            return rendered(request, refusal)

        return answer


def rendered(request: Request, refusal: Refusal) -> Response:
    problem = problems.document(refusal, instance=problems.request_id(request))
    body = {"error": code_of(refusal), "error_description": refusal.detail, **problem}
    headers = {**NO_STORE, **refusal.headers}
    return Response(orjson.dumps(body), refusal.status, headers=headers, media_type="application/json")


async def _each_once(request: Request) -> None:
    """Raises RequestIsMalformed where a parameter comes twice (RFC 6749, section 3.2)."""
    form = await request.form()
    if len(form.multi_items()) != len(form):
        raise RequestIsMalformed("Send each parameter once.")


EachOnce = Annotated[None, Depends(_each_once)]

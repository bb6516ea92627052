"""HEAD, wherever there is GET: the same answer without its body (RFC 9110, section 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AnswersHead:
    """Middleware that asks the application as for GET, and ends the answer after its head.

    FastAPI's routes know the method that they are written for and no other.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # The server has to know HEAD for what it is: it reads the request's own scope.
        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, _head_only(send))
        finally:
            scope["route"] = asked.get("route")


def _head_only(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            # A stream learns by that, too, that nobody waits for more.
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head

"""Use cases of rendering, for every feature that shows a page."""

from collections.abc import Collection
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse

from stoa_auth.rendering import domain, provider, texts
from stoa_auth.rendering.domain import liked_language
from stoa_auth.rendering.provider import File
from stoa_common import browser_cookies
from stoa_common.permissions import PERMISSIONS

__all__ = ["File", "choose_language", "find_words", "get_file", "liked_language", "render", "say"]

_YEAR_SECONDS = 365 * 24 * 3600


def render(
    request: Request,
    template: str,
    *,
    title: str,
    status: int = 200,
    script: str | None = None,
    leads_to: Collection[str] = (),
    **values: Any,
) -> HTMLResponse:
    """A page of `templates/`. `title` is a key of `words/`, `script` the name of its one file of `static/`.

    `problem`, if any, is a sentence that stands above all. `leads_to`: origins beside ours that its form's answer
    redirects to. In the template `t(key, **values)` gives words, `scope(name)` the sentence of a permission or an
    OpenID scope. A page with a form: `browsers.service.show_form`.
    """
    language = choose_language(request)
    page = provider.write(
        template,
        title=texts.say(language, title),
        t=partial(texts.say, language),
        scope=partial(_scope, language),
        url=provider.url,
        language=language,
        languages=[(code, name, _in_language(request, code)) for code, name in domain.LANGUAGES.items()],
        script=script,
        **{"problem": None, **values},
    )
    headers = domain.headers(language=language, has_script=script is not None, leads_to=leads_to)
    response = HTMLResponse(page, status, headers=headers)
    if request.query_params.get("lang") in domain.LANGUAGES:
        _remember(response, language)
    return response


def say(request: Request, key: str, **values: object) -> str:
    """Words of `words/` in the language of the request."""
    return texts.say(choose_language(request), key, **values)


def find_words(request: Request, key: str) -> str | None:
    """As `say`, for a key that may be missing and has no values."""
    return texts.find(choose_language(request), key)


def choose_language(request: Request) -> str:
    """By `?lang=`, then the browser's cookie of an earlier choice, then what it likes; English for nothing of these."""
    chosen = (request.query_params.get("lang"), request.cookies.get(browser_cookies.LANGUAGE_COOKIE))
    return domain.language(chosen, request.headers.get("accept-language"))


def get_file(address: str) -> File:
    """The file at an address. Raises FileIsUnknown."""
    found = provider.BY_ADDRESS.get(address)
    if found is None:
        raise domain.FileIsUnknown
    return found


def _remember(response: HTMLResponse, language: str) -> None:
    response.set_cookie(
        browser_cookies.LANGUAGE_COOKIE,
        language,
        max_age=_YEAR_SECONDS,
        secure=True,
        httponly=True,
        samesite="lax",
    )


def _in_language(request: Request, code: str) -> str:
    """The same page in a language."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return f"{request.url.path}?{urlencode([*kept, ('lang', code)])}"


def _scope(language: str, name: str) -> str:
    """What somebody allows with a scope; a permission without words in this language has its English sentence."""
    known = PERMISSIONS.get(name) or PERMISSIONS.get(f"{name}:own")
    return texts.find(language, texts.SCOPE + name) or (known.sentence if known else name)

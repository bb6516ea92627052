"""Use cases of pages that a mail leads to, or that ask for one: confirm an address, choose a new password."""

from starlette.requests import Request
from starlette.responses import Response

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.schemas import VerificationIn
from stoa_auth.credentials import service as credentials
from stoa_auth.credentials.schemas import ForgottenIn, ResetIn
from stoa_auth.pages.forms import Desk, form, message, read
from stoa_auth.pages.schemas import CodeForm, EmailForm, ResetForm
from stoa_auth.rendering import service as rendering
from stoa_common.errors import Refusal

_SCRIPT = "mail_code.js"


def show_verification(request: Request, *, code: str = "", refusal: Refusal | None = None) -> Response:
    """Reading it changes nothing: programs that look through mail follow its links."""
    return form(
        request,
        "verify_email.html",
        title="verify-email.title",
        refusal=refusal,
        script=_SCRIPT,
        code=code,
    )


async def verify_email(request: Request, sent: CodeForm, *, desk: Desk) -> Response:
    try:
        asked = read(VerificationIn, token=sent.code.strip())
        async with desk.database.transaction() as session:
            await accounts.verify_email(session, asked.token)
    except Refusal as refusal:
        return show_verification(request, code=sent.code, refusal=refusal)
    return message(request, "verify-email")


def show_forgotten(request: Request, *, email: str = "", refusal: Refusal | None = None) -> Response:
    return form(request, "forgot_password.html", title="forgot-password.title", refusal=refusal, email=email)


async def ask_for_reset(request: Request, sent: EmailForm, *, desk: Desk) -> Response:
    """The same page whether the address has an account or not."""
    try:
        asked = read(ForgottenIn, email=sent.email)
        language = rendering.choose_language(request)
        async with desk.database.transaction() as session:
            await credentials.ask_for_reset(session, asked.email, sealer=desk.sealer, accepted_languages=language)
    except Refusal as refusal:
        return show_forgotten(request, email=sent.email, refusal=refusal)
    return message(request, "forgot-password", has_link=False)


def show_reset(request: Request, *, code: str = "", refusal: Refusal | None = None) -> Response:
    is_about_code = refusal is not None and refusal.slug() == "token-is-invalid"
    return form(
        request,
        "reset_password.html",
        title="reset-password.title",
        refusal=refusal,
        script=_SCRIPT,
        code=code,
        wrong=None if refusal is None else "code" if is_about_code else "password",
    )


async def reset_password(request: Request, sent: ResetForm, *, desk: Desk) -> Response:
    try:
        asked = read(ResetIn, token=sent.code.strip(), password=sent.password)
        language = rendering.choose_language(request)
        change = credentials.Change(desk.database, desk.passwords, desk.sealer, language)
        await credentials.reset_password(change, asked)
    except Refusal as refusal:
        return show_reset(request, code=sent.code, refusal=refusal)
    return message(request, "reset-password")

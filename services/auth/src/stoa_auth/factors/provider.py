"""Authenticator apps behind our words: what they share with us, their codes, and how they are told (RFC 6238)."""

import io
from dataclasses import dataclass, field

import pyotp
import segno

from stoa_auth.factors.domain import DIGITS, STEP_SECONDS


@dataclass(frozen=True, slots=True)
class SetUp:
    """What an app is set up with: the secret to type, or the same as a URI, or that as a picture to scan."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    qr_svg: str = field(repr=False)


def new_secret() -> str:
    """160 random bits in base 32, as RFC 4226 recommends for SHA-1."""
    return pyotp.random_base32(32)


def code(secret: str, step: int) -> str:
    """What an app shows in this time step."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).generate_otp(step)


def set_up(secret: str, *, account: str, issuer: str) -> SetUp:
    """In whose name the app lists the account is `issuer`, and `account` tells it from others there."""
    uri = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(name=account, issuer_name=issuer)
    return SetUp(secret, uri, _picture(uri))


def _picture(text: str) -> str:
    """A QR code as SVG, black on white whatever the page's colors, since cameras want that."""
    svg = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        svg, kind="svg", scale=4, dark="#000", light="#fff", xmldecl=False, svgns=True, nl=False
    )
    return svg.getvalue().decode()

"""The sender and what it must never reach: a service inside, which really listens, and never hears of it."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stoa_common import clock
from stoa_common.outgoing.client import Lookup
from stoa_feed.webhooks.domain import WebhookUrlIsRefused
from stoa_feed.webhooks.provider import Sender

from .receivers import ALLOWED_HOST, FORBIDDEN_HOST, Receiver, answer, hang, receiving

ALLOWED = [ipaddress.ip_network(f"{ALLOWED_HOST}/32")]
FORBIDDEN = "The URL leads to an address that webhooks may not reach."


@asynccontextmanager
async def sending(lookup: Lookup | None = None, **options: object) -> AsyncIterator[Sender]:
    sender = Sender(**({"allow_http": True, "allowed": ALLOWED, "lookup": lookup} | options))  # type: ignore[arg-type]
    yield sender
    await sender.close()


def names(*answers: Sequence[str]) -> Lookup:
    """A name server that gives one answer after the other, and then the last again and again."""
    left = list(answers)

    async def lookup(_: str) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return lookup


LITERALS = [
    "127.0.0.1", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "127.1", "127.0.1",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "0.0.0.0", "localhost", "[::]", "127.0.0.1.",
]  # fmt: skip


@pytest.mark.parametrize("host", LITERALS)
async def test_no_way_to_write_an_inner_address_reaches_it(host: str) -> None:
    async with receiving(host=FORBIDDEN_HOST) as inside, sending() as sender:
        url = f"http://{host}:{inside.port}/"
        with pytest.raises(WebhookUrlIsRefused):
            await sender.check(url)
        outcome = await sender.post(url, b"{}", {})

    assert (outcome.status, inside.connections) == (None, 0)
    assert outcome.error


async def test_a_name_that_leads_inside_reaches_nothing() -> None:
    async with receiving(host=FORBIDDEN_HOST) as inside, sending(names([FORBIDDEN_HOST])) as sender:
        outcome = await sender.post(f"http://hooks.example.com:{inside.port}/", b"{}", {})

    assert (outcome.error, inside.connections) == (FORBIDDEN, 0)


@pytest.mark.parametrize("other", [FORBIDDEN_HOST, f"::ffff:{FORBIDDEN_HOST}", "64:ff9b::7f00:1", "fe80::1"])
async def test_one_inner_address_among_good_ones_is_enough_to_refuse(other: str) -> None:
    lookup = names([ALLOWED_HOST, other])
    async with receiving(host=FORBIDDEN_HOST) as inside, receiving() as receiver, sending(lookup) as sender:
        outcome = await sender.post(f"http://hooks.example.com:{inside.port}/", b"{}", {})

    assert (outcome.error, inside.connections, receiver.connections) == (FORBIDDEN, 0, 0)


async def test_a_name_that_turns_inward_after_the_check_reaches_nothing() -> None:
    async with receiving(host=FORBIDDEN_HOST) as inside, sending(names([ALLOWED_HOST], [FORBIDDEN_HOST])) as sender:
        url = f"http://hooks.example.com:{inside.port}/"
        await sender.check(url)
        outcomes = [await sender.post(url, b"{}", {}) for _ in range(3)]

    assert {outcome.error for outcome in outcomes} == {FORBIDDEN}
    assert inside.connections == 0


async def test_a_name_that_changes_at_every_question_never_leads_inside() -> None:
    turns = [[ALLOWED_HOST], [FORBIDDEN_HOST]] * 20
    async with receiving() as receiver, sending(names(*turns)) as sender:
        inside = Receiver(host=FORBIDDEN_HOST)
        # The same port on both addresses: only the address decides.
        server = await asyncio.start_server(inside.serve, FORBIDDEN_HOST, receiver.port)
        outcomes = [await sender.post(f"http://hooks.example.com:{receiver.port}/", b"{}", {}) for _ in range(20)]
        server.close()

    assert inside.connections == 0
    assert [outcome.status for outcome in outcomes] == [204, None] * 10


async def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(host=FORBIDDEN_HOST) as proxy, receiving() as receiver, sending() as sender:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{FORBIDDEN_HOST}:{proxy.port}")
        outcome = await sender.post(receiver.url, b"{}", {})

    assert (outcome.status, proxy.connections) == (204, 0)


async def test_no_cookie_goes_back() -> None:
    async with receiving(answer(200, headers="Set-Cookie: a=b\r\n")) as receiver, sending() as sender:
        for _ in range(2):
            await sender.post(receiver.url, b"{}", {})

    assert not [request for request in receiver.requests if "cookie" in request.headers]


async def test_a_receiver_that_never_answers_is_left_at_the_time_limit() -> None:
    async with receiving(hang) as receiver, sending(timeout_seconds=0.3) as sender:
        outcome = await sender.post(receiver.url, b"{}", {})

    assert (outcome.status, outcome.error) == (None, "No answer within the time limit.")


async def test_without_the_setting_http_is_refused() -> None:
    async with receiving() as receiver, sending(allow_http=False) as sender:
        with pytest.raises(WebhookUrlIsRefused):
            await sender.check(receiver.url)
        outcome = await sender.post(receiver.url, b"{}", {})

    assert (outcome.status, receiver.connections) == (None, 0)


@pytest.mark.parametrize(("name", "status"), [("hooks.example.com", 204), ("other.example.com", None)])
async def test_over_tls_the_certificate_is_checked_for_the_name_and_not_for_the_address(
    tmp_path: Path, name: str, status: int | None
) -> None:
    serving, trusting = certificate(tmp_path, "hooks.example.com")
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, ALLOWED_HOST, 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]

    async with sending(names([ALLOWED_HOST]), tls=trusting, allow_http=False) as sender:
        outcome = await sender.post(f"https://{name}:{port}/", b"{}", {})
    server.close()

    assert outcome.status == status
    assert [request.headers["host"] for request in receiver.requests] == ([f"{name}:{port}"] if status else [])
    assert outcome.error == (None if status else "TLS failed: check the receiver's certificate.")


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for this name, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=subject, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(clock.now() - timedelta(days=1)).not_valid_after(clock.now() + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + made)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "both.pem")
    return serving, ssl.create_default_context(cadata=made.decode())

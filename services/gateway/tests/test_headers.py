"""Which headers pass: end-to-end ones unchanged, those of a connection never, and nothing that only we may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_gateway.proxy import domain
from stoa_gateway.proxy.domain import Origin

ORIGIN = Origin(client="203.0.113.9", scheme="https", host="learn.example")

tokens = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(lambda name: f"q{name}".encode())
values = st.text("abc 09,;=", max_size=12).map(lambda value: value.strip().encode())
headers = st.lists(st.tuples(tokens, values), max_size=10)


def passed(received: list[tuple[bytes, bytes]], **own: str) -> list[tuple[str, str]]:
    return domain.request_headers(received, origin=ORIGIN, own=own)


@given(headers)
def test_end_to_end_headers_pass_in_their_order_and_as_often_as_they_came(received: list[tuple[bytes, bytes]]) -> None:
    assert [(n.encode(), v.encode()) for n, v in passed(received)][: len(received)] == received
    assert domain.answer_headers(received) == received


@given(headers, st.sets(tokens, max_size=3))
def test_what_connection_names_ends_at_the_gateway(received: list[tuple[bytes, bytes]], named: set[bytes]) -> None:
    received = [*received, (b"Connection", b", ".join(named)), (b"Transfer-Encoding", b"chunked"), (b"TE", b"trailers")]

    went_on = {name.encode() for name, _ in passed(received)}
    came_back = {name for name, _ in domain.answer_headers(received)}

    assert not (went_on | came_back) & (named | {b"connection", b"Connection", b"transfer-encoding", b"te", b"TE"})


def test_a_client_cannot_say_where_it_comes_from() -> None:
    claims = [
        (b"X-Forwarded-For", b"10.0.0.1"), (b"x-forwarded-proto", b"http"), (b"Forwarded", b"for=10.0.0.1"),
        (b"X-Real-IP", b"10.0.0.1"), (b"X-Stoa-Person-Id", b"1"), (b"x-original-url", b"/internal"),
        (b"X-HTTP-Method-Override", b"DELETE"), (b"host", b"learn.example"),
    ]  # fmt: skip

    assert passed(claims) == [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "learn.example"),
    ]


def test_the_gateways_own_headers_replace_a_clients() -> None:
    received = [(b"traceparent", b"theirs"), (b"X-Request-Id", b"theirs"), (b"accept", b"*/*")]

    went_on = passed(received, **{"traceparent": "ours", "x-request-id": "ours"})

    assert [pair for pair in went_on if not pair[0].startswith("x-forwarded")] == [
        ("accept", "*/*"), ("traceparent", "ours"), ("x-request-id", "ours"),
    ]  # fmt: skip


def test_a_trace_that_the_gateway_does_not_take_part_in_still_passes() -> None:
    assert ("traceparent", "theirs") in passed([(b"traceparent", b"theirs")])


def test_naming_the_token_or_the_kind_of_body_as_a_connections_own_does_not_drop_it() -> None:
    received = [
        (b"connection", b"Content-Type, authorization"),
        (b"content-type", b"text/plain"),
        (b"authorization", b"Bearer x"),
    ]

    assert passed(received)[:2] == [("content-type", "text/plain"), ("authorization", "Bearer x")]


@pytest.mark.parametrize("name", [b"content-length", b"Content-Length", b"content_length"])
def test_a_client_does_not_tell_the_service_how_long_its_body_is(name: bytes) -> None:
    assert not [told for told, _ in passed([(name, b"300")]) if "length" in told.lower()]


def test_only_an_announced_body_is_sent_on() -> None:
    assert domain.read_head([(b"content-length", b"5")]).has_body
    assert domain.read_head([(b"content-length", b"5 ")]).length == 5
    assert domain.read_head([(b"transfer-encoding", b"chunked")]).has_body
    assert not domain.read_head([(b"content-length", b"0"), (b"accept", b"*/*")]).has_body

"""What a receiver of webhooks can rely on."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_events.contracts import LearnerEnrolled
from stoa_events.envelope import BadEnvelope
from stoa_events.structured import BadData, Unknown
from stoa_events.testkit import a_delivery, an_envelope, an_event, now
from stoa_events.webhooks import BadSecret, BadSignature, Verifier, secret_of, sign

# The vector that the specification and its libraries share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1614265330, UTC)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

OLD, NEW, STRANGE = secret_of(b"o" * 32), secret_of(b"n" * 32), secret_of(b"s" * 32)
ENROLLED = an_event(LearnerEnrolled)


def test_a_signature_is_the_specifications() -> None:
    headers = sign(BODY, delivery_id=ID, at=AT, secrets=[SECRET])

    assert headers == {"webhook-id": ID, "webhook-timestamp": "1614265330", "webhook-signature": SIGNATURE}


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    elsewhere = AT.astimezone(tz=datetime.strptime("+0530", "%z").tzinfo)

    assert sign(BODY, delivery_id=ID, at=elsewhere, secrets=[SECRET])["webhook-signature"] == SIGNATURE


def test_a_delivery_gives_the_typed_event_and_its_ids() -> None:
    envelope = an_envelope(ENROLLED, sequence=3, traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    headers, body = a_delivery(ENROLLED, NEW, envelope=envelope)

    delivery = Verifier(NEW).read(headers, body)

    assert (delivery.event, delivery.envelope) == (ENROLLED, envelope)
    assert delivery.id == str(envelope.id)


def test_a_headers_name_may_be_written_in_any_case() -> None:
    headers, body = a_delivery(ENROLLED, NEW)

    assert Verifier(NEW).read({name.title(): text for name, text in headers.items()}, body).event == ENROLLED


@pytest.mark.parametrize("known", [[OLD], [NEW], [OLD, NEW], [STRANGE, NEW]], ids=len)
def test_while_a_secret_is_rotated_either_is_enough(known: list[str]) -> None:
    headers, body = a_delivery(ENROLLED, OLD, NEW)

    assert Verifier(*known).read(headers, body).event == ENROLLED


def test_a_signature_of_another_version_is_passed_over() -> None:
    headers, body = a_delivery(ENROLLED, NEW)
    headers["webhook-signature"] = f"v1a,AAAA v2,AAAA {headers['webhook-signature']}"

    assert Verifier(NEW).read(headers, body).event == ENROLLED


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)], ids=["old", "from the future"])
def test_a_delivery_of_another_time_is_refused(age: timedelta) -> None:
    headers, body = a_delivery(ENROLLED, NEW, at=now() - age)

    with pytest.raises(BadSignature):
        Verifier(NEW).read(headers, body)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_delivery_without_one_of_the_headers_is_refused(missing: str) -> None:
    headers, body = a_delivery(ENROLLED, NEW)
    del headers[missing]

    with pytest.raises(BadSignature):
        Verifier(NEW).read(headers, body)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_body_with_one_byte_changed_is_refused(place: int, change: int) -> None:
    headers, body = a_delivery(ENROLLED, NEW)
    place %= len(body)

    with pytest.raises(BadSignature):
        Verifier(NEW).read(headers, body[:place] + bytes([body[place] ^ change]) + body[place + 1 :])


@given(
    st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()), st.binary()
)
def test_whatever_comes_unsigned_is_refused_and_nothing_worse(headers: dict[str, str], body: bytes) -> None:
    current = str(int(now().timestamp()))

    for tried in (headers, {"webhook-timestamp": current, "webhook-id": "1", **headers}):
        with pytest.raises(BadSignature):
            Verifier(NEW).read(tried, body)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64!", SECRET[6:], "hunter2"])
def test_a_secret_that_is_none_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(BadSecret, match="reads whsec_") as refusal:
        Verifier(secret)

    assert not secret or secret == "whsec_" or secret not in str(refusal.value)


def test_a_short_key_makes_no_secret() -> None:
    with pytest.raises(BadSecret, match="24 to 64 bytes"):
        secret_of(b"short")


def test_a_signed_body_of_a_newer_type_is_unknown_and_whole() -> None:
    body = a_delivery(ENROLLED)[1].replace(b"enrollment.created", b"enrollment.paused")

    delivery = Verifier(NEW).read(sign(body, delivery_id=ID, at=now(), secrets=[NEW]), body)

    assert isinstance(delivery.event, Unknown)
    assert delivery.event.data["course_id"] == str(ENROLLED.course_id)


@pytest.mark.parametrize(("body", "error"), [(b"[]", BadEnvelope), (b"{", BadEnvelope), (None, BadData)])
def test_a_signed_body_that_is_no_event_says_so(body: bytes | None, error: type[Exception]) -> None:
    body = body or a_delivery(ENROLLED)[1].replace(b'"enrolled_at"', b'"entered_at"')

    with pytest.raises(error):
        Verifier(NEW).read(sign(body, delivery_id=ID, at=now(), secrets=[NEW]), body)

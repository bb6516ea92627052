"""Numbers as learners and authors write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_content.assessments.arithmetic import NotANumber, evaluate, literal

decimals = st.decimals(min_value=-(10**6), max_value=10**6, places=4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", "42"),
        (" -4.50 ", "-4.5"),
        ("9.3*10^7", "93000000"),
        ("9.3e7", "93000000"),
        ("2^3^2", "512"),
        ("-2^2", "-4"),
        ("2**-1", "0.5"),
        ("(1 + 5 + 6 + 3 + 5) / 5", "4"),
        ("1/3*3", "1"),
        ("0.1+0.2", "0.3"),
        ("−3 × 2", "-6"),
        ("--5", "5"),
        (".5", "0.5"),
    ],
)
def test_arithmetic_has_its_value(text: str, value: str) -> None:
    assert evaluate(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "four",
        "10*i",
        "1/0",
        "9^9^9^9",
        "0^-1",
        "(1",
        "1)",
        "1 2",
        "1,5",
        "nan",
        "inf",
        "2^",
        "1e9999",
        "(-8)^0.5",
        "9" * 101,
    ],
)
def test_what_has_no_value_is_no_number(text: str) -> None:
    with pytest.raises(NotANumber):
        evaluate(text)


@given(decimals, decimals)
def test_sums_and_products_are_exact(a: Decimal, b: Decimal) -> None:
    assert evaluate(f"({a})+({b})") == a + b
    assert evaluate(f"({a})*({b})") == a * b


@given(st.text(max_size=120) | st.text("0123456789.+-*/^() e", max_size=120))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        value = evaluate(text)
    except NotANumber:
        return

    assert value.is_finite()


@given(decimals)
def test_a_plain_number_is_literal(number: Decimal) -> None:
    assert literal(str(number)) == number


@pytest.mark.parametrize("text", ["1/3", "Alaska", "", "1 000", "10-4", "401e999", "9" * 101])
def test_arithmetic_and_words_are_not_literal(text: str) -> None:
    assert literal(text) is None

"""What a number may look like: decimals and short arithmetic such as `9.3*10^7` or `1/3`.

Decimal arithmetic throughout, so that 0.1 + 0.2 is 0.3; bounded in length and exponent, so that no answer costs time.
"""

import re
from decimal import Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from functools import reduce

MAX_LENGTH = 100
_EXACT = Context(prec=50, Emax=999, Emin=-999, traps=[DivisionByZero, InvalidOperation, Overflow])
# Ten digits fewer than we calculate with: 1/3*3 is then 1.
_ROUNDED = Context(prec=40, Emax=999, Emin=-999, traps=[InvalidOperation, Overflow])
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
_TOKEN = re.compile(rf"\s*(?:(?P<number>{_NUMBER})|(?P<sign>\*\*|[-+*/^()]))")
_LITERAL = re.compile(rf"[-+]?{_NUMBER}")
_SPELLINGS = str.maketrans({"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/"})


class NotANumber(ValueError):
    """The text is neither a decimal number nor short arithmetic of such numbers."""


def evaluate(text: str) -> Decimal:
    """The value of a number or of arithmetic with + - * / ^ and brackets; raises NotANumber."""
    if len(text) > MAX_LENGTH:
        raise NotANumber(f"A number has at most {MAX_LENGTH} characters.")
    try:
        value = _ROUNDED.plus(_Reader(_tokens(text.translate(_SPELLINGS))).whole())
    except DecimalException:
        value = Decimal("NaN")
    if not value.is_finite():
        raise NotANumber(f"{text.strip()} has no value that can be calculated.")
    return value


def literal(text: str) -> Decimal | None:
    """The value of a plain decimal number; None for anything else, arithmetic included."""
    try:
        return evaluate(text) if _LITERAL.fullmatch(text) else None
    except NotANumber:
        return None


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotANumber(f"{text.strip()} is not a number.")
        tokens.append(found["number"] or found["sign"])
        at = found.end()
    return tokens


class _Reader:
    """Recursive descent, as deep as the text is long; ^ binds to the right and before a sign."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens[::-1]

    def whole(self) -> Decimal:
        value = self._sum()
        if self._tokens:
            raise NotANumber(f"The number has {self._tokens[-1]} where an operator is expected.")
        return value

    def _sum(self) -> Decimal:
        value = self._product()
        while sign := self._take("+", "-"):
            other = self._product()
            value = _EXACT.add(value, other) if sign == "+" else _EXACT.subtract(value, other)
        return value

    def _product(self) -> Decimal:
        value = self._signed()
        while sign := self._take("*", "/"):
            other = self._signed()
            value = _EXACT.multiply(value, other) if sign == "*" else _EXACT.divide(value, other)
        return value

    def _signed(self) -> Decimal:
        signs = []
        while sign := self._take("+", "-"):
            signs.append(sign)
        return reduce(lambda value, sign: -value if sign == "-" else value, signs, self._power())

    def _power(self) -> Decimal:
        base = self._atom()
        return _EXACT.power(base, self._signed()) if self._take("^", "**") else base

    def _atom(self) -> Decimal:
        if self._take("("):
            value = self._sum()
            if not self._take(")"):
                raise NotANumber("A bracket is not closed.")
            return value
        if not self._tokens or self._tokens[-1][0] not in ".0123456789":
            raise NotANumber("The number ends where a value is expected.")
        return _EXACT.create_decimal(self._tokens.pop())

    def _take(self, *signs: str) -> str | None:
        return self._tokens.pop() if self._tokens and self._tokens[-1] in signs else None

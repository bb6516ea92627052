"""SCIM's filters and orders as conditions of SQL (RFC 7644, sections 3.4.2.2 and 3.4.2.3).

A condition means what `ScimFilter.match` means, which tests hold it to. Names in it are the fields of our own schemas,
and every value that a client sent is a parameter: nothing that was sent becomes SQL. The columns hold values as
`comparing` folds them, and the collation "C" compares them by code point, as Python does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from inspect import isclass
from typing import Any, Final

from scim2_models import BaseModel, Extension, InvalidFilterException, ScimFilter, SearchRequest
from scim2_models.path import (
    STRING_OPERATORS,
    AttributeBinding,
    CompareOperator,
    Comparison,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
    coerce_value,
)

_ORDERS: Final = {
    CompareOperator.eq: "=",
    CompareOperator.gt: ">",
    CompareOperator.ge: ">=",
    CompareOperator.lt: "<",
    CompareOperator.le: "<=",
}
_PARTS: Final = {
    CompareOperator.co: "strpos({text}, {operand}) > 0",
    CompareOperator.sw: "starts_with({text}, {operand})",
    CompareOperator.ew: "right({text}, length({operand})) = {operand}",
}
TRUE: Final = "TRUE"
FALSE: Final = "FALSE"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the attributes of a resource are: in `document`, a jsonb expression, unless `parts` names another."""

    document: str
    #: Field -> a jsonb expression; null where the attribute is unassigned.
    parts: Mapping[str, str] = field(default_factory=dict)
    #: Fields of `meta` -> an expression of text, or of a time.
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Condition:
    """A condition of SQL, with the values of its parameters."""

    sql: str = TRUE
    values: dict[str, Any] = field(default_factory=dict)


def condition(wanted: ScimFilter[Any] | None, source: Source) -> Condition:
    """Raises InvalidFilterException for what can't be asked."""
    made = Condition()
    if wanted is not None:
        made.sql = _Writer(wanted, source, made.values).visit(wanted.ast)
    return made


def order(request: SearchRequest[Any], model: type[BaseModel], source: Source) -> str:
    """The order of the rows; what has no value comes last, or first in a descending one."""
    binding = request.sort_binding(model)
    if binding is None:
        return "id"
    is_descending = request.sort_order == SearchRequest.SortOrder.descending
    return f"{_sort_key(binding, source)} {'DESC NULLS FIRST' if is_descending else 'ASC NULLS LAST'}, id"


def _sort_key(binding: AttributeBinding, source: Source) -> str:
    if binding.field_name == "meta":
        return source.meta[binding.sub_field_name or ""]
    head = _head(binding, source)
    if not binding.is_multivalued:
        leaf = f"{head} -> '{binding.sub_field_name}'" if binding.sub_field_name else head
        return f"(({leaf}) #>> '{{}}') COLLATE \"C\""
    value = f"e.value ->> '{binding.sub_field_name}'" if binding.sub_field_name else "e.value #>> '{}'"
    preferred = "e.value -> 'primary' IS NOT DISTINCT FROM CAST('true' AS jsonb)"
    entries = f"jsonb_array_elements({head}) WITH ORDINALITY AS e(value, place)"
    # Made of our own names alone, as everywhere in this module.
    return f'(SELECT {value} FROM {entries} ORDER BY {preferred} DESC, e.place LIMIT 1) COLLATE "C"'  # noqa: S608


def _head(binding: AttributeBinding, source: Source) -> str:
    """The attribute itself. Its name is a field of our schemas, never what a client wrote."""
    if (part := source.parts.get(binding.field_name)) is not None:
        return part
    if issubclass(binding.model, Extension):
        return f"{source.document} -> '{binding.model.__name__}' -> '{binding.field_name}'"
    return f"{source.document} -> '{binding.field_name}'"


class _Writer(FilterVisitor[str]):
    def __init__(self, bound: ScimFilter[Any], source: Source, values: dict[str, Any], *, depth: int = 0) -> None:
        self._bound = bound
        self._source = source
        self._values = values
        self._depth = depth

    def visit_not(self, node: Not) -> str:
        return f"NOT ({self.visit(node.expr)})"

    def visit_logical_expr(self, node: LogicalExpr) -> str:
        word = " AND " if node.op == LogicalOperator.and_ else " OR "
        return "(" + word.join(self.visit(term) for term in node.terms) + ")"

    def visit_present(self, node: Present) -> str:
        binding = self._bound.resolve(node.attr_path, strict=False)
        if binding is None:
            return FALSE
        if binding.field_name == "meta":
            return TRUE if binding.sub_field_name in {None, *self._source.meta} else FALSE
        head = _head(binding, self._source)
        if binding.is_multivalued and binding.sub_field_name:
            return self._any(head, f"{self._entry} -> '{binding.sub_field_name}' IS NOT NULL")
        leaf = f"{head} -> '{binding.sub_field_name}'" if binding.sub_field_name else head
        return f"({leaf}) IS NOT NULL"

    def visit_comparison(self, node: Comparison) -> str:
        binding = self._bound.resolve_comparison(node.attr_path, strict=False)
        if binding is None:
            return FALSE
        operand = _operand(binding, node)
        if binding.field_name == "meta" and binding.sub_field_name:
            return self._meta(binding.sub_field_name, node.op, operand)
        head = _head(binding, self._source)
        if binding.is_multivalued:
            return self._entries(head, binding, node.op, operand)
        leaf = f"{head} -> '{binding.sub_field_name}'" if binding.sub_field_name else head
        if _is_complex(binding):
            # A whole compares with nothing but null.
            return _null_test(leaf, node.op) if operand is None else _whole(node.op)
        return self._leaf(leaf, node.op, operand)

    def visit_value_path(self, node: ValuePath) -> str:
        binding = self._bound.resolve(node.attr_path, strict=False)
        if binding is None:
            return FALSE
        if not _is_complex(binding):
            raise InvalidFilterException(detail=f"'{node.attr_path}' has no parts to select by.")
        inner = ScimFilter.__class_getitem__(binding.field_type)(node.val_filter)
        writer = _Writer(inner, Source(self._entry), self._values, depth=self._depth + 1)
        return self._any(_head(binding, self._source), writer.visit(node.val_filter))

    @property
    def _entry(self) -> str:
        return f"e{self._depth}.value"

    def _any(self, head: str, sql: str) -> str:
        entries = f"jsonb_array_elements({head}) AS e{self._depth}(value)"
        return f"EXISTS (SELECT 1 FROM {entries} WHERE {sql})"  # noqa: S608  # our own names, and parameters

    def _entries(self, head: str, binding: AttributeBinding, op: CompareOperator, operand: Any) -> str:
        """Any of the values; for `ne`, all of them (no value is the operand)."""
        leaf = f"{self._entry} -> '{binding.sub_field_name}'" if binding.sub_field_name else self._entry
        if operand is None:
            missing = self._any(head, f"({leaf}) IS NULL")
            if op == CompareOperator.eq:
                return f"(({head}) IS NULL OR {missing})"
            return f"(({head}) IS NOT NULL AND NOT {missing})" if op == CompareOperator.ne else FALSE
        if op == CompareOperator.ne:
            return f"NOT {self._any(head, self._leaf(leaf, CompareOperator.eq, operand))}"
        return self._any(head, self._leaf(leaf, op, operand))

    def _leaf(self, leaf: str, op: CompareOperator, operand: Any) -> str:
        """One value; what is not there is smaller than nothing, and other than everything."""
        if operand is None:
            return _null_test(leaf, op)
        if isinstance(operand, bool):
            same = f"({leaf}) IS NOT DISTINCT FROM CAST('{str(operand).lower()}' AS jsonb)"
            return same if op == CompareOperator.eq else f"NOT {same}" if op == CompareOperator.ne else FALSE
        if not isinstance(operand, str):
            return TRUE if op == CompareOperator.ne else FALSE
        return self._text(f"(({leaf}) #>> '{{}}')", op, operand)

    def _text(self, text: str, op: CompareOperator, operand: str) -> str:
        name = self._parameter(operand)
        if op == CompareOperator.ne:
            return f"({text} IS DISTINCT FROM {name})"
        if op in _PARTS:
            return f"coalesce({_PARTS[op].format(text=text, operand=name)}, FALSE)"
        return f'coalesce({text} COLLATE "C" {_ORDERS[op]} {name}, FALSE)'

    def _meta(self, name: str, op: CompareOperator, operand: Any) -> str:
        """What Stoa itself says of the resource, which is always there."""
        sql = self._source.meta.get(name)
        if sql is None or operand is None:
            return TRUE if (op == CompareOperator.ne) is (sql is not None) else FALSE
        if not isinstance(operand, datetime):
            return self._text(sql, op, operand) if isinstance(operand, str) else FALSE
        parameter = self._parameter(operand if operand.tzinfo else operand.replace(tzinfo=UTC))
        sign = "<>" if op == CompareOperator.ne else _ORDERS[op]
        return f"({sql} {sign} {parameter})"

    def _parameter(self, value: object) -> str:
        name = f"f{len(self._values)}"
        self._values[name] = value
        kind = "timestamptz" if isinstance(value, datetime) else "text"
        return f"CAST(:{name} AS {kind})"


def _operand(binding: AttributeBinding, node: Comparison) -> Any:
    expected = binding.comparable(coerce_value(binding, node.value, node.op))
    if isinstance(expected, str) and not _is_storable(expected):
        raise InvalidFilterException(detail="The filter holds a character that no attribute can have.")
    is_time = binding.field_name == "meta" and binding.sub_field_name in {"created", "last_modified"}
    if is_time and expected is not None and not isinstance(expected, datetime):
        raise InvalidFilterException(detail=f"'{node.attr_path}' is a time, and has no parts to look for.")
    # A part is looked for in texts alone.
    return _NO_TEXT if node.op in STRING_OPERATORS and not isinstance(expected, str) else expected


#: Equal to nothing, greater and smaller than nothing.
_NO_TEXT: Final = object()


def _is_storable(text: str) -> bool:
    """PostgreSQL has no NUL and no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _is_complex(binding: AttributeBinding) -> bool:
    kind = binding.target_type
    return isclass(kind) and issubclass(kind, BaseModel)


def _null_test(leaf: str, op: CompareOperator) -> str:
    tests = {CompareOperator.eq: f"({leaf}) IS NULL", CompareOperator.ne: f"({leaf}) IS NOT NULL"}
    return tests.get(op, FALSE)


def _whole(op: CompareOperator) -> str:
    return TRUE if op == CompareOperator.ne else FALSE

"""Reads a policy as IAM does, as far as this repository's policies go."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

OPERATORS = {"ArnLike", "StringEquals", "StringEqualsIfExists"}


def allows(
    statements: Iterable[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether one of these statements allows the action on the resource, with these condition keys in the request."""
    return any(
        any(fnmatchcase(action.lower(), pattern.lower()) for pattern in statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        and _holds(statement.get("Condition", {}), context or {})
        for statement in statements
        if statement["Effect"] == "Allow"
    )


def _holds(conditions: Mapping[str, Mapping[str, str | list[str]]], context: Mapping[str, str]) -> bool:
    assert set(conditions) <= OPERATORS
    return all(
        (operator == "StringEqualsIfExists" and key not in context)
        or any(
            fnmatchcase(context.get(key, ""), value) if operator == "ArnLike" else context.get(key) == value
            for value in ([wanted] if isinstance(wanted, str) else wanted)
        )
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def tags(of: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return tags of the resource (`ResourceTag`) or of the request (`RequestTag`) as condition keys."""
    return {f"aws:{of}/{key}": value for key, value in values.items()}

"""JSON from outside: of clients, Cognito and Kakao."""

import json
from typing import Any


def json_object(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object in a text; raise ValueError where it is none."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value

"""Calls a handler as API Gateway does for a signed-in user."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

from handlers import bugs


def call(
    handler: Callable[[Any, object], Any],
    route: str,
    body: Any = None,
    *,
    sub: str = "sub-1",
    groups: Sequence[str] = (),
    raw: str | None = None,
    **event: Any,
) -> tuple[int, Any]:
    """Return the status and the JSON of the response. A bug of the handler fails the test with its own traceback.

    `raw` is a body that is no JSON. `event` are further parts of the event, such as `pathParameters`.
    """
    claims = {"sub": sub, "cognito:username": "kakao_1", "token_use": "id", "cognito:groups": f"[{' '.join(groups)}]"}
    asked = {
        "routeKey": route,
        "rawQueryString": "",
        "requestContext": {"http": {"method": route.partition(" ")[0]}, "authorizer": {"jwt": {"claims": claims}}},
        "pathParameters": {},
        "body": raw if raw is not None else None if body is None else json.dumps(body),
        **event,
    }
    with patch.object(bugs, "log_bug", _raise):
        response = handler(asked, None)
    return response["statusCode"], json.loads(response["body"] or "null")


def _raise(_log: object, error: Exception) -> None:
    raise error

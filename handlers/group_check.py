"""The entry of a function for some groups only: users outside them get 403, and the function's own code does not run.

A WebSocket message after the token's expiry closes the connection, as in service/chat.py. A function without
MANAGEMENT_URL cannot close it: then the message is refused.

`infra/function.py` makes this module the Lambda's handler, so no route of the function is without the check.
"""

import importlib
import json
import logging
import os
from typing import Any

from handlers import bugs, connections, contract, web
from handlers.caller import caller
from handlers.errors import HttpError

log = logging.getLogger(__name__)

ALLOWED = frozenset(json.loads(os.environ[contract.ENV_ALLOWED_GROUPS]))
_MODULE, _, _NAME = os.environ[contract.ENV_CHECKED_HANDLER].rpartition(".")
checked_handler = getattr(importlib.import_module(_MODULE), _NAME)


def handler(event: dict[str, Any], context: object) -> Any:
    """Check the user of an HTTP request or a WebSocket event. An event of another service, such as SQS, has no user."""
    if "requestContext" not in event:
        return checked_handler(event, context)
    if _has_closed(event, context):
        return {"statusCode": 200}
    refusal = web.respond(lambda: _refusal(event), log=log)
    if refusal["statusCode"] == 200:
        return checked_handler(event, context)
    return web.head_response(refusal) if web.is_head(event) else refusal


@bugs.hide(log)
def _has_closed(event: dict[str, Any], _context: object) -> bool:
    return "MANAGEMENT_URL" in os.environ and connections.close_expired(event)


def _refusal(event: dict[str, Any]) -> web.Response:
    if not ALLOWED & set(caller(event).groups):
        raise HttpError(403, "forbidden", "This needs a group that you are not in. Sign in again after you join it.")
    return {"statusCode": 200}

"""The service behind the login, for a team to replace: a chat that says back what a person said, under their nickname.

{"message": "…", "id": "…"} is answered with {"nickname": …, "message": "…", "id": "…"}, the nickname null where
withheld. The id is the client's own and optional: the client learns by it which of its messages arrived. {"ping": true}
is answered with {"pong": true}. Anything else is answered with {"error": "<code>", "message": "<what to do>"}, and with
the id if there is one. A connection ends with the token that opened it: whoever writes later is disconnected. What is
known of a person comes with each event, from the authorizer, and goes with it.
"""

import json
import logging
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from handlers import bugs

log = logging.getLogger(__name__)

Event = Mapping[str, Any]

MANAGEMENT_URL = os.environ["MANAGEMENT_URL"]
LONGEST = 4096  # bytes in a frame; API Gateway takes 32 KB
LONGEST_ID = 64


class RefusedError(Exception):
    """The frame is answered with an error: `code` is for programs, `message` says what to do."""

    def __init__(self, code: str, message: str, answers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.frame = {"error": code, "message": message, **(answers or {})}


@bugs.hidden(log)
def handler(event: Event, _context: object) -> dict[str, int]:
    """Answer one event of a connection; which it is, the gateway says and no message can."""
    if event["requestContext"]["eventType"] == "MESSAGE":
        _answer(event)
    return {"statusCode": 200}


def _answer(event: Event) -> None:
    """Post the answer, or disconnect; a person who has gone in between is no error."""
    connection, person = event["requestContext"]["connectionId"], event["requestContext"]["authorizer"]
    gateway = _gateway()
    try:
        if int(person["exp"]) <= time.time():
            log.info("expired", extra={"sub": person["sub"]})
            gateway.delete_connection(ConnectionId=connection)
            return
        try:
            frame = answer(event, person.get("nickname"))
        except RefusedError as refusal:
            frame = refusal.frame
        log.info(frame.get("error", "echoed"), extra={"sub": person["sub"]})
        gateway.post_to_connection(ConnectionId=connection, Data=json.dumps(frame).encode())
    except gateway.exceptions.GoneException:
        log.info("gone", extra={"sub": person["sub"]})


def answer(event: Event, nickname: str | None) -> dict[str, Any]:
    """Return the answer to a frame, or raise RefusedError where the frame is of another shape or over the limit."""
    body = event.get("body") or ""
    if len(body.encode(errors="replace")) > LONGEST:
        raise RefusedError("too_long", f"Send at most {LONGEST} bytes.")
    try:
        frame = None if event.get("isBase64Encoded") else json.loads(body)
    except (ValueError, RecursionError):
        frame = None
    if frame == {"ping": True}:
        return {"pong": True}
    answers: dict[str, str] = {}
    match frame:
        case {"id": str(known)} if 0 < len(known) <= LONGEST_ID:
            answers = {"id": known}
    match frame:
        case {"message": str(message), **others} if message.strip() and others == answers:
            return {"nickname": nickname, "message": message, **answers}
    raise RefusedError("invalid_message", 'Send {"message": "…"} with some text in it.', answers)


@cache
def _gateway() -> Any:
    import boto3  # of Lambda's runtime, not of the package; who only connects and leaves needs none
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("apigatewaymanagementapi", endpoint_url=MANAGEMENT_URL, config=config)

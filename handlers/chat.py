"""An example of a service behind the login, for a team to replace: a chat that echoes each message to its sender.

| frame | answer |
| --- | --- |
| {"message": "…", "id"?: "…"} | {"nickname": "…" or null, "message": "…", "id"?: "…"} |
| {"ping": true} | {"pong": true} |
| anything else | {"error": "<code>", "message": "<what to do>", "id"?: "…"} |

The client chooses `id`, and learns by it which of its messages arrived. A connection ends with the ID token that opened
it: a frame after that closes the connection. The user of a connection is in the authorizer's context of each event, and
the function keeps nothing of a user between events.
"""

import json
import logging
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from handlers import bugs, contract

log = logging.getLogger(__name__)

Event = Mapping[str, Any]

MANAGEMENT_URL = os.environ[contract.ENV_MANAGEMENT_URL]
MAX_FRAME_BYTES = 4096  # API Gateway takes 32 KB
MAX_ID_LENGTH = 64


class InvalidFrameError(Exception):
    """The frame is answered with an error: `code` is for programs, `message` says what to do.

    `answer` is the frame to send. `echoed` are fields of the received frame that the answer repeats.
    """

    def __init__(self, code: str, message: str, echoed: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.answer = {"error": code, "message": message, **(echoed or {})}


class User(NamedTuple):
    """The user of a connection; `expires_at` is in seconds since 1970."""

    sub: str
    nickname: str | None
    expires_at: int


def user_of(event: Event) -> User:
    """Return the user of the connection, whom the authorizer has put into the context of the event."""
    context = event["requestContext"]["authorizer"]
    return User(
        sub=context[contract.CONTEXT_SUB],
        nickname=context.get(contract.CONTEXT_NICKNAME),
        expires_at=int(context[contract.CONTEXT_EXPIRES_AT]),
    )


@bugs.hide(log)
def handler(event: Event, _context: object) -> dict[str, int]:
    """Answer one event of a connection. API Gateway sets `eventType`; no client can."""
    if event["requestContext"]["eventType"] == "MESSAGE":
        _answer_frame(event)
    return {"statusCode": 200}


def _answer_frame(event: Event) -> None:
    """PostToConnection with the answer, or DeleteConnection where the token has expired."""
    connection_id, user = event["requestContext"]["connectionId"], user_of(event)
    gateway = _gateway()
    try:
        if user.expires_at <= time.time():
            log.info("expired", extra={"sub": user.sub})
            gateway.delete_connection(ConnectionId=connection_id)
            return
        try:
            frame = answer(event, user.nickname)
        except InvalidFrameError as error:
            frame = error.answer
        log.info(frame.get("error", "echoed"), extra={"sub": user.sub})
        gateway.post_to_connection(ConnectionId=connection_id, Data=json.dumps(frame).encode())
    except gateway.exceptions.GoneException:  # the client has disconnected
        log.info("gone", extra={"sub": user.sub})


def answer(event: Event, nickname: str | None) -> dict[str, Any]:
    """Return the answer to a frame; raise InvalidFrameError where the frame is too long or has another shape."""
    body = event.get("body") or ""
    if len(body.encode(errors="replace")) > MAX_FRAME_BYTES:
        raise InvalidFrameError("too_long", f"Send at most {MAX_FRAME_BYTES} bytes.")
    try:
        frame = None if event.get("isBase64Encoded") else json.loads(body)
    except (ValueError, RecursionError):
        frame = None
    if frame == {"ping": True}:
        return {"pong": True}
    echoed: dict[str, str] = {}
    match frame:
        case {"id": str(frame_id)} if 0 < len(frame_id) <= MAX_ID_LENGTH:
            echoed = {"id": frame_id}
    match frame:
        case {"message": str(message), **others} if message.strip() and others == echoed:
            return {"nickname": nickname, "message": message, **echoed}
    raise InvalidFrameError("invalid_message", 'Send {"message": "…"} with some text in it.', echoed)


@cache
def _gateway() -> Any:
    import boto3  # in Lambda's runtime, not in the package; $connect and $disconnect need none
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("apigatewaymanagementapi", endpoint_url=MANAGEMENT_URL, config=config)

"""The chat: a message reaches all connections of its user, every tab and every device. An example to replace.

| frame | answer |
| --- | --- |
| {"message": "…", "id"?: "…"} | {"nickname": "…" or null, "message": "…", "id"?: "…"} |
| {"ping": true} | {"pong": true} |
| anything else | {"error": "<code>", "message": "<what to do>", "id"?: "…"} |

The client chooses `id`, and learns by it which of its messages arrived; the user's other connections get the message
without it. A connection ends with the ID token that opened it: a frame after that closes the connection, and no message
reaches it. `service/connections.py` keeps the connections.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from handlers import bugs, contract
from handlers.connections import close_expired
from service import connections

log = logging.getLogger(__name__)

Event = Mapping[str, Any]

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
    connection_id, user = event["requestContext"]["connectionId"], user_of(event)
    match event["requestContext"]["eventType"]:
        case "CONNECT":
            connections.remember(user.sub, connection_id, user.expires_at)
        case "DISCONNECT":  # API Gateway may lose this event; the table forgets the connection when its token expires
            connections.forget(user.sub, connection_id)
        case "MESSAGE":
            _answer_frame(event, connection_id, user)
    return {"statusCode": 200}


def _answer_frame(event: Event, connection_id: str, user: User) -> None:
    """Answer the sender, and pass a message on. Where the token has expired, close the connection."""
    if close_expired(event):
        return
    try:
        frame = answer(event, user.nickname)
    except InvalidFrameError as error:
        frame = error.answer
    connections.post(user.sub, connection_id, frame)
    reached = 1
    if "message" in frame and "error" not in frame:
        copy = {key: value for key, value in frame.items() if key != "id"}
        reached += connections.send(user.sub, copy, besides=connection_id)
    log.info(frame.get("error", "answered"), extra={"sub": user.sub, "connections": reached})


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

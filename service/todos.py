"""To-dos of the user who calls: GET and POST /api/todos, DELETE /api/todos/{id}. An example of a route with a table.

| request | response |
| --- | --- |
| GET, `?after=<id>` for the next page | 200 {"todos": [{"id", "text"}, …], "next": id or null}, oldest first |
| POST {"text": "…"} | 201 {"id", "text"} |
| DELETE | 204, or 404 where the user has no to-do with this id |

The key of the table begins with the user's `sub`, so no user reaches the to-dos of another user.
"""

import logging
import re
import secrets
import time

from handlers import web
from handlers.caller import caller
from handlers.errors import HttpError
from handlers.web import Event, Response
from service.table import table

log = logging.getLogger(__name__)

MAX_TEXT_LENGTH = 500
PAGE = 50  # to-dos in a response
ID_PATTERN = re.compile(r"[a-z0-9-]{1,40}")


def handler(event: Event, _context: object) -> Response:
    """Answer one request whose token API Gateway has verified."""
    response = web.respond(lambda: answer(event), log=log)
    return web.head_response(response) if web.is_head(event) else response


def answer(event: Event) -> Response:
    """Return the response to one of the three routes."""
    sub = caller(event).sub
    match event["requestContext"]["http"]["method"]:
        case "POST":
            return _add(sub, _text(event))
        case "DELETE":
            return _remove(sub, event["pathParameters"]["id"])
    return _page(sub, web.single(web.query(event), "after"))


def _text(event: Event) -> str:
    text = web.text_field(web.json_body(event), "text", max_length=MAX_TEXT_LENGTH).strip()
    if not text:
        raise HttpError(400, "invalid_request", "The field 'text' holds nothing but white space.")
    return text


def _page(sub: str, after: str | None) -> Response:
    """Query: one page of the user's to-dos. Ids begin with the time, so they are sorted by it."""
    if after is not None and not ID_PATTERN.fullmatch(after):
        raise HttpError(400, "invalid_request", "`after` has to be the id of a to-do.")
    start = {} if after is None else {"ExclusiveStartKey": {"sub": sub, "id": after}}
    found = table().query(
        KeyConditionExpression="#sub = :sub",
        ExpressionAttributeNames={"#sub": "sub"},
        ExpressionAttributeValues={":sub": sub},
        Limit=PAGE,
        **start,
    )
    todos = [{"id": item["id"], "text": item["text"]} for item in found["Items"]]
    return web.json_response(200, {"todos": todos, "next": found.get("LastEvaluatedKey", {}).get("id")})


def _add(sub: str, text: str) -> Response:
    todo = {"id": f"{int(time.time() * 1000):013d}-{secrets.token_hex(4)}", "text": text}
    table().put_item(Item={"sub": sub, **todo})
    return web.json_response(201, todo)


def _remove(sub: str, todo_id: str) -> Response:
    """DeleteItem with ReturnValues: whether there was one."""
    known = ID_PATTERN.fullmatch(todo_id)
    if not known or "Attributes" not in table().delete_item(Key={"sub": sub, "id": todo_id}, ReturnValues="ALL_OLD"):
        raise HttpError(404, "not_found", "There is no to-do with this id.")
    return web.json_response(204, None)

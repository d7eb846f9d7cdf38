"""HTTP in API Gateway's payload format 2.0: the parts of a request, and responses."""

import base64
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from handlers import bugs, contract
from handlers.errors import CookieError, CookieTooLargeError, HttpError
from handlers.json_text import json_object

Event = Mapping[str, Any]
Response = dict[str, Any]

LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can hold one, and UTF-8 cannot
COOKIE_VALUE_PATTERN = re.compile(r"[!#-+\--:<-\[\]-~]*")  # RFC 6265 section 4.1.1, cookie-octet
MAX_QUERY_FIELDS = 50

# On every response: no cache keeps it, and no other site learns the address.
PRIVATE_HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


def respond(handle: Callable[[], Response], *, log: logging.Logger, unexpected: Response | None = None) -> Response:
    """Return the response of `handle`. HttpError becomes its JSON; a bug becomes a 500, or `unexpected` where given.

    The log line of a bug has the type of the exception and its place, not its text, which may hold a token.
    """
    try:
        return handle()
    except HttpError as error:
        log.info(contract.LOG_REFUSED, extra={"code": error.code, "status": error.status})
        return _error_response(error)
    except Exception as error:  # noqa: BLE001 - the last resort
        bugs.log_bug(log, error)
        return unexpected or _error_response(HttpError(500, "unexpected", "Something went wrong. Try again."))


def _error_response(error: HttpError) -> Response:
    """Return `{"error": code, "message": …}` with the status, the cookies and Retry-After."""
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    body = {"error": error.code, "message": error.message}
    return json_response(error.status, body, headers=headers, cookies=error.cookies)


# Requests


def is_head(event: Event) -> bool:
    """Return whether the method is HEAD."""
    route: str = event.get("routeKey", "")
    return route.startswith("HEAD ")


def header(event: Event, name: str) -> str | None:
    """Return a header of the request; `name` is in lower case, as in the payload."""
    value = event.get("headers", {}).get(name)
    return value if isinstance(value, str) else None


def query(event: Event) -> dict[str, list[str]]:
    """Return all values of all query parameters, also empty ones. A query of more than 50 counts as empty."""
    from urllib.parse import parse_qs  # only here: its import takes longer than this module, and few requests need it

    try:
        return parse_qs(event.get("rawQueryString", ""), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        return {}


def single(values: Mapping[str, list[str]], name: str) -> str | None:
    """Return the only value of `name`; None where there is none, or where several may contradict each other."""
    found = values.get(name, [])
    return found[0] if len(found) == 1 else None


def json_body(event: Event) -> dict[str, Any]:
    """Return the JSON object in the body; raise HttpError (400) where it is none or larger than 16 KB."""
    body = event.get("body") or ""
    try:
        content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        if len(content) > contract.MAX_BODY_BYTES:
            raise HttpError(400, "invalid_request", "The body is over 16 KB.")
        return json_object(content)
    except ValueError:
        raise HttpError(400, "invalid_request", "The body has to be a JSON object.") from None


def text_field(body: Mapping[str, Any], field: str, *, max_length: int) -> str:
    """Return a field of the body; raise HttpError (400), which names it, where it is not 1 to `max_length` characters.

    A lone surrogate counts as no text, because no other service accepts it.
    """
    value = body.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= max_length or LONE_SURROGATE.search(value):
        raise HttpError(400, "invalid_request", f"The field {field!r} has to be text of 1 to {max_length} characters.")
    return value


def cookies(event: Event) -> dict[str, list[str]]:
    """Return all values of all cookies. API Gateway sends them as a list; an emulator may send the header."""
    return parse_cookies(event.get("cookies") or [header(event, "cookie") or ""])


def parse_cookies(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return all values of all cookies in these Cookie headers, or parts of headers.

    Only space and tab around a pair are stripped (RFC 6265 section 4.2.1). `str.strip` strips Unicode's white space
    too: a sibling subdomain can set a cookie whose name is U+2000 and `__Host-id`, which would become `__Host-id`.
    """
    found: dict[str, list[str]] = {}
    for pair in ";".join(texts).split(";"):
        name, separator, value = pair.strip(" \t").partition("=")
        if separator:
            found.setdefault(name, []).append(value)
    return found


# Responses


def set_cookie(name: str, value: str, *, path: str, max_age: int, same_site: str) -> str:
    """Return a Set-Cookie line that is Secure and HttpOnly; `max_age` is in seconds.

    Raises CookieError where a browser would read another value, and CookieTooLargeError where it would drop the cookie.
    """
    if not COOKIE_VALUE_PATTERN.fullmatch(value):
        raise CookieError(f"no browser reads this value of {name} as it is")
    if len(name) + len(value) > contract.MAX_COOKIE_BYTES:
        raise CookieTooLargeError(f"no browser keeps a value of {name} that is this long")
    return f"{name}={value}; Path={path}; Max-Age={max_age}; Secure; HttpOnly; SameSite={same_site}"


def json_response(
    status: int, body: Any, *, headers: Mapping[str, str] | None = None, cookies: Sequence[str] = ()
) -> Response:
    """Return a JSON response, or one without a body where `body` is None."""
    content_type = {} if body is None else {"content-type": "application/json"}
    return {
        "statusCode": status,
        "headers": PRIVATE_HEADERS | content_type | dict(headers or {}),
        "cookies": [*cookies],
        "body": "" if body is None else json.dumps(body, ensure_ascii=False),
    }


def html_response(status: int, body: str, *, headers: Mapping[str, str]) -> Response:
    """Return a page."""
    content_type = {"content-type": "text/html; charset=utf-8"}
    return {
        "statusCode": status,
        "headers": {**PRIVATE_HEADERS, **content_type, **headers},
        "cookies": [],
        "body": body,
    }


def head_response(response: Response) -> Response:
    """Return the response to GET without its body and its cookies, because HEAD changes nothing."""
    return {**response, "cookies": [], "body": ""}


def redirect(location: str, *, cookies: Sequence[str] = ()) -> Response:
    """Return 302, after which a browser sends GET whatever the method was."""
    return {"statusCode": 302, "headers": {**PRIVATE_HEADERS, "location": location}, "cookies": [*cookies], "body": ""}

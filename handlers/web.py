"""HTTP as API Gateway's payload format 2.0 has it: what a request says, and how it is answered."""

import base64
import json
import logging
import re
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

Event = Mapping[str, Any]
Answer = dict[str, Any]

LARGEST_BODY = 16 * 1024
MAX_COOKIE_BYTES = 4096  # name and value together (RFC 6265 section 6.1); browsers drop a larger one without a word
HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # JSON can write one alone, nothing can send it on

# On every answer: none is for another person or another time, and no address is for another site.
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}

# RFC 6265 section 4.1.1, cookie-octet: nothing that could end the value.
COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")


class Refusal(Exception):
    """The request is answered with an error: `code` is for programs, `message` says what to do."""

    def __init__(
        self, status: int, code: str, message: str, *, cookies: Sequence[str] = (), retry_after: int | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.cookies = cookies
        self.headers = {} if retry_after is None else {"retry-after": str(retry_after)}

    def as_json(self) -> Answer:
        """Return `{"error": code, "message": …}` with the status and the headers."""
        body = {"error": self.code, "message": self.message}
        return json_answer(self.status, body, headers=self.headers, cookies=self.cookies)


class CookieError(Exception):
    """A browser would not keep the cookie. The text names the cookie only."""


class CookieTooLargeError(CookieError):
    """The name and the value have more than MAX_COOKIE_BYTES together."""


def guarded(decide: Callable[[], Answer], *, log: logging.Logger, unexpected: Answer | None = None) -> Answer:
    """Return what `decide` answers. A refusal becomes its JSON, a bug a 500 (`unexpected`, if given); both are logged.

    The log line of a bug has the exception's type and place, not its text, which may hold a token.
    """
    try:
        return decide()
    except Refusal as refusal:
        log.info("refused", extra={"code": refusal.code, "status": refusal.status})
        return refusal.as_json()
    except Exception as error:  # noqa: BLE001 - the last resort
        frame = traceback.extract_tb(error.__traceback__)[-1]
        log.error("unexpected", extra={"reason": type(error).__name__, "at": f"{frame.name}:{frame.lineno}"})
        return unexpected or Refusal(500, "unexpected", "Something went wrong. Try again.").as_json()


def header(event: Event, name: str) -> str | None:
    """Return a request header; `name` is in lower case, as the payload has it."""
    value = event.get("headers", {}).get(name)
    return value if isinstance(value, str) else None


def query(event: Event) -> dict[str, list[str]]:
    """Return every value of every query parameter, also the empty ones; none at all where there are over 50."""
    try:
        return parse_qs(event.get("rawQueryString", ""), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return {}


def one(values: Mapping[str, list[str]], name: str) -> str | None:
    """Return the value that `name` has exactly once; None if it has none, or several that could contradict."""
    found = values.get(name, [])
    return found[0] if len(found) == 1 else None


def json_body(event: Event) -> dict[str, Any]:
    """Return the object that the body is; refuse a body that is none, or is over 16 KB."""
    sent = event.get("body") or ""
    try:
        body = base64.b64decode(sent) if event.get("isBase64Encoded") else sent.encode()
        if len(body) > LARGEST_BODY:
            raise Refusal(400, "invalid_request", "The body is over 16 KB.")
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refusal(400, "invalid_request", "The body has to be a JSON object.")
    return found


def text(body: Mapping[str, Any], field: str, *, longest: int) -> str:
    """Return a field that has to be there; refuse what is not text of 1 to `longest` characters, naming the field."""
    value = body.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= longest or HALF_CHARACTER.search(value):
        raise Refusal(400, "invalid_request", f"The field {field!r} has to be text of 1 to {longest} characters.")
    return value


def cookies(event: Event) -> dict[str, list[str]]:
    """Return every value of every cookie. API Gateway lists them apart; an emulator may leave them in the header."""
    return parse_cookies(event.get("cookies") or [header(event, "cookie") or ""])


def parse_cookies(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return every value of every cookie in these Cookie headers, or parts of one.

    Only space and tab around a pair are no part of it (RFC 6265 section 4.2.1). `str.strip` would take Unicode's white
    space as well, and so turn a name that a sibling host may set, such as U+2000 before `__Host-id`, into ours.
    """
    found: dict[str, list[str]] = {}
    for pair in ";".join(texts).split(";"):
        name, separator, value = pair.strip(" \t").partition("=")
        if separator:
            found.setdefault(name, []).append(value)
    return found


def set_cookie(name: str, value: str, *, path: str, max_age: int, same_site: str) -> str:
    """Return a Set-Cookie line that no script, no plain http and no other host can read or write.

    Raises CookieError where a browser would read another value, and CookieTooLargeError where it would drop the cookie.
    """
    if not COOKIE_VALUE.fullmatch(value):
        raise CookieError(f"no browser reads this value of {name} as it is")
    if len(name) + len(value) > MAX_COOKIE_BYTES:
        raise CookieTooLargeError(f"no browser keeps a value of {name} that is this long")
    return f"{name}={value}; Path={path}; Max-Age={max_age}; Secure; HttpOnly; SameSite={same_site}"


def json_answer(
    status: int, body: Any, *, headers: Mapping[str, str] | None = None, cookies: Sequence[str] = ()
) -> Answer:
    """Answer with JSON, or with nothing at all where `body` is None."""
    kind = {} if body is None else {"content-type": "application/json"}
    text = "" if body is None else json.dumps(body, ensure_ascii=False)
    return {"statusCode": status, "headers": PRIVATE | kind | dict(headers or {}), "cookies": [*cookies], "body": text}


def html_answer(status: int, body: str, *, headers: Mapping[str, str]) -> Answer:
    """Answer with a page."""
    kind = {"content-type": "text/html; charset=utf-8"}
    return {"statusCode": status, "headers": {**PRIVATE, **kind, **headers}, "cookies": [], "body": body}


def head_answer(answer: Answer) -> Answer:
    """Answer HEAD: what GET is answered, without the body and without cookies, because HEAD changes nothing."""
    return {**answer, "cookies": [], "body": ""}


def redirect(location: str, *, cookies: Sequence[str] = ()) -> Answer:
    """Answer with 302, which turns whatever came into a GET."""
    return {"statusCode": 302, "headers": {**PRIVATE, "location": location}, "cookies": [*cookies], "body": ""}

"""The cookies that are a session, whichever way the person signed in, and who may ask for them to change."""

import base64
import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence

from handlers import web
from handlers.token_endpoint import Tokens
from handlers.web import Event, Refusal

log = logging.getLogger(__name__)

ORIGINS: list[str] = json.loads(os.environ["SITE_ORIGINS"])  # the site itself comes first
REFRESH_SECONDS = int(os.environ["REFRESH_DAYS"]) * 86400

ID_COOKIE = "__Host-id"
# A sibling host can set `__Secure-refresh`, but no `__Host-` cookie: this one names the user, and a hash of the token.
PERSON_COOKIE = "__Host-person"
REFRESH_COOKIE, REFRESH_PATH = "__Secure-refresh", "/api/auth"

# API Gateway takes 10,240 bytes of request line and headers. A browser and CloudFront need under 2,000 of them, and the
# cookies of logins that have begun 1,536 (handlers/session.py).
MAX_SESSION_BYTES = 6656
MAX_REFRESH_TOKENS = 3  # that are tried, or revoked, for one request
FINGERPRINT_LENGTH = 22  # of 43 characters: 132 bits


class TokenTooLargeError(Refusal):
    """The ID token is longer than a browser keeps, or than API Gateway takes back. To try again does not help."""

    def __init__(self, *, cookies: Sequence[str] = ()) -> None:
        message = "The account holds too much to be signed in with. The operator of the site has to change that."
        super().__init__(507, "token_too_large", message, cookies=cookies)


def started(tokens: Tokens) -> list[str]:
    """Return the cookies of a session.

    Raises TokenTooLargeError, of which the log names the largest claims, and CookieError where a token is no value.
    """
    renewing = renewable(tokens)
    try:
        kept = [_host_cookie(ID_COOKIE, tokens.id_token, tokens.seconds_left), *renewing]
    except web.CookieTooLargeError:
        kept = []
    if not kept or sum(len(line.partition(";")[0]) for line in kept) > MAX_SESSION_BYTES:
        largest = sorted(tokens.claims, key=lambda name: -len(json.dumps(tokens.claims[name])))[:3]
        reason = f"{len(tokens.id_token)} bytes, most of them in {', '.join(largest)}"
        log.error("token_too_large", extra={"reason": reason})
        raise TokenTooLargeError
    return kept


def renewable(tokens: Tokens) -> list[str]:
    """Return the cookies of the refresh token, if there is a new one.

    A rotated token lives for the rest of the first one's life, which began at the sign-in, `auth_time` (OpenID Connect
    Core 12.2: a refresh keeps it). At least as long as the ID token: `refreshDays` may have been another one then.
    """
    if not tokens.refresh_token:
        return []
    signed_in = tokens.claims.get("auth_time")
    lived = int(time.time()) - signed_in if type(signed_in) is int else 0
    left = max(REFRESH_SECONDS - max(lived, 0), tokens.seconds_left)
    person = f"{tokens.claims['sub']}.{_fingerprint(tokens.refresh_token)}"
    return [_refresh_cookie(tokens.refresh_token, left), _host_cookie(PERSON_COOKIE, person, left)]


def ended(event: Event) -> list[str]:
    """Return what clears those of them that came: since then another tab may have begun a session, with its own."""
    came = web.cookies(event)
    cleared = {name: _host_cookie(name, "", 0) for name in (ID_COOKIE, PERSON_COOKIE)}
    cleared[REFRESH_COOKIE] = _refresh_cookie("", 0)
    return [line for name, line in cleared.items() if name in came]


def person(event: Event) -> str | None:
    """Return the `sub` of whose session this is; nothing, or None, where there is none or several."""
    return _person(event)[0]


def refresh_tokens(event: Event) -> list[str]:
    """Return the session's own refresh token, where `__Host-person` tells which one it is: siblings may set others.

    Where it does not tell, as in a session from before that cookie had a hash, these are the first few that came.
    """
    sent = [token for token in dict.fromkeys(web.cookies(event).get(REFRESH_COOKIE, [])) if token]
    _, fingerprint = _person(event)
    own = [token for token in sent if _fingerprint(token) == fingerprint]
    return own or sent[:MAX_REFRESH_TOKENS]


def _person(event: Event) -> tuple[str | None, str]:
    """Return whose session it is, and the fingerprint of its refresh token."""
    found = web.cookies(event).get(PERSON_COOKIE, [])
    sub, _, fingerprint = found[0].partition(".") if len(found) == 1 else (None, "", "")
    return sub, fingerprint


def _fingerprint(token: str) -> str:
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest).decode()[:FINGERPRINT_LENGTH]


def check_site(event: Event) -> None:
    """Refuse what another site's page may have sent: browsers say where a request comes from, by one header or two."""
    site, origin = web.header(event, "sec-fetch-site"), web.header(event, "origin")
    ours = origin in ORIGINS if site is None else site == "same-origin"
    if not ours:
        raise Refusal(403, "cross_site", "Send this request from the site itself.")


def _host_cookie(name: str, value: str, max_age: int) -> str:
    return web.set_cookie(name, value, path="/", max_age=max_age, same_site="Strict")


def _refresh_cookie(value: str, max_age: int) -> str:
    return web.set_cookie(REFRESH_COOKIE, value, path=REFRESH_PATH, max_age=max_age, same_site="Strict")

"""The cookies of a session, whichever way the user signed in, and the check of where a request comes from."""

import base64
import hashlib
import json
import logging
import os
import time

from handlers import contract, web
from handlers.errors import CookieTooLargeError, HttpError, TokenTooLargeError
from handlers.token_set import TokenSet
from handlers.web import Event

log = logging.getLogger(__name__)

ORIGINS: list[str] = json.loads(os.environ[contract.ENV_SITE_ORIGINS])  # the site itself is the first
REFRESH_SECONDS = int(os.environ[contract.ENV_REFRESH_DAYS]) * 86400

# API Gateway takes contract.MAX_HEADER_BYTES. A browser and CloudFront use fewer than 2,000 of them, and the cookies of
# pending logins 1,536 (handlers/web_sign_in.py).
MAX_SESSION_BYTES = 6656
MAX_REFRESH_TOKENS = 3  # that one request refreshes or revokes
FINGERPRINT_LENGTH = 22  # of the 43 characters of a SHA-256 in base64: 132 bits


def for_tokens(tokens: TokenSet) -> list[str]:
    """Return the Set-Cookie lines of a session.

    Raises TokenTooLargeError, with the largest claims in the log, and CookieError where a token fits into no cookie.
    """
    refresh_cookies = for_refresh_token(tokens)
    try:
        lines = [_host_cookie(contract.ID_COOKIE, tokens.id_token, tokens.seconds_left), *refresh_cookies]
    except CookieTooLargeError:
        lines = []
    if not lines or sum(len(line.partition(";")[0]) for line in lines) > MAX_SESSION_BYTES:
        largest = sorted(tokens.claims, key=lambda name: -len(json.dumps(tokens.claims[name])))[:3]
        reason = f"{len(tokens.id_token)} bytes, most of them in {', '.join(largest)}"
        log.error("token_too_large", extra={"reason": reason})
        raise TokenTooLargeError
    return lines


def for_refresh_token(tokens: TokenSet) -> list[str]:
    """Return the Set-Cookie lines of a new refresh token, or none where the old one stays valid.

    A rotated token expires with the first one, which began at the sign-in, `auth_time` (OpenID Connect Core 12.2: a
    refresh keeps it). The cookies last at least as long as the ID token: `refreshDays` may have been larger then.
    """
    if not tokens.refresh_token:
        return []
    signed_in_at = tokens.claims.get("auth_time")
    age = int(time.time()) - signed_in_at if type(signed_in_at) is int else 0
    max_age = max(REFRESH_SECONDS - max(age, 0), tokens.seconds_left)
    user = f"{tokens.claims['sub']}.{_fingerprint(tokens.refresh_token)}"
    return [_refresh_cookie(tokens.refresh_token, max_age), _host_cookie(contract.USER_COOKIE, user, max_age)]


def cleared(event: Event) -> list[str]:
    """Return the Set-Cookie lines that clear the session cookies of the request.

    Only those: another tab may have started a session in the meantime.
    """
    received = web.cookies(event)
    lines = {name: _host_cookie(name, "", 0) for name in (contract.ID_COOKIE, contract.USER_COOKIE)}
    lines[contract.REFRESH_COOKIE] = _refresh_cookie("", 0)
    return [line for name, line in lines.items() if name in received]


def user_sub(event: Event) -> str | None:
    """Return the `sub` of the session's user. It is None or empty where there is no user cookie, or several."""
    return _user(event)[0]


def refresh_tokens(event: Event) -> list[str]:
    """Return the refresh token of the session.

    A sibling subdomain can set `__Secure-refresh` but no `__Host-` cookie. The user cookie holds a hash of the token,
    which tells the session's own from others. Where the hash fits none of them, return the first few: sessions from
    before that cookie had a hash.
    """
    received = [token for token in dict.fromkeys(web.cookies(event).get(contract.REFRESH_COOKIE, [])) if token]
    _, fingerprint = _user(event)
    own = [token for token in received if _fingerprint(token) == fingerprint]
    return own or received[:MAX_REFRESH_TOKENS]


def _user(event: Event) -> tuple[str | None, str]:
    """Return the `sub` of the session's user and the fingerprint of the refresh token."""
    values = web.cookies(event).get(contract.USER_COOKIE, [])
    sub, _, fingerprint = values[0].partition(".") if len(values) == 1 else (None, "", "")
    return sub, fingerprint


def _fingerprint(token: str) -> str:
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest).decode()[:FINGERPRINT_LENGTH]


def check_site(event: Event) -> None:
    """Refuse a request that another site's page may have sent, by Sec-Fetch-Site or, without it, by Origin."""
    site, origin = web.header(event, "sec-fetch-site"), web.header(event, "origin")
    is_own = origin in ORIGINS if site is None else site == "same-origin"
    if not is_own:
        raise HttpError(403, "cross_site", "Send this request from the site itself.")


def _host_cookie(name: str, value: str, max_age: int) -> str:
    return web.set_cookie(name, value, path="/", max_age=max_age, same_site="Strict")


def _refresh_cookie(value: str, max_age: int) -> str:
    return web.set_cookie(contract.REFRESH_COOKIE, value, path=contract.AUTH_PATH, max_age=max_age, same_site="Strict")

"""The cookies that are a session, whichever way the person signed in, and who may ask for them to change."""

import json
import os

from handlers import web
from handlers.token_endpoint import Tokens
from handlers.web import Event, Refusal

ORIGINS: list[str] = json.loads(os.environ["SITE_ORIGINS"])  # the site itself comes first
REFRESH_SECONDS = int(os.environ["REFRESH_DAYS"]) * 86400

ID_COOKIE = "__Host-id"
PERSON_COOKIE = "__Host-person"  # whose the refresh token is: that one's cookie a sibling host can plant, but not this
REFRESH_COOKIE, REFRESH_PATH = "__Secure-refresh", "/api/auth"


def started(tokens: Tokens) -> list[str]:
    """Return the cookies of a session; raise CookieError where a browser would not keep them."""
    kept = [_host_cookie(ID_COOKIE, tokens.id_token, tokens.seconds_left)]
    if tokens.refresh_token:
        kept.append(_refresh_cookie(tokens.refresh_token, REFRESH_SECONDS))
        kept.append(_host_cookie(PERSON_COOKIE, tokens.claims["sub"], REFRESH_SECONDS))
    return kept


def ended(event: Event) -> list[str]:
    """Return what clears those of them that came: since then another tab may have begun a session, with its own."""
    came = web.cookies(event)
    cleared = {name: _host_cookie(name, "", 0) for name in (ID_COOKIE, PERSON_COOKIE)}
    cleared[REFRESH_COOKIE] = _refresh_cookie("", 0)
    return [line for name, line in cleared.items() if name in came]


def person(event: Event) -> str | None:
    """Return the `sub` of whose session this is; nothing, or None, where there is none or several."""
    found = web.cookies(event).get(PERSON_COOKIE, [])
    return found[0] if len(found) == 1 else None


def refresh_tokens(event: Event) -> list[str]:
    """Return each refresh token that came, once: more than one, if a sibling host has planted others."""
    return [token for token in dict.fromkeys(web.cookies(event).get(REFRESH_COOKIE, [])) if token]


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

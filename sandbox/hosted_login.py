"""Cognito's hosted login: the emulator's, with what Cognito does and the emulator does not.

Added here, at the HTTP level: PKCE on sign-ins through a provider, errors as redirects to the app, and the revocation
endpoint. Source: Amazon Cognito developer guide, "User pool endpoints"; what the emulator does instead is in
docs/fidelity.md.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web
from authlib.oauth2.rfc7636 import create_s256_code_challenge

Forward = Callable[[web.Request], Awaitable[web.Response]]
Call = Callable[[str, str], Awaitable[tuple[int, str]]]
T = TypeVar("T")

LOGIN_SECONDS = 300  # Cognito gives up a sign-in that takes longer
PROVIDER_SECONDS = 5  # and a provider's token endpoint that does
MOST_PENDING = 10_000

WENT_WRONG = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Something went wrong</title>
<h1>Something went wrong</h1><p>An error was encountered with the requested page.</p></html>
"""


@dataclass(frozen=True)
class Pending:
    """A sign-in that is at the provider: where the app wants the answer, its state, and its challenge."""

    redirect_uri: str
    state: str
    challenge: str


@dataclass
class Remembered(Generic[T]):
    """Values that are taken once, within the time of a sign-in; the oldest go when there are too many."""

    values: dict[str, tuple[float, T]] = field(default_factory=dict)

    def put(self, key: str, value: T) -> None:
        """Remember a value."""
        self.values[key] = (time.monotonic(), value)
        if len(self.values) > MOST_PENDING:
            del self.values[next(iter(self.values))]

    def take(self, key: str) -> T | None:
        """Return a value and forget it."""
        since, value = self.values.pop(key, (0.0, None))
        return value if time.monotonic() - since < LOGIN_SECONDS else None


class HostedLogin:
    """Answers for the user pool's domain."""

    def __init__(self, forward: Forward, call: Call) -> None:
        """Ask the emulator through `forward`, its Cognito API through `call`."""
        self._forward = forward
        self._call = call
        self._pending: Remembered[Pending] = Remembered()
        self._challenges: Remembered[str] = Remembered()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; only the paths of the hosted login lead to the emulator."""
        match request.method, request.path:
            case "GET", "/oauth2/authorize":
                return await self._authorize(request)
            case "GET" | "POST", "/oauth2/idpresponse":
                return await self._provider_answered(request)
            case "POST", "/oauth2/token":
                return await self._token(request)
            case "POST", "/oauth2/revoke":
                return await self._revoke(request)
            case "GET" | "POST", "/login" | "/logout" | "/oauth2/login" | "/oauth2/userInfo":
                return await self._forward(request)
        return _went_wrong(HTTPStatus.NOT_FOUND)

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        asked = request.query
        answer = await self._forward(request)
        if answer.status == HTTPStatus.BAD_REQUEST:  # an unknown client or address: there is nobody to tell
            return _went_wrong()
        if "identity_provider" not in asked or answer.status != HTTPStatus.FOUND:
            return answer
        pending = Pending(asked["redirect_uri"], asked.get("state", ""), asked.get("code_challenge", ""))
        if pending.challenge and asked.get("code_challenge_method") != "S256":
            return _refused(pending, "invalid_request", "code_challenge_method must be S256")
        relay = _parameter(answer.headers["Location"], "state")
        if relay:
            self._pending.put(relay, pending)
        return answer

    async def _provider_answered(self, request: web.Request) -> web.StreamResponse:
        said = await request.post() if request.method == "POST" else request.query
        pending = self._pending.take(str(said.get("state", "")))
        if pending is None:
            return _went_wrong()
        if "error" in said:
            # A provider's description is passed on as it is.
            return _refused(pending, str(said["error"]), str(said.get("error_description", said["error"])))
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                answer = await self._forward(request)
        except TimeoutError:
            return _refused(pending, "invalid_request", "Timeout occurred in calling IdP token endpoint")
        if answer.status != HTTPStatus.FOUND:
            return _refused(pending, "invalid_request", _as_cognito_says(answer.text or ""))
        code = _parameter(answer.headers["Location"], "code")
        if code and pending.challenge:
            self._challenges.put(code, pending.challenge)
        return answer

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        challenge = self._challenges.take(str(form.get("code", "")))
        if challenge and create_s256_code_challenge(str(form.get("code_verifier", ""))) != challenge:
            await self._forward(request)  # spends the code; what it gives is thrown away
            return web.json_response({"error": "invalid_grant"}, status=HTTPStatus.BAD_REQUEST)
        return await self._forward(request)

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if not form.get("token") or not form.get("client_id"):
            return web.json_response({"error": "invalid_request"}, status=HTTPStatus.BAD_REQUEST)
        body = json.dumps({"Token": form["token"], "ClientId": form["client_id"]})
        status, text = await self._call("RevokeToken", body)
        if status == HTTPStatus.OK:
            return web.Response()
        known = {
            "UnsupportedTokenTypeException": "unsupported_token_type",
            "ResourceNotFoundException": "invalid_client",
        }
        error = next((error for name, error in known.items() if name in text), "invalid_request")
        return web.json_response({"error": error}, status=HTTPStatus.BAD_REQUEST)


def _as_cognito_says(problem: str) -> str:
    """Return Cognito's description of what the emulator reports."""
    try:
        message = str(json.loads(problem).get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    _, found, status = message.partition("token exchange failed: HTTP ")
    if found:
        return f"Kakao Error - {status} error getting token"
    if "OIDC token" in message:
        return "Kakao Error - 200 error getting token"
    return message


def _refused(pending: Pending, error: str, description: str) -> web.Response:
    query = urlencode({"error": error, "error_description": description, "state": pending.state})
    separator = "&" if urlsplit(pending.redirect_uri).query else "?"
    return web.Response(status=HTTPStatus.FOUND, headers={"Location": f"{pending.redirect_uri}{separator}{query}"})


def _went_wrong(status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> web.Response:
    return web.Response(status=status, text=WENT_WRONG, content_type="text/html")


def _parameter(url: str, name: str) -> str | None:
    return parse_qs(urlsplit(url).query).get(name, [None])[0]

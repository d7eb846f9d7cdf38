"""Cognito's hosted login: the emulator's, with what Cognito does and the emulator does not.

Added here, at the HTTP level: PKCE on sign-ins through a provider, errors as redirects to the app, and the revocation
endpoint. Source: Amazon Cognito developer guide, "User pool endpoints"; what the emulator does instead is in
docs/fidelity.md. POST /_stand-in/mode, of which Cognito has nothing, makes it fail on demand. Tests use it.
"""

import ast
import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web
from joserfc import jws
from joserfc.errors import JoseError

from sandbox.pkce import s256

Forward = Callable[[web.Request], Awaitable[web.Response]]
Call = Callable[[str, str], Awaitable[tuple[int, str]]]

LOGIN_SECONDS = 300  # Cognito gives up a sign-in that takes longer, and then the code
PROVIDER_SECONDS = 5  # it gives up a provider's token endpoint, and a trigger, that takes longer
MOST_PENDING = 10_000

TOO_SLOW = "Timeout occurred in calling IdP token endpoint"
FAILURES = {
    "down": (HTTPStatus.SERVICE_UNAVAILABLE, "{}"),
    "broken": (HTTPStatus.INTERNAL_SERVER_ERROR, "{}"),
    "throttled": (HTTPStatus.TOO_MANY_REQUESTS, "{}"),
    "garbage": (HTTPStatus.OK, "<!doctype html><p>점검 중"),
}
WENT_WRONG = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Something went wrong</title>
<h1>Something went wrong</h1><p>An error was encountered with the requested page.</p></html>
"""


@dataclass(frozen=True)
class Login:
    """A sign-in through a provider: where the app wants the answer, its state, and its challenge, if any."""

    provider: str
    redirect_uri: str
    state: str
    challenge: str

    def redeemable(self, form: Mapping[str, str]) -> bool:
        """Whether a token request is from the app that began this (RFC 6749 section 4.1.3, RFC 7636 section 4.6)."""
        if form.get("redirect_uri") != self.redirect_uri:
            return False
        verifier = form.get("code_verifier", "")
        return not self.challenge or s256(verifier) == self.challenge

    def back(self, error: str, description: str) -> web.Response:
        """Send the browser back to the app with an error."""
        answer = {"error": error, "error_description": description} | ({"state": self.state} if self.state else {})
        separator = "&" if urlsplit(self.redirect_uri).query else "?"
        location = f"{self.redirect_uri}{separator}{urlencode(answer)}"
        return web.Response(status=HTTPStatus.FOUND, headers={"Location": location})


@dataclass(frozen=True)
class Logins:
    """Sign-ins by a key, for as long as one may take; the oldest go when there are too many."""

    _kept: dict[str, tuple[float, Login]] = field(default_factory=dict)

    def keep(self, key: str, login: Login) -> None:
        """Remember a sign-in."""
        self._kept[key] = (time.monotonic(), login)
        if len(self._kept) > MOST_PENDING:
            del self._kept[next(iter(self._kept))]

    def get(self, key: str) -> Login | None:
        """Return the sign-in of this key, unless it took too long."""
        since, login = self._kept.get(key, (0.0, None))
        return login if time.monotonic() - since < LOGIN_SECONDS else None

    def take(self, key: str) -> Login | None:
        """Return the sign-in of this key, and forget it."""
        login = self.get(key)
        self._kept.pop(key, None)
        return login


@dataclass(frozen=True)
class Mode:
    """How the hosted login is today, at `endpoints` (all, if None)."""

    mode: str = "up"
    endpoints: tuple[str, ...] | None = None
    seconds: float = 10
    over: asyncio.Event = field(default_factory=asyncio.Event)


class HostedLogin:
    """Answers for the user pool's domain."""

    def __init__(self, forward: Forward, call: Call) -> None:
        """Ask the emulator through `forward`, its Cognito API through `call`."""
        self._forward = forward
        self._call = call
        self._at_provider = Logins()  # by the state that the emulator sent there
        self._with_code = Logins()  # by the code that the app was given
        self._mode = Mode()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; only the paths of the hosted login lead to the emulator."""
        switch = ("POST", "/_stand-in/mode", "application/json")  # which no other site's page can send unasked
        if (request.method, request.path, request.content_type) == switch:
            return self._switch(await request.json())
        return await self._fail(request) or await self._answer(request)

    def _switch(self, wanted: Mapping[str, Any]) -> web.Response:
        """Take {"mode": …, "endpoints": ["/oauth2/token"], "seconds": 10}, the last two optional."""
        if wanted.get("mode") not in {"up", "slow", "refusing", *FAILURES}:
            return _refused("unknown_mode")
        endpoints = tuple(wanted["endpoints"]) if "endpoints" in wanted else None
        self._mode.over.set()
        self._mode = Mode(wanted["mode"], endpoints, float(wanted.get("seconds", 10)))
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _fail(self, request: web.Request) -> web.Response | None:
        """Return what a hosted login answers that is not well; None if the request goes its way."""
        mode = self._mode
        if request.path not in (mode.endpoints or [request.path]):
            return None
        if mode.mode == "slow":
            with suppress(TimeoutError):
                await asyncio.wait_for(mode.over.wait(), mode.seconds)
        if mode.mode == "refusing" and request.transport:  # as where TLS fails: the connection ends without an answer
            request.transport.abort()
            return web.Response()
        if mode.mode not in FAILURES:
            return None
        status, body = FAILURES[mode.mode]
        return web.Response(status=status, text=body, content_type="text/html")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        match request.method, request.path:
            case "GET", "/oauth2/authorize":
                return await self._authorize(request)
            case "GET" | "POST", "/oauth2/idpresponse":
                return await self._provider_answered(request)
            case "POST", "/oauth2/token":
                return await self._token(request)
            case "POST", "/oauth2/revoke":
                return await self._revoke(request)
            case ("GET", "/logout") | ("POST", "/login") | ("GET" | "POST", "/oauth2/userInfo"):
                return await self._forward(request)
        return _went_wrong(HTTPStatus.NOT_FOUND)

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        asked = _query(request)
        login = Login(
            provider=asked.get("identity_provider", ""),
            redirect_uri=asked.get("redirect_uri", ""),
            state=asked.get("state", ""),
            challenge=asked.get("code_challenge", ""),
        )
        answer = await self._forward(request)
        if answer.status == HTTPStatus.BAD_REQUEST:
            return await self._not_authorized(request, asked, login, answer)
        redirected = _parameters(urlsplit(answer.headers.get("Location", "")).query)
        if not login.provider or "error" in redirected:
            return answer
        method = asked.get("code_challenge_method", "")
        if (login.challenge or method) and not (login.challenge and method == "S256"):
            return login.back("invalid_request", "code_challenge_method must be S256")
        self._at_provider.keep(redirected.get("state", ""), login)
        return answer

    async def _not_authorized(
        self, request: web.Request, asked: Mapping[str, str], login: Login, answer: web.Response
    ) -> web.Response:
        """Tell the app of an error, if client and address belong together: if the login page would open for them."""
        page = {"response_type": "code"} | {name: asked.get(name, "") for name in ("client_id", "redirect_uri")}
        probe = await self._forward(request.clone(rel_url=f"{request.path}?{urlencode(page)}"))
        if not login.redirect_uri or probe.status != HTTPStatus.OK:
            return _went_wrong()
        problem = _json(answer)
        description = problem.get("error_description") or problem.get("message", "")
        return login.back(problem.get("error", "invalid_request"), description)

    async def _provider_answered(self, request: web.Request) -> web.StreamResponse:
        said = _query(request) | _parameters((await request.read()).decode(errors="replace"))
        login = self._at_provider.take(said.get("state", ""))
        if login is None:
            return _went_wrong()
        if error := said.get("error"):
            return login.back(error, said.get("error_description", error))  # the provider's own words
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                answer = await self._forward(request)
        except TimeoutError:
            return login.back("invalid_request", TOO_SLOW)
        if answer.status != HTTPStatus.FOUND:
            return login.back(*_as_cognito_says(answer, login.provider))
        self._with_code.keep(_parameters(urlsplit(answer.headers["Location"]).query)["code"], login)
        return answer

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = _parameters((await request.read()).decode(errors="replace"))
        # The code is kept, not taken: while one request is being refused, a second one must not get past unchecked.
        login = self._with_code.get(form.get("code", "")) if form.get("grant_type") == "authorization_code" else None
        answer = await self._forward(request)  # spends the code, also for one who may not have it
        return answer if login is None or login.redeemable(form) else _refused("invalid_grant")

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        form = _parameters((await request.read()).decode(errors="replace"))
        token, client_id = form.get("token", ""), form.get("client_id", "")
        if not token or not client_id:
            return _refused("invalid_request")
        try:
            claims = json.loads(jws.extract_compact(token.encode()).payload)
        except (JoseError, ValueError):
            return _refused("invalid_request")
        if claims.get("token_use") != "refresh":
            return _refused("unsupported_token_type")
        if claims.get("client_id") != client_id:
            return _refused("invalid_client")
        status, _ = await self._call("RevokeToken", json.dumps({"Token": token, "ClientId": client_id}))
        return web.Response() if status == HTTPStatus.OK else _refused("invalid_request")


def _as_cognito_says(answer: web.Response, provider: str) -> tuple[str, str]:
    """Return Cognito's error, and its description, for what the emulator answers at /oauth2/idpresponse."""
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error", "Internal error"
    problem = _json(answer)
    message = str(problem.get("message", ""))
    if problem.get("__type") == "UserLambdaValidationException":
        return "invalid_request", f"PreSignUp failed with error {_raised(message)}."
    if status := re.fullmatch(r"OIDC token exchange failed: HTTP (\d+)", message):
        return "invalid_request", f"{provider} Error - {status[1]} error getting token"
    if message.startswith("OIDC token exchange failed"):
        return "invalid_request", TOO_SLOW if "timed out" in message else "Connection reset"
    if "id_token" in message or "non-JSON" in message:
        return "invalid_request", f"{provider} Error - 200 error getting token"
    return "invalid_request", message


def _raised(problem: str) -> str:
    """Return the message of a trigger's error, which the emulator gives as the text of a Python dictionary."""
    try:
        return str(ast.literal_eval(problem)["errorMessage"])
    except (ValueError, SyntaxError, TypeError, KeyError):
        return problem


def _query(request: web.Request) -> dict[str, str]:
    return _parameters(request.rel_url.raw_query_string)


def _parameters(text: str) -> dict[str, str]:
    """Read a query or a form just as the emulator does, whatever its content type: what is checked is what is used."""
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _json(answer: web.Response) -> dict[str, Any]:
    try:
        problem = json.loads(answer.text or "")
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _refused(error: str) -> web.Response:
    return web.json_response({"error": error}, status=HTTPStatus.BAD_REQUEST)


def _went_wrong(status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> web.Response:
    return web.Response(status=status, text=WENT_WRONG, content_type="text/html")

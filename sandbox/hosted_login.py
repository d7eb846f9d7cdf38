"""Cognito's hosted login: the emulator's, and over HTTP what the emulator lacks.

This adds PKCE to sign-ins through a provider, sends errors to the app as redirects, has the revocation endpoint, and
asks an app client for its secret at both endpoints. `sandbox/identity_provider.py` asks a provider for its claims.
Source: Amazon Cognito developer guide, "User pool endpoints". The emulator differs: docs/reference/fidelity.md.
POST /_stand-in/mode makes it fail on demand. Tests use it; Cognito has no such endpoint.
"""

import ast
import asyncio
import base64
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from aiohttp import web
from joserfc import jws
from joserfc.errors import JoseError

from handlers import contract
from sandbox.identity_provider import TOKEN_PATH, ProviderTokens
from sandbox.pkce import s256

Forward = Callable[[web.Request], Awaitable[web.Response]]
Call = Callable[[str, str], Awaitable[tuple[int, str]]]

LOGIN_TIMEOUT_SECONDS = 300  # for the sign-in at the provider, and again for the code
PROVIDER_TIMEOUT_SECONDS = 5  # for the provider's token endpoint and the triggers
MAX_PENDING = 10_000

PROVIDER_TIMEOUT_DESCRIPTION = "Timeout occurred in calling IdP token endpoint"
FAILURES = {
    "down": (HTTPStatus.SERVICE_UNAVAILABLE, "{}"),
    "broken": (HTTPStatus.INTERNAL_SERVER_ERROR, "{}"),
    "throttled": (HTTPStatus.TOO_MANY_REQUESTS, "{}"),
    "garbage": (HTTPStatus.OK, "<!doctype html><p>점검 중"),
}
ERROR_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Something went wrong</title>
<h1>Something went wrong</h1><p>An error was encountered with the requested page.</p></html>
"""


@dataclass(frozen=True)
class Login:
    """A sign-in through a provider, as the app began it. `state` and `challenge` may be empty."""

    provider: str
    redirect_uri: str
    state: str
    challenge: str

    def may_redeem(self, form: Mapping[str, str]) -> bool:
        """Check a token request against the sign-in (RFC 6749 section 4.1.3, RFC 7636 section 4.6)."""
        if form.get("redirect_uri") != self.redirect_uri:
            return False
        verifier = form.get("code_verifier", "")
        return not self.challenge or s256(verifier) == self.challenge

    def error_redirect(self, error: str, description: str) -> web.Response:
        """Redirect the browser to the app with an error (RFC 6749 section 4.1.2.1)."""
        answer = {"error": error, "error_description": description} | ({"state": self.state} if self.state else {})
        separator = "&" if urlsplit(self.redirect_uri).query else "?"
        location = f"{self.redirect_uri}{separator}{urlencode(answer)}"
        return web.Response(status=HTTPStatus.FOUND, headers={"Location": location})


@dataclass(frozen=True)
class Logins:
    """Pending sign-ins by a key. Each expires, and above `MAX_PENDING` the oldest is dropped."""

    _logins: dict[str, tuple[float, Login]] = field(default_factory=dict)

    def add(self, key: str, login: Login) -> None:
        """Add a sign-in."""
        self._logins[key] = (time.monotonic(), login)
        if len(self._logins) > MAX_PENDING:
            del self._logins[next(iter(self._logins))]

    def get(self, key: str) -> Login | None:
        """Return the sign-in of this key; None if there is none or it has expired."""
        since, login = self._logins.get(key, (0.0, None))
        return login if time.monotonic() - since < LOGIN_TIMEOUT_SECONDS else None

    def pop(self, key: str) -> Login | None:
        """Return the sign-in of this key, and remove it."""
        login = self.get(key)
        self._logins.pop(key, None)
        return login


@dataclass(frozen=True)
class Mode:
    """How the hosted login answers at `endpoints` (all, if None)."""

    mode: str = "up"
    endpoints: tuple[str, ...] | None = None
    seconds: float = 10
    over: asyncio.Event = field(default_factory=asyncio.Event)


class HostedLogin:
    """Answers for the user pool's domain."""

    def __init__(
        self, forward: Forward, call: Call, client_secrets: Mapping[str, str], provider_tokens: ProviderTokens
    ) -> None:
        """`forward` passes a request to the emulator; `call` calls its Cognito API.

        `client_secrets` are the secrets of the app clients that have one, by client id. `provider_tokens` answers the
        emulator in place of the identity providers' token endpoints.
        """
        self._forward = forward
        self._call = call
        self._client_secrets = client_secrets
        self._provider_tokens = provider_tokens
        self._at_provider = Logins()  # by the state of the emulator's redirect to the provider
        self._with_code = Logins()  # by the code that the app got
        self._mode = Mode()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. The emulator gets only those of the hosted login's paths."""
        switch = ("POST", "/_stand-in/mode", "application/json")  # a page of another site cannot send JSON without CORS
        if (request.method, request.path, request.content_type) == switch:
            return self._switch(await request.json())
        if request.method == "POST" and request.path.startswith(f"{TOKEN_PATH}/"):
            return await self._provider_tokens.answer(request)
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
        """Return a failure, as the mode has it; None if the request is to be answered."""
        mode = self._mode
        if request.path not in (mode.endpoints or [request.path]):
            return None
        if mode.mode == "slow":
            with suppress(TimeoutError):
                await asyncio.wait_for(mode.over.wait(), mode.seconds)
        if mode.mode == "refusing" and request.transport:  # as after a failed TLS handshake: no answer
            request.transport.abort()
            return web.Response()
        if mode.mode not in FAILURES:
            return None
        status, body = FAILURES[mode.mode]
        return web.Response(status=status, text=body, content_type="text/html")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        match request.method, request.path:
            case "GET", contract.AUTHORIZE_PATH:
                return await self._authorize(request)
            case "GET" | "POST", contract.IDP_RESPONSE_PATH:
                return await self._idpresponse(request)
            case "POST", contract.TOKEN_PATH:
                return await self._token(request)
            case "POST", contract.REVOKE_PATH:
                return await self._revoke(request)
            case ("GET", "/logout") | ("POST", "/login") | ("GET" | "POST", "/oauth2/userInfo"):
                return await self._forward(request)
        return _error_page(HTTPStatus.NOT_FOUND)

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
            return await self._authorize_error(request, asked, login, answer)
        redirected = _parameters(urlsplit(answer.headers.get("Location", "")).query)
        if not login.provider or "error" in redirected:
            return answer
        method = asked.get("code_challenge_method", "")
        if (login.challenge or method) and not (login.challenge and method == "S256"):
            return login.error_redirect("invalid_request", "code_challenge_method must be S256")
        self._at_provider.add(redirected.get("state", ""), login)
        answer.headers["Location"] = _with_redirect_uri(
            answer.headers["Location"], f"{request.url.origin()}{contract.IDP_RESPONSE_PATH}"
        )
        return answer

    async def _authorize_error(
        self, request: web.Request, asked: Mapping[str, str], login: Login, answer: web.Response
    ) -> web.Response:
        """Redirect to the app with an error, if the redirect URI is the client's: if the login page opens for both."""
        page = {"response_type": "code"} | {name: asked.get(name, "") for name in ("client_id", "redirect_uri")}
        probe = await self._forward(request.clone(rel_url=f"{request.path}?{urlencode(page)}"))
        if not login.redirect_uri or probe.status != HTTPStatus.OK:
            return _error_page()
        problem = _json(answer)
        description = problem.get("error_description") or problem.get("message", "")
        return login.error_redirect(problem.get("error", "invalid_request"), description)

    async def _idpresponse(self, request: web.Request) -> web.StreamResponse:
        said = _query(request) | _parameters((await request.read()).decode(errors="replace"))
        login = self._at_provider.pop(said.get("state", ""))
        if login is None:
            return _error_page()
        if error := said.get("error"):
            return login.error_redirect(error, said.get("error_description", error))  # the provider's own description
        try:
            async with asyncio.timeout(PROVIDER_TIMEOUT_SECONDS):
                answer = await self._forward(request)
        except TimeoutError:
            return login.error_redirect("invalid_request", PROVIDER_TIMEOUT_DESCRIPTION)
        if answer.status != HTTPStatus.FOUND:
            if no_claims := self._provider_tokens.failure(said.get("code", "")):
                return login.error_redirect("invalid_request", no_claims)
            return login.error_redirect(*_provider_error(answer, login.provider))
        self._with_code.add(_parameters(urlsplit(answer.headers["Location"]).query)["code"], login)
        return answer

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = _parameters((await request.read()).decode(errors="replace"))
        if not self._authenticated(request, form):
            return _refused("invalid_client")
        # `get`, not `pop`: a second request, while the first is being refused, must be checked too.
        login = self._with_code.get(form.get("code", "")) if form.get("grant_type") == "authorization_code" else None
        answer = await self._forward(request)  # this uses the code up, also when the check below fails
        return answer if login is None or login.may_redeem(form) else _refused("invalid_grant")

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        form = _parameters((await request.read()).decode(errors="replace"))
        token, client_id = form.get("token", ""), _credentials(request, form)[0]
        if not token or not client_id:
            return _refused("invalid_request")
        if not self._authenticated(request, form):
            return _refused("invalid_client")
        try:
            claims = json.loads(jws.extract_compact(token.encode()).payload)
        except (JoseError, ValueError):
            return _refused("invalid_request")
        if claims.get(contract.TOKEN_USE_CLAIM) != "refresh":
            return _refused("unsupported_token_type")
        if claims.get("client_id") != client_id:
            return _refused("invalid_client")
        status, _ = await self._call("RevokeToken", json.dumps({"Token": token, "ClientId": client_id}))
        return web.Response() if status == HTTPStatus.OK else _refused("invalid_request")

    def _authenticated(self, request: web.Request, form: Mapping[str, str]) -> bool:
        """Return whether a client that has a secret has sent it, and a client that has none has sent none.

        The emulator takes the code of a sign-in through a provider without the secret.
        """
        client_id, sent = _credentials(request, form)
        return secrets.compare_digest(self._client_secrets.get(client_id, "").encode(), sent.encode())


def _with_redirect_uri(location: str, redirect_uri: str) -> str:
    """Return the address at the provider with the redirect URI that Cognito sends: of the domain that browsers use.

    The emulator writes the prefix domain's, also where `hostedLoginUrl` is set.
    """
    base, _, query = location.partition("?")
    sent = parse_qsl(query, keep_blank_values=True)
    return f"{base}?{urlencode([(name, redirect_uri if name == 'redirect_uri' else value) for name, value in sent])}"


def _credentials(request: web.Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Return the client's id and secret, from the Authorization header or else from the form (RFC 6749, 2.3.1)."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return unquote_plus(client_id), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


def _provider_error(answer: web.Response, provider: str) -> tuple[str, str]:
    """Translate the emulator's answer at /oauth2/idpresponse to Cognito's error and its description."""
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error", "Internal error"
    problem = _json(answer)
    message = str(problem.get("message", ""))
    if problem.get("__type") == "UserLambdaValidationException":
        return "invalid_request", f"PreSignUp failed with error {_trigger_error(message)}."
    if status := re.fullmatch(r"OIDC token exchange failed: HTTP (\d+)", message):
        said = "invalid_client Bad client credentials" if status[1] == "401" else "error getting token"
        return "invalid_request", f"{provider} Error - {status[1]} {said}"
    if message.startswith("OIDC token exchange failed"):
        return "invalid_request", PROVIDER_TIMEOUT_DESCRIPTION if "timed out" in message else "Connection reset"
    if "id_token" in message or "non-JSON" in message:
        return "invalid_request", f"{provider} Error - 200 error getting token"
    return "invalid_request", message


def _trigger_error(problem: str) -> str:
    """Return the message of a trigger's error: the emulator has it in the text of a Python dictionary."""
    try:
        return str(ast.literal_eval(problem)["errorMessage"])
    except (ValueError, SyntaxError, TypeError, KeyError):
        return problem


def _query(request: web.Request) -> dict[str, str]:
    return _parameters(request.rel_url.raw_query_string)


def _parameters(text: str) -> dict[str, str]:
    """Read a query or a form as the emulator does, whatever its content type: what is checked is what is used."""
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _json(answer: web.Response) -> dict[str, Any]:
    try:
        problem = json.loads(answer.text or "")
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _refused(error: str) -> web.Response:
    return web.json_response({"error": error}, status=HTTPStatus.BAD_REQUEST)


def _error_page(status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> web.Response:
    return web.Response(status=status, text=ERROR_PAGE, content_type="text/html")

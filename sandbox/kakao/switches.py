"""The stand-in's own endpoints, under /_stand-in: Kakao has nothing like them. Tests use them."""

import asyncio
import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.kakao.errors import API_ERRORS, ApiError
from sandbox.kakao.oauth import KakaoApp, Login
from sandbox.kakao.people import person_with
from sandbox.kakao.server import ACCESS_TOKEN_SECONDS, KakaoServer

PREFIX = "/_stand-in"
MAX_CALLS = 1000

Name = Literal["up", "down", "broken", "throttled", "slow", "garbage", "refusing", "error"]


@dataclass(frozen=True)
class Mode:
    """How Kakao answers at `endpoints` (all, if None), after it has answered `after` requests there well.

    In the mode `error` it answers with this `code` of the user API, and with `message`, if that is not empty.
    """

    mode: Name = "up"
    endpoints: tuple[str, ...] | None = None
    seconds: float = 10
    after: int = 0
    code: int = -1
    message: str = ""
    requests: Iterator[int] = field(default_factory=itertools.count)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Switches:
    """Makes Kakao fail on demand."""

    def __init__(self, kakao: KakaoServer) -> None:
        """Switch this Kakao, which is up until then."""
        self._kakao = kakao
        self._mode = Mode()
        self._calls: deque[str] = deque(maxlen=MAX_CALLS)

    async def release(self, _application: web.Application) -> None:
        """Answer the requests that a slow Kakao holds."""
        self._mode.over.set()

    def middleware(self) -> Middleware:
        """Return what answers in Kakao's place while a mode is on."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith(f"{PREFIX}/"):
                self._calls.append(f"{request.method} {request.path}")
            return await self._fail(request) or await handler(request)

        return answer

    async def _fail(self, request: web.Request) -> web.StreamResponse | None:
        """Return a failure, as the mode has it; None if the request goes its way."""
        mode = self._mode
        if request.path.startswith(f"{PREFIX}/") or request.path not in (mode.endpoints or [request.path]):
            return None
        if next(mode.requests) < mode.after:
            return None
        match mode.mode:
            case "down":
                raise ApiError(503, -9798, "service unavailable")
            case "broken":
                raise ApiError(500, -1, "internal error")
            case "throttled":
                raise ApiError(429, -10, "API limit has been exceeded.")
            case "error":
                status, message = API_ERRORS[mode.code]
                raise ApiError(status, mode.code, mode.message or message)
            case "refusing" if request.transport:  # as after a failed TLS handshake: no answer
                request.transport.abort()
                return web.Response()
            case "garbage":
                return web.Response(text="<!doctype html><p>점검 중", content_type="text/html")
            case "slow":
                with suppress(TimeoutError):
                    await asyncio.wait_for(mode.over.wait(), mode.seconds)
        return None

    def routes(self) -> list[web.RouteDef]:
        """Return POST /_stand-in/mode, /_stand-in/app, /_stand-in/token and /_stand-in/keys, GET /_stand-in/calls."""
        return [
            web.get(f"{PREFIX}/calls", self.calls),
            web.post(f"{PREFIX}/mode", self.set_mode),
            web.post(f"{PREFIX}/app", self.change_app),
            web.post(f"{PREFIX}/token", self.issue_token),
            web.post(f"{PREFIX}/keys", self.rotate_key),
        ]

    async def calls(self, _request: web.Request) -> web.StreamResponse:
        """Answer with the latest requests to Kakao, each such as `GET /v2/user/me`, and forget them."""
        calls = [*self._calls]
        self._calls.clear()
        return web.json_response(calls)

    async def set_mode(self, request: web.Request) -> web.StreamResponse:
        """Body: {"mode": …, "endpoints": ["/oauth/token"], "seconds": 10, "after": 0}; only `mode` is required.

        The mode `error` takes a `code` of the user API, such as -406, and a `message` in place of the usual one.
        """
        wanted = await _json(request)
        if wanted.get("mode") not in get_args(Name):
            raise ApiError(400, -2, f"mode is one of {', '.join(get_args(Name))}")
        if wanted.get("code", -1) not in API_ERRORS:
            raise ApiError(400, -2, f"code is one of {', '.join(map(str, API_ERRORS))}")
        self._mode.over.set()
        self._mode = Mode(
            wanted["mode"],
            tuple(wanted["endpoints"]) if "endpoints" in wanted else None,
            float(wanted.get("seconds", 10)),
            int(wanted.get("after", 0)),
            int(wanted.get("code", -1)),
            str(wanted.get("message", "")),
        )
        return web.Response(status=204)

    async def change_app(self, request: web.Request) -> web.StreamResponse:
        """Body: members of KakaoApp, such as {"redirect_uris": []}; the others become as they were registered."""
        wanted = await _json(request)
        if unknown := set(wanted) - {member.name for member in fields(KakaoApp)}:
            raise ApiError(400, -2, f"an app has no {', '.join(sorted(unknown))}")
        self._kakao.app = replace(self._kakao.registered, **wanted)
        return web.Response(status=204)

    async def issue_token(self, request: web.Request) -> web.StreamResponse:
        """Body: {"person": id, "scope": …, "app_id": …, "client_id": …, "expires_in": …}; only `person` is required.

        Answers as POST /oauth/token does, with the tokens that Kakao's SDK gives to a mobile app, this one or another.
        A negative `expires_in` gives expired tokens; `age` is how many seconds ago the ID token was issued.
        """
        wanted = await _json(request)
        person = person_with(wanted.get("person"))
        if person is None:
            raise ApiError(400, -2, "person is the id of a test person")
        app = replace(self._kakao.app, **{key: wanted[key] for key in ("app_id", "client_id") if key in wanted})
        scopes = tuple(wanted["scope"].split()) if "scope" in wanted else app.scopes
        seconds = int(wanted.get("expires_in", ACCESS_TOKEN_SECONDS))
        age = int(wanted.get("age", 0))
        return web.json_response(self._kakao.issue(Login(person, app, scopes), seconds=seconds, age=age))

    async def rotate_key(self, _request: web.Request) -> web.StreamResponse:
        """Without a body: Kakao signs with a new key, and no longer publishes the old one."""
        self._kakao.rotate_key()
        return web.Response(status=204)


async def _json(request: web.Request) -> dict[str, Any]:
    """Return the body, a JSON object by its content type too: a page of another site cannot send that without CORS."""
    try:
        body = await request.json() if request.content_type == "application/json" else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, -2, "the body is a JSON object, sent as application/json")
    return body

"""The stand-in's own endpoints, under /_stand-in: Kakao has nothing like them. Tests use them."""

import itertools
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.kakao.api import refusal
from sandbox.kakao.people import person_with
from sandbox.kakao.server import ACCESS_TOKEN_SECONDS, KakaoApp, KakaoServer, Login

Name = Literal["up", "down", "broken", "throttled", "slow", "garbage", "refusing"]


@dataclass(frozen=True)
class Mode:
    """How Kakao is today, at `endpoints` (all, if None), once it has answered `after` requests there well."""

    mode: Name = "up"
    endpoints: tuple[str, ...] | None = None
    seconds: float = 10
    after: int = 0
    answered: Iterator[int] = field(default_factory=itertools.count)
    over: threading.Event = field(default_factory=threading.Event)


class Switches:
    """Makes Kakao fail on demand."""

    def __init__(self) -> None:
        """Begin with all being well."""
        self.mode = Mode()

    def release(self) -> None:
        """Let go of the requests that a slow Kakao holds."""
        self.mode.over.set()

    def answer_instead(self) -> ResponseReturnValue | None:
        """The answer of a Kakao that is not well; None if the request goes its way."""
        mode = self.mode
        if request.path.startswith("/_stand-in/") or request.path not in (mode.endpoints or [request.path]):
            return None
        if next(mode.answered) < mode.after:
            return None
        match mode.mode:
            case "down":
                return refusal(503, -9798, "service unavailable")
            case "broken":
                return refusal(500, -1, "internal error")
            case "throttled":
                return refusal(429, -10, "API limit has been exceeded.")
            case "refusing":  # as where TLS fails: the connection ends without an answer
                request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            case "garbage":
                return Response("<!doctype html><p>점검 중", mimetype="text/html")
            case "slow":
                mode.over.wait(mode.seconds)
        return None

    def routes(self, kakao: KakaoServer) -> Blueprint:
        """POST /_stand-in/mode, /_stand-in/app, /_stand-in/token and /_stand-in/keys, all but the last with JSON."""
        routes = Blueprint("stand-in", __name__, url_prefix="/_stand-in")
        routes.before_app_request(self.answer_instead)

        @routes.post("/mode")
        def set_mode() -> ResponseReturnValue:
            """Body: {"mode": …, "endpoints": ["/oauth/token"], "seconds": 10, "after": 0}, all but one optional."""
            wanted = request.get_json()
            if wanted.get("mode") not in get_args(Name):
                return refusal(400, -2, f"mode is one of {', '.join(get_args(Name))}")
            before, self.mode = (
                self.mode,
                Mode(
                    wanted["mode"],
                    tuple(wanted["endpoints"]) if "endpoints" in wanted else None,
                    float(wanted.get("seconds", 10)),
                    int(wanted.get("after", 0)),
                ),
            )
            before.over.set()
            return "", 204

        @routes.post("/app")
        def change_app() -> ResponseReturnValue:
            """Body: members of KakaoApp, such as {"redirect_uris": []}; what is left out is as it was registered."""
            wanted = request.get_json()
            if unknown := set(wanted) - {member.name for member in fields(KakaoApp)}:
                return refusal(400, -2, f"an app has no {', '.join(sorted(unknown))}")
            kakao.app = replace(kakao.registered, **wanted)
            return "", 204

        @routes.post("/token")
        def issue_token() -> ResponseReturnValue:
            """Body: {"person": id, "scope": …, "app_id": …, "client_id": …, "expires_in": …}, all but one optional.

            Answers as POST /oauth/token, with what Kakao's SDK would give to a mobile app, ours or another. Tokens that
            expire in less than no time have expired.
            """
            wanted = request.get_json()
            person = person_with(wanted.get("person"))
            if person is None:
                return refusal(400, -2, "person is the id of a test person")
            app = replace(kakao.app, **{key: wanted[key] for key in ("app_id", "client_id") if key in wanted})
            scopes = wanted["scope"].split() if "scope" in wanted else kakao.app.scopes
            seconds = int(wanted.get("expires_in", ACCESS_TOKEN_SECONDS))
            return jsonify(kakao.issue(Login(person, app, tuple(scopes)), seconds=seconds))

        @routes.post("/keys")
        def rotate_keys() -> ResponseReturnValue:
            """Without a body: Kakao signs with a new key, and no longer publishes the one before."""
            kakao.rotate()
            return "", 204

        return routes

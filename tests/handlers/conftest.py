"""A stand-in for Cognito's endpoints, and the handlers as Lambda would load them."""

import base64
import importlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import HealthCheck, settings

from handlers import contract

# No deadline: the time depends on the machine. Each known edge case has its own example beside the random ones.
settings.register_profile("untimed", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

SITE, LOCAL = "https://site.example", "http://localhost:3000"
KAKAO_AUTHORIZE, KAKAO_CLIENT_ID = "https://kauth.example/oauth/authorize", "rest-api-key"
CLIENT_ID, CLIENT_SECRET, ISSUER, POOL = (
    "client-id",
    "canary/secret +1",
    "https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_pool",
    "ap-northeast-2_pool",
)


KAKAO_SECRET = "canary-secret-of-kakao"


class Cognito:
    """Answers /oauth2/token and /oauth2/revoke as a test sets, and keeps the requests.

    Cognito's API is the same in other words: a request to it is kept, and answered, as one to these two. /oauth/token
    is Kakao's.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: Any = None
        self.silent = False  # does not respond until the client disconnects
        self.before: Callable[[dict[str, str]], None] = lambda form: None

    @property
    def forms(self) -> list[dict[str, str]]:
        return [form for _, form, _ in self.asked]


def contents(record: logging.LogRecord) -> str:
    """Return the contents of a log record without its times and ids, whose digits may look like a code."""
    own = ("created", "msecs", "relativeCreated", "thread", "process")
    return repr({name: value for name, value in vars(record).items() if name not in own})


def id_token(**claims: Any) -> str:
    """An ID token as Cognito issues it, with an invalid signature."""
    known = {"iss": ISSUER, "aud": CLIENT_ID, "token_use": "id", "exp": int(time.time()) + 900, "sub": "sub-1"}
    values = {key: value for key, value in (known | claims).items() if value is not ...}
    return ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "k"}, values)) + ".c2ln"


OPERATIONS = {  # of the API: the endpoint that does the same, its form, and the parameter
    "GetTokensFromRefreshToken": ("/oauth2/token", {"grant_type": "refresh_token"}, "RefreshToken", "refresh_token"),
    "RevokeToken": ("/oauth2/revoke", {}, "Token", "token"),
}
RESULT = {"id_token": "IdToken", "access_token": "AccessToken", "refresh_token": "RefreshToken"}


def of_api(headers: dict[str, str], body: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Translate a request to the API into one to the endpoints."""
    assert headers["content-type"] == "application/x-amz-json-1.1"
    path, form, parameter, field = OPERATIONS[
        headers["x-amz-target"].removeprefix("AWSCognitoIdentityProviderService.")
    ]
    sent = json.loads(body)
    client = f"{quote_plus(sent.pop('ClientId'))}:{quote_plus(sent.pop('ClientSecret'))}"
    assert sent.keys() == {parameter}
    basic = base64.b64encode(client.encode()).decode()
    return path, form | {field: sent[parameter]}, {"authorization": f"Basic {basic}"}


def as_of_api(status: int, body: Any) -> Any:
    """Translate a response of an endpoint into one of the API."""
    if status == 200 and isinstance(body, dict):
        return {"AuthenticationResult": {RESULT.get(name, name): value for name, value in body.items()}}
    if (status, body) == (400, {"error": "invalid_grant"}):
        return {"__type": "NotAuthorizedException", "message": "Refresh Token has been revoked"}
    return body


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def _cognito() -> Iterator[tuple[Cognito, str]]:
    state = Cognito()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Only a client that follows a redirect sends a GET."""
            state.asked.append((f"GET {self.path}", {}, {}))
            self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            is_form = self.headers["content-type"] == "application/x-www-form-urlencoded"
            form = dict(parse_qsl(body)) if is_form else {}
            asked = (self.path, form, dict(self.headers))
            is_api = "x-amz-target" in self.headers
            if is_api:
                asked = of_api(asked[2], body)
            state.asked.append(asked)
            state.before(asked[1])
            if state.silent:
                self.rfile.read(1)
                self.close_connection = True
                return
            said = as_of_api(state.status, state.body) if is_api else state.body
            if self.path == "/oauth/token" and isinstance(said, dict) and "id_token" in said:
                said = {"access_token": "kakao-access"} | said
            answer = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            try:
                self.wfile.write(answer)
            except BrokenPipeError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield state, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def cognito(_cognito: tuple[Cognito, str]) -> Cognito:
    _cognito[0].reset()
    return _cognito[0]


@pytest.fixture(scope="session")
def hosted(_cognito: tuple[Cognito, str]) -> str:
    return _cognito[1]


@pytest.fixture(scope="session")
def session(hosted: str) -> ModuleType:
    """The module handlers.session, loaded with the environment that the program gives it."""
    os.environ |= {
        contract.ENV_SITE_ORIGINS: json.dumps([SITE, LOCAL]),
        contract.ENV_HOSTED_LOGIN_URL: hosted,
        contract.ENV_CLIENT_ID: CLIENT_ID,
        contract.ENV_CLIENT_SECRET: CLIENT_SECRET,
        contract.ENV_ISSUER: ISSUER,
        contract.ENV_KAKAO_AUTHORIZE_URL: KAKAO_AUTHORIZE,
        contract.ENV_KAKAO_CLIENT_ID: KAKAO_CLIENT_ID,
        contract.ENV_REFRESH_DAYS: "30",
    }
    return importlib.import_module("handlers.session")


@pytest.fixture(scope="session")
def accounts(session: ModuleType) -> ModuleType:
    """The module handlers.accounts, beside the session that it shares its cookies with."""
    os.environ |= {contract.ENV_USER_POOL_ID: POOL}
    return importlib.import_module("handlers.accounts")


@pytest.fixture(scope="session")
def kakao_environment() -> None:
    """The environment of the functions that check Kakao's tokens. No server is at these addresses."""
    os.environ |= {
        contract.ENV_KAKAO_API: "http://127.0.0.1:1",
        contract.ENV_KAKAO_APP_ID: "42",
        contract.ENV_KAKAO_APP_KEYS: json.dumps([KAKAO_CLIENT_ID, "native-app-key"]),
        contract.ENV_KAKAO_ISSUER: "https://kauth.example",
        contract.ENV_KAKAO_JWKS_URL: "http://127.0.0.1:1/jwks.json",
    }


@pytest.fixture(scope="session")
def kakao_user_info(kakao_environment: None) -> ModuleType:
    return importlib.import_module("handlers.kakao_user_info")


@pytest.fixture(scope="session")
def kakao_challenge(kakao_environment: None) -> ModuleType:
    return importlib.import_module("handlers.kakao_challenge")


@pytest.fixture(scope="session")
def kakao_sign_in(kakao_environment: None) -> ModuleType:
    os.environ |= {
        contract.ENV_CLIENT_ID: CLIENT_ID,
        contract.ENV_CLIENT_SECRET: CLIENT_SECRET,
        contract.ENV_USER_POOL_ID: POOL,
        contract.ENV_AUTHORIZE_URL: "https://login.example/authorize",
    }
    return importlib.import_module("handlers.kakao_sign_in")


@pytest.fixture(scope="session")
def kakao_web_sign_in(session: ModuleType, kakao_sign_in: ModuleType, hosted: str) -> ModuleType:
    os.environ |= {
        contract.ENV_KAKAO_TOKEN_URL: f"{hosted}/oauth/token",
        contract.ENV_KAKAO_CLIENT_SECRET: KAKAO_SECRET,
        contract.ENV_KAKAO_SCOPES: "openid account_email",
    }
    return importlib.import_module("handlers.kakao_web_sign_in")


@pytest.fixture(scope="session")
def user_info() -> ModuleType:
    os.environ |= {contract.ENV_USER_POOL_ID: POOL}
    return importlib.import_module("handlers.user_info")


@pytest.fixture(scope="session")
def _jwks_endpoint() -> Iterator[Any]:
    from tests.handlers.user_pool import jwks_endpoint  # the tests of other handlers need no keys

    with jwks_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(_jwks_endpoint: Any) -> Any:
    """Where the pool's keys are."""
    _jwks_endpoint.reset()
    return _jwks_endpoint

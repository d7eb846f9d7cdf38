"""No handler, no trigger and no library writes a password, a code, a token or an e-mail to a log.

Every handler runs on every route with canaries in all input of a client, and with stubs whose exceptions contain
canaries. A test fails if a handler is missing here.
"""

import ast
import importlib
import json
import logging
import time
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from handlers import cognito as cognito_api
from handlers import contract
from handlers.errors import InvalidKakaoTokenError
from sandbox.program import ROOT
from tests.handlers.conftest import Cognito, contents, id_token

CANARY = "canary"
EMAIL, PASSWORD, TOKEN = "canary@example.com", "canary long password", f"{CANARY}.{CANARY}.{CANARY}"
HEADERS = {
    "authorization": f"Bearer {TOKEN}",
    "user-agent": CANARY,
    "x-forwarded-for": CANARY,
    "referer": f"https://{CANARY}.example",
    "sec-fetch-site": "same-origin",
}
BODIES = [
    json.dumps({"email": EMAIL, "password": PASSWORD, "code": "123456", "refresh_token": TOKEN, "session": True}),
    json.dumps({"email": EMAIL, "password": PASSWORD, "code": "123456", "refresh_token": TOKEN}),
    json.dumps({"email": CANARY, "password": CANARY, "code": CANARY, CANARY: CANARY}),
    json.dumps({"access_token": TOKEN}),
    json.dumps({"id_token": TOKEN, "nonce": CANARY}),
    f'{{"{CANARY}": "{CANARY}',
    "",
]
QUERIES = [
    "",
    f"code={CANARY}&state={CANARY}&return_to=/{CANARY}&error={CANARY}&error_description={CANARY}",
    f"provider=Kakao&return_to=/{CANARY}",
    f"provider={CANARY}&origin=https://{CANARY}.example",
]
COOKIES = [[], [f"__Host-id={TOKEN}", f"__Secure-refresh={TOKEN}", f"__Host-login-{CANARY}={CANARY}"]]
PERSON = {"Enabled": True, "Username": CANARY, "UserAttributes": [{"Name": "email", "Value": EMAIL}]}
FAILURES: list[Any] = [
    ClientError({"Error": {"Code": "NotAuthorizedException", "Message": CANARY}}, "operation"),
    ClientError({"Error": {"Code": "UserNotFoundException", "Message": CANARY}}, "operation"),
    ClientError({"Error": {"Code": "InternalErrorException", "Message": CANARY}}, "operation"),
    EndpointConnectionError(endpoint_url=f"https://{CANARY}.example"),
    RuntimeError(CANARY),
    {"AuthenticationResult": {"IdToken": TOKEN, "AccessToken": TOKEN, "RefreshToken": TOKEN}, **PERSON},
    {
        "Session": CANARY,
        "AuthenticationResult": {"IdToken": id_token(email=EMAIL), "AccessToken": TOKEN, "RefreshToken": TOKEN},
        **PERSON,
    },
]
TRIGGERS = {
    "pre_sign_up": ["PreSignUp_SignUp", "PreSignUp_ExternalProvider", CANARY],
    "post_confirmation": ["PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword", CANARY],
    "pre_authentication": ["PreAuthentication_Authentication", CANARY],
    "kakao_challenge": [
        "DefineAuthChallenge_Authentication",
        "CreateAuthChallenge_Authentication",
        "VerifyAuthChallengeResponse_Authentication",
        CANARY,
    ],
}
GROUPS = {"group_check", "pre_token_generation"}  # driven with canaries in test_groups.py
HTTP = {"accounts", "kakao_sign_in", "kakao_user_info", "kakao_web_sign_in", "session", "user_info"}
SOCKET = {"connect_authorizer"}  # driven with canaries in test_connect_authorizer.py


class Stub:
    """Fails at every call, or answers it with canaries."""

    exceptions = type("Exceptions", (), {"UserNotFoundException": KeyError, "TooManyRequestsException": OSError})

    def __init__(self, result: Any) -> None:
        self.result = result

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> Any:
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

        return call


class AcceptingKakao:
    """A Kakao that accepts any token; /v1/user/access_token_info accepts every second one."""

    asked = 0

    def user_id(self, _credential: Any, *, deadline: float) -> str:
        return "1"

    def claims(self, _credential: Any, _consents: Any, *, deadline: float) -> dict[str, Any]:
        return {"sub": "1", "nickname": CANARY, "email": EMAIL, "email_verified": True}

    def token_user_id(self, _access_token: str, *, app_id: int, deadline: float) -> str:
        self.asked += 1
        if self.asked % 2:
            raise InvalidKakaoTokenError
        return "1"

    def user(self, _access_token: str, *, deadline: float, is_for_our_app: bool) -> dict[str, Any]:
        account = {"is_email_valid": True, "email": EMAIL, "profile": {"nickname": CANARY}}
        return {"id": 1, "kakao_account": account}


def has_handler(module: str) -> bool:
    source = (ROOT / "handlers" / f"{module}.py").read_text()
    return any(isinstance(node, ast.FunctionDef) and node.name == "handler" for node in ast.parse(source).body)


def routes(module: ModuleType) -> list[str]:
    """The routes that a handler names in its source, so that a new one is tested as well."""
    tree = ast.parse((ROOT / "handlers" / f"{module.__name__.rpartition('.')[2]}.py").read_text())
    shared = [getattr(contract, node.attr, None) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    own = [text for text in map(str, shared) if text.startswith(("GET /", "POST /"))]
    return own or [contract.USER_INFO]


def test_every_handler_and_trigger_is_tested_for_its_logs() -> None:
    modules = {file.stem for file in (ROOT / "handlers").glob("*.py") if has_handler(file.stem)}
    assert modules == HTTP | SOCKET | GROUPS | set(TRIGGERS)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cognito is down, unless a test sets it up: no call leaves this machine."""
    down = EndpointConnectionError(endpoint_url=f"https://{CANARY}.example")
    monkeypatch.setattr(cognito_api, "make_client", lambda limits: Stub(down))


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        return "".join(map(contents, caplog.records)) + "".join(capfd.readouterr())

    return read


@pytest.mark.parametrize("name", sorted(HTTP))
def test_no_handler_logs_input_of_a_client_or_text_of_cognito(
    name: str, written: Any, cognito: Cognito, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: ModuleType = request.getfixturevalue(name)
    driven = routes(module)
    claims = [
        {"token_use": "id", "cognito:username": CANARY, "email": EMAIL, "nickname": CANARY, "exp": "9999999999"},
        {"token_use": "access", "username": CANARY, "exp": "9999999999"},
        {"token_use": CANARY, "exp": "9999999999"},
    ]
    for failure in FAILURES:
        monkeypatch.setattr(cognito_api, "make_client", lambda limits, failure=failure: Stub(failure))
        if hasattr(module, "KAKAO"):
            monkeypatch.setattr(module, "KAKAO", AcceptingKakao())
        cognito.status, cognito.body = 400, {"error": CANARY}
        if isinstance(failure, dict):
            cognito.status, cognito.body = 200, {"id_token": id_token(email=EMAIL), "refresh_token": TOKEN}
        for route in driven:
            for body, query in zip(BODIES, [*QUERIES, "", "", ""], strict=True):
                for cookies, claim in [(COOKIES[0], claims[0]), (COOKIES[1], claims[1]), (COOKIES[1], claims[2])]:
                    event = {
                        "routeKey": route,
                        "rawQueryString": query,
                        "headers": HEADERS,
                        "cookies": cookies,
                        "body": body,
                        "requestContext": {"authorizer": {"jwt": {"claims": claim}}},
                    }
                    module.handler(event, None)
    text = written()
    assert "refused" in text or contract.LOG_NOT_SIGNED_IN in text
    for secret in (CANARY, "123456"):
        assert secret not in text


@pytest.mark.parametrize(
    ("name", "source"), [(name, source) for name, sources in TRIGGERS.items() for source in sources]
)
@pytest.mark.parametrize("client", ["client-id", "CLIENT_ID_NOT_APPLICABLE"])
@pytest.mark.parametrize("status", ["CONFIRMED", "EXTERNAL_PROVIDER"])
def test_no_trigger_logs_or_raises_content_of_its_event(
    name: str, source: str, client: str, status: str, written: Any, kakao_environment: None
) -> None:
    attributes = {
        "sub": "sub-1",
        "email": EMAIL,
        "nickname": CANARY,
        "identities": CANARY,
        "cognito:user_status": status,
    }
    more = {"clientMetadata": {CANARY: CANARY}, "validationData": {CANARY: CANARY}, "password": PASSWORD}
    more["challengeAnswer"] = json.dumps({"access_token": TOKEN})
    event = {
        "triggerSource": source,
        "userName": CANARY,
        "callerContext": {"clientId": client},
        "request": {"userAttributes": attributes, **more},
        "response": {},
    }
    raised = ""
    try:
        importlib.import_module(f"handlers.{name}").handler(event, None)
    except Exception as error:  # noqa: BLE001 - any error may be shown to a user
        raised = repr(error)
    assert CANARY not in written() + raised


# A bug, wherever it is

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "ap-northeast-2",
    contract.ENV_CLIENT_ID: "client-id",
    contract.ENV_CLIENT_SECRET: CANARY,
    contract.ENV_CONNECT_CHECKS_USER: "false",
    contract.ENV_ISSUER: "https://issuer.example",
    contract.ENV_JWKS_URL: "http://127.0.0.1:1/jwks.json",
    contract.ENV_SITE_ORIGINS: '["https://site.example"]',
    contract.ENV_USER_POOL_ID: "ap-northeast-2_pool",
}


class Broken(dict[str, Any]):
    """An event whose reads raise an error with its content, as a parser's error; the route is readable."""

    def __getitem__(self, key: str) -> Any:
        if key == "routeKey":
            return "POST /api/auth/logout"
        raise RuntimeError(CANARY)

    def get(self, key: str, *_: Any) -> Any:
        return self[key]


@pytest.fixture
def any_handler(
    request: pytest.FixtureRequest, kakao_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], ModuleType]:
    def load(name: str) -> ModuleType:
        if name in HTTP:
            module: ModuleType = request.getfixturevalue(name)
            return module
        for variable, value in ENVIRONMENT.items():
            monkeypatch.setenv(variable, value)
        return importlib.import_module(f"handlers.{name}")

    return load


def plausible(name: str) -> list[dict[str, Any]]:
    """Events with which a handler runs as far as it can without AWS and Kakao."""
    if name in HTTP:
        module = importlib.import_module(f"handlers.{name}")
        claims = {"token_use": "id", "cognito:username": CANARY, "exp": "9999999999"}
        context = {"authorizer": {"jwt": {"claims": claims}}}
        more = {"headers": HEADERS, "cookies": [], "requestContext": context}
        return [{"routeKey": route, "body": body, **more} for route in routes(module) for body in BODIES]
    if name in SOCKET:
        person = {"sub": CANARY, "exp": "9999999999", "nickname": CANARY}
        connection: dict[str, Any] = {"eventType": "MESSAGE", "connectionId": CANARY, "authorizer": person}
        return [{"requestContext": connection, "methodArn": "arn", "headers": HEADERS, "body": BODIES[0]}]
    request = {"userAttributes": {"email": EMAIL, "identities": CANARY}, "challengeAnswer": TOKEN}
    event = {"userName": EMAIL, "userPoolId": "pool", "callerContext": {"clientId": "client-id"}, "request": request}
    return [{"triggerSource": source, **event} for source in TRIGGERS[name]]


def functions(module: ModuleType) -> list[str]:
    own = [name for name, one in vars(module).items() if getattr(one, "__module__", "") == module.__name__]
    return [name for name in own if isinstance(vars(module)[name], FunctionType) and name != "handler"]


@pytest.mark.parametrize("name", sorted(HTTP | SOCKET | set(TRIGGERS)))
def test_the_text_of_a_bug_reaches_neither_the_log_nor_cognito_nor_a_client(
    name: str, any_handler: Callable[[str], ModuleType], written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda logs the text of each exception of a handler, and Cognito shows that of a trigger."""

    def bug(*_: Any, **__: Any) -> Any:
        raise RuntimeError(CANARY)

    module = any_handler(name)
    said = []
    places = [None, *functions(module)]
    for place in places:
        with monkeypatch.context() as patched:
            if place:
                patched.setattr(module, place, bug)
            for event in [Broken()] if place is None else plausible(name):
                try:
                    said.append(repr(module.handler(event, None)["statusCode" if name in HTTP else "response"]))
                except KeyError:  # a policy, which has neither
                    continue
                except Exception as error:  # noqa: BLE001 - Lambda logs any error
                    said.append(repr(error))
    text = written() + "".join(said)
    assert "unexpected" in text
    assert CANARY not in text.replace(f"'sub': '{CANARY}'", "")  # the opaque id is logged on purpose


def test_no_handler_calls_print_or_logs_a_traceback() -> None:
    for file in (ROOT / "handlers").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", file.name
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "exception":
                raise AssertionError(f"{file.name} logs a traceback, whose text may hold a token")

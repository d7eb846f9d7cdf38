"""Each fault that the doctor knows, planted in the sandbox: the doctor finds exactly this one, with its fix."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from doctor import checks, stack
from doctor.checks import Finding
from sandbox.local import CLIENT_SECRET, Sandbox
from sandbox.program import ROOT, own

pytestmark = pytest.mark.sandbox

Fault = AbstractContextManager[None]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def target(sandbox: Sandbox) -> stack.Stack:
    return stack.from_file(sandbox.documents)


def examine(target: stack.Stack, session: requests.Session) -> list[Finding]:
    return list(checks.examine(target, session))


def only(findings: list[Finding], name: str) -> Finding:
    """Return the finding of one check, and check that every other one passed."""
    assert [str(finding) for finding in findings if finding.mark != "✓" and finding.name != name] == []
    (found,) = (finding for finding in findings if finding.name == name)
    return found


def test_every_check_of_the_doctor_passes_in_the_sandbox(target: stack.Stack, session: requests.Session) -> None:
    assert {finding.mark for finding in examine(target, session)} == {"✓"}


# Kakao


@contextmanager
def at_kakao(sandbox: Sandbox, **app: Any) -> Iterator[None]:
    """The app in Kakao's console, changed."""
    requests.post(f"{sandbox.kakao}/_stand-in/app", json=app, timeout=60).raise_for_status()
    try:
        yield
    finally:
        requests.post(f"{sandbox.kakao}/_stand-in/app", json={}, timeout=60).raise_for_status()


@pytest.mark.parametrize(
    ("app", "found", "fix"),
    [
        ({"client_id": "another"}, "KOE101", "pulumi config set kakaoClientId"),
        ({"login_activated": False}, "KOE004", "카카오 로그인 › 사용 설정"),
        ({"redirect_uris": ["https://app.example/"]}, "KOE006", "register exactly http"),
        ({"scopes": ["openid", "profile_nickname"]}, "not enabled in the app: account_email", "동의항목"),
        ({"scopes": ["openid"]}, "not enabled in the app: account_email, profile_nickname", "동의항목"),
        ({"scopes": ["account_email", "profile_nickname"]}, "in the app: openid", "카카오 로그인 › OpenID Connect"),
        ({"scopes": ["account_email"]}, "in the app: openid, profile_nickname", "OpenID Connect); enable it: 카카오"),
    ],
)
def test_a_fault_in_kakaos_console_is_reported_with_its_fix(
    sandbox: Sandbox, target: stack.Stack, session: requests.Session, app: dict[str, Any], found: str, fix: str
) -> None:
    with at_kakao(sandbox, **app):
        finding = only(examine(target, session), "Kakao takes the sign-in")
    assert finding.mark == "✗"
    assert found in finding.found
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("endpoint", "name", "mode", "status"),
    [
        ("/.well-known/openid-configuration", "Kakao's addresses", "down", "503"),
        ("/.well-known/openid-configuration", "Kakao's addresses", "garbage", "200"),
        ("/oauth/authorize", "Kakao takes the sign-in", "down", "503"),
    ],
)
def test_an_unusable_response_of_kakao_is_reported_with_its_status(
    sandbox: Sandbox, target: stack.Stack, session: requests.Session, endpoint: str, name: str, mode: str, status: str
) -> None:
    switch = f"{sandbox.kakao}/_stand-in/mode"
    requests.post(switch, json={"mode": mode, "endpoints": [endpoint]}, timeout=60).raise_for_status()
    try:
        finding = only(examine(target, session), name)
    finally:
        requests.post(switch, json={"mode": "up"}, timeout=60).raise_for_status()
    assert (finding.mark, status in finding.found) == ("✗", True)


# Cognito


@contextmanager
def of_the_client(sandbox: Sandbox, **changes: Any) -> Iterator[None]:
    """The app client, changed."""
    which = {"UserPoolId": sandbox.exports["userPoolId"], "ClientId": sandbox.exports["clientId"]}
    before = sandbox.account.call("cognito-idp", "DescribeUserPoolClient", which)["UserPoolClient"]
    kept = {
        name: value for name, value in before.items() if value and name != "ClientSecret" and not name.endswith("Date")
    }
    sandbox.account.call("cognito-idp", "UpdateUserPoolClient", kept | changes)
    try:
        yield
    finally:
        sandbox.account.call("cognito-idp", "UpdateUserPoolClient", kept)


@contextmanager
def of_the_provider(sandbox: Sandbox, **changes: str) -> Iterator[None]:
    """The identity provider in Cognito, changed."""
    which = {"UserPoolId": sandbox.exports["userPoolId"], "ProviderName": "Kakao"}
    before = sandbox.account.call("cognito-idp", "DescribeIdentityProvider", which)["IdentityProvider"]
    details = before["ProviderDetails"]
    sandbox.account.call("cognito-idp", "UpdateIdentityProvider", which | {"ProviderDetails": details | changes})
    try:
        yield
    finally:
        sandbox.account.call("cognito-idp", "UpdateIdentityProvider", which | {"ProviderDetails": details})


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (lambda it: of_the_client(it, CallbackURLs=["https://a.example/"]), "does not know this client"),
        (lambda it: of_the_provider(it, client_id="another"), "another REST API key"),
        (lambda it: of_the_provider(it, authorize_scopes="openid"), "other scopes"),
        (lambda it: of_the_provider(it, authorize_url="https://a.example/"), "does not know this client"),
        (lambda it: of_the_provider(it, authorize_url=f"{it.kakao}/oauth/authorize"), "have no effect"),
    ],
)
def test_a_hosted_login_that_differs_from_the_settings_needs_pulumi_up(
    sandbox: Sandbox,
    target: stack.Stack,
    session: requests.Session,
    fault: Callable[[Sandbox], Fault],
    found: str,
) -> None:
    with fault(sandbox):
        finding = only(examine(target, session), "sign-in leads to Kakao")
    assert finding.mark == "✗"
    assert found in finding.found
    assert finding.fix == "pulumi up"


def test_a_deleted_app_client_is_reported(target: stack.Stack, session: requests.Session) -> None:
    elsewhere = stack.Stack(target.settings, target.encrypted, {**target.outputs, "clientId": "gone"})
    finding = only(examine(elsewhere, session), "sign-in leads to Kakao")
    assert (finding.mark, "does not know this client" in finding.found) == ("✗", True)


# Faults that the sandbox cannot have: a response in place of the server's


class Answering(BaseAdapter):
    """A server that has one answer."""

    def __init__(self, status: int, body: Any, headers: dict[str, str]) -> None:
        super().__init__()
        self.response = requests.Response()
        self.response.status_code = status
        self.response._content = json.dumps(body).encode()
        self.response.headers.update(headers)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.response.request = request
        return self.response

    def close(self) -> None:
        pass


KEYS = "http://127.0.0.1:{aws}/{pool}/.well-known"
SITE = "http://localhost:{site}"
PKCE = {"Location": "https://login.example/oauth2/authorize?state=s&nonce=n&code_challenge="}
ELSEWHERE = {"Location": f"{PKCE['Location']}c&redirect_uri=https://a.example/"}
KAKAO = "http://127.0.0.1:{kakao}/.well-known/openid-configuration"
AUTHORIZE = "http://127.0.0.1:{kakao}/oauth/authorize"


@pytest.mark.parametrize(
    ("address", "status", "body", "headers", "name", "found"),
    [
        (
            KAKAO,
            200,
            {"issuer": "https://a.example"},
            {},
            "Kakao's addresses",
            "another issuer, authorization_endpoint",
        ),
        (AUTHORIZE, 400, "KOE008", {}, "Kakao takes the sign-in", "KOE008, Kakao has no app"),
        (AUTHORIZE, 400, "KOE001", {}, "Kakao takes the sign-in", "refuses the sign-in with KOE001"),
        (f"{KEYS}/openid-configuration", 503, {}, {}, "user pool's discovery", "answers 503"),
        (
            f"{KEYS}/openid-configuration",
            200,
            {"issuer": "https://a"},
            {},
            "user pool's discovery",
            "has another issuer",
        ),
        (f"{KEYS}/jwks.json", 200, {"keys": []}, {}, "user pool's keys", "no key with an id"),
        (f"{KEYS}/jwks.json", 200, [], {}, "user pool's keys", "no JSON object"),
        (f"{SITE}/api/auth/login", 500, "", {}, "login begins", "answers 500"),
        (f"{SITE}/api/auth/login", 302, "", PKCE, "login begins", "no code_challenge"),
        (f"{SITE}/api/auth/login", 302, "", ELSEWHERE, "login begins", "another redirect_uri"),
        (f"{SITE}/api/userinfo", 200, {}, {}, "userinfo needs a session", "answers 200, not 401"),
        (f"{SITE}/ws", 101, "", {}, "WebSocket needs a session", "answers 101, not 401 or 403"),
    ],
)
def test_a_response_that_would_fail_a_sign_in_is_reported(
    sandbox: Sandbox,
    target: stack.Stack,
    session: requests.Session,
    address: str,
    status: int,
    body: Any,
    headers: dict[str, str],
    name: str,
    found: str,
) -> None:
    ports = {part: getattr(sandbox, part).rpartition(":")[2] for part in ("site", "kakao", "aws")}
    session.mount(address.format(pool=sandbox.exports["userPoolId"], **ports), Answering(status, body, headers))
    finding = only(examine(target, session), name)
    assert finding.mark == "✗"
    assert found in finding.found
    assert finding.fix


def test_a_missing_index_html_is_reported(sandbox: Sandbox, target: stack.Stack, session: requests.Session) -> None:
    (bucket,) = sandbox.account.call("s3", "ListBuckets", {})["Buckets"]
    index = {"Bucket": bucket["Name"], "Key": "index.html"}
    before = sandbox.account.call("s3", "GetObject", index)
    kept = index | {"Body": before["Body"].read()} | {key: before[key] for key in ("ContentType", "CacheControl")}
    sandbox.account.call("s3", "DeleteObject", index)
    try:
        finding = only(examine(target, session), "page")
    finally:
        sandbox.account.call("s3", "PutObject", kept)
    assert (finding.mark, finding.fix) == ("✗", "pulumi up")


def test_a_missing_security_header_is_reported_by_name(
    sandbox: Sandbox, target: stack.Stack, session: requests.Session
) -> None:
    present = dict.fromkeys(checks.SECURITY_HEADERS[1:], "some") | {"Content-Type": "text/html"}
    session.mount(f"{sandbox.site}/", Answering(200, "", present))
    finding = next(it for it in examine(target, session) if it.name == "page's security headers")
    assert (finding.mark, finding.found) == ("✗", f"the page has no header {checks.SECURITY_HEADERS[0]}")


def test_a_host_that_this_machine_cannot_reach_is_no_failure(target: stack.Stack, session: requests.Session) -> None:
    gone = {own("kakaoIssuer"): "http://127.0.0.1:9", own("kakaoApi"): "http://127.0.0.1:9"}
    away = stack.Stack({**target.settings, **gone}, target.encrypted, target.outputs)
    findings = {finding.name: finding for finding in examine(away, session)}
    assert {findings[name].mark for name in ("Kakao's addresses", "Kakao takes the sign-in")} == {"–"}
    assert "check that 127.0.0.1:9 is up" in findings["Kakao's addresses"].fix


DECLARED = ("RouteKey", "Target", "AuthorizationType", "AuthorizerId")


@contextmanager
def without_routes_of_the_websocket(sandbox: Sandbox) -> Iterator[None]:
    """The WebSocket API of a program that has no service at it."""
    call, api = sandbox.account.call, {"ApiId": sandbox.exports["websocketApiId"]}
    routes = call("apigatewayv2", "GetRoutes", api)["Items"]
    for route in routes:
        call("apigatewayv2", "DeleteRoute", api | {"RouteId": route["RouteId"]})
    try:
        yield
    finally:
        for route in routes:
            again = {name: value for name, value in route.items() if name in DECLARED}
            call("apigatewayv2", "CreateRoute", api | again)


def test_the_doctor_finds_no_fault_in_a_program_without_a_websocket_service(
    sandbox: Sandbox, target: stack.Stack, session: requests.Session
) -> None:
    with without_routes_of_the_websocket(sandbox):
        assert {finding.mark for finding in examine(target, session)} == {"✓"}


# The command


def test_the_command_prints_a_line_for_each_check_and_fails_with_a_failed_check(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "doctor", "--file", str(sandbox.documents)]
    well = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (well.returncode, well.stderr) == (0, "")
    assert [line[0] for line in well.stdout.splitlines()] == ["✓"] * len(checks.CHECKS)
    with at_kakao(sandbox, login_activated=False):
        ill = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ill.returncode, ill.stderr) == (1, "")
    assert "✗ Kakao takes the sign-in: KOE004, Kakao Login is not activated → " in ill.stdout
    assert CLIENT_SECRET not in sandbox.documents.read_text() + well.stdout + ill.stdout


def test_a_pulumi_stack_is_read_without_its_secrets(sandbox: Sandbox, tmp_path: Path) -> None:
    """A command named pulumi in its place, which knows these two questions only."""
    pulumi = tmp_path / "pulumi"
    documents = json.loads(sandbox.documents.read_text())
    (tmp_path / "config").write_text(json.dumps(documents["config"]))
    (tmp_path / "outputs").write_text(json.dumps(documents["outputs"]))
    pulumi.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f'  "config --json --non-interactive --stack dev") cat {tmp_path}/config ;;\n'
        f'  "stack output --json --non-interactive --stack dev") cat {tmp_path}/outputs ;;\n'
        '  *) echo "no such stack" >&2; exit 255 ;;\n'
        "esac\n"
    )
    pulumi.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def doctor(name: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "doctor", "--stack", name]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert doctor("dev").returncode == 0
    other = doctor("other")
    assert other.returncode == 1
    assert "no such stack" in other.stderr
    assert "Traceback" not in other.stderr

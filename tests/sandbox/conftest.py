"""An emulated AWS of its own, a pool in it, and a provider that can be made to fail."""

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import pytest
import requests
from joserfc import jwt
from joserfc.jwk import OctKey

from sandbox import aws
from sandbox.emulator import Emulator, emulated_aws
from sandbox.identity_provider import take_over
from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox
from sandbox.proxy import serve_proxies
from tests.ports import free_ports
from tests.sandbox.deployed import forget

CALLBACK = "https://app.example/callback"
PROVIDER = "Provider"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
Answer = tuple[int, str]


@dataclass
class Provider:
    """A provider whose token endpoint answers as a test sets. `claims` are what its userinfo returns beside `sub`."""

    url: str = ""
    subject: str = "1"
    answer: Callable[[], Answer] = field(default=lambda: (500, ""))
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: Callable[[], Answer] = field(default=lambda: (500, ""))
    asked: list[str] = field(default_factory=list)

    def well(self) -> Answer:
        key = OctKey.import_key("the emulator does not look at the signature")
        token = jwt.encode({"alg": "HS256"}, {"sub": self.subject, "nickname": "of the token", "hidden": "x"}, key)
        return 200, json.dumps({"id_token": token, "access_token": "the access token"})

    def well_informed(self) -> Answer:
        return 200, json.dumps({"sub": self.subject} | self.claims)


@pytest.fixture
def provider(token_endpoint: Provider) -> Provider:
    token_endpoint.answer, token_endpoint.userinfo = token_endpoint.well, token_endpoint.well_informed
    token_endpoint.claims = {}
    token_endpoint.asked.clear()
    return token_endpoint


@pytest.fixture(scope="session")
def token_endpoint() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.say(*provider.answer())

        def do_GET(self) -> None:
            provider.asked.append(f"{self.path} {self.headers['authorization']}")
            self.say(*provider.userinfo())

        def say(self, status: int, body: str) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        provider.url = f"http://127.0.0.1:{server.server_port}"
        yield provider
        server.shutdown()


@pytest.fixture
def no_kakao_profiles(sandbox: Sandbox) -> Iterator[None]:
    """No profile of a Kakao user is in the pool of the sandbox, before the test and after it."""
    for person in PEOPLE:
        forget(sandbox, person)
    yield
    for person in PEOPLE:
        forget(sandbox, person)


@pytest.fixture(scope="session")
def ports() -> int:
    return free_ports()


@pytest.fixture(scope="session")
def emulator(ports: int) -> Iterator[Emulator]:
    with emulated_aws(ports + 3) as emulator:
        yield emulator


@dataclass(frozen=True)
class Account:
    """The account in an emulator."""

    url: str

    def client(self, service: str) -> Any:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="ap-northeast-2")
        return session.client(service, endpoint_url=self.url)

    def function(self, name: str, body: str) -> str:
        """Deploy `def handler(event, context)` with this one line, and return its ARN."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("code.py", f"def handler(event, context):\n    {body}\n")
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        with closing(self.client("iam")) as iam, closing(self.client("lambda")) as functions:
            role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
            made = functions.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Handler="code.handler",
                Role=role,
                Code={"ZipFile": package.getvalue()},
            )
        arn: str = made["FunctionArn"]
        return arn


@pytest.fixture(scope="session")
def account(emulator: Emulator) -> Account:
    return Account(emulator.url)


@pytest.fixture
def account_at() -> Callable[[str], Account]:
    return Account


@dataclass(frozen=True)
class Pool:
    """A user pool with one client, and the hosted login in front of it."""

    login: str
    id: str
    client_id: str

    def authorize(self, **more: str) -> requests.Response:
        known = {"response_type": "code", "client_id": self.client_id, "redirect_uri": CALLBACK, "state": "of-the-app"}
        return self.get("/oauth2/authorize", **known | {"identity_provider": PROVIDER, "scope": "openid"} | more)

    def return_from_provider(self, **more: str) -> requests.Response:
        """Begin a sign-in and come back from the provider with a code; give the hosted login's answer."""
        return self.get("/oauth2/idpresponse", code="c", state=parameters(self.authorize(**more))["state"])

    def code(self, **more: str) -> str:
        return parameters(self.return_from_provider(**more))["code"]

    def redeem(self, code: str, **more: str) -> requests.Response:
        known = {"grant_type": "authorization_code", "client_id": self.client_id, "redirect_uri": CALLBACK}
        return self.post("/oauth2/token", known | {"code": code} | more)

    def get(self, path: str, **query: str) -> requests.Response:
        return requests.get(f"{self.login}{path}?{urlencode(query)}", allow_redirects=False, timeout=60)

    def post(self, path: str, form: dict[str, str], **headers: str) -> requests.Response:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | headers
        body = urlencode(form)
        return requests.post(self.login + path, data=body, headers=headers, allow_redirects=False, timeout=60)


def parameters(response: requests.Response) -> dict[str, str]:
    """The query of the address that a response leads to."""
    return {name: value for name, (value,) in parse_qs(urlsplit(response.headers["Location"]).query).items()}


@pytest.fixture(scope="session")
def pool(account: Account, ports: int, token_endpoint: Provider) -> Iterator[Pool]:
    cognito = account.client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    cognito.create_identity_provider(
        UserPoolId=pool_id,
        ProviderName=PROVIDER,
        ProviderType="OIDC",
        ProviderDetails={
            "client_id": "c",
            "client_secret": "s",
            "authorize_scopes": "openid",
            "attributes_request_method": "GET",
            "authorize_url": f"{token_endpoint.url}/authorize",
            "token_url": f"{token_endpoint.url}/token",
            "attributes_url": f"{token_endpoint.url}/userinfo",
            "jwks_uri": f"{token_endpoint.url}/keys",
        },
        AttributeMapping={"nickname": "nickname", "email_verified": "email_verified", "custom:plan": "plan"},
    )
    client = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="web",
        SupportedIdentityProviders=[PROVIDER],
        CallbackURLs=[CALLBACK],
        DefaultRedirectURI=CALLBACK,
        LogoutURLs=["https://app.example/"],
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        AllowedOAuthFlowsUserPoolClient=True,
    )
    login = f"http://127.0.0.1:{ports + 1}"
    providers = take_over(aws.Account(account.url, "ap-northeast-2"), pool_id, login)
    with serve_proxies(site_port=ports, aws=account.url, distribution="d111.cloudfront.net", providers=providers):
        yield Pool(login, pool_id, client["UserPoolClient"]["ClientId"])

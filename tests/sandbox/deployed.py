"""Clients of the deployed program, over HTTP and through its WebSocket."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin

import requests
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from botocore.exceptions import ClientError

from handlers import cognito, contract
from sandbox.kakao.people import Person
from sandbox.local import EMAIL_USER, Sandbox
from sandbox.mail import mails

EMAIL, PASSWORD = EMAIL_USER
TOKENS = {"AccessToken", "IdToken", "RefreshToken", "ExpiresIn", "TokenType"}  # of an answer that gives them


def at(sandbox: Sandbox) -> str:
    """The site by its IP address, without a look-up of `localhost`."""
    return sandbox.site.replace("localhost", "127.0.0.1")


def is_direct(sandbox: Sandbox) -> bool:
    """Whether users sign in at Kakao itself."""
    redirect_uri: str = sandbox.exports["kakaoRedirectUri"]
    return redirect_uri.startswith(sandbox.site)


def authorization_server(sandbox: Sandbox) -> str:
    """Where a login sends the browser first."""
    return sandbox.kakao if is_direct(sandbox) else sandbox.hosted_login


def ask(sandbox: Sandbox, route: str, headers: Mapping[str, str] | None = None, body: object = None) -> Any:
    """Ask one route, such as `POST /api/auth/sign-in`, and follow no redirect."""
    method, path = route.split(" ")
    return requests.request(
        method, at(sandbox) + path, headers=dict(headers or {}), json=body, allow_redirects=False, timeout=20
    )


CONSENT = ["profile_nickname", "account_email"]


@dataclass
class Browser:
    """Keeps cookies and follows redirects as a browser, without its protections: those of the site must be enough."""

    sandbox: Sandbox
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, *, planted: str = "", **more: Any) -> requests.Response:
        """Send the site's cookies, and `planted` ones beside them, and keep the cookies of the response."""
        sent = "; ".join(
            [*(f"{name}={value}" for name, value in self.cookies.items()), *([planted] if planted else [])]
        )
        headers = {"Cookie": sent} | more.pop("headers", {})
        answer = requests.request(
            method, at(self.sandbox) + path, headers=headers, allow_redirects=False, timeout=60, **more
        )
        for line in answer.raw.headers.getlist("set-cookie"):
            name, value = line.split(";")[0].split("=", 1)
            self.cookies.pop(name, None)
            if "Max-Age=0" not in line:
                self.cookies[name] = value
        return answer

    def begin(self, query: str = "") -> str:
        """Begin a login, and return where the hosted login is asked for it."""
        origin = urlencode({"provider": "Kakao", "origin": self.sandbox.site})
        answer = self.send("GET", f"/api/auth/login?{origin}&{query}")
        assert answer.status_code == 302, answer.text
        location: str = answer.headers["Location"]
        return location

    def agree(self, url: str, person: Person, consent: Sequence[str] = CONSENT) -> str:
        """Sign in at Kakao, and return the callback that the browser would be sent to."""
        method, form = "GET", None
        while not url.startswith(self.sandbox.site + contract.CALLBACK_PATH):
            if url.startswith(self.sandbox.site):  # on the way from the hosted login to Kakao
                answer = self.send(method, url.removeprefix(self.sandbox.site))
            else:
                answer = requests.request(method, url, data=form, allow_redirects=False, timeout=60)
            if answer.status_code == 302:
                method, url, form = "GET", urljoin(url, answer.headers["Location"]), None
            else:
                assert (answer.status_code, method) == (200, "GET"), answer.text
                method, form = "POST", {"person": person.id, "decision": "agree", "consent": consent}
        return url.removeprefix(self.sandbox.site)

    def sign_in(self, person: Person, query: str = "", consent: Sequence[str] = CONSENT) -> requests.Response:
        return self.send("GET", self.agree(self.begin(query), person, consent))

    def email(self) -> str | None:
        """Return the user whom the site's page would show, or None."""
        answer = self.send("GET", "/api/userinfo", headers={"Sec-Fetch-Site": "same-origin"})
        return answer.json()["email"] if answer.status_code == 200 else None


def id_token(sandbox: Sandbox, email: str = EMAIL, name: str = "IdToken") -> str:
    given: str = ask(sandbox, "POST /api/auth/sign-in", body={"email": email, "password": PASSWORD}).json()[name]
    return given


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def talk(sandbox: Sandbox, headers: Mapping[str, str], *frames: str) -> list[object]:
    """Connect, send these frames, and return the response to each. Raises WSServerHandshakeError for a refusal."""

    async def run() -> list[object]:
        async with ClientSession() as session, session.ws_connect(f"{at(sandbox)}/ws", headers=headers) as socket:
            return [await answer(socket, frame) for frame in frames]

    async def answer(socket: "ClientWebSocketResponse[bool]", frame: str) -> object:
        await socket.send_str(frame)
        came = await socket.receive()
        return json.loads(came.data) if came.type == WSMsgType.TEXT else came.type

    return asyncio.run(asyncio.wait_for(run(), 60))


def mailed_code(sandbox: Sandbox, email: str) -> str:
    """The code in the last mail to this address."""
    text = [mail.text for mail in mails(sandbox.aws) if mail.to == email][-1]
    return re.search(r"\d{6}", text)[0]


def functions(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """The login's functions as deployed, by the names of their modules."""
    return {
        name.removeprefix("handlers."): function
        for name, function in deployed(sandbox).items()
        if name.startswith("handlers.")
    }


def deployed(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """All functions as deployed, by their modules, such as `service.todos`."""
    found = sandbox.account.call("lambda", "ListFunctions", {})["Functions"]
    return {function["Handler"].removesuffix(".handler"): function for function in found}


def invoke(sandbox: Sandbox, module: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Call a function as the service before it does; `FunctionError` is in the answer where it raised."""
    name = module if "." in module else f"handlers.{module}"
    asked = {"FunctionName": deployed(sandbox)[name]["FunctionName"], "Payload": json.dumps(event).encode()}
    answer = sandbox.account.call("lambda", "Invoke", asked)
    return answer | {"Payload": json.loads(answer["Payload"].read())}


def restart(sandbox: Sandbox, module: str) -> None:
    """UpdateFunctionConfiguration: the next call of the function starts a new process, which remembers nothing."""
    function = functions(sandbox)[module]
    same = {"FunctionName": function["FunctionName"], "Timeout": function["Timeout"]}
    sandbox.account.call("lambda", "UpdateFunctionConfiguration", same)


def routes(sandbox: Sandbox) -> list[str]:
    """The routes of the HTTP API, such as `GET /api/userinfo`, as deployed."""
    call = sandbox.account.call
    (api,) = [api for api in call("apigatewayv2", "GetApis", {})["Items"] if api["ProtocolType"] == "HTTP"]
    return [route["RouteKey"] for route in call("apigatewayv2", "GetRoutes", {"ApiId": api["ApiId"]})["Items"]]


def on_pool(sandbox: Sandbox, operation: str, **given: Any) -> dict[str, Any]:
    """Call an operation of Cognito's on the pool, as an administrator."""
    answer: dict[str, Any] = sandbox.account.call(
        "cognito-idp", operation, {"UserPoolId": sandbox.exports["userPoolId"], **given}
    )
    return answer


def at_cognito(sandbox: Sandbox, operation: str, *, client: str = "clientId", **given: Any) -> dict[str, Any]:
    """Call a public operation of Cognito, which needs only a client id; `client` is the name of the output."""
    named = {"ClientId": sandbox.exports[client]}
    answer: dict[str, Any] = sandbox.account.call("cognito-idp", operation, named | given)
    return answer


def with_the_secret(sandbox: Sandbox, operation: str, **given: Any) -> dict[str, Any]:
    """Call an operation of Cognito's as the site's own functions do."""
    client_id = sandbox.exports["clientId"]
    secret = on_pool(sandbox, "DescribeUserPoolClient", ClientId=client_id)["UserPoolClient"]["ClientSecret"]
    parameters = given.get("AuthParameters") or given.get("ChallengeResponses")
    name = parameters["USERNAME"] if parameters else given["Username"]
    proof = cognito.secret_hash(name, client_id=client_id, client_secret=secret)
    if parameters:
        parameters["SECRET_HASH"] = proof
    else:
        given["SecretHash"] = proof
    return at_cognito(sandbox, operation, **given)


Switch = Callable[..., None]


@contextmanager
def switches(stand_in: str) -> Iterator[Switch]:
    """Make a stand-in fail as wanted, at some of its endpoints or all, until the block ends."""

    def switch(mode: str, *endpoints: str, **more: Any) -> None:
        body = {"mode": mode, **more} | ({"endpoints": list(endpoints)} if endpoints else {})
        requests.post(f"{stand_in}/_stand-in/mode", json=body, timeout=60).raise_for_status()

    yield switch
    switch("up")


KAKAO_IDENTITY = {"ProviderName": "Kakao", "ProviderAttributeName": "Cognito_Subject"}


def profile_names(person: Person) -> tuple[str, str]:
    """The user names of a Kakao user: after a first sign-in by token, and after one on the web."""
    return f"kakao-{person.id}", f"Kakao_{person.id}"  # Cognito writes the second in lower case, the emulator does not


def profiles(sandbox: Sandbox, person: Person) -> list[str]:
    """The names of this Kakao user's profiles in the pool, as Cognito compares them."""
    users = on_pool(sandbox, "ListUsers")["Users"]
    return sorted(user["Username"].lower() for user in users if user["Username"] in profile_names(person))


def forget(sandbox: Sandbox, person: Person) -> None:
    """Delete every profile of this Kakao user in the pool."""
    identity = KAKAO_IDENTITY | {"ProviderAttributeValue": str(person.id)}
    with suppress(ClientError):  # the emulator would keep the link of a profile that is gone
        on_pool(sandbox, "AdminDisableProviderForUser", User=identity)
    for name in profile_names(person):
        with suppress(ClientError):
            on_pool(sandbox, "AdminDeleteUser", Username=name)


def kakao_tokens(sandbox: Sandbox, person: Person, **more: Any) -> dict[str, str]:
    """Kakao's tokens for a user, as its SDK would have them."""
    answer = requests.post(f"{sandbox.kakao}/_stand-in/token", json={"person": person.id, **more}, timeout=60)
    tokens: dict[str, str] = answer.json()
    return tokens

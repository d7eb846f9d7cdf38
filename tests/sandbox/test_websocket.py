"""The whole WebSocket as deployed: who is denied does not connect, and who connects is heard."""

import asyncio
import json
import time
from collections.abc import Mapping

import pytest
import requests
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from sandbox.local import EMAIL_PERSON, Sandbox
from tests.handlers.user_pool import token as forged

pytestmark = pytest.mark.sandbox

EMAIL, PASSWORD = EMAIL_PERSON


def id_token(sandbox: Sandbox, email: str = EMAIL, name: str = "IdToken") -> str:
    body = {"email": email, "password": PASSWORD}
    answer = requests.post(f"{at(sandbox)}/api/auth/sign-in", json=body, timeout=10)
    given: str = answer.json()[name]
    return given


def at(sandbox: Sandbox) -> str:
    """The site where nobody has to look `localhost` up."""
    return sandbox.site.replace("localhost", "127.0.0.1")


def talk(sandbox: Sandbox, headers: Mapping[str, str], *frames: str) -> list[object]:
    """Connect, send these frames, and return what came for each; raise WSServerHandshakeError where it is refused."""

    async def run() -> list[object]:
        async with ClientSession() as session, session.ws_connect(f"{at(sandbox)}/ws", headers=headers) as socket:
            return [await answer(socket, frame) for frame in frames]

    async def answer(socket: "ClientWebSocketResponse[bool]", frame: str) -> object:
        await socket.send_str(frame)
        came = await socket.receive()
        return json.loads(came.data) if came.type == WSMsgType.TEXT else came.type

    return asyncio.run(asyncio.wait_for(run(), 20))


def expect_denied(sandbox: Sandbox, headers: Mapping[str, str]) -> None:
    with pytest.raises(WSServerHandshakeError) as refusal:
        talk(sandbox, headers)
    assert refusal.value.status == 403


@pytest.fixture(scope="module")
def token(sandbox: Sandbox) -> str:
    return id_token(sandbox)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_client_with_a_token_is_heard_and_told_what_it_does_wrong(sandbox: Sandbox, token: str) -> None:
    said, wrong, again = talk(sandbox, bearer(token), '{"message": "안녕"}', "nonsense", '{"message": "또"}')
    assert said == {"nickname": None, "message": "안녕"}
    assert isinstance(wrong, dict)
    assert wrong["error"] == "invalid_message"
    assert again == {"nickname": None, "message": "또"}


def test_a_message_that_names_another_event_is_a_message(sandbox: Sandbox, token: str) -> None:
    for action in ("$connect", "$disconnect"):
        (answer,) = talk(sandbox, bearer(token), json.dumps({"message": "x", "action": action}))
        assert isinstance(answer, dict)
        assert answer["error"] == "invalid_message"


def test_the_sites_cookie_connects_from_the_site_alone(sandbox: Sandbox, token: str) -> None:
    cookie = {"Cookie": f"__Host-id={token}"}
    assert talk(sandbox, cookie | {"Origin": sandbox.site}) == []
    assert talk(sandbox, cookie | {"Origin": sandbox.exports["siteUrl"]}) == []
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": sandbox.kakao}):
        expect_denied(sandbox, cookie | headers)


def test_nobody_connects_without_a_good_token(sandbox: Sandbox, token: str) -> None:
    head, _, signature = token.rpartition(".")
    expect_denied(sandbox, {})
    expect_denied(sandbox, {"Origin": sandbox.site})
    for bad in (
        EMAIL,
        f"{head}.{signature[::-1]}",
        forged(aud=sandbox.exports["clientId"]),
        id_token(sandbox, name="AccessToken"),
    ):
        expect_denied(sandbox, bearer(bad))


@pytest.fixture
def other_person(sandbox: Sandbox) -> str:
    email = f"person-{time.time_ns()}@example.com"
    person = {"UserPoolId": sandbox.exports["userPoolId"], "Username": email}
    verified = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    call = sandbox.account.call
    call("cognito-idp", "AdminCreateUser", {**person, "UserAttributes": verified, "MessageAction": "SUPPRESS"})
    call("cognito-idp", "AdminSetUserPassword", {**person, "Password": PASSWORD, "Permanent": True})
    return email


@pytest.mark.parametrize("operation", ["AdminDisableUser", "AdminDeleteUser"])
def test_a_good_token_of_a_person_who_is_no_longer_there_does_not_connect(
    sandbox: Sandbox, other_person: str, operation: str
) -> None:
    token = id_token(sandbox, other_person)
    assert talk(sandbox, bearer(token)) == []
    person = {"UserPoolId": sandbox.exports["userPoolId"], "Username": other_person}
    sandbox.account.call("cognito-idp", operation, person)
    expect_denied(sandbox, bearer(token))


@pytest.mark.parametrize("seconds", [600, -1])
def test_the_chat_may_post_and_disconnect_and_takes_no_offence_where_nobody_is_left(
    sandbox: Sandbox, seconds: int
) -> None:
    person = {"sub": "sub-1", "username": "gone", "provider": "Cognito", "exp": str(int(time.time()) + seconds)}
    context = {"eventType": "MESSAGE", "connectionId": "gone", "authorizer": person}
    event = {"requestContext": context, "body": '{"message": "hi"}', "isBase64Encoded": False}
    functions = sandbox.account.call("lambda", "ListFunctions", {})["Functions"]
    (chat,) = [function["FunctionName"] for function in functions if function["Handler"] == "handlers.chat.handler"]
    asked = {"FunctionName": chat, "Payload": json.dumps(event).encode()}
    assert json.loads(sandbox.account.call("lambda", "Invoke", asked)["Payload"].read()) == {"statusCode": 200}

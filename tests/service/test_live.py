"""The service as deployed in the emulated AWS, with its own roles, tables and topics."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession

from sandbox.local import Sandbox
from tests.sandbox.deployed import PASSWORD, ask, at, bearer, deployed, id_token, invoke, on_pool, talk

pytestmark = pytest.mark.sandbox


@pytest.fixture
def person(sandbox: Sandbox) -> Callable[[], str]:
    """Gives the ID token of a new user, each time."""

    def person() -> str:
        email = f"{secrets.token_hex(6)}@example.com"
        verified = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        on_pool(sandbox, "AdminCreateUser", Username=email, UserAttributes=verified, MessageAction="SUPPRESS")
        on_pool(sandbox, "AdminSetUserPassword", Username=email, Password=PASSWORD, Permanent=True)
        return id_token(sandbox, email)

    return person


def test_only_its_user_can_see_and_remove_a_to_do(sandbox: Sandbox, person: Callable[[], str]) -> None:
    mine, others = bearer(person()), bearer(person())
    assert ask(sandbox, "GET /api/todos").status_code == 401
    made = ask(sandbox, "POST /api/todos", mine, {"text": "우유 사기"})
    assert made.status_code == 201
    assert ask(sandbox, "GET /api/todos", mine).json()["todos"] == [made.json()]
    assert ask(sandbox, "GET /api/todos", others).json()["todos"] == []
    one = f"DELETE /api/todos/{made.json()['id']}"
    assert [ask(sandbox, one, who).status_code for who in (others, mine, mine)] == [404, 204, 404]


@pytest.mark.parametrize("body", [None, {}, {"text": ""}, {"text": "x" * 501}, [1]])
def test_a_wrong_body_is_refused(sandbox: Sandbox, person: Callable[[], str], body: Any) -> None:
    answer = ask(sandbox, "POST /api/todos", bearer(person()), body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_client_with_a_token_gets_responses_and_errors(sandbox: Sandbox, person: Callable[[], str]) -> None:
    said, wrong, again = talk(sandbox, bearer(person()), '{"message": "안녕"}', "nonsense", '{"message": "또"}')
    assert said == {"nickname": None, "message": "안녕"}
    assert isinstance(wrong, dict)
    assert wrong["error"] == "invalid_message"
    assert again == {"nickname": None, "message": "또"}


def test_a_message_with_the_action_of_another_route_is_still_a_message(
    sandbox: Sandbox, person: Callable[[], str]
) -> None:
    for action in ("$connect", "$disconnect"):
        (answer,) = talk(sandbox, bearer(person()), json.dumps({"message": "x", "action": action}))
        assert isinstance(answer, dict)
        assert answer["error"] == "invalid_message"


async def hear(site: str, token: str, *, connections: int) -> list[list[Any]]:
    """Open some connections of one user, send a message in the first, and return what each of them receives."""
    async with ClientSession() as session:
        headers = bearer(token)
        sockets = [await session.ws_connect(f"{site}/ws", headers=headers) for _ in range(connections)]
        await sockets[0].send_str('{"message": "hi", "id": "7"}')
        heard = [[json.loads((await socket.receive()).data)] for socket in sockets]
        await sockets[0].send_str('{"ping": true}')
        heard[0].append(json.loads((await sockets[0].receive()).data))
        for socket in sockets:
            await socket.close()
        return heard


def test_a_message_reaches_all_connections_of_its_user(sandbox: Sandbox, person: Callable[[], str]) -> None:
    heard = asyncio.run(asyncio.wait_for(hear(at(sandbox), person(), connections=3), 30))
    copy = {"nickname": None, "message": "hi"}
    assert heard == [[copy | {"id": "7"}, {"pong": True}], [copy], [copy]]


def test_a_closed_connection_is_removed_from_the_table(sandbox: Sandbox, person: Callable[[], str]) -> None:
    token = person()
    asyncio.run(asyncio.wait_for(hear(at(sandbox), token, connections=2), 30))
    (table,) = [t for t in sandbox.account.call("dynamodb", "ListTables", {})["TableNames"] if "connections" in t]
    deadline = time.monotonic() + 10  # $disconnect comes after the client has gone
    while sandbox.account.call("dynamodb", "Scan", {"TableName": table})["Count"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("seconds", [600, -1])
def test_the_chat_may_post_and_disconnect_and_ignores_closed_connections(sandbox: Sandbox, seconds: int) -> None:
    person = {"sub": "sub-1", "username": "gone", "provider": "Cognito", "exp": str(int(time.time()) + seconds)}
    context = {"eventType": "MESSAGE", "connectionId": "gone", "authorizer": person}
    event = {"requestContext": context, "body": '{"message": "hi"}', "isBase64Encoded": False}
    assert invoke(sandbox, "service.chat", event)["Payload"] == {"statusCode": 200}


def test_a_new_user_gets_a_first_to_do(sandbox: Sandbox) -> None:
    """The emulator calls no post confirmation trigger; the topic and the function are as deployed."""
    sub = secrets.token_hex(8)
    event: dict[str, Any] = {"triggerSource": "PostConfirmation_ConfirmSignUp", "userName": "kakao_1"}
    event |= {"request": {"userAttributes": {"sub": sub, "cognito:user_status": "EXTERNAL_PROVIDER"}}}
    for _ in range(2):  # Cognito may call it again
        assert "FunctionError" not in invoke(sandbox, "post_confirmation", event)
    (table,) = [t for t in sandbox.account.call("dynamodb", "ListTables", {})["TableNames"] if "todos" in t]
    key = {"sub": {"S": sub}, "id": {"S": "0-welcome"}}
    deadline = time.monotonic() + 10
    while "Item" not in sandbox.account.call("dynamodb", "GetItem", {"TableName": table, "Key": key}):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("module", ["service.todos", "service.chat", "service.first_sign_in"])
def test_a_function_has_access_to_its_own_table_only(sandbox: Sandbox, module: str) -> None:
    role = deployed(sandbox)[module]["Role"].rpartition("/")[2]
    names = sandbox.account.call("iam", "ListRolePolicies", {"RoleName": role})["PolicyNames"]
    granted = [
        statement["Resource"]
        for name in names
        for statement in sandbox.account.call("iam", "GetRolePolicy", {"RoleName": role, "PolicyName": name})[
            "PolicyDocument"
        ]["Statement"]
        if any(action.startswith("dynamodb:") for action in statement["Action"])
    ]
    variables = deployed(sandbox)[module]["Environment"]["Variables"]
    table = variables["CONNECTIONS" if module == "service.chat" else "TABLE"]
    assert [[arn.rpartition("table/")[2].partition("/")[0] for arn in arns] for arns in granted] == [[table, table]]

"""A message reaches all connections of its user, under their nickname, for as long as their tokens are valid."""

import importlib
import json
import logging
import os
import time
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from handlers import connections
from handlers.bugs import UnexpectedError
from tests.service.tables import create_table


@pytest.fixture(scope="session")
def chat() -> ModuleType:
    os.environ |= {"MANAGEMENT_URL": "https://api.example/ws", "CONNECTIONS": "connections"}
    return importlib.import_module("service.chat")


class GoneError(Exception):
    pass


class Gateway:
    """API Gateway's management of connections. It keeps the calls."""

    class exceptions:  # noqa: N801 - as botocore has it
        GoneException = GoneError

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any]] = []
        self.error: Exception | None = None
        self.gone: set[str] = set()

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803
        self._tell("post", ConnectionId, json.loads(Data))

    def delete_connection(self, *, ConnectionId: str) -> None:  # noqa: N803
        self._tell("close", ConnectionId, None)

    def _tell(self, *what: Any) -> None:
        if self.error:
            raise self.error
        if what[1] in self.gone:
            raise GoneError
        self.told.append(what)


@pytest.fixture
def gateway(chat: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    gateway = Gateway()
    monkeypatch.setattr(connections, "gateway", lambda: gateway)
    with mock_aws():
        monkeypatch.setattr(chat.connections, "table", partial(create_table, "connection"))
        yield gateway


def at(connection: str, kind: str = "MESSAGE", *, body: Any = None, sub: str = "sub-1", **more: Any) -> dict[str, Any]:
    """An event of another connection or another user."""
    made = event(body, kind=kind, **more)
    made["requestContext"]["connectionId"] = connection
    made["requestContext"]["authorizer"]["sub"] = sub
    return made


def event(
    body: Any = None, *, kind: str = "MESSAGE", seconds: float = 600, nickname: str | None = "김하늘", **more: Any
) -> dict[str, Any]:
    person = {"principalId": "sub-1", "sub": "sub-1", "username": "Kakao_1", "provider": "Kakao"}
    person |= {"exp": str(int(time.time() + seconds))} | ({"nickname": nickname} if nickname else {})
    route = {"MESSAGE": "$default", "CONNECT": "$connect", "DISCONNECT": "$disconnect"}[kind]
    context = {"eventType": kind, "routeKey": route, "connectionId": "connection-1", "authorizer": person}
    text = body if isinstance(body, str | None) else json.dumps(body)
    return {"requestContext": context, "body": text, "isBase64Encoded": False, **more}


def test_a_message_is_returned_to_its_user_with_the_nickname(chat: ModuleType, gateway: Gateway) -> None:
    assert chat.handler(event({"message": "안녕 😀 <b>"}), None) == {"statusCode": 200}
    assert gateway.told == [("post", "connection-1", {"nickname": "김하늘", "message": "안녕 😀 <b>"})]


def test_a_withheld_nickname_is_null(chat: ModuleType, gateway: Gateway) -> None:
    chat.handler(event({"message": "hi"}, nickname=None), None)
    assert gateway.told[0][2] == {"nickname": None, "message": "hi"}


@pytest.mark.parametrize("known", ["7", "x" * 64])
def test_a_response_has_the_id_of_its_message(chat: ModuleType, gateway: Gateway, known: str) -> None:
    chat.handler(event({"message": "hi", "id": known}), None)
    assert gateway.told[-1][2] == {"nickname": "김하늘", "message": "hi", "id": known}
    chat.handler(event({"message": "", "id": known}), None)
    assert (gateway.told[-1][2]["error"], gateway.told[-1][2]["id"]) == ("invalid_message", known)


def test_a_ping_is_answered_with_a_pong(chat: ModuleType, gateway: Gateway) -> None:
    chat.handler(event({"ping": True}), None)
    assert gateway.told == [("post", "connection-1", {"pong": True})]


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "hi",
        "{",
        "[" * 3000,
        [],
        [{"message": "hi"}],
        5,
        True,
        {},
        {"text": "hi"},
        {"message": None},
        {"message": 5},
        {"message": ["hi"]},
        {"message": ""},
        {"message": " \n"},
        {"message": "hi", "nickname": "somebody else"},
        {"message": "hi", "action": "$connect"},
        {"message": "hi", "id": 5},
        {"message": "hi", "id": ""},
        {"message": "hi", "id": "x" * 65},
        {"id": "7"},
        {"ping": False},
        {"ping": True, "message": "hi"},
    ],
    ids=repr,
)
def test_a_malformed_message_is_answered_with_the_expected_format(
    chat: ModuleType, gateway: Gateway, body: Any
) -> None:
    assert chat.handler(event(body), None) == {"statusCode": 200}
    ((what, _, frame),) = gateway.told
    assert (what, frame["error"]) == ("post", "invalid_message")
    assert '{"message": "…"}' in frame["message"]


def test_a_binary_frame_is_a_malformed_message(chat: ModuleType, gateway: Gateway) -> None:
    chat.handler(event({"message": "hi"}, isBase64Encoded=True), None)
    assert gateway.told[0][2]["error"] == "invalid_message"


def test_a_frame_over_four_kilobytes_is_refused(chat: ModuleType, gateway: Gateway) -> None:
    room = 4096 - len('{"message":""}')
    for text, error in (("x" * room, None), ("x" * (room + 1), "too_long"), ("가" * (room // 3 + 1), "too_long")):
        chat.handler(event(json.dumps({"message": text}, ensure_ascii=False, separators=(",", ":"))), None)
        assert gateway.told[-1][2].get("error") == error


@pytest.mark.parametrize("seconds", [0, -1, -100_000])
@pytest.mark.parametrize("body", [{"message": "hi"}, "nonsense", None])
def test_a_message_after_the_tokens_expiry_disconnects_without_a_response(
    chat: ModuleType, gateway: Gateway, seconds: int, body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)  # `exp` itself is too late, to the second
    assert chat.handler(event(body, seconds=seconds), None) == {"statusCode": 200}
    assert gateway.told == [("close", "connection-1", None)]


def test_a_closed_connection_is_no_error(chat: ModuleType, gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.error = GoneError()
    for seconds in (600, -1):
        assert chat.handler(event({"message": "hi"}, seconds=seconds), None) == {"statusCode": 200}
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "LimitExceededException", "Message": ""}}, "PostToConnection"),
        EndpointConnectionError(endpoint_url="https://api.example"),
    ],
)
def test_a_failure_of_the_gateway_is_an_error_of_the_function(
    chat: ModuleType, gateway: Gateway, error: Exception
) -> None:
    gateway.error = error
    with pytest.raises(UnexpectedError):
        chat.handler(event({"message": "hi"}), None)


HI = {"message": "hi", "id": "7"}


def reached(gateway: Gateway) -> set[str]:
    return {connection for _, connection, _ in gateway.told}


def test_a_message_reaches_every_connection_of_its_user_only(chat: ModuleType, gateway: Gateway) -> None:
    for connection in ("phone", "laptop", "tablet"):
        chat.handler(at(connection, "CONNECT"), None)
    chat.handler(at("strangers", "CONNECT", sub="sub-2"), None)
    chat.handler(at("phone", body=HI), None)
    assert reached(gateway) == {"phone", "laptop", "tablet"}


def test_only_the_senders_connection_gets_the_id(chat: ModuleType, gateway: Gateway) -> None:
    chat.handler(at("phone", "CONNECT"), None)
    chat.handler(at("laptop", "CONNECT"), None)
    chat.handler(at("phone", body=HI), None)
    frames = {connection: frame for _, connection, frame in gateway.told}
    assert frames["phone"].get("id") == "7"
    assert "id" not in frames["laptop"]
    assert frames["laptop"]["message"] == "hi"


@pytest.mark.parametrize("body", [{"ping": True}, "nonsense", {"message": ""}])
def test_a_ping_or_an_error_is_answered_to_the_sender_only(chat: ModuleType, gateway: Gateway, body: Any) -> None:
    chat.handler(at("laptop", "CONNECT"), None)
    chat.handler(at("phone", body=body), None)
    assert reached(gateway) == {"phone"}


def test_a_disconnected_connection_gets_no_message(chat: ModuleType, gateway: Gateway) -> None:
    chat.handler(at("laptop", "CONNECT"), None)
    chat.handler(at("laptop", "DISCONNECT"), None)
    chat.handler(at("phone", body=HI), None)
    assert reached(gateway) == {"phone"}


def test_a_connection_that_is_gone_is_removed_and_the_others_get_the_message(
    chat: ModuleType, gateway: Gateway
) -> None:
    for connection in ("laptop", "phone", "tablet"):
        chat.handler(at(connection, "CONNECT"), None)
    gateway.gone = {"laptop"}
    chat.handler(at("phone", body=HI), None)
    assert reached(gateway) == {"phone", "tablet"}
    gateway.gone = set()
    chat.handler(at("phone", body=HI), None)
    assert "laptop" not in reached(gateway)


def test_a_connection_whose_token_has_expired_gets_no_message(chat: ModuleType, gateway: Gateway) -> None:
    chat.handler(at("laptop", "CONNECT", seconds=-1), None)
    chat.handler(at("phone", body=HI), None)
    assert reached(gateway) == {"phone"}


def test_an_item_of_the_table_expires_with_the_token_and_has_no_personal_data(
    chat: ModuleType, gateway: Gateway
) -> None:
    connect = at("phone", "CONNECT")
    chat.handler(connect, None)
    expires = int(connect["requestContext"]["authorizer"]["exp"])
    assert chat.connections.table("CONNECTIONS").scan()["Items"] == [
        {"sub": "sub-1", "connection": "phone", "expires": expires}
    ]


def test_a_user_with_too_many_connections_still_gets_a_response(chat: ModuleType, gateway: Gateway) -> None:
    for number in range(chat.connections.MAX_CONNECTIONS + 5):
        chat.handler(at(f"c{number:03d}", "CONNECT"), None)
    chat.handler(at("zzz", body=HI), None)
    assert "zzz" in reached(gateway)
    assert len(gateway.told) == chat.connections.MAX_CONNECTIONS + 1


def test_send_reaches_all_connections_of_a_user_and_returns_their_number(chat: ModuleType, gateway: Gateway) -> None:
    for connection, sub in {"phone": "sub-1", "laptop": "sub-1", "strangers": "sub-2"}.items():
        chat.handler(at(connection, "CONNECT", sub=sub), None)
    assert chat.connections.send("sub-1", {"note": "안녕"}) == 2
    assert sorted(gateway.told) == [("post", name, {"note": "안녕"}) for name in ("laptop", "phone")]
    assert chat.connections.send("sub-3", {"note": "안녕"}) == 0


@pytest.mark.parametrize("kind", ["CONNECT", "DISCONNECT"])
def test_connect_and_disconnect_are_accepted_without_a_response(chat: ModuleType, gateway: Gateway, kind: str) -> None:
    assert chat.handler(event(kind=kind, seconds=-1), None) == {"statusCode": 200}
    assert gateway.told == []


def test_no_log_line_has_a_message_or_a_user(
    chat: ModuleType, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for body in ({"message": "canary"}, {"canary": 1}, {"message": "canary" * 1000}):
        chat.handler(event(body), None)
    chat.handler(event({"message": "canary"}, seconds=-1), None)
    told = repr([record.__dict__ for record in caplog.records])
    assert [record.message for record in caplog.records] == ["answered", "invalid_message", "too_long", "expired"]
    assert not any(word in told for word in ("canary", "김하늘", "Kakao_1"))


def test_a_warm_function_does_not_mix_up_users(chat: ModuleType, gateway: Gateway) -> None:
    chat.handler(event({"message": "first"}), None)
    chat.handler(event({"message": "second"}, nickname=None), None)
    assert [frame for _, _, frame in gateway.told] == [
        {"nickname": "김하늘", "message": "first"},
        {"nickname": None, "message": "second"},
    ]


def test_the_management_api_is_called_at_the_address_of_the_environment(
    chat: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    connections.gateway.cache_clear()
    made = connections.gateway()
    connections.gateway.cache_clear()
    assert made.meta.endpoint_url == "https://api.example/ws"
    assert isinstance(made, type(boto3.client("apigatewaymanagementapi"))) or made.meta.service_model.service_id


@given(body=st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_every_frame_is_answered_in_json(body: str) -> None:
    chat = importlib.import_module("service.chat")
    try:
        answer = chat.answer(event(body), None)
    except chat.InvalidFrameError as error:
        answer = error.answer
    if "error" in answer:
        assert set(answer) == {"error", "message"}
    else:
        assert answer == {"nickname": None, **json.loads(body)}

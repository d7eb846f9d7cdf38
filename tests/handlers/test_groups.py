"""Groups: the check refuses users outside a group, and the token of a member fits into a cookie."""

import base64
import importlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from handlers import connections, contract, pre_token_generation
from handlers.bugs import UnexpectedError
from tests.handlers.user_pool import known_claims

CANARY = "canary-7f3a"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The check for admins and editors, before a function that always answers 200."""
    own = ModuleType("own")
    own.handler = lambda event, _context: {"statusCode": 200, "body": "reached"}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own", own)
    monkeypatch.setenv(contract.ENV_GROUPS, '["admin", "editor", "guest"]')
    monkeypatch.setenv(contract.ENV_ALLOWED_GROUPS, '["admin", "editor"]')
    monkeypatch.setenv(contract.ENV_CHECKED_HANDLER, "own.handler")
    monkeypatch.delenv("MANAGEMENT_URL", raising=False)  # the tests of the chat leave theirs
    monkeypatch.delitem(sys.modules, "handlers.group_check", raising=False)
    yield importlib.import_module("handlers.group_check")
    sys.modules.pop("handlers.group_check", None)


def http(groups: str | None, route: str = "GET /api/x") -> dict[str, Any]:
    claims = {"sub": "sub-1", "username": CANARY} | ({} if groups is None else {"cognito:groups": groups})
    return {"routeKey": route, "requestContext": {"authorizer": {"jwt": {"claims": claims}}}}


def socket(groups: str, event_type: str = "CONNECT", exp: str = "9999999999") -> dict[str, Any]:
    user = {"sub": "sub-1", "username": CANARY, "provider": "Kakao", "groups": groups, "exp": exp}
    return {"requestContext": {"eventType": event_type, "connectionId": "connection-1", "authorizer": user}}


@pytest.mark.parametrize("event", [http("[admin]"), http("[guest editor]"), socket("editor")])
def test_a_member_of_an_allowed_group_reaches_the_function(check: ModuleType, event: dict[str, Any]) -> None:
    assert check.handler(event, None)["body"] == "reached"


@pytest.mark.parametrize(
    "event",
    [
        http(None),
        http("[]"),
        http("[guest]"),
        http("[administrator]"),
        http("[ap-northeast-2_x_Kakao]"),
        socket("guest"),
        socket(""),
    ],
)
def test_a_user_outside_the_allowed_groups_gets_a_403(
    check: ModuleType, event: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = check.handler(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (403, "forbidden")
    assert CANARY not in "".join(repr(vars(record)) for record in caplog.records)


def test_after_the_tokens_expiry_a_disconnect_reaches_the_function_and_a_message_does_not(
    check: ModuleType,
) -> None:
    assert check.handler(socket("admin", "MESSAGE"), None)["body"] == "reached"
    assert check.handler(socket("admin", "MESSAGE", exp="1"), None)["statusCode"] == 401
    assert check.handler(socket("admin", "DISCONNECT", exp="1"), None)["body"] == "reached"


class GoneError(Exception):
    pass


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections that a function closes at API Gateway, which knows only the first one."""
    found: list[str] = []

    def delete_connection(*, ConnectionId: str) -> None:  # noqa: N803
        if ConnectionId != "connection-1":
            raise GoneError
        found.append(ConnectionId)

    exceptions = SimpleNamespace(GoneException=GoneError)
    client = SimpleNamespace(delete_connection=delete_connection, exceptions=exceptions)
    monkeypatch.setattr(connections, "gateway", lambda: client)
    monkeypatch.setenv("MANAGEMENT_URL", "https://api.example/ws")
    return found


def test_a_message_after_the_tokens_expiry_closes_the_connection_and_does_not_reach_the_function(
    check: ModuleType, closed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for event in (socket("admin"), socket("admin", "MESSAGE"), socket("admin", "DISCONNECT", exp="1"), http("[admin]")):
        assert check.handler(event, None)["body"] == "reached"
    assert closed == []
    for groups in ("admin", "guest"):
        assert check.handler(socket(groups, "MESSAGE", exp="1"), None) == {"statusCode": 200}
    assert closed == ["connection-1", "connection-1"]
    gone = socket("admin", "MESSAGE", exp="1")
    gone["requestContext"]["connectionId"] = "connection-2"
    assert check.handler(gone, None) == {"statusCode": 200}
    assert CANARY not in "".join(repr(vars(record)) for record in caplog.records)


def test_a_connection_that_cannot_be_closed_is_an_error_without_aws_text(
    check: ModuleType, closed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ClientError({"Error": {"Code": "AccessDeniedException", "Message": CANARY}}, "DeleteConnection")
    monkeypatch.setattr(connections.gateway(), "delete_connection", Mock(side_effect=refused))
    with pytest.raises(UnexpectedError, match=r"^Something went wrong\. Try again\.$"):
        check.handler(socket("admin", "MESSAGE", exp="1"), None)


def test_a_refused_head_request_has_no_body(check: ModuleType) -> None:
    answer = check.handler(http("[guest]", "HEAD /api/x"), None)
    assert (answer["statusCode"], answer["body"]) == (403, "")


@pytest.mark.parametrize("authorizer", [None, {}, {"jwt": {"claims": {}}}])
def test_without_a_user_the_group_check_answers_401(check: ModuleType, authorizer: Any) -> None:
    event = {"routeKey": "GET /api/x", "requestContext": {"authorizer": authorizer}}
    assert check.handler(event, None)["statusCode"] == 401
    assert check.handler({"requestContext": {}}, None)["statusCode"] == 401


def test_an_event_of_another_service_passes_the_group_check(check: ModuleType) -> None:
    assert check.handler({"Records": []}, None)["body"] == "reached"


# The trigger


def trigger(groups: list[str], **attributes: str) -> dict[str, Any]:
    known = {"sub": "7d2f7a3e-0000-4000-8000-000000000001", "email": "haneul@example.com", "nickname": "김하늘"}
    request = {"userAttributes": known | attributes, "groupConfiguration": {"groupsToOverride": groups}}
    event = {"triggerSource": "TokenGeneration_HostedAuth", "userName": "kakao_1", "request": request, "response": {}}
    changes: dict[str, Any] = pre_token_generation.handler(event, None)["response"]["claimsOverrideDetails"]
    return changes


def groups_of(changes: dict[str, Any]) -> list[str]:
    found: list[str] = changes["groupOverrideDetails"]["groupsToOverride"]
    return found


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(contract.ENV_GROUPS, '["admin", "editor"]')


def test_a_token_holds_only_the_groups_of_the_setting(declared: None) -> None:
    changes = trigger(["editor", "ap-northeast-2_x_Kakao", *(f"other-{number}" for number in range(80))])
    assert groups_of(changes) == ["editor"]
    assert changes["claimsToSuppress"] == []


def test_a_user_in_no_group_gets_no_groups_in_the_token(declared: None) -> None:
    assert groups_of(trigger([])) == []


def test_the_longest_attribute_is_left_out_where_the_token_would_be_too_large(
    declared: None, caplog: pytest.LogCaptureFixture
) -> None:
    changes = trigger(["admin"], picture="https://example.com/" + "x" * 2000, gender="female")
    assert changes["claimsToSuppress"] == ["picture"]
    assert groups_of(changes) == ["admin"]
    (line,) = caplog.records
    assert line.message == "token_trimmed"
    assert "xxx" not in repr(line.__dict__)


def cookie_bytes(changes: dict[str, Any], attributes: dict[str, str]) -> int:
    """Return the size of the ID token's cookie, without the claims that the trigger removes."""
    kept = {name: value for name, value in attributes.items() if name not in changes["claimsToSuppress"]}
    claims = known_claims() | kept | {"cognito:groups": groups_of(changes), "cognito:username": "u" * 128}
    ids = dict.fromkeys(("jti", "origin_jti", "event_id"), "7d2f7a3e-0000-4000-8000-000000000001")
    claims |= ids | {"nonce": "n" * 43, "at_hash": "h" * 22, "auth_time": 1_700_000_000}
    claims["iss"] = "https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_AbCdEfGhI"
    header = {"kid": "k" * 44, "alg": "RS256"}
    parts = [json.dumps(part, ensure_ascii=False).encode() for part in (header, claims)] + [b"s" * 256]
    encoded = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return len(contract.ID_COOKIE) + len(encoded)


@given(
    attributes=st.dictionaries(st.sampled_from(["picture", "gender", "nickname", "profile"]), st.text(max_size=1500)),
    groups=st.lists(st.integers(0, 19), unique=True),
)
def test_the_id_token_of_any_profile_fits_into_a_cookie(attributes: dict[str, str], groups: list[int]) -> None:
    names = [f"{number:02d}{'g' * 62}" for number in range(20)]  # the longest that the setting takes
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(contract.ENV_GROUPS, json.dumps(names))
        changes = trigger([names[number] for number in groups], **attributes)
        assert set(groups_of(changes)) == {names[number] for number in groups}
        assert cookie_bytes(changes, attributes) <= contract.MAX_COOKIE_BYTES


def test_the_text_of_a_bug_reaches_neither_the_user_nor_the_log(caplog: pytest.LogCaptureFixture) -> None:
    hidden: Callable[[], object] = lambda: pre_token_generation.handler({"request": CANARY}, None)  # noqa: E731
    with pytest.raises(Exception, match=r"Something went wrong\. Try again\."):
        hidden()
    assert CANARY not in "".join(repr(vars(record)) for record in caplog.records)

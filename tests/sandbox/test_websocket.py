"""The deployed WebSocket: a denied client does not connect."""

import time
from collections.abc import Mapping

import pytest
from aiohttp import WSServerHandshakeError

from sandbox.local import Sandbox
from tests.handlers.user_pool import token as forged
from tests.sandbox.deployed import EMAIL, PASSWORD, bearer, id_token, talk

pytestmark = pytest.mark.sandbox


def expect_denied(sandbox: Sandbox, headers: Mapping[str, str]) -> None:
    with pytest.raises(WSServerHandshakeError) as refusal:
        talk(sandbox, headers)
    assert refusal.value.status == 403


@pytest.fixture(scope="module")
def token(sandbox: Sandbox) -> str:
    return id_token(sandbox)


def test_the_session_cookie_connects_only_from_the_site(sandbox: Sandbox, token: str) -> None:
    cookie = {"Cookie": f"__Host-id={token}"}
    assert talk(sandbox, cookie | {"Origin": sandbox.site}) == []
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": sandbox.kakao}):
        expect_denied(sandbox, cookie | headers)


def test_a_connection_without_a_valid_token_is_refused_with_403(sandbox: Sandbox, token: str) -> None:
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
def other_user(sandbox: Sandbox) -> str:
    email = f"person-{time.time_ns()}@example.com"
    person = {"UserPoolId": sandbox.exports["userPoolId"], "Username": email}
    verified = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    call = sandbox.account.call
    call("cognito-idp", "AdminCreateUser", {**person, "UserAttributes": verified, "MessageAction": "SUPPRESS"})
    call("cognito-idp", "AdminSetUserPassword", {**person, "Password": PASSWORD, "Permanent": True})
    return email


@pytest.mark.parametrize("operation", ["AdminDisableUser", "AdminDeleteUser"])
def test_a_valid_token_of_a_disabled_or_deleted_user_does_not_connect(
    sandbox: Sandbox, other_user: str, operation: str
) -> None:
    token = id_token(sandbox, other_user)
    assert talk(sandbox, bearer(token)) == []
    person = {"UserPoolId": sandbox.exports["userPoolId"], "Username": other_user}
    sandbox.account.call("cognito-idp", operation, person)
    expect_denied(sandbox, bearer(token))

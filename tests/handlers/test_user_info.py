import json
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from handlers import cognito
from tests.handlers.moto_aws import moto_aws, user_pools

CLAIMS = {
    "token_use": "id",
    "cognito:username": "kakao_1000000001",
    "sub": "7d2f",
    "email": "haneul@example.com",
    "email_verified": "true",
    "nickname": "김하늘",
    "identities": '[{"userId":"1000000001","providerName":"Kakao","providerType":"OIDC","primary":"true"}]',
}


def ask(user_info: ModuleType, claims: dict[str, str], headers: dict[str, str] | None = None) -> tuple[int, Any, Any]:
    claims = {"exp": str(int(time.time()) + 600)} | claims
    event = {"headers": headers or {}, "requestContext": {"authorizer": {"jwt": {"claims": claims, "scopes": None}}}}
    answer = user_info.handler(event, None)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_the_user_is_read_from_an_id_token_without_a_call_to_cognito(
    user_info: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cognito, "make_client", lambda limits: pytest.fail("called AWS"))
    status, body, headers = ask(user_info, CLAIMS)
    assert status == 200
    assert body == {
        "name": "kakao_1000000001",
        "email": "haneul@example.com",
        "email_verified": True,
        "nickname": "김하늘",
        "provider": "Kakao",
        "groups": [],
    }
    assert 590 <= int(headers["session-expires-in"]) <= 600
    assert headers["cache-control"] == "no-store"


def test_a_head_request_returns_the_lifetime_of_the_session_without_a_body(user_info: ModuleType) -> None:
    claims = {"exp": str(int(time.time()) + 600)} | CLAIMS
    event = {
        "routeKey": "HEAD /api/userinfo",
        "headers": {},
        "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
    }
    answer = user_info.handler(event, None)
    assert (answer["statusCode"], answer["body"], answer["cookies"]) == (200, "", [])
    assert 590 <= int(answer["headers"]["session-expires-in"]) <= 600


@pytest.mark.parametrize("empty", [{}, {"email": "", "nickname": ""}])
def test_a_withheld_consent_is_null(user_info: ModuleType, empty: dict[str, str]) -> None:
    claims = {key: value for key, value in CLAIMS.items() if key not in ("email", "nickname")} | empty
    _, body, _ = ask(user_info, claims)
    assert (body["email"], body["nickname"]) == (None, None)


@pytest.mark.parametrize("said", [None, "", "false", "1"])
def test_an_e_mail_is_verified_only_where_cognito_says_true(user_info: ModuleType, said: str | None) -> None:
    claims = {key: value for key, value in CLAIMS.items() if key != "email_verified"}
    _, body, _ = ask(user_info, claims | ({} if said is None else {"email_verified": said}))
    assert (body["email"], body["email_verified"]) == (CLAIMS["email"], False)


@pytest.mark.parametrize(
    ("identities", "provider"),
    [
        (None, "Cognito"),
        ("", "Cognito"),
        ("[]", "Cognito"),
        ('[{"providerName":"Kakao"}]', "Kakao"),
        ('{"userId": "1", "providerName": "Kakao"}', "Kakao"),
        ("[map[dateCreated:1700000000 providerName:Kakao providerType:OIDC userId:1]]", "Kakao"),
        ("[{userId=1, providerName=Kakao, providerType=OIDC}]", "Kakao"),
    ],
)
def test_the_provider_is_read_from_each_format_of_identities(
    user_info: ModuleType, identities: str | None, provider: str
) -> None:
    assert user_info.provider_of("haneul@example.com", identities) == provider


def test_the_provider_of_a_kakao_user_without_an_identity_is_kakao(user_info: ModuleType) -> None:
    """Where users sign in at Kakao itself, no profile has an identity."""
    assert user_info.provider_of("kakao-1", None) == "Kakao"
    assert user_info.provider_of("kakao-1@example.com", None) == "Cognito"


def test_no_header_of_a_client_changes_the_user(user_info: ModuleType) -> None:
    forged = {"x-user": "admin", "x-amzn-oidc-data": "e30.e30.", "x-amzn-oidc-identity": "admin"}
    assert ask(user_info, CLAIMS, forged)[1] == ask(user_info, CLAIMS)[1]


def test_a_token_with_another_token_use_is_refused(user_info: ModuleType) -> None:
    for use in ("refresh", ""):
        assert ask(user_info, CLAIMS | {"token_use": use})[0] == 401


@pytest.mark.parametrize("claims", [{"token_use": "id"}, {"token_use": "access"}, CLAIMS | {"exp": "1e400"}])
def test_malformed_claims_are_a_500_with_a_log_line(
    user_info: ModuleType, claims: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    status, body, _ = ask(user_info, claims)
    assert (status, body["error"]) == (500, "unexpected")
    assert [record.message for record in caplog.records] == ["unexpected"]
    assert user_info.handler({}, None)["statusCode"] == 500


@pytest.fixture(scope="module", autouse=True)
def _clients() -> Iterator[None]:
    """The clients of these tests reach only moto, and no other test gets one."""
    cognito.make_client.cache_clear()
    yield
    cognito.make_client.cache_clear()


@pytest.fixture
def pool(user_info: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client = user_pools()
    with moto_aws():
        pool_id = client.create_user_pool(PoolName="pool")["UserPool"]["Id"]
        monkeypatch.setattr(user_info, "USER_POOL_ID", pool_id)
        create(client, pool_id, ACCESS["sub"])
        yield client


ACCESS = {"token_use": "access", "username": "bada", "sub": "7d2f"}


def create(client: Any, pool_id: str, sub: str) -> None:
    """Make the account; Cognito makes a `sub` up, here it is that of the token."""
    told = {"sub": sub, "email": "bada@example.com", "nickname": "이바다"}
    attributes = [{"Name": name, "Value": value} for name, value in told.items()]
    client.admin_create_user(UserPoolId=pool_id, Username="bada")
    client.admin_update_user_attributes(UserPoolId=pool_id, Username="bada", UserAttributes=attributes)


def test_the_user_of_an_access_token_is_read_from_cognito(user_info: ModuleType, pool: Any) -> None:
    status, body, _ = ask(user_info, ACCESS)
    assert status == 200
    assert body == {
        "name": "bada",
        "email": "bada@example.com",
        "email_verified": False,
        "nickname": "이바다",
        "provider": "Cognito",
        "groups": [],
    }


def test_a_deleted_or_disabled_account_is_a_401(user_info: ModuleType, pool: Any) -> None:
    assert ask(user_info, ACCESS | {"username": "nobody"})[0] == 401
    pool.admin_disable_user(UserPoolId=user_info.USER_POOL_ID, Username="bada")
    assert ask(user_info, ACCESS)[0] == 401


def test_the_token_of_a_deleted_account_does_not_open_a_new_account_of_the_same_name(
    user_info: ModuleType, pool: Any
) -> None:
    pool.admin_delete_user(UserPoolId=user_info.USER_POOL_ID, Username="bada")
    create(pool, user_info.USER_POOL_ID, "another-sub")
    status, body, _ = ask(user_info, ACCESS)
    assert (status, body["error"]) == (401, "signed_out")
    assert ask(user_info, ACCESS | {"sub": "another-sub"})[0] == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "canary"}}, "AdminGetUser"), 429),
        (ClientError({"Error": {"Code": "InternalErrorException", "Message": "canary"}}, "AdminGetUser"), 502),
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary"}}, "AdminGetUser"), 502),
        (EndpointConnectionError(endpoint_url="https://canary"), 502),
    ],
)
def test_an_error_of_cognito_is_reported_without_its_text(
    user_info: ModuleType, pool: Any, error: Exception, status: int, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    client = cognito.make_client(cognito.READ)

    def fail(**_: object) -> None:
        if isinstance(error, ClientError):
            kind = getattr(client.exceptions, error.response["Error"]["Code"], ClientError)
            raise kind(error.response, error.operation_name)
        raise error

    monkeypatch.setattr(client, "admin_get_user", fail)
    answered, body, headers = ask(user_info, ACCESS)
    assert answered == status
    assert ("retry-after" in headers) is (status == 429)
    assert "canary" not in json.dumps(body) + caplog.text


def test_a_warm_function_does_not_mix_up_users(user_info: ModuleType) -> None:
    other = CLAIMS | {"cognito:username": "kakao_2", "nickname": "이바다", "email": ""}
    first, second = ask(user_info, CLAIMS)[1], ask(user_info, other)[1]
    assert (first["nickname"], second["nickname"], second["email"]) == ("김하늘", "이바다", None)


def test_the_groups_of_the_setting_are_returned_for_both_kinds_of_token(
    user_info: ModuleType, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUPS", '["admin", "editor"]')
    joined = {"cognito:groups": "[ap-northeast-2_x_Kakao editor]"}
    for claims in (CLAIMS, ACCESS):
        assert ask(user_info, claims | joined)[1]["groups"] == ["editor"]
        assert ask(user_info, claims)[1]["groups"] == []

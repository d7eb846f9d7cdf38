"""A connection needs a token of the pool, the origin of the site, and an account that still exists."""

import copy
import importlib.util
import json
import logging
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from handlers import contract
from handlers.jwks import Jwks
from tests.handlers.conftest import CLIENT_ID, ISSUER, LOCAL, POOL, SITE
from tests.handlers.moto_aws import moto_aws, user_pools, users_of
from tests.handlers.planted import NOT_OURS
from tests.handlers.user_pool import JwksEndpoint, known_claims, token

ARN = "arn:aws:execute-api:ap-northeast-2:123456789012:a1b2c3d4/ws/$connect"
USERNAME = known_claims()["cognito:username"]


@pytest.fixture(scope="session")
def module() -> ModuleType:
    os.environ |= {
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        contract.ENV_CLIENT_ID: CLIENT_ID,
        contract.ENV_CONNECT_CHECKS_USER: "true",
        contract.ENV_ISSUER: ISSUER,
        contract.ENV_JWKS_URL: "http://127.0.0.1:1/jwks.json",
        contract.ENV_SITE_ORIGINS: json.dumps([SITE, LOCAL]),
        contract.ENV_USER_POOL_ID: POOL,
    }
    return importlib.import_module("handlers.connect_authorizer")


@pytest.fixture
def authorizer(module: ModuleType, endpoint: JwksEndpoint, pool: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(module.id_tokens, "_jwks", Jwks(endpoint.url))
    monkeypatch.setattr(module.cognito, "make_client", lambda limits: pool)
    return module


@pytest.fixture(scope="module")
def _pool(module: ModuleType) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    with moto_aws():
        client = user_pools()
        pool_id = client.create_user_pool(PoolName="pool")["UserPool"]["Id"]
        create(client, pool_id, USERNAME, known_claims()["sub"])
        yield client, pool_id, users_of(pool_id)


@pytest.fixture
def pool(module: ModuleType, _pool: tuple[Any, str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A user pool with one user."""
    client, pool_id, users = _pool
    before = copy.deepcopy(users)
    monkeypatch.setattr(module, "USER_POOL_ID", pool_id)
    yield client
    users.clear()
    users.update(before)


def create(client: Any, pool_id: str, name: str, sub: str) -> None:
    client.admin_create_user(UserPoolId=pool_id, Username=name)
    attributes = [{"Name": "sub", "Value": sub}]  # Cognito generates one; here it is that of the token
    client.admin_update_user_attributes(UserPoolId=pool_id, Username=name, UserAttributes=attributes)


def asked(headers: Any = None, several: Any = None, **more: Any) -> dict[str, Any]:
    """The event of API Gateway before $connect, with the headers in both forms."""
    several = {name: [value] for name, value in (headers or {}).items()} if several is None else several
    return {"type": "REQUEST", "methodArn": ARN, "headers": headers, "multiValueHeaders": several, **more}


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def page(text: str, origin: str = SITE) -> dict[str, str]:
    return {"Cookie": f"__Host-id={text}", "Origin": origin}


DENIED = {
    "principalId": "nobody",
    "policyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": ARN}],
    },
}


def expect_allowed(answer: dict[str, Any]) -> None:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement == {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": ARN}


def test_a_signed_in_user_may_connect_and_the_context_names_the_user(authorizer: ModuleType) -> None:
    claims = known_claims()
    answer = authorizer.handler(asked(bearer(token(exp=claims["exp"]))), None)
    expect_allowed(answer)
    assert answer["policyDocument"]["Version"] == "2012-10-17"
    assert answer["principalId"] == claims["sub"]
    assert answer["context"] == {
        "sub": claims["sub"],
        "username": "Kakao_1000000001",
        "provider": "Kakao",
        "exp": str(claims["exp"]),
        "nickname": "김하늘",
    }


@pytest.mark.parametrize("nickname", [..., "", None, 5, ["x"]])
def test_a_withheld_nickname_is_left_out_of_the_context(authorizer: ModuleType, nickname: Any) -> None:
    context = authorizer.handler(asked(bearer(token(nickname=nickname))), None)["context"]
    assert set(context) == {"sub", "username", "provider", "exp"}
    assert all(isinstance(value, str) for value in context.values())


@pytest.mark.parametrize("identities", [..., [], None])
@pytest.mark.parametrize(("user_name", "provider"), [("haneul@example.com", "Cognito"), ("kakao-1000000001", "Kakao")])
def test_the_user_name_decides_the_provider_of_a_profile_without_an_identity(
    authorizer: ModuleType, pool: Any, user_name: str, provider: str, identities: Any
) -> None:
    create(pool, authorizer.USER_POOL_ID, user_name, "its-sub")
    claims = {"sub": "its-sub", "identities": identities, "cognito:username": user_name}
    answer = authorizer.handler(asked(bearer(token(**claims))), None)
    assert answer["context"]["provider"] == provider


def test_the_event_of_test_invoke_authorizer_is_understood(authorizer: ModuleType) -> None:
    event = {"type": "TOKEN", "methodArn": ARN, "headers": bearer(token())}
    expect_allowed(authorizer.handler(event, None))
    assert authorizer.handler({**event, "headers": bearer(USERNAME)}, None) == DENIED
    assert authorizer.handler({**event, "headers": {}}, None) == DENIED
    assert authorizer.handler({"type": "TOKEN", "methodArn": ARN}, None) == DENIED


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (None, "no token"),
        ({"Cookie": "a=1", "Origin": SITE}, "no token"),
        ({"Cookie": "__Host-id=a; __Host-id=b", "Origin": SITE}, "several cookies"),
        ({"Authorization": "Basic x"}, "not one bearer token"),
        (bearer(token(**{"cognito:username": 7})), "a token without a user name"),
        (bearer(token(**{"cognito:username": "Kakao_2"})), "the account is gone"),
    ],
    ids=["nothing", "no cookie", "two cookies", "no bearer", "no user name", "no account"],
)
def test_the_reason_of_a_refused_connection_is_logged_and_is_no_error(
    authorizer: ModuleType, headers: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "handlers"):
        event = {"methodArn": ARN, "headers": headers, "multiValueHeaders": None}
        assert authorizer.handler(event, None) == DENIED
    assert [(record.levelname, vars(record)["reason"]) for record in caplog.records] == [("INFO", reason)]


HOSTS = [SITE, LOCAL]


@pytest.mark.parametrize("origin", HOSTS)
def test_a_page_of_the_site_connects_with_its_cookie(authorizer: ModuleType, origin: str) -> None:
    expect_allowed(authorizer.handler(asked(page(token(), origin)), None))
    among_others = {"Cookie": f"a=1; __Host-id={token()};b=2; __Host-id2=x", "Origin": origin}
    expect_allowed(authorizer.handler(asked(among_others), None))


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        f"{SITE}.evil.example",
        f"{SITE}:444",
        f"{SITE}/",
        SITE.replace("https", "http"),
        SITE.upper(),
        f"{SITE}, https://evil.example",
        f"{SITE} {SITE}",
        f" {SITE}",
        LOCAL.replace("3000", "3001"),
        "https://sub.site.example",
    ],
)
def test_a_page_of_another_origin_does_not_connect_with_the_users_cookie(authorizer: ModuleType, origin: str) -> None:
    assert authorizer.handler(asked(page(token(), origin)), None) == DENIED


def test_a_cookie_without_an_origin_does_not_connect(authorizer: ModuleType) -> None:
    assert authorizer.handler(asked({"Cookie": f"__Host-id={token()}"}), None) == DENIED


@pytest.mark.parametrize("planted", NOT_OURS)
def test_a_cookie_name_that_a_sibling_host_may_set_does_not_connect(authorizer: ModuleType, planted: str) -> None:
    named = asked({"Cookie": f"{planted.format('__Host-id')}={token()}", "Origin": SITE})
    assert authorizer.handler(named, None) == DENIED
    beside = {"Cookie": f"__Host-id={token()}; {planted.format('__Host-id')}=x", "Origin": SITE}
    expect_allowed(authorizer.handler(asked(beside), None))


@pytest.mark.parametrize("second", ["https://evil.example", SITE])
def test_a_cookie_from_several_origins_does_not_connect(authorizer: ModuleType, second: str) -> None:
    cookie = f"__Host-id={token()}"
    as_list = asked(page(token()), {"Cookie": [cookie], "Origin": [SITE, second]})
    in_two_cases = asked({"Cookie": cookie, "Origin": SITE, "origin": second})
    for event in (as_list, in_two_cases, {**in_two_cases, "multiValueHeaders": None}):
        assert authorizer.handler(event, None) == DENIED


def test_two_cookies_of_the_same_name_are_refused(authorizer: ModuleType) -> None:
    made = token()
    twice = {"Cookie": f"__Host-id={made}; __Host-id={made}", "Origin": SITE}
    assert authorizer.handler(asked(twice), None) == DENIED
    apart = asked(page(made), {"Cookie": [f"__Host-id={made}", f"__Host-id={made}"], "Origin": [SITE]})
    assert authorizer.handler(apart, None) == DENIED


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_header_names_are_case_insensitive(authorizer: ModuleType, change: Any) -> None:
    for headers in (bearer(token()), page(token())):
        written = {change(name): value for name, value in headers.items()}
        expect_allowed(authorizer.handler(asked(written), None))
        expect_allowed(authorizer.handler(asked(written, {}), None))
        expect_allowed(authorizer.handler(asked(None, {name: [value] for name, value in written.items()}), None))


def test_a_bearer_token_needs_no_origin_and_counts_before_the_cookie(authorizer: ModuleType) -> None:
    expect_allowed(authorizer.handler(asked(bearer(token()) | {"Origin": "https://evil.example"}), None))
    assert authorizer.handler(asked(bearer("forged") | page(token())), None) == DENIED


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "{}", "Basic {}", "bearer{}", "Bearer {} {}", "Bearer {},Bearer {}", "Bearer\t{}"],
)
def test_a_malformed_authorization_header_does_not_fall_back_to_the_cookie(authorizer: ModuleType, value: str) -> None:
    made = token()
    headers = page(made) | {"Authorization": value.format(made, made)}
    assert authorizer.handler(asked(headers), None) == DENIED


def test_two_authorization_headers_are_refused(authorizer: ModuleType) -> None:
    value = bearer(token())["Authorization"]
    assert authorizer.handler(asked({}, {"Authorization": [value, value]}), None) == DENIED


@pytest.mark.parametrize("event", [asked({}), asked(None, {}), asked({"Cookie": ""}), asked({"Cookie": "x=1; y"})])
def test_a_connection_without_a_token_is_refused(authorizer: ModuleType, event: Any) -> None:
    assert authorizer.handler({**event, "queryStringParameters": {"token": token()}}, None) == DENIED


REFUSED = {
    "forged": lambda: token("other", headers={"kid": "current"}),
    "expired": lambda: token(exp=known_claims()["exp"] - 1000),
    "of another pool": lambda: token(iss=ISSUER + "2"),
    "for another client": lambda: token(aud="another-client"),
    "an access token": lambda: token(token_use="access", aud=..., client_id=CLIENT_ID, username=USERNAME),
    "a user name": lambda: USERNAME,
    "a sub": lambda: known_claims()["sub"],
    "empty": lambda: "",
    "without a user name": lambda: token(**{"cognito:username": ...}),
    "with an empty user name": lambda: token(**{"cognito:username": ""}),
    "with odd identities": lambda: token(identities="Kakao"),
    "with identities that are none": lambda: token(identities=[{}]),
}


@pytest.mark.parametrize(("app", "opened"), [(None, {CLIENT_ID}), ("app-client", {CLIENT_ID, "app-client"})])
def test_tokens_of_both_app_clients_connect(
    module: ModuleType,
    endpoint: JwksEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    app: str | None,
    opened: set[str],
) -> None:
    monkeypatch.setenv(contract.ENV_CONNECT_CHECKS_USER, "false")
    monkeypatch.setenv(contract.ENV_JWKS_URL, endpoint.url)
    if app:
        monkeypatch.setenv(contract.ENV_APP_CLIENT_ID, app)
    spec = importlib.util.spec_from_file_location("connect_authorizer_of_an_app", str(module.__file__))
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    connected = set()
    for audience in (CLIENT_ID, "app-client", "another-client"):
        answer = loaded.handler(asked(bearer(token(aud=audience))), None)
        if answer["policyDocument"]["Statement"][0]["Effect"] == "Allow":
            connected.add(audience)
    assert connected == opened


def test_a_clock_five_minutes_behind_refuses_every_token_and_one_ahead_refuses_none(authorizer: ModuleType) -> None:
    now = known_claims()["iat"]
    behind, ahead = (token(iat=issued, exp=issued + 900) for issued in (now + 300, now - 300))
    assert authorizer.handler(asked(bearer(behind)), None) == DENIED
    expect_allowed(authorizer.handler(asked(bearer(ahead)), None))


@pytest.mark.parametrize("kind", REFUSED)
def test_an_invalid_token_is_refused_as_a_bearer_token_and_as_a_cookie(
    authorizer: ModuleType, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.INFO)
    made = REFUSED[kind]()
    assert authorizer.handler(asked(bearer(made)), None) == DENIED
    assert authorizer.handler(asked(page(made)), None) == DENIED
    told = repr([record.__dict__ for record in caplog.records])
    assert len(caplog.records) == 2
    assert made == "" or made not in told


def test_the_token_of_a_deleted_user_is_refused(authorizer: ModuleType, pool: Any) -> None:
    event = asked(bearer(token()))
    expect_allowed(authorizer.handler(event, None))
    pool.admin_delete_user(UserPoolId=authorizer.USER_POOL_ID, Username=USERNAME)
    assert authorizer.handler(event, None) == DENIED


def test_the_token_of_a_deleted_user_does_not_open_a_new_account_of_the_same_name(
    authorizer: ModuleType, pool: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pool.admin_delete_user(UserPoolId=authorizer.USER_POOL_ID, Username=USERNAME)
    create(pool, authorizer.USER_POOL_ID, USERNAME, "another-sub")
    caplog.set_level(logging.INFO, "handlers")
    assert authorizer.handler(asked(bearer(token())), None) == DENIED
    assert [vars(record)["reason"] for record in caplog.records] == ["the account is another one"]
    expect_allowed(authorizer.handler(asked(bearer(token(sub="another-sub"))), None))


def test_a_long_nickname_is_cut_so_that_the_context_stays_below_8_kb(authorizer: ModuleType) -> None:
    answer = authorizer.handler(asked(bearer(token(nickname="가" * 900))), None)
    expect_allowed(answer)
    assert answer["context"]["nickname"] == "가" * 256
    assert len(json.dumps(answer)) < 8192


def test_the_token_of_a_disabled_user_is_refused_until_the_user_is_enabled_again(
    authorizer: ModuleType, pool: Any
) -> None:
    event = asked(bearer(token()))
    pool.admin_disable_user(UserPoolId=authorizer.USER_POOL_ID, Username=USERNAME)
    assert authorizer.handler(event, None) == DENIED
    pool.admin_enable_user(UserPoolId=authorizer.USER_POOL_ID, Username=USERNAME)
    expect_allowed(authorizer.handler(event, None))


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "canary"}}, "AdminGetUser")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (refusal("TooManyRequestsException"), "TooManyRequestsException"),
        (refusal("InternalErrorException"), "InternalErrorException"),
        (refusal("AccessDeniedException"), "AccessDeniedException"),
        (EndpointConnectionError(endpoint_url="https://canary"), "EndpointConnectionError"),
        (ReadTimeoutError(endpoint_url="https://canary"), "ReadTimeoutError"),
    ],
)
def test_while_cognito_cannot_confirm_the_account_connections_are_refused_with_a_log_line(
    authorizer: ModuleType,
    pool: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    reason: str,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(pool, "admin_get_user", fail)
    assert authorizer.handler(asked(bearer(token())), None) == DENIED
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (record.message, record.__dict__["reason"]) == ("account_unchecked", reason)
    assert "canary" not in repr(record.__dict__)


def test_cognito_is_not_called_for_an_invalid_token_or_where_the_setting_is_off(
    authorizer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorizer.cognito, "make_client", lambda limits: pytest.fail("called AWS"))
    assert authorizer.handler(asked(bearer("forged")), None) == DENIED
    monkeypatch.setattr(authorizer, "CHECKS_USER", False)
    expect_allowed(authorizer.handler(asked(bearer(token())), None))


def test_a_bug_refuses_the_connection_and_the_log_line_says_where_it_is(
    authorizer: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("canary")

    monkeypatch.setattr(authorizer, "_context_of", broken)
    assert authorizer.handler(asked(bearer(token())), None) == DENIED
    (record,) = caplog.records
    assert (record.message, record.__dict__["reason"]) == ("unexpected", "ZeroDivisionError")
    assert record.__dict__["at"].startswith("broken:")
    assert "canary" not in repr(record.__dict__)


def test_no_log_line_holds_personal_data_or_a_token(authorizer: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "handlers")
    made = token()
    for headers in (bearer(made), page(made), page(made, "https://evil.example"), bearer(made + "x")):
        authorizer.handler(asked(headers), None)
    told = repr([record.__dict__ for record in caplog.records])
    assert [record.message for record in caplog.records] == ["allowed", "allowed", "refused", "refused"]
    assert not any(part in told for part in [*made.split("."), USERNAME, "김하늘", "haneul@", "evil.example"])


def test_a_warm_function_does_not_mix_up_users(authorizer: ModuleType, pool: Any) -> None:
    create(pool, authorizer.USER_POOL_ID, "bada", "sub-2")
    other = token(sub="sub-2", nickname=..., identities=..., **{"cognito:username": "bada"})
    first = authorizer.handler(asked(bearer(token())), None)
    second = authorizer.handler(asked(bearer(other)), None)
    assert (first["context"]["username"], first["context"]["nickname"]) == (USERNAME, "김하늘")
    assert (second["principalId"], second["context"]["username"], second["context"]["provider"]) == (
        "sub-2",
        "bada",
        "Cognito",
    )
    assert "nickname" not in second["context"]


def test_the_context_of_a_connection_has_the_groups_of_its_token(
    authorizer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUPS", '["admin", "editor"]')
    inside = token(**{"cognito:groups": ["editor", "ap-northeast-2_x_Kakao", "admin"]})
    assert authorizer.handler(asked(bearer(inside)), None)["context"]["groups"] == "admin editor"
    assert "groups" not in authorizer.handler(asked(bearer(token())), None)["context"]

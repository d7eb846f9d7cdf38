"""Accounts with e-mail and password: the flows against moto, each error of Cognito's against a stub."""

import base64
import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from hypothesis import example, given
from hypothesis import strategies as st

from handlers import cognito as cognito_api
from handlers.email_address import is_email
from tests.handlers.conftest import CLIENT_ID, CLIENT_SECRET, SITE, contents, id_token
from tests.handlers.moto_aws import moto_aws, user_pools
from tests.handlers.web_client import Answer, set_cookies

EMAIL, PASSWORD, CODE = "person@example.com", "a-long-enough-password", "123456"
WHOLE = {"email": EMAIL, "password": PASSWORD, "code": CODE}
BY_CODE = {"email": EMAIL, "code": CODE}
NEEDED = {
    "sign-up": ("email", "password"),
    "confirm": ("email", "code"),
    "resend-code": ("email",),
    "sign-in": ("email", "password"),
    "forgot-password": ("email",),
    "reset-password": ("email", "code", "password"),
}
SAME_ORIGIN = {"sec-fetch-site": "same-origin", "origin": SITE}

Send = Callable[..., tuple[int, dict[str, Any], Answer]]


@pytest.fixture(autouse=True)
def slept(accounts: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the function would have waited."""
    slept: list[float] = []
    monkeypatch.setattr(accounts.time, "sleep", slept.append)
    return slept


@pytest.fixture
def send(accounts: ModuleType) -> Send:
    def send(route: str, body: Any = None, *, headers: dict[str, str] | None = None, **more: Any) -> Any:
        text = body if isinstance(body, str) else json.dumps(body)
        event = {"routeKey": f"POST /api/auth/{route}", "headers": headers or {}, "body": text, **more}
        answer = accounts.handler(event, None)
        assert answer["headers"]["cache-control"] == "no-store"
        return answer["statusCode"], json.loads(answer["body"]), answer

    return send


class Stub:
    """Answers in Cognito's place, and keeps the requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.result: Any = {}
        self.fails_at = ""  # any operation

    def fail(self, name: str, message: str = "canary") -> None:
        self.result = ClientError({"Error": {"Code": name, "Message": message}}, "operation")

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            self.asked.append((operation, parameters))
            if not isinstance(self.result, Exception):
                return self.result
            if operation.startswith(self.fails_at):
                raise self.result
            return {}

        return call


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub()
    monkeypatch.setattr(cognito_api, "make_client", lambda limits: stub)
    return stub


# The flows


@pytest.fixture(scope="module", autouse=True)
def _clients() -> Iterator[None]:
    """The clients of these tests reach only moto, and no other test gets one."""
    cognito_api.make_client.cache_clear()
    yield
    cognito_api.make_client.cache_clear()


@pytest.fixture
def pool(accounts: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client = user_pools()
    with moto_aws():
        rules = dict.fromkeys(("RequireLowercase", "RequireUppercase", "RequireNumbers", "RequireSymbols"), False)
        policies = {"PasswordPolicy": {"MinimumLength": 12, **rules}}
        made = client.create_user_pool(PoolName="pool", Policies=policies)
        pool_id = made["UserPool"]["Id"]
        flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        made = client.create_user_pool_client(
            UserPoolId=pool_id, ClientName="app", ExplicitAuthFlows=flows, GenerateSecret=True
        )
        monkeypatch.setattr(accounts, "USER_POOL_ID", pool_id)
        monkeypatch.setattr(accounts, "CLIENT_ID", made["UserPoolClient"]["ClientId"])
        monkeypatch.setattr(accounts, "CLIENT_SECRET", made["UserPoolClient"]["ClientSecret"])
        yield client


def test_a_confirmed_sign_up_signs_in_and_gets_tokens(send: Send, pool: Any) -> None:
    assert send("sign-up", WHOLE)[0] == 200
    assert send("confirm", WHOLE)[0] == 200
    status, tokens, answer = send("sign-in", WHOLE)
    assert status == 200
    assert set(tokens) == {"AccessToken", "IdToken", "RefreshToken", "ExpiresIn", "TokenType"}
    assert (tokens["TokenType"], 0 < tokens["ExpiresIn"] <= 3600) == ("Bearer", True)
    assert answer["cookies"] == []


def test_an_e_mail_is_one_account_in_upper_and_lower_case(send: Send, pool: Any) -> None:
    assert send("sign-up", WHOLE | {"email": "Person@Example.COM"})[0] == 200
    assert send("sign-up", WHOLE | {"email": " person@example.com "})[:2] == (
        409,
        {"error": "email_taken", "message": "There is an account with this e-mail. Sign in with it."},
    )
    assert send("sign-up", WHOLE | {"email": "person+team@example.com"})[0] == 200  # a mailbox of its own


def test_an_unknown_e_mail_and_a_wrong_password_get_the_same_answer(send: Send, pool: Any) -> None:
    send("sign-up", WHOLE)
    send("confirm", WHOLE)
    wrong = send("sign-in", WHOLE | {"password": "another long password"})
    assert wrong[0] == 400
    assert wrong == send("sign-in", WHOLE | {"email": "nobody@example.com"})


def test_a_forgotten_password_is_replaced_with_the_mailed_code(send: Send, pool: Any) -> None:
    send("sign-up", WHOLE)
    send("confirm", WHOLE)
    assert send("forgot-password", WHOLE)[0] == 200
    assert send("reset-password", WHOLE | {"password": "another long password"})[0] == 200  # moto takes any code
    assert send("sign-in", WHOLE)[0] == 400
    assert send("sign-in", WHOLE | {"password": "another long password"})[0] == 200


def test_boto_logs_no_personal_data_or_secret(
    send: Send, pool: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")  # the log level of the functions
    for route in (*NEEDED, "sign-up", "sign-in"):
        send(route, WHOLE)
    written = "".join(map(contents, caplog.records)) + "".join(capfd.readouterr())
    assert "refused" in written
    for secret in WHOLE.values():
        assert secret not in written


# Requests to Cognito


def test_a_sign_up_sends_only_the_e_mail_and_the_password(send: Send, stub: Stub) -> None:
    more = {"clientMetadata": {"provider": "Kakao"}, "validationData": {"a": "b"}, "UserAttributes": [], "sub": "x"}
    send("sign-up", WHOLE | more)
    ((operation, parameters),) = stub.asked
    assert operation == "sign_up"
    assert set(parameters) == {"ClientId", "SecretHash", "Username", "Password", "UserAttributes"}
    assert parameters["UserAttributes"] == [{"Name": "email", "Value": EMAIL}]


@pytest.mark.parametrize("route", NEEDED)
def test_each_call_carries_the_secret_hash_of_the_sites_client(send: Send, stub: Stub, route: str) -> None:
    stub.fail("NotAuthorizedException")
    send(route, WHOLE | {"email": " Person@Example.COM "})
    (_, parameters), *_ = stub.asked
    proof = cognito_api.secret_hash(EMAIL, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    assert parameters["ClientId"] == CLIENT_ID
    if route == "sign-in":
        assert parameters["AuthParameters"] == {"USERNAME": EMAIL, "PASSWORD": PASSWORD, "SECRET_HASH": proof}
    else:
        assert (parameters["Username"], parameters["SecretHash"]) == (EMAIL, proof)
    assert CLIENT_SECRET not in repr(parameters)


def test_a_password_is_sent_to_cognito_unchanged(send: Send, stub: Stub) -> None:
    password = "  p\tä 비밀 번호  "
    stub.fail("NotAuthorizedException")
    send("sign-in", {"email": EMAIL, "password": password})
    assert stub.asked[0][1]["AuthParameters"].items() >= {"USERNAME": EMAIL, "PASSWORD": password}.items()
    assert stub.asked[0][1]["AuthFlow"] == "ADMIN_USER_PASSWORD_AUTH"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Person@Example.com", "person@example.com"),
        (" person@example.com ", "person@example.com"),
        ("person+a.b@example.com", "person+a.b@example.com"),
        ("o'brien_x@sub.example.co.kr", "o'brien_x@sub.example.co.kr"),
        ("p" * 116 + "@example.com", "p" * 116 + "@example.com"),  # 128, Cognito's limit
    ],
)
@pytest.mark.parametrize("route", NEEDED)
def test_an_e_mail_is_sent_to_cognito_trimmed_and_in_lower_case(
    send: Send, stub: Stub, route: str, written: str, asked: str
) -> None:
    send(route, WHOLE | {"email": written})
    for _, parameters in stub.asked:
        assert parameters.get("Username", parameters.get("AuthParameters", {}).get("USERNAME")) == asked
    assert stub.asked


BAD_EMAILS = [
    "person",
    "person@",
    "@example.com",
    "person@example",
    "a@b@example.com",
    "person@example.com,other@example.com",
    "person @example.com",
    "person@example.com\n",
    "person@example.com\x00",
    "per\rson@example.com",
    "<person@example.com>",
    "한글@example.com",
    "person@예제.kr",
    "\u212aakao@example.com",  # the Kelvin sign, which lower-cases to k
    "Kakao_1000000001",
    "p" * 117 + "@example.com",
    "p" * 64 + "@" + ("d" * 60 + ".") * 4 + "example.com",
    "p" * 308 + "@example.com",  # 320 characters, the most that SMTP knows
    "a%40b@example.com",
    "=cmd@example.com",
    "a=40b@example.com",
    "=?utf-8?q?a?=@example.com",
    "a&#64;b@example.com",
    "relay!person@example.com",
    "person%relay@example.com",
    "/person@example.com",
    "$(person)@example.com",
    "`person`@example.com",
    "a|b@example.com",
    "a..b@example.com",
    ".a@example.com",
    "a.@example.com",
]
ORDINARY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
MARKS = "_'+~-"


@example(local="kim+shop", domain="example.com")
@example(local="o'brien", domain="example.co.kr")
@example(local="first.last-name_1", domain="mail-1.example.com")
@given(
    local=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_'+~-]{0,20}(\.[A-Za-z0-9_'+~-]{1,10}){0,3}", fullmatch=True),
    domain=st.from_regex(r"([a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?\.){1,3}[a-z]{2,10}", fullmatch=True),
)
def test_an_ordinary_address_is_accepted(local: str, domain: str) -> None:
    assert local.isascii()
    assert is_email(f"{local}@{domain}")


@example(before="", sign="%", after="40b")
@given(
    before=st.text(ORDINARY, max_size=9),
    sign=st.characters().filter(lambda sign: sign not in ORDINARY + MARKS + "."),
    after=st.text(ORDINARY, max_size=9),
)
def test_an_address_with_a_character_of_another_programs_syntax_is_refused(before: str, sign: str, after: str) -> None:
    assert not is_email(f"{before}{sign}{after}@example.com")
    assert not is_email(f"person@{before}{sign}{after}.com")


@given(
    first=st.characters().filter(lambda sign: sign not in ORDINARY + "_"), rest=st.text(ORDINARY + MARKS, max_size=9)
)
@example(first="=", rest="cmd")
@example(first="+", rest="1")
@example(first="-", rest="1")
@example(first="@", rest="SUM")
@example(first="\t", rest="")
@example(first="\r", rest="")
def test_an_address_that_a_spreadsheet_reads_as_a_formula_is_refused(first: str, rest: str) -> None:
    assert not is_email(f"{first}{rest}@example.com")


@pytest.mark.parametrize("email", BAD_EMAILS)
@pytest.mark.parametrize("route", NEEDED)
def test_an_invalid_e_mail_is_refused_before_cognito_is_called(send: Send, stub: Stub, route: str, email: str) -> None:
    status, body, _ = send(route, WHOLE | {"email": email})
    assert (status, body["error"]) == (400, "invalid_email")
    assert "'email'" in body["message"]
    assert stub.asked == []


@pytest.mark.parametrize("value", [None, "", 7, 1.5, True, [], {}, ["person@example.com"], "\ud800", "x" * 5000])
@pytest.mark.parametrize(("route", "field"), [(route, field) for route, fields in NEEDED.items() for field in fields])
def test_a_field_of_the_wrong_type_is_named(send: Send, stub: Stub, route: str, field: str, value: Any) -> None:
    status, body, _ = send(route, WHOLE | {field: value})
    assert status == 400
    if not isinstance(value, str) or value in ("", "\ud800"):
        assert body["error"] == "invalid_request"
        assert f"'{field}'" in body["message"]
    assert stub.asked == []


@pytest.mark.parametrize(("route", "field"), [(route, field) for route, fields in NEEDED.items() for field in fields])
def test_a_missing_field_is_named(send: Send, stub: Stub, route: str, field: str) -> None:
    status, body, _ = send(route, {key: value for key, value in WHOLE.items() if key != field})
    assert (status, body["error"]) == (400, "invalid_request")
    assert f"'{field}'" in body["message"]
    assert stub.asked == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "1",
        '"text"',
        "{",
        "email=a@b.co",
        "NaN",
        "[" * 16000,
        '{"a":' * 3000,
        "\ud800",
        '{"a": "\x01"}',
    ],
)
@pytest.mark.parametrize("route", NEEDED)
def test_a_body_that_is_not_a_json_object_is_refused(send: Send, stub: Stub, route: str, body: str) -> None:
    status, said, _ = send(route, body)
    assert (status, said["error"]) == (400, "invalid_request")
    assert "JSON" in said["message"]


@pytest.mark.parametrize("route", NEEDED)
def test_a_body_over_16_kb_is_refused_and_one_of_16_kb_is_read(send: Send, stub: Stub, route: str) -> None:
    def padded(size: int) -> str:
        return json.dumps(WHOLE) + " " * (size - len(json.dumps(WHOLE)))

    stub.fail("TooManyRequestsException")
    status, said, _ = send(route, padded(16 * 1024 + 1))
    assert (status, "16 KB" in said["message"]) == (400, True)
    assert stub.asked == []
    assert send(route, padded(16 * 1024))[0] == 429


def test_a_body_that_the_gateway_has_encoded_is_decoded(send: Send, stub: Stub) -> None:
    encoded = base64.b64encode(json.dumps(WHOLE).encode()).decode()
    assert send("sign-up", encoded, isBase64Encoded=True)[0] == 200
    for broken in ("####", base64.b64encode(b"\xff\xfe").decode()):
        assert send("sign-up", broken, isBase64Encoded=True)[0] == 400


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "１２３４５６", "123 456", "123456\n"])
@pytest.mark.parametrize("route", ["confirm", "reset-password"])
def test_a_code_of_another_shape_is_wrong_without_a_call_to_cognito(
    send: Send, stub: Stub, route: str, code: str
) -> None:
    status, body, _ = send(route, WHOLE | {"code": code})
    assert (status, body["error"]) == (400, "invalid_code")
    assert stub.asked == []


def test_a_code_may_be_pasted_with_spaces_around_it(send: Send, stub: Stub) -> None:
    send("confirm", WHOLE | {"code": f" {CODE} "})
    assert stub.asked[0][1]["ConfirmationCode"] == CODE


@pytest.mark.parametrize("password", ["short", "x" * 11, " a long password", "a long password\n"])
@pytest.mark.parametrize("route", ["sign-up", "reset-password"])
def test_a_weak_password_is_refused_before_cognito_is_called(send: Send, stub: Stub, route: str, password: str) -> None:
    status, body, _ = send(route, WHOLE | {"password": password})
    assert (status, body["error"]) == (400, "weak_password")
    assert "12" in body["message"]
    assert stub.asked == []


# Errors of Cognito, and the responses

COMMON = {
    "InvalidParameterException": (400, "invalid_request"),
    "PasswordHistoryPolicyViolationException": (400, "weak_password"),
    "TooManyRequestsException": (429, "throttled"),
    "ThrottlingException": (429, "throttled"),
    "LimitExceededException": (429, "limit_exceeded"),
    "ForbiddenException": (403, "refused"),
    "UserLambdaValidationException": (403, "refused"),
    "UnexpectedLambdaException": (502, "cognito_unavailable"),
    "InvalidLambdaResponseException": (502, "cognito_unavailable"),
    "InvalidEmailRoleAccessPolicyException": (502, "cognito_unavailable"),
    "ResourceNotFoundException": (502, "cognito_unavailable"),
    "InternalErrorException": (502, "cognito_unavailable"),
    "AccessDeniedException": (502, "cognito_unavailable"),
    "ServiceUnavailable": (502, "cognito_unavailable"),
    "500": (502, "cognito_unavailable"),
}
SAID = {
    "sign-up": {
        "UsernameExistsException": (409, "email_taken"),
        "AliasExistsException": (409, "email_taken"),
        "InvalidPasswordException": (400, "weak_password"),
        "NotAuthorizedException": (403, "refused"),
        "CodeDeliveryFailureException": (502, "code_not_sent"),
    },
    "confirm": {
        "CodeMismatchException": (400, "invalid_code"),
        "UserNotFoundException": (400, "invalid_code"),
        "ExpiredCodeException": (410, "expired_code"),
        "TooManyFailedAttemptsException": (429, "limit_exceeded"),
        "AliasExistsException": (409, "email_taken"),
        "NotAuthorizedException": (403, "refused"),
    },
    "sign-in": {
        "NotAuthorizedException": (400, "wrong_credentials"),
        "UserNotFoundException": (400, "wrong_credentials"),
        "UserLambdaValidationException": (400, "wrong_credentials"),
        "UserNotConfirmedException": (403, "not_confirmed"),
        "PasswordResetRequiredException": (400, "wrong_credentials"),
    },
}


@pytest.mark.parametrize(
    ("route", "error", "expected"),
    [(route, *row) for route, own in SAID.items() for row in (COMMON | own).items()],
)
def test_each_error_of_cognito_has_one_response(
    send: Send, stub: Stub, route: str, error: str, expected: tuple[int, str], caplog: pytest.LogCaptureFixture
) -> None:
    stub.fail(error)
    status, body, answer = send(route, WHOLE)
    assert (status, body["error"]) == expected
    assert ("retry-after" in answer["headers"]) is (status == 429)
    assert len(stub.asked) == 1
    assert "canary" not in json.dumps(answer) + caplog.text


def test_the_shortest_allowed_password_is_accepted(send: Send, stub: Stub) -> None:
    assert send("sign-up", WHOLE | {"password": "x" * 12})[0] == 200


@pytest.mark.parametrize(
    ("state", "expected"),
    [("CONFIRMED", (409, "already_confirmed")), ("RESET_REQUIRED", (403, "password_reset_required"))],
)
def test_a_second_confirmation_is_answered_with_the_status_of_the_account(
    send: Send, stub: Stub, state: str, expected: tuple[int, str]
) -> None:
    stub.fail("NotAuthorizedException", f"User cannot be confirmed. Current status is {state}")
    status, body, _ = send("confirm", WHOLE)
    assert (status, body["error"]) == expected


def test_a_code_alone_confirms_an_account(send: Send, stub: Stub) -> None:
    assert send("confirm", BY_CODE)[0] == 200
    assert [operation for operation, _ in stub.asked] == ["confirm_sign_up"]


def test_a_wrong_code_neither_checks_nor_resets_the_password(send: Send, stub: Stub) -> None:
    stub.fail("CodeMismatchException")
    assert send("confirm", WHOLE)[1]["error"] == "invalid_code"
    assert [operation for operation, _ in stub.asked] == ["confirm_sign_up"]


def test_a_confirmation_with_the_password_of_the_sign_up_keeps_it(send: Send, authenticated: Stub) -> None:
    assert send("confirm", WHOLE)[:2] == (200, {"message": "Sign in."})
    assert [operation for operation, _ in authenticated.asked] == ["confirm_sign_up", "admin_initiate_auth"]


@pytest.mark.parametrize(
    "failure",
    [
        *(ClientError({"Error": {"Code": name}}, "operation") for name in ("NotAuthorizedException", *COMMON)),
        ReadTimeoutError(endpoint_url="https://canary"),
    ],
    ids=str,
)
def test_a_password_that_differs_or_could_not_be_checked_is_reset_and_its_sessions_end(
    send: Send, stub: Stub, failure: Exception
) -> None:
    stub.result, stub.fails_at = failure, "admin_initiate_auth"
    assert send("confirm", WHOLE)[1]["error"] == "password_reset_required"
    person = {"UserPoolId": "ap-northeast-2_pool", "Username": EMAIL}
    assert stub.asked[2:] == [("admin_reset_user_password", person), ("admin_user_global_sign_out", person)]


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "TooManyRequestsException"}}, "operation"),
        ReadTimeoutError(endpoint_url="https://canary"),
    ],
    ids=["throttled", "slow"],
)
def test_a_failed_password_reset_is_logged_and_the_user_must_still_reset_it(
    send: Send, stub: Stub, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    stub.result, stub.fails_at = failure, "admin_"
    assert send("confirm", WHOLE)[1]["error"] == "password_reset_required"
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["password_not_ended"] * 2


@pytest.mark.parametrize("state", ["CONFIRMED", "RESET_REQUIRED"])
def test_only_not_authorized_reveals_the_status_of_an_account(send: Send, stub: Stub, state: str) -> None:
    stub.fail("UserLambdaValidationException", f"Current status is {state}")
    assert send("confirm", WHOLE)[1]["error"] == "refused"


ONLY_OF_ACCOUNTS = [
    "AliasExistsException",
    "CodeDeliveryFailureException",
    "InvalidEmailRoleAccessPolicyException",
    "InvalidLambdaResponseException",
    "InvalidParameterException",
    "LimitExceededException",
    "NotAuthorizedException",
    "UnexpectedLambdaException",
    "UserLambdaValidationException",
    "UserNotConfirmedException",
    "UserNotFoundException",
]


@pytest.mark.parametrize("error", ONLY_OF_ACCOUNTS)
@pytest.mark.parametrize("route", ["resend-code", "forgot-password"])
def test_requesting_a_code_never_reveals_whether_an_account_exists(
    send: Send, stub: Stub, route: str, error: str
) -> None:
    sent = send(route, WHOLE)
    stub.fail(error)
    assert send(route, WHOLE) == sent
    assert sent[0] == 200


FAILED_MAILS = {
    "CodeDeliveryFailureException",
    "InvalidEmailRoleAccessPolicyException",
    "LimitExceededException",
}


@pytest.mark.parametrize("route", ["sign-up", "resend-code", "forgot-password"])
@pytest.mark.parametrize("error", [*ONLY_OF_ACCOUNTS, "TooManyRequestsException", "InternalErrorException"])
def test_a_code_that_was_not_sent_leaves_a_log_line_for_the_alarm(
    send: Send, stub: Stub, route: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    stub.fail(error)
    send(route, WHOLE)
    lines = [vars(record)["reason"] for record in caplog.records if record.message == "code_not_sent"]
    assert lines == ([error] if error in FAILED_MAILS else [])


def test_a_code_that_was_not_sent_after_a_confirmation_leaves_a_log_line_too(
    send: Send, stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    stub.fail("LimitExceededException")
    stub.fails_at = "admin_"
    send("confirm", WHOLE)
    assert "code_not_sent" in [record.message for record in caplog.records]


def test_the_response_to_a_reset_waits_until_cognito_no_longer_revokes_new_tokens(
    send: Send, stub: Stub, slept: list[float]
) -> None:
    assert send("reset-password", WHOLE)[0] == 200
    assert sum(slept) >= 2  # Cognito compares by the second


@pytest.mark.parametrize("error", ["CodeMismatchException", "UserNotFoundException", "InternalErrorException"])
def test_a_failed_reset_is_answered_without_waiting(send: Send, stub: Stub, slept: list[float], error: str) -> None:
    stub.fail(error)
    assert send("reset-password", WHOLE)[0] != 200
    assert slept == []


@pytest.mark.parametrize(
    "error",
    [*ONLY_OF_ACCOUNTS, "CodeMismatchException", "ExpiredCodeException", "TooManyFailedAttemptsException"],
)
def test_a_reset_never_reveals_whether_an_account_exists(send: Send, stub: Stub, error: str) -> None:
    unknown = send("reset-password", WHOLE | {"code": "no code"})
    stub.fail(error)
    assert send("reset-password", WHOLE) == unknown
    assert unknown[1]["error"] == "invalid_code"


@pytest.mark.parametrize("route", ["resend-code", "forgot-password", "reset-password"])
@pytest.mark.parametrize(("error", "status"), [("TooManyRequestsException", 429), ("InternalErrorException", 502)])
def test_an_error_that_concerns_every_account_is_reported(
    send: Send, stub: Stub, route: str, error: str, status: int
) -> None:
    stub.fail(error)
    assert send(route, WHOLE)[0] == status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ReadTimeoutError(endpoint_url="https://canary"), 504),
        (ConnectTimeoutError(endpoint_url="https://canary"), 504),
        (EndpointConnectionError(endpoint_url="https://canary"), 502),
        (NoCredentialsError(), 502),
        (ParamValidationError(report="canary"), 502),
    ],
)
@pytest.mark.parametrize("route", NEEDED)
def test_an_unreachable_cognito_is_a_502_or_504_without_the_text_of_the_error(
    send: Send, stub: Stub, route: str, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    stub.result = error
    answered, _, answer = send(route, WHOLE)
    assert answered == status
    assert "canary" not in json.dumps(answer) + caplog.text


def test_a_write_to_cognito_is_tried_once_within_15_seconds(
    accounts: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    cognito_api.make_client.cache_clear()
    client = cognito_api.make_client(cognito_api.WRITE)
    assert client is cognito_api.make_client(cognito_api.WRITE)
    assert client.meta.config.connect_timeout + client.meta.config.read_timeout < 15
    assert client.meta.config.retries["total_max_attempts"] == 1
    cognito_api.make_client.cache_clear()


def test_a_bug_is_a_500_without_details(send: Send, stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    stub.result = RuntimeError("canary")
    status, body, _ = send("sign-in", WHOLE)
    assert (status, body["error"]) == (500, "unexpected")
    assert "canary" not in json.dumps(body) + caplog.text
    assert "unexpected" in caplog.text


@pytest.mark.parametrize("error", ["UserNotFoundException", "NotAuthorizedException", "CodeMismatchException"])
@pytest.mark.parametrize("route", ["sign-in", "resend-code", "forgot-password", "reset-password"])
def test_the_same_calls_are_made_whether_an_account_exists_or_not(
    send: Send, stub: Stub, route: str, error: str
) -> None:
    """Otherwise the response time would reveal it."""
    send(route, WHOLE)
    stub.fail(error)
    send(route, WHOLE)
    first, second = stub.asked
    assert first == second


# Sessions


@pytest.fixture
def authenticated(stub: Stub) -> Stub:
    stub.result = {
        "AuthenticationResult": {
            "AccessToken": "access-1",
            "IdToken": id_token(),
            "RefreshToken": "refresh-1",
            "ExpiresIn": 900,
            "TokenType": "Bearer",
        }
    }
    return stub


def test_a_sign_in_with_session_sets_the_session_cookies_and_returns_no_tokens(send: Send, authenticated: Stub) -> None:
    status, body, answer = send("sign-in", WHOLE | {"session": True}, headers=SAME_ORIGIN)
    assert (status, body) == (200, {"message": "Signed in."})
    cookies = set_cookies(answer)
    assert set(cookies) == {"__Host-id", "__Host-person", "__Secure-refresh"}
    assert cookies["__Secure-refresh"].value == "refresh-1"
    assert cookies["__Host-id"].attributes["SameSite"] == "Strict"
    assert 0 < int(answer["headers"]["session-expires-in"]) <= 900


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.example"}, SAME_ORIGIN | {"sec-fetch-site": "cross-site"}]
)
def test_another_site_cannot_sign_users_in(send: Send, authenticated: Stub, headers: dict[str, str]) -> None:
    status, body, answer = send("sign-in", WHOLE | {"session": True}, headers=headers)
    assert (status, body["error"], answer["cookies"]) == (403, "cross_site", [])
    assert authenticated.asked == []


@pytest.mark.parametrize("value", ["true", 1, None, [], {}])
def test_the_field_session_must_be_a_boolean(send: Send, authenticated: Stub, value: Any) -> None:
    status, body, _ = send("sign-in", WHOLE | {"session": value}, headers=SAME_ORIGIN)
    assert (status, "'session'" in body["message"]) == (400, True)
    assert authenticated.asked == []


def test_a_token_too_long_for_a_cookie_is_returned_in_the_body(send: Send, authenticated: Stub) -> None:
    long = id_token(fill="x" * 5000)
    authenticated.result["AuthenticationResult"]["IdToken"] = long
    status, body, _ = send("sign-in", WHOLE)
    assert (status, body["IdToken"]) == (200, long)


def test_a_challenge_is_answered_with_hosted_login_required(send: Send, stub: Stub) -> None:
    stub.result = {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "canary"}
    status, body, _ = send("sign-in", WHOLE)
    assert (status, body["error"]) == (403, "hosted_login_required")


def test_a_token_too_long_for_a_cookie_makes_no_session_and_is_a_507(send: Send, authenticated: Stub) -> None:
    authenticated.result["AuthenticationResult"]["IdToken"] = id_token(fill="x" * 5000)
    status, body, answer = send("sign-in", WHOLE | {"session": True}, headers=SAME_ORIGIN)
    assert (status, body["error"], answer["cookies"]) == (507, "token_too_large", [])


@pytest.mark.parametrize("tokens", [{}, {"IdToken": "no-jwt"}])
def test_unreadable_tokens_of_cognito_are_a_502(send: Send, authenticated: Stub, tokens: dict[str, str]) -> None:
    known = {"AccessToken": "a", "RefreshToken": "r"} if tokens else {}
    authenticated.result = {"AuthenticationResult": known | tokens}
    assert send("sign-in", WHOLE | {"session": True}, headers=SAME_ORIGIN)[0] == 502


def test_a_warm_function_does_not_mix_up_users(send: Send, authenticated: Stub) -> None:
    for who in ("haneul", "bada", "haneul"):
        given = {"IdToken": id_token(sub=who), "AccessToken": f"access of {who}", "RefreshToken": f"refresh-of-{who}"}
        authenticated.result = {"AuthenticationResult": given}
        person = {"email": f"{who}@example.com", "password": f"the password of {who}"}
        _, tokens, _ = send("sign-in", person)
        assert given.items() <= tokens.items()
        _, _, answer = send("sign-in", person | {"session": True}, headers=SAME_ORIGIN)
        cookies = set_cookies(answer)
        assert (cookies["__Host-id"].value, cookies["__Secure-refresh"].value) == (
            given["IdToken"],
            given["RefreshToken"],
        )
        for _, asked in authenticated.asked[-2:]:
            expected = {"USERNAME": person["email"], "PASSWORD": person["password"]}
            assert asked["AuthParameters"].items() >= expected.items()

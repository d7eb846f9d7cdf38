"""The triggers, with events in the shapes of Cognito's developer guide."""

import copy
import json
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from handlers import cognito as cognito_api
from handlers import first_sign_in, post_confirmation, pre_authentication, pre_sign_up
from handlers.trigger_errors import (
    PasswordRefusedError,
    SessionsNotEndedError,
    SignInRefusedError,
    SignUpRefusedError,
)

EMAIL = "canary@example.com"
CLIENT = {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "client-id"}
BASE = {"version": "1", "region": "ap-northeast-2", "userPoolId": "ap-northeast-2_pool", "callerContext": CLIENT}
SIGNED_UP = {"email": EMAIL}
NATIVE = {"sub": "sub-1", "email": EMAIL, "email_verified": "true", "cognito:user_status": "CONFIRMED"}
KAKAO = {
    "sub": "sub-2",
    "email": "canary@example.com",
    "nickname": "canary",
    "identities": '[{"userId":"1000000001","providerName":"Kakao","providerType":"OIDC","primary":true}]',
    "cognito:user_status": "EXTERNAL_PROVIDER",
}
NEITHER = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}


def event(source: str, user_name: Any = "canary", /, **request: Any) -> dict[str, Any]:
    return copy.deepcopy({**BASE, "triggerSource": source, "userName": user_name, "request": request, "response": {}})


# Pre sign-up


@pytest.mark.parametrize("source", ["PreSignUp_SignUp", "PreSignUp_ExternalProvider", "PreSignUp_AdminCreateUser"])
def test_a_sign_up_is_neither_confirmed_nor_verified_by_the_trigger(source: str) -> None:
    assert pre_sign_up.handler(event(source, EMAIL, userAttributes=SIGNED_UP), None)["response"] == NEITHER


@pytest.mark.parametrize("key", ["clientMetadata", "validationData"])
@pytest.mark.parametrize(
    "said", [{"provider": "Kakao"}, {"autoConfirmUser": "true"}, {"triggerSource": "PreSignUp_AdminCreateUser"}]
)
def test_metadata_of_a_client_does_not_change_the_response(key: str, said: dict[str, str]) -> None:
    asked = event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP, **{key: said})
    assert pre_sign_up.handler(asked, None)["response"] == NEITHER


def test_an_existing_response_in_the_event_is_overwritten() -> None:
    asked = event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP)
    asked["response"] = {"autoConfirmUser": True, "autoVerifyEmail": True}
    assert pre_sign_up.handler(asked, None)["response"] == NEITHER


@pytest.mark.parametrize(
    "source", ["", None, "PreSignUp_Other", "PostConfirmation_ConfirmSignUp", ["PreSignUp_SignUp"]]
)
def test_an_unknown_trigger_source_is_refused_with_a_fixed_message(source: Any) -> None:
    with pytest.raises(SignUpRefusedError) as refused:
        pre_sign_up.handler(event("") | {"triggerSource": source}, None)
    assert str(refused.value) == "This sign-up is not allowed."


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("kakao-1000000001", EMAIL),
        ("kakao-1000000001", "kakao-1000000001"),
        ("another@example.com", EMAIL),
        ("Kakao_1000000001", EMAIL),
        (f"{EMAIL} ", EMAIL),
        ("\u212aanary@example.com", "kanary@example.com"),  # the sign of the kelvin, in lower case a k
        ("kanary@example.com", "\u212aanary@example.com"),
        ("=cmd@example.com", "=cmd@example.com"),
        ("a%40b@example.com", "a%40b@example.com"),
        (EMAIL, None),
        (EMAIL, ""),
        (EMAIL, [EMAIL]),
        (None, EMAIL),
        (None, None),
    ],
)
def test_the_user_name_of_a_sign_up_must_be_its_e_mail(name: Any, email: Any) -> None:
    for source, refused in {"PreSignUp_SignUp": True, "PreSignUp_AdminCreateUser": False}.items():
        asked = event(source, name, userAttributes={"email": email})
        with pytest.raises(SignUpRefusedError) if refused else nullcontext():
            pre_sign_up.handler(asked, None)


def test_the_user_name_and_the_e_mail_may_differ_in_case() -> None:
    assert pre_sign_up.handler(event("PreSignUp_SignUp", EMAIL.upper(), userAttributes=SIGNED_UP), None)


STANDARD = [
    "address",
    "birthdate",
    "email_verified",
    "family_name",
    "gender",
    "given_name",
    "identities",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
]


@given(name=st.sampled_from(STANDARD) | st.from_regex(r"custom:[a-z]+", fullmatch=True) | st.text(), value=st.text())
def test_a_sign_up_with_other_attributes_than_the_e_mail_is_refused(name: str, value: str) -> None:
    """Cognito adds `sub` and `cognito:…` to some events, and no client may write them."""
    own = name in ("sub", "email") or name.startswith("cognito:")
    asked = event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP | ({} if own else {name: value}))
    with nullcontext() if own else pytest.raises(SignUpRefusedError):
        pre_sign_up.handler(asked, None)


def test_attributes_of_cognito_and_of_a_kakao_user_are_allowed_at_sign_up() -> None:
    of_cognito = SIGNED_UP | {"sub": "sub-1", "cognito:email_alias": "", "cognito:user_status": "UNCONFIRMED"}
    assert pre_sign_up.handler(event("PreSignUp_SignUp", EMAIL, userAttributes=of_cognito), None)
    assert pre_sign_up.handler(event("PreSignUp_ExternalProvider", "kakao_1", userAttributes=KAKAO), None)


def test_each_sign_up_with_e_mail_is_one_log_line_without_personal_data(caplog: pytest.LogCaptureFixture) -> None:
    """An alarm counts the sign-ups of all clients."""
    caplog.set_level("INFO")
    pre_sign_up.handler(event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP), None)
    (line,) = caplog.records
    assert line.message == "sign_up"
    assert "canary" not in repr(vars(line))
    pre_sign_up.handler(event("PreSignUp_ExternalProvider", "kakao_1", userAttributes=KAKAO), None)
    pre_sign_up.handler(event("PreSignUp_AdminCreateUser", "kakao-1", userAttributes=KAKAO), None)
    with pytest.raises(SignUpRefusedError):
        pre_sign_up.handler(event("PreSignUp_SignUp", EMAIL, userAttributes=KAKAO), None)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("caller", [{}, {"clientId": None}, {"clientId": ""}, {"clientId": "CLIENT_ID_NOT_APPLICABLE"}])
@pytest.mark.parametrize("source", ["PreSignUp_SignUp", "PreSignUp_ExternalProvider"])
def test_a_sign_up_without_an_app_client_is_refused(source: str, caller: dict[str, Any]) -> None:
    with pytest.raises(SignUpRefusedError):
        pre_sign_up.handler(event(source, EMAIL, userAttributes=NATIVE) | {"callerContext": caller}, None)


# A pool with a client that has no secret, for mobile apps


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch, cognito: MagicMock) -> Iterator[MagicMock]:
    """DescribeUserPoolClient, as the trigger calls it where such a client exists."""
    monkeypatch.setattr(pre_sign_up, "HAS_PUBLIC_CLIENT", True)
    pre_sign_up._is_confidential.cache_clear()
    yield cognito.describe_user_pool_client
    pre_sign_up._is_confidential.cache_clear()


@pytest.mark.parametrize("secret", [{}, {"ClientSecret": None}, {"ClientSecret": ""}])
def test_an_e_mail_sign_up_through_a_client_without_a_secret_is_refused(
    described: MagicMock, secret: dict[str, Any]
) -> None:
    described.return_value = {"UserPoolClient": secret}
    with pytest.raises(SignUpRefusedError, match="Sign up on the site"):
        pre_sign_up.handler(event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP), None)
    described.assert_called_once_with(UserPoolId=BASE["userPoolId"], ClientId=CLIENT["clientId"])


def test_a_sign_up_through_the_sites_client_is_allowed_and_the_client_looked_up_once(
    described: MagicMock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="handlers")
    described.return_value = {"UserPoolClient": {"ClientSecret": "canary-secret"}}
    for _ in range(3):
        asked = event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP)
        assert pre_sign_up.handler(asked, None)["response"] == NEITHER
    described.assert_called_once()
    assert "canary-secret" not in "".join(repr(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("source", ["PreSignUp_ExternalProvider", "PreSignUp_AdminCreateUser"])
def test_kakao_users_may_sign_up_through_either_client(described: MagicMock, source: str) -> None:
    described.return_value = {"UserPoolClient": {}}
    assert pre_sign_up.handler(event(source, "kakao_1", userAttributes=KAKAO), None)["response"] == NEITHER
    described.assert_not_called()


def test_a_failed_look_up_of_the_client_refuses_the_sign_up_and_is_repeated(described: MagicMock) -> None:
    described.side_effect = ReadTimeoutError(endpoint_url="https://canary")
    with pytest.raises(SignUpRefusedError, match="Try again"):
        pre_sign_up.handler(event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP), None)
    described.side_effect, described.return_value = None, {"UserPoolClient": {"ClientSecret": "s"}}
    assert pre_sign_up.handler(event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP), None)["response"] == NEITHER


# Post confirmation


@pytest.mark.parametrize(("attributes", "state"), [(NATIVE, "CONFIRMED"), (KAKAO, "EXTERNAL_PROVIDER")])
def test_a_first_sign_in_is_one_log_line_without_personal_data(
    attributes: dict[str, str], state: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    asked = event("PostConfirmation_ConfirmSignUp", userAttributes=attributes)
    assert post_confirmation.handler(copy.deepcopy(asked), None) == asked
    (record,) = caplog.records
    assert (record.message, vars(record)["sub"], vars(record)["state"]) == ("confirmed", attributes["sub"], state)
    assert "canary" not in repr(vars(record))


def test_a_second_call_with_the_same_event_changes_nothing() -> None:
    asked = event("PostConfirmation_ConfirmSignUp", userAttributes=NATIVE)
    assert post_confirmation.handler(post_confirmation.handler(copy.deepcopy(asked), None), None) == asked


@pytest.fixture
def cognito(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """Cognito's API, as the trigger calls it."""
    api = MagicMock()
    monkeypatch.setattr(cognito_api, "make_client", lambda limits: api)
    return api


def test_a_password_reset_ends_every_session_and_is_no_first_sign_in(
    cognito: MagicMock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    asked = event("PostConfirmation_ConfirmForgotPassword", userAttributes=NATIVE)
    assert post_confirmation.handler(copy.deepcopy(asked), None) == asked
    person = {"UserPoolId": asked["userPoolId"], "Username": asked["userName"]}
    cognito.admin_user_global_sign_out.assert_called_once_with(**person)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("name", "attributes"),
    [("kakao-1", KAKAO), ("kakao_1", KAKAO), ("canary@example.com", KAKAO), ("kakao-1", NATIVE), ("Kakao-1", {})],
)
def test_a_password_set_by_e_mail_on_a_kakao_profile_is_reset_at_once(
    cognito: MagicMock, name: str, attributes: dict[str, str]
) -> None:
    asked = event("PostConfirmation_ConfirmForgotPassword", name, userAttributes=attributes)
    with pytest.raises(PasswordRefusedError) as refused:
        post_confirmation.handler(asked, None)
    assert str(refused.value) == "Sign in with Kakao."
    assert [call[0] for call in cognito.mock_calls] == ["admin_reset_user_password", "admin_user_global_sign_out"]
    assert {tuple(call.kwargs.values()) for call in cognito.mock_calls} == {(asked["userPoolId"], name)}


def test_a_failed_password_reset_of_a_kakao_profile_is_an_error(cognito: MagicMock) -> None:
    cognito.admin_reset_user_password.side_effect = ReadTimeoutError(endpoint_url="https://canary")
    with pytest.raises(SessionsNotEndedError):
        post_confirmation.handler(event("PostConfirmation_ConfirmForgotPassword", userAttributes=KAKAO), None)


def test_an_e_mail_account_keeps_the_password_of_a_reset(cognito: MagicMock) -> None:
    post_confirmation.handler(event("PostConfirmation_ConfirmForgotPassword", EMAIL, userAttributes=NATIVE), None)
    assert [call[0] for call in cognito.mock_calls] == ["admin_user_global_sign_out"]


def test_a_first_sign_in_ends_no_session(cognito: MagicMock) -> None:
    post_confirmation.handler(event("PostConfirmation_ConfirmSignUp", userAttributes=NATIVE), None)
    assert cognito.mock_calls == []


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "InternalErrorException", "Message": "canary"}}, "operation"),
        ReadTimeoutError(endpoint_url="https://canary"),
    ],
    ids=["no", "slow"],
)
def test_after_a_password_reset_a_failed_global_sign_out_is_an_error(
    error: Exception, cognito: MagicMock, caplog: pytest.LogCaptureFixture
) -> None:
    cognito.admin_user_global_sign_out.side_effect = error
    with pytest.raises(SessionsNotEndedError) as said:
        post_confirmation.handler(event("PostConfirmation_ConfirmForgotPassword", userAttributes=NATIVE), None)
    assert "Reset the password once more" in str(said.value)
    assert [record.message for record in caplog.records] == ["sessions_not_ended"]
    assert "canary" not in caplog.text + str(said.value)


def test_calls_of_a_trigger_to_cognito_end_within_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    config = cognito_api.make_client(cognito_api.IN_A_TRIGGER).meta.config
    assert (config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"] < 5
    cognito_api.make_client.cache_clear()


# Pre authentication


@pytest.mark.parametrize(
    "attributes",
    [NATIVE, KAKAO, KAKAO | {"cognito:user_status": "FORCE_CHANGE_PASSWORD"}, {}, NATIVE | {"identities": ""}],
)
def test_a_user_may_sign_in_in_the_way_the_account_was_created(
    attributes: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Cognito calls the trigger at Kakao sign-ins too: a refusal would stop each one after the first."""
    asked = event("PreAuthentication_Authentication", userAttributes=attributes, userNotFound=not attributes)
    assert pre_authentication.handler(copy.deepcopy(asked), None) == asked
    assert caplog.records == []  # so no alarm rings


@pytest.mark.parametrize("name", ["kakao_1000000001", "Kakao_1000000001"])
def test_a_hosted_profile_with_a_password_is_refused(name: str) -> None:
    """Only AdminSetUserPassword sets this status."""
    asked = event("PreAuthentication_Authentication", name, userAttributes=KAKAO | {"cognito:user_status": "CONFIRMED"})
    with pytest.raises(SignInRefusedError) as refused:
        pre_authentication.handler(asked, None)
    assert str(refused.value) == "Sign in with Kakao."


@pytest.mark.parametrize(
    ("name", "status"),
    [
        *(("kakao-1000000001", status) for status in ("CONFIRMED", "RESET_REQUIRED", "A_NEW_ONE", None)),
        *(("kakao_1000000001", status) for status in ("RESET_REQUIRED", "A_NEW_ONE", None)),
        ("canary@example.com", "CONFIRMED"),  # an account that was linked to a Kakao id
        ("kakao_1@example.com", "CONFIRMED"),
        (None, "CONFIRMED"),
    ],
)
def test_an_unexpected_status_of_a_kakao_user_is_allowed_and_logged_for_the_alarm(
    name: str | None, status: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    asked = event("PreAuthentication_Authentication", name, userAttributes=KAKAO | {"cognito:user_status": status})
    assert pre_authentication.handler(copy.deepcopy(asked), None) == asked
    (line,) = caplog.records
    assert (line.message, vars(line)["sub"], vars(line)["state"]) == ("kakao_status_unexpected", KAKAO["sub"], status)
    assert "canary" not in repr(vars(line))


def test_metadata_of_a_client_does_not_turn_a_kakao_user_into_an_e_mail_user() -> None:
    attributes = KAKAO | {"cognito:user_status": "CONFIRMED"}
    for key in ("clientMetadata", "validationData"):
        asked = event(
            "PreAuthentication_Authentication", "kakao_1", userAttributes=attributes, **{key: {"identities": ""}}
        )
        with pytest.raises(SignInRefusedError):
            pre_authentication.handler(asked, None)


@pytest.mark.parametrize("module", [pre_sign_up, pre_authentication, post_confirmation])
def test_no_trigger_crashes_at_an_incomplete_event(module: Any) -> None:
    with suppress(SignUpRefusedError):
        module.handler({}, None)


def test_without_e_mail_accounts_only_kakao_users_sign_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cognito's own SignUp needs only the public client id."""
    monkeypatch.setattr(pre_sign_up, "EMAIL_ACCOUNTS", False)
    with pytest.raises(SignUpRefusedError):
        pre_sign_up.handler(event("PreSignUp_SignUp", EMAIL, userAttributes=SIGNED_UP), None)
    assert pre_sign_up.handler(event("PreSignUp_ExternalProvider", "kakao_1", userAttributes=KAKAO), None)


# The first sign-in, announced to the team's function


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    import boto3

    monkeypatch.setattr(first_sign_in, "TOPIC", "arn:topic")
    client = MagicMock()
    monkeypatch.setattr(boto3, "client", client)
    return client.return_value


@pytest.mark.parametrize(
    ("user_name", "attributes", "provider"), [("kakao_1", KAKAO, "Kakao"), (EMAIL, NATIVE, "Cognito")]
)
def test_a_new_user_is_announced_without_an_e_mail_or_a_nickname(
    topic: MagicMock, user_name: str, attributes: dict[str, str], provider: str
) -> None:
    asked = event("PostConfirmation_ConfirmSignUp", user_name, userAttributes=attributes)
    assert post_confirmation.handler(asked, None) == asked
    told = {"sub": attributes["sub"], "provider": provider}
    topic.publish.assert_called_once_with(TopicArn="arn:topic", Message=json.dumps(told))


def test_a_password_reset_announces_no_user(topic: MagicMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cognito_api, "call", MagicMock())
    post_confirmation.handler(event("PostConfirmation_ConfirmForgotPassword", EMAIL, userAttributes=NATIVE), None)
    topic.publish.assert_not_called()


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": EMAIL}}, "Publish"),
        ReadTimeoutError(endpoint_url="https://sns.example"),
    ],
)
def test_a_failed_announcement_is_logged_and_does_not_stop_the_sign_in(
    topic: MagicMock, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    topic.publish.side_effect = error
    asked = event("PostConfirmation_ConfirmSignUp", "kakao_1", userAttributes=KAKAO)
    assert post_confirmation.handler(asked, None) == asked
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (line.message, line.__dict__["sub"]) == ("first_sign_in_not_announced", "sub-2")
    assert EMAIL not in repr(line.__dict__)

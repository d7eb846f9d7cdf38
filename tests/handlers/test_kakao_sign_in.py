"""POST /api/auth/kakao, between a Kakao with one user and a user pool that records the calls."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from handlers import cognito, errors, first_sign_in, kakao_responses
from handlers.errors import CognitoError, CognitoResponseError, CognitoTooSlowError, CognitoUnavailableError
from handlers.token_set import unverified_claims
from tests.handlers.conftest import CLIENT_ID, CLIENT_SECRET, id_token

EMAIL = "haneul@example.com"
TOKEN = {"access_token": "token"}
TOKENS = {"AccessToken", "IdToken", "RefreshToken", "ExpiresIn", "TokenType"}
NATIVE = "kakao-1"
HOSTED = "kakao_1"  # as a pool without case has it
STEPS = [
    "admin_get_user",
    "admin_get_user",
    "admin_get_user",
    "admin_create_user",
    "admin_link_provider_for_user",
    "admin_initiate_auth",
    "admin_respond_to_auth_challenge",
]

Send = Callable[..., tuple[int, dict[str, Any]]]


class CrashError(BaseException):
    """The function ends here, as if Lambda had stopped it."""


@dataclass
class Kakao:
    """Accepts every token as one user's, or raises `failure`."""

    who: str = "1"
    failure: Exception | None = None
    nickname: str | None = "김하늘"
    email: str | None = EMAIL
    verified: bool | None = True  # None: the user withholds the e-mail
    asked: list[str] = field(default_factory=list)

    def user_id(self, _credential: Any, *, deadline: float) -> str:
        self.asked.append("user_id")
        if self.failure:
            raise self.failure
        return self.who

    def claims(self, _credential: Any, consents: Any, *, deadline: float) -> dict[str, Any]:
        self.asked.append("claims")
        told = {"nickname": self.nickname, "email": self.email, "email_verified": self.verified}
        told |= {consent: f"the {consent}" for consent in consents}
        return {"sub": self.who} | {name: value for name, value in told.items() if value is not None}


@dataclass
class Pool:
    """A user pool's profiles, by name. `before` runs once before an operation; `says` is an error in its place."""

    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    says: dict[str, CognitoError] = field(default_factory=dict)
    crash_at: int = 99  # the number of the operation before which the function crashes
    right: bool = True
    needs_link: bool = True

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        self.asked.append(operation)
        self.sent.append(parameters)
        if event := self.before.pop(operation, None):
            event()
        if operation in self.says:
            raise self.says[operation]
        if len(self.asked) == self.crash_at:
            raise CrashError
        answer: dict[str, Any] = getattr(self, operation)(**parameters)
        return answer

    def hosted_sign_in(self) -> None:
        """Sign in through the hosted login: use the linked profile, or create a hosted one."""
        if not self.linked():
            self.profiles[HOSTED] = profile()

    def linked(self) -> bool:
        return any(one["linked"] for one in self.profiles.values())

    def people(self) -> list[str]:
        return sorted(self.profiles)

    def admin_get_user(self, UserPoolId: str, Username: str) -> dict[str, Any]:  # noqa: N803
        found = self._found(Username)
        who = Username.removeprefix("kakao-")
        identities = [{"userId": who, "providerName": "Kakao"}] if found["linked"] else []
        attributes = {"identities": json.dumps(identities)} if identities else {}
        return {
            "Enabled": found["enabled"],
            "UserAttributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
        }

    def admin_create_user(
        self,
        UserPoolId: str,  # noqa: N803
        Username: str,  # noqa: N803
        MessageAction: str,  # noqa: N803
        UserAttributes: list[dict[str, str]],  # noqa: N803
    ) -> dict[str, Any]:
        assert MessageAction == "SUPPRESS"
        if Username in self.profiles:
            raise CognitoResponseError("UsernameExistsException", "")
        self.profiles[Username] = profile(**{one["Name"]: one["Value"] for one in UserAttributes})
        return {"User": {"Attributes": [{"Name": "sub", "Value": f"sub-of-{Username}"}, *UserAttributes]}}

    def admin_link_provider_for_user(
        self,
        UserPoolId: str,  # noqa: N803
        DestinationUser: dict[str, str],  # noqa: N803
        SourceUser: dict[str, str],  # noqa: N803
    ) -> dict[str, Any]:
        assert SourceUser == {
            "ProviderName": "Kakao",
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": DestinationUser["ProviderAttributeValue"].removeprefix("kakao-"),
        }
        assert DestinationUser["ProviderName"] == "Cognito"
        native = self._found(DestinationUser["ProviderAttributeValue"])
        if {HOSTED, "Kakao_1"} & set(self.profiles):
            raise CognitoResponseError("AliasExistsException", "")
        if native["linked"]:
            raise CognitoResponseError("InvalidParameterException", "")
        native["linked"] = True
        return {}

    def admin_initiate_auth(
        self,
        UserPoolId: str,  # noqa: N803
        ClientId: str,  # noqa: N803
        AuthFlow: str,  # noqa: N803
        AuthParameters: dict[str, str],  # noqa: N803
    ) -> dict[str, Any]:
        assert AuthFlow == "CUSTOM_AUTH"
        assert AuthParameters["SECRET_HASH"] == proof(AuthParameters["USERNAME"])
        self._found(AuthParameters["USERNAME"])
        return {"ChallengeName": "CUSTOM_CHALLENGE", "Session": "session"}

    def admin_respond_to_auth_challenge(
        self,
        UserPoolId: str,  # noqa: N803
        ClientId: str,  # noqa: N803
        ChallengeName: str,  # noqa: N803
        ChallengeResponses: dict[str, str],  # noqa: N803
        Session: str,  # noqa: N803
    ) -> dict[str, Any]:
        assert ChallengeName == "CUSTOM_CHALLENGE"
        name = ChallengeResponses["USERNAME"]
        assert ChallengeResponses["SECRET_HASH"] == proof(name)
        opens = self._found(name)["linked"] or not self.needs_link
        if not (self.right and opens and Session == "session"):
            return {"ChallengeName": "CUSTOM_CHALLENGE", "Session": "session"}
        result = {"IdToken": id_token(sub=f"sub-of-{name}"), "AccessToken": "access", "RefreshToken": "refresh"}
        return {"AuthenticationResult": result}

    def _found(self, name: str) -> dict[str, Any]:
        if name not in self.profiles:
            raise CognitoResponseError("UserNotFoundException", "")
        return self.profiles[name]


def proof(name: str) -> str:
    return cognito.secret_hash(name, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


def profile(**attributes: str) -> dict[str, Any]:
    return {"linked": False, "enabled": True, "attributes": attributes}


@pytest.fixture
def pool(kakao_sign_in: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Pool:
    pool = Pool()
    monkeypatch.setattr(cognito, "call", pool.call)
    return pool


@pytest.fixture
def kakao(kakao_sign_in: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Kakao:
    kakao = Kakao()
    monkeypatch.setattr(kakao_sign_in, "KAKAO", kakao)
    return kakao


@pytest.fixture
def send(kakao_sign_in: ModuleType, pool: Pool, kakao: Kakao) -> Send:
    def send(body: Any = None, **more: Any) -> tuple[int, dict[str, Any]]:
        text = body if isinstance(body, str) else json.dumps(TOKEN if body is None else body)
        answer = kakao_sign_in.handler({"routeKey": "POST /api/auth/kakao", "headers": {}, "body": text, **more}, None)
        assert answer["headers"]["cache-control"] == "no-store"
        assert answer["cookies"] == []
        return answer["statusCode"], json.loads(answer["body"])

    return send


# The decision


@pytest.mark.parametrize(
    ("profile", "has_hosted_profile", "step"),
    [
        ((False, True), None, "REFUSE"),
        ((False, False), True, "REFUSE"),
        ((True, True), None, "CHALLENGE"),
        ((True, True), True, "CHALLENGE"),
        ((True, False), None, "LOOK_UP_HOSTED_PROFILE"),
        (None, None, "LOOK_UP_HOSTED_PROFILE"),
        ((True, False), True, "USE_HOSTED_LOGIN"),
        (None, True, "USE_HOSTED_LOGIN"),
        ((True, False), False, "LINK_PROFILE"),
        (None, False, "CREATE_PROFILE"),
    ],
)
def test_the_profiles_in_the_pool_decide_the_next_step(
    kakao_sign_in: ModuleType, profile: tuple[bool, bool] | None, has_hosted_profile: bool | None, step: str
) -> None:
    kakao_profile = kakao_sign_in.kakao_profile
    known = kakao_profile.Profile(*profile) if profile else None
    assert kakao_profile.next_step(known, has_hosted_profile=has_hosted_profile).name == step


# One user, one profile


def test_a_first_sign_in_creates_and_links_a_profile_before_it_gets_tokens(send: Send, pool: Pool) -> None:
    status, tokens = send()
    assert (status, set(tokens)) == (200, TOKENS)
    assert pool.people() == [NATIVE]
    assert pool.profiles[NATIVE]["linked"]
    assert pool.asked == STEPS


def test_a_first_sign_in_is_announced_once_to_the_teams_function(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cognito calls no PostConfirmation trigger for a profile that AdminCreateUser makes."""
    announced: list[tuple[str, str]] = []
    monkeypatch.setattr(first_sign_in, "announce", lambda *user: announced.append(user))
    for _ in range(2):
        assert send()[0] == 200
    assert announced == [(f"sub-of-{NATIVE}", "Kakao")]


def test_an_id_token_is_accepted_with_its_nonce(send: Send) -> None:
    assert send({"id_token": "token", "nonce": "nonce"})[0] == 200


def test_no_password_is_set_at_any_step(send: Send, pool: Pool) -> None:
    send()
    for parameters in pool.sent:
        assert not [name for name in parameters if "Password" in name]


def test_the_next_sign_in_creates_no_profile_and_requests_no_claims(send: Send, pool: Pool, kakao: Kakao) -> None:
    first = send()
    pool.asked.clear()
    kakao.asked.clear()
    assert send() == first
    assert pool.asked == ["admin_get_user", "admin_initiate_auth", "admin_respond_to_auth_challenge"]
    assert kakao.asked == ["user_id"]


def test_the_profile_has_the_nickname_and_the_verified_e_mail(send: Send, pool: Pool) -> None:
    send()
    expected = {"nickname": "김하늘", "email": EMAIL, "email_verified": "true"}
    assert pool.profiles[NATIVE]["attributes"] == expected


def test_the_profile_has_the_mapped_consents(
    send: Send, pool: Pool, kakao_sign_in: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kakao_sign_in, "ATTRIBUTES", {"phone_number": "phone_number", "ci": "custom:ci"})
    send()
    attributes = pool.profiles[NATIVE]["attributes"]
    assert (attributes["phone_number"], attributes["custom:ci"]) == ("the phone_number", "the ci")


def test_a_new_profile_without_a_verified_e_mail_has_no_email_attributes(send: Send, pool: Pool, kakao: Kakao) -> None:
    kakao.verified = False
    send()
    assert pool.profiles[NATIVE]["attributes"] == {"nickname": "김하늘"}


def test_a_user_who_withholds_every_consent_signs_in(send: Send, pool: Pool, kakao: Kakao) -> None:
    kakao.nickname = kakao.email = kakao.verified = None
    assert send()[0] == 200
    assert pool.profiles[NATIVE]["attributes"] == {}


def test_an_account_with_the_same_e_mail_is_not_changed(send: Send, pool: Pool) -> None:
    pool.profiles[EMAIL] = profile(email=EMAIL, email_verified="true")
    before = json.dumps(pool.profiles[EMAIL])
    assert send()[0] == 200
    assert json.dumps(pool.profiles[EMAIL]) == before


@pytest.mark.parametrize("name", ["kakao_1", "Kakao_1"])
def test_a_user_of_the_hosted_login_must_sign_in_there(send: Send, pool: Pool, name: str) -> None:
    pool.profiles[name] = profile()
    status, answer = send()
    assert (status, answer["error"]) == (409, "hosted_login_required")
    assert answer["authorize_url"] == "https://login.example/authorize"
    assert "authorize_url" in answer["message"]
    assert pool.people() == [name]
    assert not {"admin_create_user", "admin_initiate_auth"} & set(pool.asked)


def test_a_disabled_profile_gets_no_tokens(send: Send, pool: Pool) -> None:
    send()
    pool.profiles[NATIVE]["enabled"] = False
    pool.asked.clear()
    status, answer = send()
    assert (status, answer["error"]) == (403, "refused")
    assert pool.asked == ["admin_get_user"]


# Concurrent sign-ins, and crashes


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
def test_a_first_sign_in_interrupted_at_any_step_is_completed_by_the_next_one(
    send: Send, pool: Pool, step: int
) -> None:
    pool.crash_at = step
    with pytest.raises(CrashError):
        send()
    pool.crash_at = 99
    assert send()[0] == 200
    assert pool.people() == [NATIVE]
    assert pool.profiles[NATIVE]["linked"]


@pytest.mark.parametrize("step", STEPS[1:])
def test_two_concurrent_first_sign_ins_by_token_use_one_profile(send: Send, pool: Pool, step: str) -> None:
    pool.before[step] = lambda: others.append(send())
    others: list[tuple[int, dict[str, Any]]] = []
    assert send() == others[0]
    assert others[0][0] == 200
    assert pool.people() == [NATIVE]


@pytest.mark.parametrize("step", STEPS)
def test_concurrent_first_sign_ins_by_token_and_on_the_web_leave_one_usable_profile(
    send: Send, pool: Pool, step: str
) -> None:
    pool.before[step] = pool.hosted_sign_in
    answers = [send() for _ in range(3)]
    if HOSTED in pool.profiles:
        assert {(status, answer["error"]) for status, answer in answers} == {(409, "hosted_login_required")}
        assert not pool.linked()
    else:
        assert ({status for status, _ in answers}, pool.linked()) == ({200}, True)


@pytest.mark.parametrize("name", ["kakao_1", "Kakao_1"])
def test_a_profile_that_lost_the_race_stays_and_gets_no_tokens(send: Send, pool: Pool, name: str) -> None:
    pool.profiles = {NATIVE: profile(), name: profile()}
    for _ in range(2):
        assert send()[0] == 409
    assert pool.people() == sorted([NATIVE, name])
    assert set(pool.asked) == {"admin_get_user"}  # neither linked nor challenged


def test_a_profile_that_lost_the_race_is_used_once_the_other_one_is_deleted(send: Send, pool: Pool) -> None:
    pool.profiles = {NATIVE: profile(), HOSTED: profile()}
    assert send()[0] == 409
    del pool.profiles[HOSTED]  # the membership ended, and begins anew
    assert send()[0] == 200
    assert pool.profiles[NATIVE]["linked"]


def test_no_step_deletes_a_user(send: Send, pool: Pool) -> None:
    """The pool of the test has no such operation, and IAM does not allow it."""
    pool.before["admin_link_provider_for_user"] = pool.hosted_sign_in
    assert send()[0] == 409
    assert "admin_delete_user" not in pool.asked


def test_a_profile_deleted_before_its_link_is_created_again_by_the_next_sign_in(send: Send, pool: Pool) -> None:
    pool.before["admin_link_provider_for_user"] = lambda: pool.profiles.pop(NATIVE)
    status, answer = send()
    assert (status, answer["error"]) == (502, "cognito_unavailable")
    assert "admin_initiate_auth" not in pool.asked
    assert send()[0] == 200


def test_a_failed_link_keeps_the_profile_for_the_next_sign_in(send: Send, pool: Pool) -> None:
    pool.says["admin_link_provider_for_user"] = CognitoResponseError("InternalErrorException", "")
    status, answer = send()
    assert (status, answer["error"]) == (502, "cognito_unavailable")
    assert pool.people() == [NATIVE]
    pool.says.clear()
    assert send()[0] == 200


def test_a_warm_function_does_not_mix_up_users(send: Send, pool: Pool, kakao: Kakao) -> None:
    known, unknown = ("김하늘", EMAIL, True), (None, None, None)
    for kakao.who, told in [("1", known), ("2", unknown), ("1", unknown)]:
        kakao.nickname, kakao.email, kakao.verified = told
        pool.sent.clear()
        status, tokens = send({"access_token": f"token of {kakao.who}"})
        assert (status, unverified_claims(tokens["IdToken"])["sub"]) == (200, f"sub-of-kakao-{kakao.who}")
        assert json.loads(pool.sent[-1]["ChallengeResponses"]["ANSWER"]) == {"access_token": f"token of {kakao.who}"}
    assert pool.profiles["kakao-2"]["attributes"] == {}


# Refusals


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("InvalidKakaoTokenError", 401),
        ("KakaoUnderAgeError", 403),
        ("KakaoRestrictedError", 403),
        ("KakaoConsentError", 403),
        ("KakaoThrottledError", 429),
        ("KakaoUnavailableError", 502),
        ("KakaoMisconfiguredError", 502),
        ("KakaoTooSlowError", 504),
    ],
)
def test_cognito_is_not_called_before_kakao_has_verified_the_token(
    send: Send, pool: Pool, kakao: Kakao, error: str, status: int
) -> None:
    kakao.failure = getattr(errors, error)()
    answered, answer = send()
    assert (answered, answer["error"]) == (status, getattr(errors, error).code)
    assert pool.asked == []


def test_each_error_of_kakao_has_its_own_response() -> None:
    assert {error.code for error in errors.KakaoError.__subclasses__()} == set(kakao_responses.RESPONSES)


@pytest.mark.parametrize(
    ("name", "message", "expected"),
    [
        ("UserLambdaValidationException", "VerifyAuthChallengeResponse failed with error kakao_too_slow.", 504),
        ("UserLambdaValidationException", "VerifyAuthChallengeResponse failed with error kakao_unavailable.", 502),
        ("UserLambdaValidationException", "VerifyAuthChallengeResponse failed with error kakao_throttled.", 429),
        ("UserLambdaValidationException", "VerifyAuthChallengeResponse failed with error kakao_under_age.", 403),
        ("UserLambdaValidationException", "VerifyAuthChallengeResponse failed with error kakao_misconfigured.", 502),
        ("NotAuthorizedException", "Incorrect username or password.", 401),
        ("UnexpectedLambdaException", "", 502),
        ("TooManyRequestsException", "", 429),
    ],
)
def test_each_failure_of_the_challenge_has_its_own_response(
    send: Send, pool: Pool, name: str, message: str, expected: int
) -> None:
    pool.says["admin_respond_to_auth_challenge"] = CognitoResponseError(name, message)
    assert send()[0] == expected


def test_a_token_that_fails_the_challenge_gets_no_tokens(send: Send, pool: Pool) -> None:
    pool.right = False
    status, answer = send()
    assert (status, answer["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("name", ["NotAuthorizedException", "PasswordResetRequiredException"])
def test_a_profile_that_cognito_refuses_must_use_the_hosted_login(send: Send, pool: Pool, name: str) -> None:
    pool.says["admin_initiate_auth"] = CognitoResponseError(name, "")
    assert send()[0] == 409


@pytest.mark.parametrize("step", sorted(set(STEPS)))
@pytest.mark.parametrize("name", ["LimitExceededException", "ThrottlingException", "TooManyRequestsException"])
def test_a_throttled_cognito_is_a_429(send: Send, pool: Pool, step: str, name: str) -> None:
    pool.says[step] = CognitoResponseError(name, "")
    assert send()[0] == 429


@pytest.mark.parametrize("step", sorted(set(STEPS)))
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CognitoTooSlowError("ReadTimeoutError"), (504, "cognito_too_slow")),
        (CognitoUnavailableError("EndpointConnectionError"), (502, "cognito_unavailable")),
    ],
    ids=["slow", "down"],
)
def test_an_unreachable_cognito_is_reported_at_each_step(
    send: Send, pool: Pool, step: str, error: CognitoError, expected: tuple[int, str]
) -> None:
    pool.says[step] = error
    status, answer = send()
    assert (status, answer["error"]) == expected
    assert pool.asked[-1] == step  # nothing is sent after it


def test_a_parameter_error_of_cognito_is_a_502(send: Send, pool: Pool) -> None:
    pool.says["admin_create_user"] = CognitoResponseError("InvalidParameterException", "")
    status, answer = send()
    assert (status, answer["error"]) == (502, "cognito_unavailable")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        {},
        {"access_token": ""},
        {"access_token": 1},
        {"access_token": "a", "id_token": "i"},
        {"access_token": "a", "nonce": "n"},
        {"id_token": "i", "nonce": 1},
        {"id_token": "i", "nonce": ""},
        {"access_token": "a" * 8193},
    ],
    ids=lambda body: str(body)[:40],
)
def test_a_malformed_request_reaches_neither_kakao_nor_cognito(send: Send, pool: Pool, kakao: Kakao, body: Any) -> None:
    status, answer = send(body)
    assert (status, answer["error"]) == (400, "invalid_request")
    assert kakao.asked == pool.asked == []

"""Sign-in with a Kakao token through the site, the API, the Lambdas and the emulated Cognito, from a Kakao stand-in."""

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from botocore.exceptions import ClientError

from handlers.token_set import unverified_claims
from sandbox.kakao import PEOPLE
from sandbox.kakao.errors import IP_MISMATCH
from sandbox.kakao.people import Person
from sandbox.local import Sandbox
from sandbox.mail import mails
from tests.sandbox.deployed import (
    KAKAO_IDENTITY,
    TOKENS,
    Browser,
    Switch,
    ask,
    bearer,
    forget,
    kakao_tokens,
    on_pool,
    profile_names,
    profiles,
    restart,
    switches,
    talk,
    with_the_secret,
)

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("no_kakao_profiles")]

HANEUL, _, GUREUM, DAON = PEOPLE
PASSWORD = "a-long-enough-password"

Post = Callable[..., requests.Response]
Issue = Callable[..., dict[str, str]]


@pytest.fixture
def post(sandbox: Sandbox, request: pytest.FixtureRequest) -> Post:
    """Sends JSON to a route; once where Kakao is switched, and again where only this machine was too slow."""
    tries = 1 if "kakao" in request.fixturenames else 5

    def post(path: str = "kakao", **body: Any) -> requests.Response:
        for _ in range(tries):
            answer = requests.post(f"{sandbox.site}/api/auth/{path}", json=body, timeout=60)
            if answer.status_code != 504:
                break
        return answer

    return post


@pytest.fixture
def issue(sandbox: Sandbox) -> Issue:
    """Kakao's tokens for a user, as its SDK would have them."""

    def issue(person: Person = HANEUL, **more: Any) -> dict[str, str]:
        return kakao_tokens(sandbox, person, **more)

    return issue


@pytest.fixture
def kakao(sandbox: Sandbox) -> Iterator[Switch]:
    """Switches the stand-in, and back on afterwards."""
    with switches(sandbox.kakao) as switch:
        yield switch


def attributes(sandbox: Sandbox, name: str) -> dict[str, str]:
    found = on_pool(sandbox, "AdminGetUser", Username=name)["UserAttributes"]
    return {attribute["Name"]: attribute["Value"] for attribute in found}


def hosted_sign_in(sandbox: Sandbox, person: Person = HANEUL) -> dict[str, Any]:
    """Sign in as a browser does; return the claims of the session's ID token."""
    return unverified_claims(hosted_token(sandbox, person))


def hosted_token(sandbox: Sandbox, person: Person) -> str:
    browser = Browser(sandbox)
    browser.sign_in(person)
    return browser.cookies["__Host-id"]


def refused(answer: requests.Response) -> tuple[int, str]:
    assert {"error", "message"} <= set(answer.json())
    return answer.status_code, answer.json()["error"]


def in_time(post: Post, **body: Any) -> requests.Response:
    """Repeat the request where Kakao was too slow: on a busy machine the stand-in may be."""
    for _ in range(5):
        answer = post(**body)
        if answer.status_code != 504:
            break
    return answer


# One user


@pytest.mark.both_modes
@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_a_user_who_signs_in_by_token_first_is_the_same_user_in_the_browser(
    post: Post, issue: Issue, sandbox: Sandbox, kind: str
) -> None:
    answer = post(**{kind: issue()[kind]})
    assert (answer.status_code, set(answer.json())) == (200, TOKENS)
    assert "set-cookie" not in answer.headers
    by_token, in_browser = unverified_claims(answer.json()["IdToken"]), hosted_sign_in(sandbox)
    assert by_token["sub"] == in_browser["sub"]
    assert profiles(sandbox, HANEUL) == [f"kakao-{HANEUL.id}"]
    assert post(**{kind: issue()[kind]}).status_code == 200  # and later sign-ins by token work


def test_a_user_who_signs_in_in_the_browser_first_must_use_the_browser_again(
    post: Post, issue: Issue, sandbox: Sandbox
) -> None:
    first = hosted_sign_in(sandbox)
    answer = post(access_token=issue()["access_token"])
    assert refused(answer) == (409, "hosted_login_required")
    asked = {name: value for name, (value,) in parse_qs(urlsplit(answer.json()["authorize_url"]).query).items()}
    assert asked["client_id"] == sandbox.exports["appClientId"]
    assert (asked["identity_provider"], asked["response_type"]) == ("Kakao", "code")
    assert hosted_sign_in(sandbox)["sub"] == first["sub"]
    assert profiles(sandbox, HANEUL) == [f"kakao_{HANEUL.id}"]


def test_an_app_can_sign_in_at_the_returned_authorize_url(post: Post, issue: Issue, sandbox: Sandbox) -> None:
    first = hosted_sign_in(sandbox)
    callback, verifier = "https://app.example.com/callback", "v" * 43
    challenge = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"
    url = post(access_token=issue()["access_token"]).json()["authorize_url"]
    url += f"&redirect_uri={callback}&state=s&code_challenge={challenge}&code_challenge_method=S256"
    hosted, query = url.split("?")
    agreed = {"person": HANEUL.id, "consent": ["profile_nickname", "account_email"], "decision": "agree"}
    to_kakao = requests.get(f"{sandbox.hosted_login}/oauth2/authorize?{query}", allow_redirects=False, timeout=60)
    at_kakao = requests.get(to_kakao.headers["location"], allow_redirects=False, timeout=60)
    back = requests.post(at_kakao.headers["location"], data=agreed, allow_redirects=False, timeout=60)
    at_app = requests.get(back.headers["location"], allow_redirects=False, timeout=60).headers["location"]
    assert hosted.endswith("/oauth2/authorize")
    assert at_app.startswith(callback)
    given = {name: value for name, (value,) in parse_qs(urlsplit(at_app).query).items()}
    form = {"grant_type": "authorization_code", "client_id": sandbox.exports["appClientId"], "redirect_uri": callback}
    form |= {"code": given["code"], "code_verifier": verifier}
    tokens = requests.post(f"{sandbox.hosted_login}/oauth2/token", data=form, timeout=60).json()
    assert unverified_claims(tokens["id_token"])["sub"] == first["sub"]
    assert ask(sandbox, "GET /api/userinfo", bearer(tokens["id_token"])).status_code == 200
    assert talk(sandbox, bearer(tokens["id_token"])) == []
    sent = {"refresh_token": tokens["refresh_token"]}
    refreshed = ask(sandbox, "POST /api/auth/refresh", body=sent)
    assert unverified_claims(refreshed.json()["IdToken"])["aud"] == sandbox.exports["appClientId"]
    assert ask(sandbox, "POST /api/auth/logout", body=sent).status_code == 200
    assert ask(sandbox, "POST /api/auth/refresh", body=sent).status_code == 401


def test_concurrent_first_sign_ins_of_both_kinds_use_one_profile(post: Post, issue: Issue, sandbox: Sandbox) -> None:
    tokens = [issue()["access_token"] for _ in range(4)]
    start = Barrier(5)

    def by_token(token: str) -> tuple[int, str]:
        start.wait(30)
        answer = post(access_token=token)
        return answer.status_code, unverified_claims(answer.json()["IdToken"])["sub"] if answer.ok else answer.json()[
            "error"
        ]

    def in_browser() -> tuple[int, str]:
        start.wait(30)
        return 200, hosted_sign_in(sandbox)["sub"]

    with ThreadPoolExecutor(5) as threads:
        begun = [threads.submit(by_token, token) for token in tokens]
        begun.append(threads.submit(in_browser))
        ended = [one.result() for one in begun]
    sub = hosted_sign_in(sandbox)["sub"]  # a profile that lost the race may be left, and gets no tokens
    assert post(access_token=issue()["access_token"]).status_code == ended[0][0]
    assert set(ended) <= {(200, sub), (409, "hosted_login_required")}
    assert ended[-1] == (200, sub)


@pytest.mark.both_modes
def test_concurrent_sign_ins_with_the_same_token_give_the_same_user(post: Post, issue: Issue, sandbox: Sandbox) -> None:
    token = issue()["access_token"]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: in_time(post, access_token=token), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({unverified_claims(answer.json()["IdToken"])["sub"] for answer in answers}) == 1
    assert profiles(sandbox, HANEUL) == [f"kakao-{HANEUL.id}"]


@pytest.mark.parametrize("linked", [False, True])
def test_an_interrupted_sign_in_is_completed_by_the_next_one(
    post: Post, issue: Issue, sandbox: Sandbox, linked: bool
) -> None:
    name = f"kakao-{HANEUL.id}"
    on_pool(sandbox, "AdminCreateUser", Username=name, MessageAction="SUPPRESS")
    if linked:
        on_pool(
            sandbox,
            "AdminLinkProviderForUser",
            DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": name},
            SourceUser=KAKAO_IDENTITY | {"ProviderAttributeValue": str(HANEUL.id)},
        )
    answer = post(access_token=issue()["access_token"])
    assert unverified_claims(answer.json()["IdToken"])["sub"] == attributes(sandbox, name)["sub"]
    assert hosted_sign_in(sandbox)["sub"] == attributes(sandbox, name)["sub"]


# The tokens


def test_tokens_of_a_kakao_sign_in_can_be_used_refreshed_and_revoked(
    post: Post, issue: Issue, sandbox: Sandbox
) -> None:
    tokens = post(access_token=issue()["access_token"]).json()
    for name in ("IdToken", "AccessToken"):
        bearer = {"authorization": f"Bearer {tokens[name]}"}
        person = requests.get(f"{sandbox.site}/api/userinfo", headers=bearer, timeout=60).json()
        assert (person["nickname"], person["email"]) == (HANEUL.nickname, HANEUL.email)
    refreshed = post("refresh", refresh_token=tokens["RefreshToken"])
    assert (refreshed.status_code, set(refreshed.json())) == (200, TOKENS)
    assert post("logout", refresh_token=refreshed.json()["RefreshToken"]).status_code == 200
    assert post("refresh", refresh_token=tokens["RefreshToken"]).status_code == 401


@pytest.mark.parametrize(
    ("person", "scope", "expected"),
    [
        (HANEUL, "openid profile_nickname account_email", (HANEUL.nickname, HANEUL.email)),
        (HANEUL, "openid profile_nickname", (HANEUL.nickname, None)),
        (HANEUL, "openid", (None, None)),
        (GUREUM, "openid profile_nickname account_email", (GUREUM.nickname, None)),
        (DAON, "openid profile_nickname account_email", (DAON.nickname, None)),
    ],
    ids=["all", "no consent for e-mail", "no consent", "e-mail not verified", "no e-mail"],
)
def test_users_sign_in_with_any_consents_and_only_verified_data_is_stored(
    post: Post, issue: Issue, sandbox: Sandbox, person: Person, scope: str, expected: tuple[str | None, str | None]
) -> None:
    assert post(access_token=issue(person, scope=scope)["access_token"]).status_code == 200
    kept = attributes(sandbox, f"kakao-{person.id}")
    assert (kept.get("nickname"), kept.get("email")) == expected
    assert kept.get("email_verified") == ("true" if "email" in kept else None)


@pytest.mark.parametrize(("person", "verified"), [(HANEUL, True), (GUREUM, False)], ids=["verified", "not verified"])
def test_userinfo_says_whether_kakao_has_verified_the_e_mail_of_a_web_sign_in(
    sandbox: Sandbox, person: Person, verified: bool
) -> None:
    bearer = {"authorization": f"Bearer {hosted_token(sandbox, person)}"}
    told = requests.get(f"{sandbox.site}/api/userinfo", headers=bearer, timeout=60).json()
    assert (told["email"], told["email_verified"]) == (person.email, verified)


@pytest.mark.both_modes
def test_an_account_with_the_same_e_mail_is_another_account_and_is_not_changed(
    post: Post, issue: Issue, sandbox: Sandbox
) -> None:
    email = str(HANEUL.email)
    assert post("sign-up", email=email, password=PASSWORD).status_code == 200
    on_pool(sandbox, "AdminConfirmSignUp", Username=email)
    before = attributes(sandbox, email)
    assert unverified_claims(post(access_token=issue()["access_token"]).json()["IdToken"])["sub"] != before["sub"]
    assert attributes(sandbox, email) == before
    assert post("sign-in", email=email, password=PASSWORD).status_code == 200
    on_pool(sandbox, "AdminDeleteUser", Username=email)


# Refusals


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_a_kakao_token_of_another_app_signs_no_user_in(post: Post, issue: Issue, sandbox: Sandbox, kind: str) -> None:
    another = issue(app_id=999, client_id="key-of-another-app")
    assert refused(post(**{kind: another[kind]})) == (401, "invalid_token")
    assert profiles(sandbox, HANEUL) == []


def test_an_id_token_for_the_native_app_key_is_accepted(post: Post, issue: Issue) -> None:
    assert post(id_token=issue(client_id="stand-in-native-app-key")["id_token"]).status_code == 200


def test_a_revoked_kakao_token_signs_no_user_in(post: Post, issue: Issue, sandbox: Sandbox) -> None:
    token = issue()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    requests.post(f"{sandbox.kakao}/v1/user/logout", headers=bearer, timeout=60).raise_for_status()
    assert refused(post(access_token=token)) == (401, "invalid_token")


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_an_expired_kakao_token_signs_no_user_in(post: Post, issue: Issue, sandbox: Sandbox, kind: str) -> None:
    assert refused(post(**{kind: issue(expires_in=-60)[kind]})) == (401, "invalid_token")
    assert profiles(sandbox, HANEUL) == []


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
@pytest.mark.parametrize("token", ["garbage", "토큰", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "x" * 8000])
def test_a_malformed_kakao_token_signs_no_user_in(post: Post, kind: str, token: str) -> None:
    assert refused(post(**{kind: token})) == (401, "invalid_token")


def test_an_id_token_older_than_five_minutes_signs_no_user_in_and_creates_no_profile(
    post: Post, issue: Issue, sandbox: Sandbox
) -> None:
    """Kakao sets an expiry of hours, and has no API that says whether the user has unlinked the app since."""
    tokens = issue(age=300)
    assert post(id_token=tokens["id_token"]).status_code == 200
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    requests.post(f"{sandbox.kakao}/v1/user/unlink", headers=bearer, timeout=60).raise_for_status()
    forget(sandbox, HANEUL)  # the membership ended
    assert refused(post(access_token=tokens["access_token"])) == (401, "invalid_token")
    assert refused(post(id_token=issue(age=340)["id_token"])) == (401, "invalid_token")
    assert profiles(sandbox, HANEUL) == []


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (-401, IP_MISMATCH, (401, "invalid_token")),  # of whichever app
        (-406, "", (403, "kakao_under_age")),
        (-4, "", (403, "kakao_account_restricted")),
        (-2, "", (401, "invalid_token")),
        (-903, "", (401, "invalid_token")),
    ],
)
@pytest.mark.parametrize("after", [0, 1], ids=["first", "at the challenge"])
def test_errors_of_the_user_differ_from_an_invalid_token(
    post: Post, issue: Issue, kakao: Switch, code: int, message: str, expected: tuple[int, str], after: int
) -> None:
    token = issue()["access_token"]
    kakao("error", "/v1/user/access_token_info", code=code, message=message, after=after)
    assert refused(post(access_token=token)) == expected


def test_a_nonce_that_differs_from_the_id_tokens_is_refused(post: Post, issue: Issue) -> None:
    assert refused(post(id_token=issue()["id_token"], nonce="another")) == (401, "invalid_token")


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": "a", "id_token": "i"}, {"token": "a"}])
def test_a_malformed_request_is_refused_with_the_expected_fields(post: Post, body: dict[str, str]) -> None:
    answer = post(**body)
    assert refused(answer) == (400, "invalid_request")
    assert "access_token" in answer.json()["message"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("down", (502, "kakao_unavailable")),
        ("broken", (502, "kakao_unavailable")),
        ("refusing", (502, "kakao_unavailable")),
        ("garbage", (502, "kakao_unavailable")),
        ("throttled", (429, "kakao_throttled")),
        ("slow", (504, "kakao_too_slow")),
    ],
)
@pytest.mark.parametrize("endpoint", ["/v1/user/access_token_info", "/v2/user/me"])
def test_each_failure_of_kakao_has_its_error_and_creates_no_profile(
    post: Post,
    issue: Issue,
    kakao: Switch,
    sandbox: Sandbox,
    mode: str,
    endpoint: str,
    expected: tuple[int, str],
) -> None:
    token = issue()["access_token"]
    kakao(mode, endpoint)
    answer = post(access_token=token)
    assert refused(answer) == expected
    assert ("retry-after" in answer.headers) is (expected[0] == 429)
    assert answer.elapsed.total_seconds() < 5  # what the route promises
    assert profiles(sandbox, HANEUL) == []
    kakao("up")
    assert post(access_token=token).status_code == 200


@pytest.mark.both_modes
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("down", (502, "kakao_unavailable")),
        ("throttled", (429, "kakao_throttled")),
        ("slow", (504, "kakao_too_slow")),
    ],
)
def test_each_failure_of_kakao_at_the_challenge_has_its_error_and_the_next_sign_in_works(
    post: Post, issue: Issue, kakao: Switch, sandbox: Sandbox, mode: str, expected: tuple[int, str]
) -> None:
    token = issue()["access_token"]
    for _ in range(5):  # on a busy machine the first of the two requests may be too slow
        kakao(mode, "/v1/user/access_token_info", after=1)
        answer = post(access_token=token)
        if profiles(sandbox, HANEUL):
            break
    assert refused(answer) == expected
    assert profiles(sandbox, HANEUL) == [f"kakao-{HANEUL.id}"]
    kakao("up")
    assert in_time(post, access_token=token).status_code == 200


def rotate(sandbox: Sandbox) -> None:
    requests.post(f"{sandbox.kakao}/_stand-in/keys", timeout=60).raise_for_status()


def test_a_new_key_of_kakao_is_found_at_once(post: Post, issue: Issue, sandbox: Sandbox) -> None:
    assert post(id_token=issue()["id_token"]).status_code == 200
    rotate(sandbox)
    assert post(id_token=issue()["id_token"]).status_code == 200


@pytest.mark.parametrize(
    ("mode", "expected"), [("down", (502, "kakao_unavailable")), ("slow", (504, "kakao_too_slow"))]
)
def test_an_unavailable_key_of_kakao_refuses_the_sign_in_and_is_fetched_later(
    post: Post, issue: Issue, kakao: Switch, sandbox: Sandbox, mode: str, expected: tuple[int, str]
) -> None:
    rotate(sandbox)
    token = issue()["id_token"]
    kakao(mode, "/.well-known/jwks.json")
    assert refused(post(id_token=token)) == expected
    assert profiles(sandbox, HANEUL) == []
    kakao("up")
    # This process asks again after ten seconds (tests/handlers/test_jwks.py); a new one asks at once.
    restart(sandbox, "kakao_sign_in")
    assert in_time(post, id_token=token).status_code == 200


# Other ways to sign in


@pytest.mark.both_modes
def test_a_kakao_profile_accepts_no_password(post: Post, issue: Issue, sandbox: Sandbox) -> None:
    post(access_token=issue()["access_token"])
    name = f"kakao-{HANEUL.id}"
    assert on_pool(sandbox, "AdminGetUser", Username=name)["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    for flow, operation in {
        "USER_PASSWORD_AUTH": "InitiateAuth",
        "ADMIN_USER_PASSWORD_AUTH": "AdminInitiateAuth",
    }.items():
        pool = {"UserPoolId": sandbox.exports["userPoolId"]} if operation.startswith("Admin") else {}
        password = {"USERNAME": name, "PASSWORD": PASSWORD}
        with pytest.raises(ClientError):
            with_the_secret(sandbox, operation, AuthFlow=flow, AuthParameters=password, **pool)


@pytest.mark.both_modes
def test_the_e_mail_of_a_kakao_profile_can_neither_sign_in_nor_reset_a_password(
    post: Post, issue: Issue, sandbox: Sandbox
) -> None:
    post(access_token=issue()["access_token"])
    email, before = str(HANEUL.email), len(mails(sandbox.aws))
    assert refused(post("sign-in", email=email, password=PASSWORD)) == (400, "wrong_credentials")
    assert post("forgot-password", email=email).status_code == 200
    assert len(mails(sandbox.aws)) == before


@pytest.mark.both_modes
def test_a_sign_up_with_the_user_name_of_a_kakao_profile_is_refused(sandbox: Sandbox) -> None:
    for name in profile_names(HANEUL):
        with pytest.raises(ClientError) as refusal:
            with_the_secret(
                sandbox,
                "SignUp",
                Username=name,
                Password=PASSWORD,
                UserAttributes=[{"Name": "email", "Value": f"{secrets.token_hex(4)}@example.com"}],
            )
        assert refusal.value.response["Error"]["Code"] == "UserLambdaValidationException"


def challenged(sandbox: Sandbox, name: str) -> str:
    begun = with_the_secret(sandbox, "InitiateAuth", AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": name})
    session: str = begun["Session"]
    return session


def answered(sandbox: Sandbox, name: str, session: str, answer: str) -> dict[str, Any]:
    return with_the_secret(
        sandbox,
        "RespondToAuthChallenge",
        ChallengeName="CUSTOM_CHALLENGE",
        Session=session,
        ChallengeResponses={"USERNAME": name, "ANSWER": answer},
    )


@pytest.mark.both_modes
def test_at_cognitos_api_only_the_users_own_token_answers_the_challenge(
    post: Post, issue: Issue, sandbox: Sandbox
) -> None:
    """A client with the secret can start the challenge for any user name."""
    post(access_token=issue()["access_token"])
    name = f"kakao-{HANEUL.id}"
    another = json.dumps({"access_token": issue(GUREUM)["access_token"]})
    foreign = json.dumps({"access_token": issue(app_id=999)["access_token"]})
    session = challenged(sandbox, name)
    for wrong in (another, foreign):
        again = answered(sandbox, name, session, wrong)
        assert "AuthenticationResult" not in again
        session = again["Session"]
    with pytest.raises(ClientError) as over:
        answered(sandbox, name, session, "garbage")
    assert over.value.response["Error"]["Code"] == "NotAuthorizedException"
    own = json.dumps({"access_token": issue()["access_token"]})
    with pytest.raises(ClientError):
        answered(sandbox, name, session, own)
    assert "AuthenticationResult" in answered(sandbox, name, challenged(sandbox, name), own)

"""Accounts with e-mail and password through the site, the API, the Lambdas and the emulated Cognito."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from sandbox.local import Sandbox
from sandbox.mail import mails
from sandbox.terminal import show_output
from tests.sandbox.deployed import TOKENS, functions, invoke, mailed_code, with_the_secret

pytestmark = pytest.mark.sandbox

PASSWORD = "a-long-enough-password"

Post = Callable[..., requests.Response]


@pytest.fixture
def post(sandbox: Sandbox) -> Post:
    def post(path: str, *, headers: dict[str, str] | None = None, **body: Any) -> requests.Response:
        return requests.post(f"{sandbox.site}/api/auth/{path}", json=body or None, headers=headers, timeout=60)

    return post


@pytest.fixture
def email() -> str:
    return f"person-{secrets.token_hex(4)}@example.com"


@pytest.fixture
def confirmed(post: Post, sandbox: Sandbox, email: str) -> str:
    assert post("sign-up", email=email, password=PASSWORD).status_code == 200
    assert post("confirm", email=email, code=mailed_code(sandbox, email)).status_code == 200
    return email


def refused(answer: requests.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"error", "message"}
    return answer.status_code, answer.json()["error"]


# The table of statuses


def test_an_account_is_confirmed_with_the_mailed_code(post: Post, sandbox: Sandbox, email: str) -> None:
    assert post("sign-up", email=email, password=PASSWORD).status_code == 200
    assert refused(post("sign-in", email=email, password=PASSWORD)) == (403, "not_confirmed")
    assert refused(post("confirm", email=email, code="000000")) == (400, "invalid_code")
    assert post("confirm", email=email, code=mailed_code(sandbox, email)).status_code == 200
    assert refused(post("confirm", email=email, code="123456")) == (409, "already_confirmed")


def test_a_password_chosen_by_a_stranger_is_reset_when_the_owner_of_the_e_mail_confirms(
    post: Post, sandbox: Sandbox, email: str
) -> None:
    strangers, own = {"email": email, "password": "chosen by a stranger"}, {"email": email, "password": PASSWORD}
    assert post("sign-up", **strangers).status_code == 200
    assert refused(post("sign-up", **own)) == (409, "email_taken")
    assert post("resend-code", email=email).status_code == 200
    given = own | {"code": mailed_code(sandbox, email)}
    for _ in range(2):  # the answer to the first may have been lost
        assert refused(post("confirm", **given)) == (403, "password_reset_required")
    assert refused(post("sign-in", **strangers)) == (400, "wrong_credentials")
    assert post("reset-password", code=mailed_code(sandbox, email), **own).status_code == 200
    assert refused(post("sign-in", **strangers)) == (400, "wrong_credentials")
    assert post("sign-in", **own).status_code == 200


def test_a_user_who_confirms_with_the_password_of_the_sign_up_keeps_it(
    post: Post, sandbox: Sandbox, email: str
) -> None:
    own = {"email": email, "password": PASSWORD}
    post("sign-up", **own)
    assert post("confirm", code=mailed_code(sandbox, email), **own).status_code == 200
    assert post("sign-in", **own).status_code == 200


def test_a_password_reset_ends_the_sessions_of_the_old_password(post: Post, sandbox: Sandbox, confirmed: str) -> None:
    kept = post("sign-in", email=confirmed, password=PASSWORD).json()["RefreshToken"]
    assert post("refresh", refresh_token=kept).status_code == 200
    time.sleep(1.1)  # Cognito and the emulator tell the tokens of before by the second
    event = {"userPoolId": sandbox.exports["userPoolId"], "userName": confirmed}
    event["triggerSource"] = "PostConfirmation_ConfirmForgotPassword"  # the emulator never calls it
    assert "FunctionError" not in invoke(sandbox, "post_confirmation", event)
    assert refused(post("refresh", refresh_token=kept)) == (401, "signed_out")
    assert post("sign-in", email=confirmed, password=PASSWORD).status_code == 200


def test_a_taken_e_mail_is_refused_in_upper_case_too(post: Post, confirmed: str) -> None:
    assert refused(post("sign-up", email=confirmed.upper(), password=PASSWORD)) == (409, "email_taken")


def test_a_weak_password_and_an_invalid_e_mail_have_different_errors(post: Post, email: str) -> None:
    assert refused(post("sign-up", email=email, password="short")) == (400, "weak_password")
    assert refused(post("sign-up", email="person", password=PASSWORD)) == (400, "invalid_email")
    assert refused(post("sign-up", email=f"{'p' * 308}@example.com", password=PASSWORD)) == (400, "invalid_email")
    assert refused(post("sign-up", email=["person"], password=PASSWORD)) == (400, "invalid_request")


def test_a_sign_in_by_password_returns_tokens_that_the_api_accepts(
    post: Post, sandbox: Sandbox, confirmed: str
) -> None:
    answer = post("sign-in", email=confirmed, password=PASSWORD)
    assert answer.status_code == 200
    assert set(answer.json()) == TOKENS
    assert "set-cookie" not in answer.headers
    for name in ("IdToken", "AccessToken"):
        bearer = {"authorization": f"Bearer {answer.json()[name]}"}
        person = requests.get(f"{sandbox.site}/api/userinfo", headers=bearer, timeout=60).json()
        assert (person["email"], person["provider"]) == (confirmed, "Cognito")


def test_a_wrong_password_and_an_unknown_e_mail_get_the_same_answer(post: Post, confirmed: str, email: str) -> None:
    wrong = post("sign-in", email=confirmed, password="another long password")
    unknown = post("sign-in", email=f"no-{email}", password=PASSWORD)
    assert refused(wrong) == (400, "wrong_credentials")
    assert (wrong.status_code, wrong.text) == (unknown.status_code, unknown.text)


@pytest.mark.parametrize("path", ["resend-code", "forgot-password"])
def test_requesting_a_code_does_not_reveal_whether_an_account_exists(
    post: Post, confirmed: str, email: str, path: str
) -> None:
    known, unknown = post(path, email=confirmed), post(path, email=f"no-{email}")
    assert known.status_code == 200
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


def test_a_reset_does_not_reveal_whether_an_account_exists(post: Post, confirmed: str, email: str) -> None:
    def answer(email: str, password: str) -> tuple[int, str]:
        reset = post("reset-password", email=email, code="000000", password=password)
        return reset.status_code, reset.text

    assert answer(confirmed, PASSWORD) == answer(f"no-{email}", PASSWORD)  # no code was asked for
    post("forgot-password", email=confirmed)
    for password in (PASSWORD, "short"):
        assert answer(confirmed, password) == answer(f"no-{email}", password)
        assert answer(confirmed, password)[0] == 400


def test_a_forgotten_password_can_be_replaced(post: Post, sandbox: Sandbox, confirmed: str) -> None:
    post("forgot-password", email=confirmed)
    new = "another long password"
    reset = post("reset-password", email=confirmed, code=mailed_code(sandbox, confirmed), password=new)
    assert reset.status_code == 200
    assert refused(post("sign-in", email=confirmed, password=PASSWORD)) == (400, "wrong_credentials")
    assert post("sign-in", email=confirmed, password=new).status_code == 200


def test_repeating_a_finished_step_is_answered_with_the_next_step(post: Post, sandbox: Sandbox, email: str) -> None:
    """Each step twice, as when a function crashes between Cognito's response and its own."""
    post("sign-up", email=email, password=PASSWORD)
    assert refused(post("sign-up", email=email, password=PASSWORD)) == (409, "email_taken")
    assert post("resend-code", email=email).status_code == 200
    post("confirm", email=email, code=mailed_code(sandbox, email))
    assert refused(post("confirm", email=email, code=mailed_code(sandbox, email))) == (409, "already_confirmed")
    post("forgot-password", email=email)
    new = {"email": email, "password": "another long password"}
    post("reset-password", code=mailed_code(sandbox, email), **new)
    assert refused(post("reset-password", code=mailed_code(sandbox, email), **new)) == (400, "invalid_code")
    assert [post("sign-in", **new).status_code for _ in range(2)] == [200, 200]


def test_a_code_can_be_sent_again(post: Post, sandbox: Sandbox, email: str) -> None:
    post("sign-up", email=email, password=PASSWORD)
    before = len([mail for mail in mails(sandbox.aws) if mail.to == email])
    assert post("resend-code", email=email).status_code == 200
    assert len([mail for mail in mails(sandbox.aws) if mail.to == email]) == before + 1


def test_metadata_of_a_client_does_not_confirm_an_account(post: Post, sandbox: Sandbox, email: str) -> None:
    """At Cognito's own API, with the secret of the site's client."""
    with_the_secret(
        sandbox,
        "SignUp",
        Username=email,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
        ClientMetadata={"provider": "Kakao"},
        ValidationData=[{"Name": "provider", "Value": "Kakao"}],
    )
    person = {"UserPoolId": sandbox.exports["userPoolId"], "Username": email}
    found = sandbox.account.call("cognito-idp", "AdminGetUser", person)
    assert found["UserStatus"] == "UNCONFIRMED"
    assert {"Name": "email_verified", "Value": "true"} not in found["UserAttributes"]


@pytest.mark.parametrize("more", [{"nickname": "가" * 1000}, {"name": "canary"}, {"email_verified": "true"}])
def test_a_sign_up_with_further_attributes_is_refused_so_that_the_owner_can_sign_up(
    post: Post, sandbox: Sandbox, email: str, same_origin: dict[str, str], more: dict[str, str]
) -> None:
    """At Cognito's own API, with the secret of the site's client."""
    attributes = [{"Name": name, "Value": value} for name, value in ({"email": email} | more).items()]
    with pytest.raises(ClientError) as refusal:
        with_the_secret(sandbox, "SignUp", Username=email, Password=PASSWORD, UserAttributes=attributes)
    assert "Sign up with an e-mail address and nothing else." in str(refusal.value)
    own = {"email": email, "password": PASSWORD}
    assert post("sign-up", **own).status_code == 200
    assert post("confirm", code=mailed_code(sandbox, email), **own).status_code == 200
    assert cookies(post("sign-in", session=True, headers=same_origin, **own))["__Host-id"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pre_sign_up", "PreSignUp_SignUp"),
        ("post_confirmation", "PostConfirmation_ConfirmSignUp"),
        ("post_confirmation", "PostConfirmation_ConfirmForgotPassword"),
        ("pre_authentication", "PreAuthentication_Authentication"),
        ("kakao_challenge", "DefineAuthChallenge_Authentication"),
    ],
)
def test_each_trigger_is_idempotent_and_leaves_the_request_unchanged(
    sandbox: Sandbox, confirmed: str, module: str, source: str
) -> None:
    attributes = {"sub": "sub-1", "email": confirmed, "cognito:user_status": "CONFIRMED"}  # an event may hold all three
    request = {"userAttributes": attributes}
    client = {"clientId": sandbox.exports["clientId"]}
    event = {"triggerSource": source, "callerContext": client, "userName": confirmed}
    event |= {"userPoolId": sandbox.exports["userPoolId"]}
    event |= {"request": request, "response": {}}
    for _ in range(2):
        answer = invoke(sandbox, module, event)
        assert "FunctionError" not in answer
        assert answer["Payload"]["request"] == request


# Sessions and tokens


@pytest.fixture
def same_origin(sandbox: Sandbox) -> dict[str, str]:
    return {"sec-fetch-site": "same-origin", "origin": sandbox.site}


def cookies(answer: requests.Response) -> dict[str, str]:
    """The cookies that a browser would send; `requests` keeps no secure cookies from plain http."""
    return dict(line.split(";")[0].split("=", 1) for line in answer.raw.headers.getlist("set-cookie"))


def test_a_session_by_password_works_as_after_a_kakao_sign_in(
    post: Post, sandbox: Sandbox, confirmed: str, same_origin: dict[str, str]
) -> None:
    answer = post("sign-in", email=confirmed, password=PASSWORD, session=True, headers=same_origin)
    assert answer.status_code == 200
    assert not TOKENS & set(answer.json())
    kept = cookies(answer)
    assert set(kept) == {"__Host-id", "__Host-person", "__Secure-refresh"}

    def sent() -> dict[str, str]:
        return same_origin | {"cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}

    person = requests.get(f"{sandbox.site}/api/userinfo", headers=sent(), timeout=60)
    assert person.json()["email"] == confirmed
    refreshed = post("refresh", headers=sent())
    assert refreshed.status_code == 204
    kept |= cookies(refreshed)
    assert post("logout", headers=sent()).status_code == 200
    assert post("refresh", headers=sent()).status_code == 401


def test_a_client_can_refresh_and_revoke_tokens_that_it_keeps_itself(post: Post, confirmed: str) -> None:
    tokens = post("sign-in", email=confirmed, password=PASSWORD).json()
    refreshed = post("refresh", refresh_token=tokens["RefreshToken"])
    assert refreshed.status_code == 200
    assert set(refreshed.json()) == TOKENS
    assert "set-cookie" not in refreshed.headers
    logout = post("logout", refresh_token=refreshed.json()["RefreshToken"])
    assert logout.status_code == 200
    assert refused(post("refresh", refresh_token=tokens["RefreshToken"])) == (401, "signed_out")


def test_a_page_of_another_site_cannot_sign_users_in(post: Post, confirmed: str) -> None:
    answer = post(
        "sign-in", email=confirmed, password=PASSWORD, session=True, headers={"origin": "https://evil.example"}
    )
    assert refused(answer) == (403, "cross_site")


# Errors that the emulated Cognito never returns, from a stub in its place


@pytest.fixture(scope="module")
def cognito_says(sandbox: Sandbox) -> Iterator[Callable[[str], None]]:
    """Points the function at a stub that fails with an error of this name."""
    said = [""]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"__type": said[0], "message": "canary"}).encode()
            self.send_response(400)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    function = functions(sandbox)["accounts"]
    variables = function["Environment"]["Variables"]

    def configure(variables: dict[str, str]) -> None:
        given = {"FunctionName": function["FunctionName"], "Environment": {"Variables": variables}}
        sandbox.account.call("lambda", "UpdateFunctionConfiguration", given)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        configure(variables | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"})
        yield lambda error: said.__setitem__(0, error)
        configure(variables)
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "error", "expected"),
    [
        ("confirm", "ExpiredCodeException", (410, "expired_code")),
        ("confirm", "TooManyFailedAttemptsException", (429, "limit_exceeded")),
        ("sign-up", "LimitExceededException", (429, "limit_exceeded")),
        ("sign-in", "TooManyRequestsException", (429, "throttled")),
        ("sign-in", "PasswordResetRequiredException", (400, "wrong_credentials")),
        ("sign-in", "InternalErrorException", (502, "cognito_unavailable")),
        ("reset-password", "ExpiredCodeException", (400, "invalid_code")),
    ],
)
def test_each_error_of_cognito_has_its_response(
    post: Post, cognito_says: Callable[[str], None], path: str, error: str, expected: tuple[int, str]
) -> None:
    cognito_says(error)
    answer = post(path, email="person@example.com", password=PASSWORD, code="123456")
    assert refused(answer) == expected
    assert ("retry-after" in answer.headers) is (expected[0] == 429)


# The terminal


def test_the_terminal_shows_each_mail_once(sandbox: Sandbox, email: str) -> None:
    said: list[str] = []
    with show_output(sandbox.aws, sandbox.output, said.append):
        attributes = [{"Name": "email", "Value": email}]
        with_the_secret(sandbox, "SignUp", Username=email, Password=PASSWORD, UserAttributes=attributes)
        deadline = time.monotonic() + 5
        while not any(email in line for line in said) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.6)
    (start,) = (number for number, line in enumerate(said) if email in line)
    mail = said[start + 1 :]  # the newest: the emulator's codes are all alike, so older mails have it too
    assert len([line for line in mail if mailed_code(sandbox, email) in line]) == 1

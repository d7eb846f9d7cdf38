"""The handlers at full speed, without an emulator: one process for each core, with stand-ins for Cognito and Kakao."""

import json
import multiprocessing
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from handlers import contract

CORES = 2
WARM_UP_SECONDS = 5
MAX_GROWTH_KB = 4 * 1024  # of a process, after the warm-up
SITE = "https://site.example"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
ACCOUNT = {"email": "haneul@example.com", "password": "a-long-enough-password"}
KAKAO_APP, KAKAO_ID = 1000001, "1000000001"
IDENTITIES = json.dumps([{"providerName": contract.PROVIDER, "userId": KAKAO_ID}])


@dataclass
class Result:
    """Calls, seconds and failures of a process by name, and its resident KB after the warm-up and at the end."""

    calls: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    warm: int = 0
    end: int = 0


def run(seconds: int) -> bool:
    """Run on all cores and print figures. Return whether no call failed and no process grew."""
    with ProcessPoolExecutor(CORES, multiprocessing.get_context("spawn")) as processes:
        done = list(processes.map(work, [seconds] * CORES))
    together = Result()
    for each in done:
        together.calls += each.calls
        together.seconds += each.seconds
        together.failures += each.failures
    calls = together.calls.total()
    print(f"\nhandlers alone, {CORES} processes, {seconds} s: {calls} calls, {together.failures.total()} failed")
    for name, count in together.calls.items():
        failed = f"{together.failures[name]} FAILED" if together.failures[name] else ""
        print(f"  {name:<38}{together.seconds[name] / count * 1e6:8.0f} µs {failed}")
    well = not together.failures
    for each in done:
        too_much = each.end - each.warm > MAX_GROWTH_KB
        print(f"  process {each.warm / 1024:36.1f} MB{(each.end - each.warm) / 1024:+8.1f} MB{'  TOO MUCH' * too_much}")
        well = well and not too_much
    return well


def work(seconds: int) -> Result:
    """Call every handler in turn, as users do."""
    with stand_ins() as (url, tokens):
        calls = user_calls(url, tokens)
        for _ in range(20):
            list(calls())
        warm_until = time.monotonic() + min(WARM_UP_SECONDS, seconds / 2)
        done, until = Result(), time.monotonic() + seconds
        while time.monotonic() < until:
            start = time.perf_counter()
            for name, well in calls():
                end = time.perf_counter()
                done.calls[name] += 1
                done.seconds[name] += end - start  # type: ignore[assignment]  # a Counter adds floats as well
                done.failures += Counter({name: int(not well)})
                start = end
            if not done.warm and time.monotonic() > warm_until:
                done.warm = resident()
        done.end = resident()
        return done


def user_calls(url: str, tokens: dict[str, Any]) -> Callable[[], Iterator[tuple[str, bool]]]:
    """Import the handlers. Return a function that calls each once and yields its name and whether it succeeded."""
    from tests.handlers.user_pool import known_claims, token
    from tests.handlers.web_client import Client

    claims = known_claims()
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "AWS_ENDPOINT_URL": url,
        "AWS_SECRET_ACCESS_KEY": "test",
        contract.ENV_ALLOWED_GROUPS: '["staff"]',
        contract.ENV_AUTHORIZE_URL: f"{url}{contract.AUTHORIZE_PATH}",
        contract.ENV_CHECKED_HANDLER: "handlers.user_info.handler",
        contract.ENV_CLIENT_ID: claims["aud"],
        contract.ENV_CLIENT_SECRET: "secret",
        contract.ENV_CONNECT_CHECKS_USER: "true",
        contract.ENV_GROUPS: '["staff"]',
        contract.ENV_HOSTED_LOGIN_URL: url,
        contract.ENV_KAKAO_AUTHORIZE_URL: f"{url}/oauth/authorize",
        contract.ENV_KAKAO_CLIENT_ID: "rest-api-key",
        contract.ENV_KAKAO_CLIENT_SECRET: "secret",
        contract.ENV_ISSUER: claims["iss"],
        contract.ENV_JWKS_URL: f"{url}/jwks.json",
        contract.ENV_KAKAO_API: url,
        contract.ENV_KAKAO_APP_ID: str(KAKAO_APP),
        contract.ENV_KAKAO_APP_KEYS: json.dumps([claims["aud"]]),
        contract.ENV_KAKAO_ISSUER: claims["iss"],
        contract.ENV_KAKAO_JWKS_URL: f"{url}/jwks.json",
        contract.ENV_KAKAO_SCOPES: "openid",
        contract.ENV_KAKAO_TOKEN_URL: f"{url}/oauth/token",
        contract.ENV_REFRESH_DAYS: "30",
        contract.ENV_SITE_ORIGINS: json.dumps([SITE]),
        contract.ENV_USER_POOL_ID: "ap-northeast-2_pool",
    }
    from handlers import (
        accounts,
        connect_authorizer,
        group_check,
        kakao_challenge,
        kakao_sign_in,
        kakao_user_info,
        kakao_web_sign_in,
        post_confirmation,
        pre_authentication,
        pre_sign_up,
        pre_token_generation,
        session,
        user_info,
    )

    tokens["id_token"] = token()
    connect = {"methodArn": "arn", "headers": {"Authorization": f"Bearer {token()}"}}
    forged = {"methodArn": "arn", "headers": {"Authorization": f"Bearer {token()[:-8]}AAAAAAAA"}}
    attributes = {"userAttributes": {"cognito:user_status": "EXTERNAL_PROVIDER", "identities": "[]", "sub": "s"}}
    triggered = {"callerContext": {"clientId": claims["aud"]}, "request": attributes}

    from_kakao = {"access_token": "t"}, {"id_token": token(sub=KAKAO_ID)}
    challenged = {
        "DefineAuthChallenge": {"session": []},
        "CreateAuthChallenge": {"session": []},
        "VerifyAuthChallengeResponse": {
            "challengeAnswer": json.dumps(from_kakao[0]),
            "userAttributes": {"identities": IDENTITIES},
        },
    }

    def profile(handler: Callable[[dict[str, Any], object], Any] = user_info.handler, /, **claims: str) -> int:
        jwt = {"jwt": {"claims": {"exp": "9999999999", **claims}}}
        return int(handler({"requestContext": {"authorizer": jwt}}, None)["statusCode"])

    def calls() -> Iterator[tuple[str, bool]]:
        browser, form, app = Client(session.handler), Client(accounts.handler), Client(kakao_sign_in.handler)
        answer = browser.send(contract.LOGIN, {"provider": contract.PROVIDER})
        yield "login", answer["statusCode"] == 302
        asked = parse_qs(urlsplit(answer["headers"]["location"]).query)
        tokens["id_token"] = token(nonce=asked["nonce"][0])
        back = {"code": "c", "state": asked["state"][0]}
        answer = browser.send(contract.CALLBACK, back)
        yield "callback, and making a token for it", answer["headers"].get("location") == "/"
        yield "callback, again", browser.send(contract.CALLBACK, back)["statusCode"] == 400
        answer = browser.send(contract.REFRESH, headers=SAME_ORIGIN)
        yield "refresh", answer["statusCode"] == 204
        yield "refresh from another site", browser.send(contract.REFRESH)["statusCode"] == 403
        in_id_token = {"token_use": contract.TOKEN_USE_ID, contract.USERNAME_CLAIM: "Kakao_1"}
        yield "userinfo with an ID token", profile(**in_id_token) == 200
        for groups, status in (("[staff]", 200), ("[]", 403)):
            in_groups = in_id_token | {"sub": claims["sub"], contract.GROUPS_CLAIM: groups}
            checked = profile(group_check.handler, **in_groups)
            yield f"userinfo for a group, {status}", checked == status
        in_access_token = {"token_use": contract.TOKEN_USE_ACCESS, "username": "Kakao_1", "sub": claims["sub"]}
        yield "userinfo with an access token", profile(**in_access_token) == 200
        yield "connect", connect_authorizer.handler(connect, None)["principalId"] == claims["sub"]
        yield "connect with a forged token", connect_authorizer.handler(forged, None)["principalId"] == "nobody"
        for route, more in ACCOUNTS:
            answer = form.send(route, body=json.dumps(ACCOUNT | more), headers=SAME_ORIGIN)
            yield route.rpartition("/")[2], answer["statusCode"] == 200
        for credential in from_kakao:
            answer = app.send(contract.KAKAO_SIGN_IN, body=json.dumps(credential))
            yield f"kakao, with an {next(iter(credential))}", answer["statusCode"] == 200
        at_kakao = Client(kakao_web_sign_in.handler)
        answer = at_kakao.send(contract.LOGIN, {"provider": contract.PROVIDER})
        yield "login at Kakao itself", answer["statusCode"] == 302
        asked = parse_qs(urlsplit(answer["headers"]["location"]).query)
        tokens["id_token"] = token(nonce=asked["nonce"][0], sub=KAKAO_ID)
        answer = at_kakao.send(contract.CALLBACK, {"code": "c", "state": asked["state"][0]})
        yield "callback from Kakao, and making a token", answer["headers"].get("location") == "/"
        of_cognito = {"routeKey": contract.KAKAO_USER_INFO, "headers": {"authorization": "Bearer t"}}
        yield "Kakao's claims", kakao_user_info.handler(of_cognito, None)["statusCode"] == 200
        for trigger, request in challenged.items():
            asked_for = {
                "triggerSource": f"{trigger}_Authentication",
                "userName": f"{contract.KAKAO_USERNAME_PREFIX}{KAKAO_ID}",
                "request": request,
            }
            answered = kakao_challenge.handler(asked_for, None)["response"]
            yield trigger, answered.get("answerCorrect", True)
        source = {"triggerSource": "PreSignUp_ExternalProvider"}
        yield "pre sign-up", pre_sign_up.handler(triggered | source, None)["response"]["autoConfirmUser"] is False
        for kind in ("ConfirmSignUp", "ConfirmForgotPassword"):
            source = {"triggerSource": f"PostConfirmation_{kind}", "userPoolId": "p_1", "userName": "u"}
            native = {"request": {"userAttributes": {"sub": "s"}}}
            yield kind, "request" in post_confirmation.handler(triggered | source | native, None)
        token_of = {"userAttributes": {"sub": "s"}, "groupConfiguration": {"groupsToOverride": ["staff", "other"]}}
        answered = pre_token_generation.handler({"request": token_of, "response": {}}, None)["response"]
        kept = answered["claimsOverrideDetails"]["groupOverrideDetails"]["groupsToOverride"]
        yield "pre token generation", kept == ["staff"]
        yield "pre authentication", "request" in pre_authentication.handler(triggered, None)
        yield "logout", browser.send(contract.LOGOUT, headers=SAME_ORIGIN)["statusCode"] == 200

    return calls


CODE = {"code": "123456"}
ACCOUNTS: list[tuple[str, dict[str, Any]]] = [
    (contract.SIGN_UP, {}),
    (contract.RESEND_CODE, {}),
    (contract.CONFIRM, CODE),
    (contract.SIGN_IN, {}),
    (contract.SIGN_IN, {"session": True}),
    (contract.FORGOT_PASSWORD, {}),
    (contract.RESET_PASSWORD, CODE),
]


@contextmanager
def stand_ins() -> Iterator[tuple[str, dict[str, Any]]]:
    """Serve a stand-in for Cognito and Kakao that accepts everything. Yield its address and its tokens."""
    from tests.handlers.user_pool import jwk, known_claims

    tokens: dict[str, Any] = {"access_token": "a", "refresh_token": "r"}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet; with two, each answer waits for an acknowledgement

        def do_GET(self) -> None:
            keys = {"keys": [jwk("current")]}
            self.answer(keys if self.path == "/jwks.json" else {"id": int(KAKAO_ID), "app_id": KAKAO_APP})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            given = {"IdToken": tokens["id_token"], "RefreshToken": "r", "AccessToken": "a"}
            attributes = [{"Name": "identities", "Value": IDENTITIES}, {"Name": "sub", "Value": known_claims()["sub"]}]
            user = {"Username": "u", "Enabled": True, "UserAttributes": attributes}
            of_the_api = {"AuthenticationResult": given, "Session": "s" * 20, **user}
            self.answer(of_the_api if "X-Amz-Target" in self.headers else tokens)

        def answer(self, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", tokens
        server.shutdown()


def resident() -> int:
    """Return the resident memory of this process in KB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


if __name__ == "__main__":
    run(10)

"""The size of each function, the time to its first call, and the time of a decision of the WebSocket authorizer."""

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt

from handlers import contract
from infra import packaging
from sandbox.local import settings
from sandbox.program import own

Row = tuple[str, str, str]

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "ap-northeast-2",
    "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's folders are read-only, so that each cold start compiles
    contract.ENV_ALLOWED_GROUPS: '["staff"]',
    contract.ENV_CHECKED_HANDLER: "service.todos.handler",
    contract.ENV_CLIENT_ID: "client-id",
    contract.ENV_CLIENT_SECRET: "secret",
    contract.ENV_CONNECT_CHECKS_USER: "false",
    contract.ENV_HOSTED_LOGIN_URL: "https://login.example",
    contract.ENV_ISSUER: "https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_pool",
    contract.ENV_JWKS_URL: "https://keys.example/jwks.json",
    contract.ENV_KAKAO_API: "https://kapi.example",
    contract.ENV_KAKAO_APP_ID: "1",
    contract.ENV_KAKAO_APP_KEYS: '["rest-api-key"]',
    contract.ENV_KAKAO_AUTHORIZE_URL: "https://kauth.example/oauth/authorize",
    contract.ENV_KAKAO_CLIENT_ID: "rest-api-key",
    contract.ENV_KAKAO_CLIENT_SECRET: "secret",
    contract.ENV_KAKAO_ISSUER: "https://kauth.example",
    contract.ENV_KAKAO_JWKS_URL: "https://kauth.example/.well-known/jwks.json",
    contract.ENV_KAKAO_SCOPES: "openid",
    contract.ENV_KAKAO_TOKEN_URL: "https://kauth.example/oauth/token",
    contract.ENV_REFRESH_DAYS: "30",
    contract.ENV_SITE_ORIGINS: '["https://site.example"]',
    contract.ENV_USER_POOL_ID: "ap-northeast-2_pool",
    "MANAGEMENT_URL": "https://api.example/ws",
    "TABLE": "table",
}
FUNCTIONS = (
    *(f"handlers.{name}" for name in ("session", "user_info", "kakao_user_info", "accounts")),
    *(f"handlers.{name}" for name in ("pre_sign_up", "post_confirmation", "pre_authentication")),
    "handlers.pre_token_generation",
    "handlers.kakao_web_sign_in",
    *(f"service.{name}" for name in ("todos", "chat", "first_sign_in")),
)
AUTHORIZER = "handlers.connect_authorizer"
WITH_LAYER = (AUTHORIZER, "handlers.kakao_web_sign_in")
CHECKED, GROUP_CHECK = "service.todos", "group_check"  # a function for some groups, and where Lambda starts then
DECISIONS = 2000
ROUNDS = 9


def rows() -> Iterator[Row]:
    """Yield what is measured, the result and the goal."""
    bare = best([sys.executable, "-I", "-S", "-c", "import json, logging"], {})
    for module in FUNCTIONS:
        size = packaging.function_zip(_source(module)).stat().st_size
        yield f"package of {module}", f"{size / 1024:.1f} KB", ""
        took = cold_import(module)
        yield f"cold import of {module}, an interpreter with json and logging = 1", f"{took / bare:.1f}", ""
    size = packaging.function_zip(_source(CHECKED), GROUP_CHECK).stat().st_size
    yield f"package of {CHECKED} for some groups", f"{size / 1024:.1f} KB", ""
    yield "cold import of it, the same = 1", f"{cold_import(CHECKED, GROUP_CHECK) / bare:.1f}", ""
    yield from decisions()
    for what, checks_user in (("account check off", "false"), ("with boto3", "true")):
        took = cold_import(AUTHORIZER, **{contract.ENV_CONNECT_CHECKS_USER: checks_user})
        yield f"cold import of the authorizer, {what}", f"{took * 1000:.0f} ms", ""


def cold_import(module: str, *entries: str, **environment: str) -> float:
    """Return the seconds of a new interpreter that imports the handler from its package and layer.

    `entries` are the modules of handlers/ that it imports in place of the module itself, because Lambda starts there.
    """
    archives = [packaging.function_zip(_source(module), *entries)]
    runtime: list[str] = []
    if module in WITH_LAYER:
        here = settings(3000)
        archives.append(packaging.layer_zip(here[own("runtime")], here[own("architecture")]))
        runtime = [path for path in sys.path if "site-packages" in path]  # boto3: Lambda's runtime has it
    with tempfile.TemporaryDirectory() as folder:
        for path in archives:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
        paths = [folder, str(Path(folder) / "python"), *runtime]
        started = ", ".join(f"handlers.{entry}" for entry in entries) or module
        code = f"import sys; sys.path[:0] = {json.dumps(paths)}; import {started}"
        return best([sys.executable, "-I", "-S", "-c", code], ENVIRONMENT | environment)


def _source(module: str) -> Path:
    return packaging.ROOT / f"{module.replace('.', '/')}.py"


def best(command: list[str], environment: dict[str, str]) -> float:
    """Return the seconds of a command, the best of a few runs."""
    times = []
    for _ in range(5):
        start = time.monotonic()
        subprocess.run(command, check=True, env=environment)
        times.append(time.monotonic() - start)
    return min(times)


def decisions() -> Iterator[Row]:
    """Compare a decision of the authorizer to PyJWT alone, on the same token in the same run."""
    from tests.handlers.user_pool import jwks_endpoint, private_key, token

    with jwks_endpoint() as endpoint:
        os.environ |= ENVIRONMENT | {contract.ENV_JWKS_URL: endpoint.url}
        from handlers import connect_authorizer

        made, key = (
            token(iss=ENVIRONMENT[contract.ENV_ISSUER], aud=ENVIRONMENT[contract.ENV_CLIENT_ID]),
            private_key("current").public_key(),
        )
        event = browser_event(made)
        assert connect_authorizer.handler(event, None)["principalId"] != "nobody"
        raw, decision = in_turns(
            lambda: jwt.decode(
                made,
                key,
                algorithms=["RS256"],
                audience=ENVIRONMENT[contract.ENV_CLIENT_ID],
                issuer=ENVIRONMENT[contract.ENV_ISSUER],
            ),
            lambda: connect_authorizer.handler(event, None),
        )
    yield "a raw PyJWT decode", f"{raw * 1e6:.0f} µs", ""
    yield "a warm decision on it, no account check or log line, raw decode = 1", f"{decision / raw:.2f}", "at most 1.15"
    yield "decisions a second on one core", f"{1 / decision:.0f}", ""


def browser_event(token: str) -> dict[str, Any]:
    """Return the event of API Gateway for a browser that connects from the site, through CloudFront."""
    headers = {
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Accept-Language": "ko-KR,ko;q=0.9",
        "Cache-Control": "no-cache",
        "Cookie": f"{contract.ID_COOKIE}={token}",
        "Host": "a1b2c3d4.execute-api.ap-northeast-2.amazonaws.com",
        "Origin": "https://site.example",
        "Pragma": "no-cache",
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0",
        "Via": "1.1 d111.cloudfront.net (CloudFront)",
        "X-Amz-Cf-Id": "x" * 56,
        "X-Forwarded-For": "203.0.113.1, 198.51.100.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    arn = "arn:aws:execute-api:ap-northeast-2:123456789012:a1b2c3d4/ws/$connect"
    several = {name: [value] for name, value in headers.items()}
    return {"type": "REQUEST", "methodArn": arn, "headers": headers, "multiValueHeaders": several}


def in_turns(*tasks: Callable[[], object]) -> list[float]:
    """Return the best time of each task in several rounds. The tasks alternate."""
    best = [float("inf")] * len(tasks)
    for _ in range(ROUNDS):
        for number, task in enumerate(tasks):
            start = time.process_time()
            for _ in range(DECISIONS):
                task()
            best[number] = min(best[number], (time.process_time() - start) / DECISIONS)
    return best

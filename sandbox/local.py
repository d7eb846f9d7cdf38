"""The whole sandbox: the emulated AWS with the program's resources, the Kakao stand-in and the site."""

import platform
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pulumi import RunError

from handlers import contract
from infra.project import UnreadableFileError
from sandbox import identity_provider, kakao, program
from sandbox.aws import Account, Applier, NotApplicableError
from sandbox.emulator import NotStartedError, check_free, emulated_aws
from sandbox.program import own
from sandbox.proxy import serve_proxies

CLIENT_SECRET = "stand-in-client-secret"  # noqa: S105 - of the stand-in; encrypted in Pulumi.local.yaml
EMAIL_USER = ("person@example.com", "a-long-enough-password")

# The sandbox of a stack whose users sign in at Kakao itself: without what Pulumi.local.yaml sets for the hosted login.
DIRECT = {"kakaoSignIn": "direct", "domainPrefix": "", "hostedLoginUrl": "", "appCallbacks": []}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sandbox:
    """The addresses of a running sandbox, and the exports of the program."""

    site: str
    hosted_login: str
    kakao: str
    aws: str
    account: Account
    exports: dict[str, Any]
    documents: Path  # as the Pulumi CLI would print settings and outputs
    output: Path  # output and errors of the functions
    page: Callable[[], Path]  # returns the folder of the page by the settings of the last update
    end_reason: Callable[[], str]  # returns how the emulated AWS ended, or an empty text
    update: Callable[[], list[str]]  # runs the program again; returns what changed, an error has a note of it


@contextmanager
def running(
    port: int,
    say: Say = lambda _line: None,
    changed: Mapping[str, Any] | None = None,
    main: Path | Callable[[], object] = program.MAIN,
) -> Iterator[Sandbox]:
    """Run the sandbox on `port` and the next three ports, and remove everything when the block ends.

    `changed` are settings that differ from Pulumi.local.yaml. `main` is the program that it applies.
    Raises NotStartedError where a port is taken, Node.js is missing, or a step fails. The text says what to do.
    """
    site, hosted_login = f"http://localhost:{port}", f"http://127.0.0.1:{port + 1}"
    kakao_url, aws = f"http://127.0.0.1:{port + 2}", f"http://127.0.0.1:{port + 3}"
    try:
        config = settings(port, changed)
    except UnreadableFileError as error:
        raise NotStartedError(str(error)) from None
    region = config["aws:region"]
    for taken in range(port, port + 4):
        check_free(taken)
    with ExitStack() as stack:
        with _step(say, "emulated AWS"), ThreadPoolExecutor(1) as pool:
            # botocore's models are read while the emulator starts. A distribution reaches the APIs through the site's
            # proxy, which enforces API Gateway's limit of header bytes.
            account = pool.submit(Account, aws, region, f"http://127.0.0.1:{port}")
            emulator = stack.enter_context(emulated_aws(port + 3, region))
        with _step(say, "program applied"), _wrong_lines(main):
            applier = Applier(account.result())
            with _fixes_in_the_file():
                exports = applier.run(stack="local", config=config, main=main)
            _create_email_user(account.result(), exports["userPoolId"])
        with _step(say, "Kakao stand-in and site"):
            domain = f"https://{config[own('domainPrefix')]}.auth.{region}.amazoncognito.com"
            app = kakao.KakaoApp(
                client_id=config[own("kakaoClientId")],
                client_secret=CLIENT_SECRET,
                app_id=int(config[own("kakaoAppId")]),
                redirect_uris=(exports["kakaoRedirectUri"],),
                logout_redirect_uris=(f"{site}/",),
                scopes=_requested_scopes(config),
            )
            stack.enter_context(kakao.serve(port + 2, app, {domain: hosted_login}))
            stack.enter_context(
                serve_proxies(
                    site_port=port,
                    aws=aws,
                    distribution=_distribution(account.result()),
                    websocket_api=exports["websocketApiId"],
                    is_deployed=lambda: _has_routes(account.result(), exports["websocketApiId"]),
                    client_secrets=_client_secrets(account.result(), exports["userPoolId"]),
                    providers=identity_provider.take_over(account.result(), exports["userPoolId"], hosted_login),
                )
            )
        documents = stack.enter_context(_temporary_file(program.ROOT / ".build" / f"sandbox-{port}.json"))
        documents.write_text(program.documents(config, exports))

        def update() -> list[str]:
            nonlocal config
            config = settings(port, changed)
            try:
                exports = applier.run(stack="local", config=config, main=main)
            except Exception as error:
                if applier.changed:
                    error.add_note(f"Live already: {', '.join(applier.changed)}. Save the corrected file to apply all.")
                raise
            documents.write_text(program.documents(config, exports))
            return applier.changed

        yield Sandbox(
            site=site,
            hosted_login=hosted_login,
            kakao=kakao_url,
            aws=aws,
            account=account.result(),
            exports=exports,
            documents=documents,
            output=emulator.output,
            page=lambda: program.ROOT / config[own("page")],
            end_reason=emulator.end_reason,
            update=update,
        )


@contextmanager
def _fixes_in_the_file() -> Iterator[None]:
    """Let the error of a setting say what to change in Pulumi.local.yaml: the sandbox needs no Pulumi CLI."""
    try:
        yield
    except RunError as error:
        # No `except SettingError`: after a saved file of infra/ the program has another class of that name.
        found, edit = (getattr(error, name, None) for name in ("found", "edit"))
        if not edit:
            raise
        raise RunError(f"{found}.\n  Fix it in Pulumi.local.yaml, below `config:`: {edit}") from error


def settings(port: int, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the stack `local` for these ports and this machine, with some settings changed."""
    overrides = {
        own("kakaoClientSecret"): CLIENT_SECRET,
        own("runtime"): f"python3.{sys.version_info.minor}",
        own("architecture"): "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
        **{own(key): value for key, value in (changed or {}).items()},
    }
    moved: dict[str, Any] = _move_ports(program.stack_config("local", overrides), port)
    return moved


def _move_ports(value: Any, port: int) -> Any:
    if isinstance(value, dict):
        return {key: _move_ports(item, port) for key, item in value.items()}
    if isinstance(value, list):
        return [_move_ports(item, port) for item in value]
    if isinstance(value, str):
        return re.sub(r"(localhost|127\.0\.0\.1):300([0-3])", lambda found: f"{found[1]}:{port + int(found[2])}", value)
    return value


@contextmanager
def _temporary_file(file: Path) -> Iterator[Path]:
    """Yield a file path, and delete the file when the block ends."""
    file.parent.mkdir(exist_ok=True)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def _step(say: Say, name: str) -> Iterator[None]:
    start = time.monotonic()
    try:
        yield
    except (NotApplicableError, RunError, BotoCoreError, ClientError, OSError, TimeoutError) as error:
        raise NotStartedError(f"{name}: {error}") from error
    say(f"  {name:<28}{time.monotonic() - start:5.1f} s")


@contextmanager
def _wrong_lines(main: Path | Callable[[], object]) -> Iterator[None]:
    """Say at which line of the program an input is refused, or what is no Python, instead of a traceback."""
    try:
        yield
    except SyntaxError as error:
        raise RunError(str(error)) from error
    except ValueError as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(main)]
        if not lines:  # not of an input, but a bug
            raise
        raise RunError(f"{Path(str(main)).name}, line {lines[-1]}: {error}") from error


def _requested_scopes(config: dict[str, Any]) -> tuple[str, ...]:
    """Return the scopes that the stack requests: the app at Kakao has them switched on."""
    mapped = [scope for consent in config[own("kakaoAttributes")] for scope in contract.KAKAO_CONSENTS[consent]]
    return tuple(dict.fromkeys([*config[own("kakaoScopes")].split(), *mapped]))


def _distribution(account: Account) -> str:
    """Return the host name of the only distribution."""
    answer = account.call("cloudfront", "ListDistributions", {})
    (distribution,) = answer["DistributionList"]["Items"]
    return str(distribution["DomainName"])


def _client_secrets(account: Account, user_pool: str) -> dict[str, str]:
    """Return the secrets of the pool's app clients that have one, by client id."""
    found = {}
    for client in account.call("cognito-idp", "ListUserPoolClients", {"UserPoolId": user_pool})["UserPoolClients"]:
        asked = {"UserPoolId": user_pool, "ClientId": client["ClientId"]}
        described = account.call("cognito-idp", "DescribeUserPoolClient", asked)["UserPoolClient"]
        if secret := described.get("ClientSecret"):
            found[client["ClientId"]] = secret
    return found


def _has_routes(account: Account, api: str) -> bool:
    return bool(account.call("apigatewayv2", "GetRoutes", {"ApiId": api})["Items"])


def _create_email_user(account: Account, user_pool: str) -> None:
    """AdminCreateUser and AdminSetUserPassword: a user who signs in with e-mail."""
    email, password = EMAIL_USER
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    user = {"UserPoolId": user_pool, "Username": email}
    account.call("cognito-idp", "AdminCreateUser", {**user, "UserAttributes": attributes, "MessageAction": "SUPPRESS"})
    account.call("cognito-idp", "AdminSetUserPassword", {**user, "Password": password, "Permanent": True})

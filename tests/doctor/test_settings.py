"""The doctor's checks of settings, without network."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from doctor import checks, stack
from doctor.checks import CheckFailed, Target
from sandbox.program import ROOT, own

SECRET = "a-secret-in-plain-text"
CONFIG = {
    own("kakaoClientId"): {"value": "key", "secret": False},
    own("kakaoClientSecret"): {"secret": True},
    own("page"): {"value": "tests/infra/page", "secret": False},
}


def target(outputs: dict[str, str] | None = None, **changes: Any) -> Target:
    """A stack with these settings, where None removes one. No request can be sent."""
    described = {own(key): value for key, value in changes.items()}
    config = {key: value for key, value in (CONFIG | described).items() if value is not None}
    session = requests.Session()
    session.adapters.clear()
    return Target(stack.of_documents(config, outputs or {}), session)


def plain(value: str) -> dict[str, Any]:
    return {"value": value, "secret": False}


def test_a_stack_set_up_as_in_the_readme_passes_every_settings_check() -> None:
    for check in (
        checks.settings_are_right,
        checks.secret_is_encrypted,
        checks.protected_stack_has_no_local_origin,
    ):
        check(target())


def test_a_stack_with_its_own_domain_passes_the_settings_check() -> None:
    own = {"loginDomain": "login.example.com", "hostedZoneId": "Z0EXAMPLE"}
    checks.settings_are_right(target(**{key: plain(value) for key, value in own.items()}))


@pytest.mark.parametrize(
    ("check", "changes", "found", "fix"),
    [
        (checks.settings_are_right, {"kakaoClientId": None}, "kakaoClientId is not set", "set kakaoClientId"),
        (checks.settings_are_right, {"kakaoClientSecret": None}, "is not set", "set --secret kakaoClientSecret"),
        (checks.settings_are_right, {"kakaoScopes": plain("account_email")}, "lacks 'openid'", "set kakaoScopes"),
        (checks.settings_are_right, {"kakaoScopes": plain("openid email")}, "KOE205", "account_email"),
        (checks.settings_are_right, {"domainPrefix": plain("my-aws")}, "contains 'aws'", "set domainPrefix"),
        (checks.secret_is_encrypted, {"kakaoClientSecret": plain(SECRET)}, "in plain text", "set --secret"),
        (
            checks.protected_stack_has_no_local_origin,
            {"extraOrigins": plain('["https://a.example", "http://localhost:3000"]')},
            "http://localhost:3000 may use the login of a protected stack",
            "pulumi config rm --path 'extraOrigins[1]'",
        ),
        (
            checks.protected_stack_has_no_local_origin,
            {"siteUrl": plain("http://127.0.0.1:5173")},
            "http://127.0.0.1:5173 may use the login of a protected stack",
            "pulumi config rm siteUrl",
        ),
        (
            checks.settings_are_right,
            {"kakaoScope": plain("openid")},
            "the nearest is kakaoScopes",
            "pulumi config set kakaoScopes openid && pulumi config rm kakaoScope",
        ),
        (checks.stack_is_up, {}, "no output clientId, kakaoRedirectUri", "pulumi up"),
    ],
)
def test_a_wrong_setting_is_reported_with_the_command_that_fixes_it(
    check: Callable[[Target], None], changes: dict[str, Any], found: str, fix: str
) -> None:
    with pytest.raises(CheckFailed) as broken:
        check(target(**changes))
    assert found in broken.value.found
    assert fix in broken.value.fix


@pytest.mark.parametrize("value", ["http://localhost:3000", "[", '{"a": 1}', "[1]", '["http://[::1"]'])
def test_the_check_of_local_origins_leaves_an_invalid_list_to_the_settings_check(value: str) -> None:
    checks.protected_stack_has_no_local_origin(target(extraOrigins=plain(value)))


def test_an_unprotected_stack_may_allow_localhost() -> None:
    origins = plain('["http://localhost:3000"]')
    checks.protected_stack_has_no_local_origin(target(extraOrigins=origins, protect=plain("false")))


def test_a_plain_text_secret_is_never_printed() -> None:
    stack_of_it = target(kakaoClientSecret=plain(SECRET)).stack
    assert SECRET not in "".join(str(finding) for finding in checks.examine(stack_of_it, requests.Session()))


def test_without_outputs_no_request_is_sent_and_each_check_says_why() -> None:
    sick = target(kakaoIssuer=plain("http://127.0.0.1:9"), kakaoApi=plain("http://127.0.0.1:9"))
    marks = {finding.name: str(finding) for finding in checks.examine(sick.stack, sick.session)}
    assert marks["outputs"].startswith("✗")
    assert "the stack has no output siteUrl → pulumi up" in marks["page"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff", "is not valid JSON"),
        (b"[]", r"is not \{"),
        (b'{"config": {}}', r"is not \{"),
        (b'{"config": {"a": 1}, "outputs": {}}', r"is not \{"),
    ],
)
def test_a_file_without_a_stack_is_an_error_message_without_a_traceback(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "stack.json"
    file.write_bytes(content)
    with pytest.raises(stack.UnreadableError, match=reason):
        stack.from_file(file)


def test_an_invalid_project_file_is_an_error_message_without_a_traceback(tmp_path: Path) -> None:
    for name in ("doctor", "infra"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "Pulumi.yaml").write_text("config:\n\tname: value\n")
    command = [sys.executable, "-m", "doctor", "--stack", "dev"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Pulumi.yaml, line 2 is not valid YAML: ")
    assert ended.stderr.count("\n") == 1


def test_a_missing_stack_file_is_reported_with_the_command_that_creates_it(tmp_path: Path) -> None:
    with pytest.raises(stack.UnreadableError, match=r"make up PORT=4000$"):
        stack.from_file(tmp_path / "sandbox-4000.json")

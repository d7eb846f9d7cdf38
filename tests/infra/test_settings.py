import ast
import asyncio
import base64
import hashlib
import inspect
import itertools
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis
import pulumi
import pulumi_aws
import pytest
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from infra import commands, names, settings
from infra.keys import SettingError, known_keys
from infra.project import FILE, UnreadableFileError
from sandbox.program import PROJECT, ROOT, defaults, own, stack_config
from tests.infra.engine import DIRECT, OWN_PAGE, REGION, REQUIRED, VARIED, Graph, refused

WRONG: list[tuple[str, Any, str]] = [
    ("kakaoClientId", None, "is not set"),
    ("kakaoClientId", "", "it should be Kakao's REST API key"),
    ("kakaoClientId", "two words", "it should be Kakao's REST API key"),
    ("kakaoClientSecret", None, "is not set"),
    ("kakaoClientSecret", "", "is not set"),
    ("kakaoAppId", "my-app", "it should be a number"),
    ("kakaoAppKeys", "native-key", "it should be a list"),
    ("kakaoAppKeys", [1], "it should be a list of keys"),
    ("kakaoAppKeys", ["native key"], "is no key of a Kakao app"),
    ("kakaoAppKeys", ["", "a"], "is no key of a Kakao app"),
    ("kakaoAppKeys", ["a", "a"], "twice"),
    ("appCallbacks", ["callback"], "it should be an app link"),
    ("appCallbacks", ["com.example.app://callback"], "any app may claim"),
    ("appCallbacks", ["https://app.example.com/callback#end"], "without a fragment"),
    ("appCallbacks", ["http://example.com/callback"], "over plain http"),
    ("kakaoIssuer", "https://kauth.kakao.com/", "without a path"),
    ("kakaoIssuer", "http://kauth.kakao.com", "over plain http"),
    ("kakaoApi", "kapi.kakao.com", "it should be an origin"),
    ("kakaoScopes", "openid email", "its name there is 'account_email'"),
    ("kakaoScopes", "openid profile", "its name there is 'profile_nickname'"),
    ("kakaoScopes", "account_email", "lacks 'openid'"),
    ("kakaoScopes", "openid,account_email", "separated by spaces"),
    ("page", "", "it should be a folder"),
    ("page", "unbuilt/dist", "no such folder; build the page first: npm --prefix unbuilt run build"),
    ("page", "nowhere", "no such folder; name another"),
    ("page", "docs", "a folder without an index.html"),
    ("page", "client", "holds package.json, the source of a page; name what its build writes, such as client/dist"),
    ("contentSecurityPolicy", ["img-src"], "it should be an object"),
    ("contentSecurityPolicy", "img-src", "it should be an object"),
    ("contentSecurityPolicy", {"img-src": "https://img.example.com"}, "it should be a list of sources"),
    ("contentSecurityPolicy", {"frame-ancestors": ["https://a.example"]}, "no directive that can be widened"),
    ("contentSecurityPolicy", {"default-src": ["https://a.example"]}, "no directive that can be widened"),
    ("contentSecurityPolicy", {"script-src": ["'unsafe-inline'"]}, "could run as a script with the session"),
    ("contentSecurityPolicy", {"script-src": ["'unsafe-eval'"]}, "could run as a script with the session"),
    ("contentSecurityPolicy", {"script-src": ["https:"]}, "it takes addresses such as"),
    ("contentSecurityPolicy", {"script-src": ["data:"]}, "it takes addresses such as"),
    ("contentSecurityPolicy", {"img-src": ["*"]}, "it allows every site; name the sites"),
    ("contentSecurityPolicy", {"img-src": ["http:"]}, "it allows every site over plain http"),
    ("contentSecurityPolicy", {"img-src": ["http://img.example.com"]}, "it takes addresses such as"),
    ("contentSecurityPolicy", {"img-src": ["https://a.example; script-src *"]}, "it takes addresses such as"),
    ("contentSecurityPolicy", {"img-src": ["https://*"]}, "it takes addresses such as"),
    ("contentSecurityPolicy", {"img-src": [7]}, "it takes addresses such as"),
    ("kakaoAttributes", ["phone_number"], "it should be an object"),
    ("kakaoAttributes", "phone_number", "it should be an object"),
    ("kakaoAttributes", {"phonenumber": "phone_number"}, "the nearest is phone_number"),
    ("kakaoAttributes", {"shipping_address": "address"}, "can be mapped; it has age_range, birthdate"),
    ("kakaoAttributes", {"email": "email"}, "names 'email', which is always mapped"),
    ("kakaoAttributes", {"age_range": "custom:age_range", "x.y": "custom:x"}, "names 'x.y'"),
    ("kakaoAttributes", {"name": "full_name"}, "which is no attribute of a user pool"),
    ("kakaoAttributes", {"gender": "sex"}, "which is no attribute of a user pool"),
    ("kakaoAttributes", {"name": "email"}, "which is no attribute of a user pool"),
    ("kakaoAttributes", {"name": "sub"}, "which is no attribute of a user pool"),
    ("kakaoAttributes", {"age_range": "custom:"}, "no custom:name of up to 20"),
    ("kakaoAttributes", {"age_range": f"custom:{'c' * 21}"}, "no custom:name of up to 20"),
    ("kakaoAttributes", {"age_range": 7}, "which is no attribute of a user pool"),
    ("kakaoAttributes", {"birthday": "birthdate"}, "which Cognito takes as YYYY-MM-DD only"),
    ("kakaoAttributes", {"name": "phone_number"}, "which Cognito takes as E.164 only"),
    (
        "kakaoAttributes",
        {"name": "given_name", "gender": "given_name"},
        "maps gender to 'given_name', as name; an attribute has one value",
    ),
    ("customAttributes", ["plan"], "it should be custom:"),
    ("customAttributes", [f"custom:{'p' * 21}"], "it should be custom:"),
    ("customAttributes", ["custom:plan", "custom:plan"], "twice"),
    ("siteDomain", "https://www.example.com", "it should be a host name"),
    ("siteDomain", "WWW.example.com", "it should be a host name"),
    ("siteDomain", "www.example.com.", "it should be a host name"),
    ("siteDomain", "localhost", "it should be a host name"),
    ("siteDomain", "192.0.2.1", "it should be a host name"),
    ("siteDomain", f"{'l' * 52}.example.com", "it should be a host name"),
    ("loginDomain", "example.com", "below one of yours"),
    ("loginDomain", f"login.{'l' * 46}.example.com", "below one of yours"),
    ("siteUrl", "https://www.example.com/", "without a path"),
    ("siteUrl", "http://www.example.com", "over plain http"),
    ("siteUrl", "www.example.com", "it should be an origin"),
    ("loginParentRecord", "perhaps", "it should be true or false"),
    ("loginParentRecord", True, "without a loginDomain"),
    ("hostedZoneId", "example.com", "the id of a public zone"),
    ("hostedZoneId", "/hostedzone/Z0EXAMPLE", "the id of a public zone"),
    ("domainPrefix", "Login", "lower-case"),
    ("domainPrefix", "-login", "inner hyphens"),
    ("domainPrefix", "l" * 64, "1 to 63"),
    ("domainPrefix", "my-aws-login", "contains 'aws'"),
    ("domainPrefix", "amazonia", "contains 'amazon'"),
    ("domainPrefix", "incognito", "contains 'cognito'"),
    ("hostedLoginUrl", "https://login.example.com/oauth2", "without a path"),
    ("hostedLoginUrl", "http://login.example.com", "over plain http"),
    ("jwksUrl", "ftp://keys.example.com", "it should be an address"),
    ("jwksUrl", "http://keys.example.com/jwks.json", "over plain http"),
    ("websocketManagementUrl", "wss://ws.example.com", "it should be an address"),
    ("websocketManagementUrl", "http://ws.example.com/{apiId}", "over plain http"),
    ("extraOrigins", "http://localhost:3000", "it should be a list"),
    ("extraOrigins", {"a": "b"}, "it should be a list"),
    ("extraOrigins", ["http://localhost:3000/"], "without a path"),
    ("extraOrigins", ["http://example.com"], "over plain http"),
    ("extraOrigins", ["https://example.com", "*"], "it should be an origin"),
    ("extraOrigins", ["https://example.com:443"], "never writes this port"),
    ("extraOrigins", ["http://localhost:80"], "never writes this port"),
    ("extraOrigins", ["https://example.com:99999"], "never writes this port"),
    ("extraOrigins", ["https://a.example", "https://a.example"], "twice"),
    ("tokenMinutes", 4, "Cognito takes 5 to 1440"),
    ("tokenMinutes", 1441, "Cognito takes 5 to 1440"),
    ("tokenMinutes", "soon", "it should be a whole number"),
    ("refreshDays", 0, "Cognito takes 1 to 3650"),
    ("refreshDays", 3651, "Cognito takes 1 to 3650"),
    ("rotateRefreshTokens", "perhaps", "it should be true or false"),
    ("connectChecksUser", "perhaps", "it should be true or false"),
    ("kakaoLogout", "perhaps", "it should be true or false"),
    ("runtime", "python3.9", "it should be python3.11 or python3.12 or"),
    ("runtime", "3.13", "it should be python3.11 or python3.12 or"),
    ("architecture", "amd64", "arm64 or x86_64"),
    ("waf", "perhaps", "it should be true or false"),
    ("logDays", 31, "CloudWatch takes 1, 3, 5"),
    ("logDays", 0, "CloudWatch takes 1, 3, 5"),
    ("logDays", "forever", "it should be a whole number"),
    ("permissionsBoundary", "kakao-login-dev-boundary", "the ARN of a policy"),
    ("alarmEmail", "team", "it should be an e-mail such as"),
    ("alarmEmail", "a@example.com b@example.com", "it should be an e-mail such as"),
    ("mailFrom", "example.com", "it should be an e-mail of a domain of yours"),
    ("mailFrom", "no-reply@localhost", "it should be an e-mail of a domain of yours"),
    ("mailFrom", "Login <no-reply@example.com>", "it should be an e-mail of a domain of yours"),
    ("protect", "perhaps", "it should be true or false"),
    ("emailAccounts", "perhaps", "it should be true or false"),
    ("serviceName", " 하늘상점", "white space"),
    ("serviceName", "하늘\n상점", "which a mail's subject or template does not take"),
    ("serviceName", "하늘\u200b상점", "which a mail's subject or template does not take"),
    ("serviceName", "<b>하늘상점</b>", "which a mail's subject or template does not take"),
    ("serviceName", "{####}", "which a mail's subject or template does not take"),
    ("serviceName", "하" * 61, "at most 60"),
    # A wrong item after valid ones.
    ("extraOrigins", ["https://a.example", "http://localhost:3000", "https://b.example/"], "without a path"),
    ("appCallbacks", ["https://app.example.com/callback", 7], "a list of addresses"),
    ("kakaoAppKeys", ["a", "b", "a"], "names 'a' twice"),
    # Characters that a paste adds.
    ("kakaoClientId", "key\n", "ends with white space"),
    ("kakaoClientId", "\u00a0key", "begins or ends with white space"),
    ("kakaoClientId", "ke\u200by", "invisible character at place 3, ZERO WIDTH SPACE (U+200B)"),
    ("kakaoClientId", "\ufeffkey", "invisible character at place 1, ZERO WIDTH NO-BREAK SPACE (U+FEFF)"),
    ("kakaoClientId", "\uff4bey", "not ASCII at place 1, such as a full-width letter"),
    ("kakaoClientId", "'key'", "quotation mark"),
    ("kakaoClientId", "\u201ckey\u201d", "quotation mark"),
    ("kakaoClientId", "<REST API key>", "begins with `<`"),
    ("kakaoAppId", "\uff11\uff12", "not ASCII"),
    ("kakaoAppKeys", ["a", "native-key\u200b"], "invisible character at place 11"),
    ("kakaoScopes", "openid\u3000account_email", "IDEOGRAPHIC SPACE"),
    ("kakaoIssuer", "https://kauth.kakao.com\u200b", "invisible"),
    ("hostedZoneId", "Z0EXAMPLE\u2060", "WORD JOINER"),
    ("siteDomain", " www.example.com", "white space"),
    ("siteUrl", "\u200ehttps://www.example.com", "LEFT-TO-RIGHT MARK"),
    ("domainPrefix", "my-login\t", "white space"),
    ("jwksUrl", '"https://keys.example.com/jwks.json"', "quotation mark"),
    ("permissionsBoundary", "arn:aws:iam::123456789012:policy/a\u200b", "invisible"),
    ("alarmEmail", "team\u200b@example.com", "invisible"),
    ("mailFrom", "no-reply@example.com ", "white space"),
    ("extraOrigins", ["https://\uff45xample.com"], "not ASCII"),
    ("appCallbacks", ["https://app.example.com/\u200bcallback"], "invisible"),
    # Unknown keys.
    ("kakaoScope", "openid", "is no setting of this program; the nearest is kakaoScopes"),
    ("KakaoClientSecret", "another-secret", "the nearest is kakaoClientSecret"),
    ("tokenMinute", 30, "the nearest is tokenMinutes"),
    ("logdays", "30", "the nearest is logDays"),
    ("siteURL", "https://www.example.com", "the nearest is siteUrl"),
    ("extraOrigins[0]", "http://localhost:3000", "the nearest is extraOrigins"),
    ("extraOrigin", ["http://localhost:3000"], "the nearest is extraOrigins"),
    ("alarmEmails", "it's$HOME@example.com", "the nearest is alarmEmail"),
    ("colour", "red", "is no setting of this program; Pulumi.yaml lists them all"),
    ("it's", "red", "is no setting of this program; Pulumi.yaml lists them all"),
]


@cache
def dev() -> dict[str, Any]:
    return {**defaults(), "aws:region": REGION, **REQUIRED, **OWN_PAGE}


def texts(config: Mapping[str, Any]) -> dict[str, str]:
    """The values that Pulumi passes to the program for these settings over `dev`'s, where None removes one."""
    values = dev() | {own(key): value for key, value in config.items()}
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if value is not None
    }


def refusal(config: Mapping[str, Any], *, stack: str = "dev") -> SettingError | None:
    """Read settings, and return why they are refused."""
    values = texts(config)
    secrets = [key for key in values if key.lower().endswith("secret")]

    async def read() -> None:  # Pulumi keeps secrets in futures, which want a loop
        pulumi.runtime.set_all_config(values, secrets)
        settings.read()

    pulumi.runtime.settings.configure(pulumi.runtime.settings.Settings(project=PROJECT, stack=stack))
    try:
        with closing(asyncio.new_event_loop()) as loop:  # asyncio.run would look through every task that Pulumi made
            loop.run_until_complete(read())
    except SettingError as error:
        return error
    return None


@pytest.mark.parametrize(("key", "value", "reason"), WRONG)
def test_a_wrong_setting_is_refused_with_the_command_that_fixes_it(key: str, value: Any, reason: str) -> None:
    error = refusal({key: value})
    assert error
    assert error.found.startswith(f"{PROJECT}:{key} ")
    assert reason in error.found
    assert str(error) == f"{error.found}.\n  Fix it: {error.fix}"


RIGHT = {  # what a user enters where Pulumi asks
    "kakaoClientId": "rest-api-key",
    "kakaoClientSecret": "the-client-secret",
    "kakaoAppId": "1000001",
    "kakaoAppKeys": "javascript-key",
    "siteDomain": "www.example.com",
    "loginDomain": "login.example.org",
    "siteUrl": "https://shop.example.com",
    "hostedZoneId": "Z0EXAMPLE",
    "domainPrefix": "my-login",
    "hostedLoginUrl": "https://login.example.com",
    "jwksUrl": "https://keys.example.com/jwks.json",
    "websocketManagementUrl": "https://ws.example.com/ws",
    "extraOrigins": "https://shop.example.com",
    "appCallbacks": "https://other.example.com/callback",
    "customAttributes": "custom:former",
    "permissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
    "alarmEmail": "team@example.com",
    "mailFrom": "no-reply@example.com",
    "serviceName": "하늘상점",
    "page": OWN_PAGE[own("page")],
}


def each_command(fix: str) -> list[list[str]]:
    return [list(words) for joined, words in itertools.groupby(shlex.split(fix), "&&".__eq__) if not joined]


def fixed(config: Mapping[str, Any], fix: str) -> dict[str, Any]:
    """The settings after what `pulumi config set` and `pulumi config rm` do to a stack's file."""
    after = dict(config)
    for command in each_command(fix):
        assert command[:2] == ["pulumi", "config"]
        verb, *options = command[2:]
        options = [option for option in options if option not in ("--secret", "--path", "--")]
        path, value = options[0], options[1] if len(options) > 1 else None
        key, _, item = path.removesuffix("]").partition("[") if "--path" in command else (path, "", "")
        if item.startswith('"'):
            after[key] = {name: kept for name, kept in after[key].items() if name != json.loads(item)}
            after[key] |= {} if verb == "rm" else {json.loads(item): value}
        elif verb == "rm" and not item:
            after.pop(key)
        elif verb == "rm":
            after[key] = [kept for number, kept in enumerate(after[key]) if number != int(item)]
        else:
            before = after.get(key)
            after[key] = RIGHT[key] if value is None else value
            if item:
                items = before if isinstance(before, list) else []
                after[key] = [*items[: int(item)], after[key], *items[int(item) + 1 :]]
    return after


@pytest.mark.parametrize(("key", "value", "_reason"), WRONG)
def test_the_suggested_command_fixes_the_setting(key: str, value: Any, _reason: str) -> None:
    # A zone is for a domain, and a domain is in a zone.
    beside = {"hostedZoneId": "Z0"} if key in ("siteDomain", "loginDomain") else {}
    beside |= {"siteDomain": "www.example.org"} if key == "hostedZoneId" else {}
    error = refusal(beside | {key: value})
    assert error
    assert refusal(fixed(beside | {key: value}, error.fix)) is None


def edited(config: Mapping[str, Any], edit: str) -> dict[str, Any] | None:
    """The settings after a change of the stack's file by hand, or None where it takes a value that the team knows."""
    after = dict(config)
    for step in edit.split(", and "):
        if deleted := re.fullmatch("delete `([^`]+)`", step):
            after.pop(deleted[1])
        elif written := re.fullmatch("write `([^`]+: [^`]+)`", step):
            after |= yaml.safe_load(written[1])
        else:
            return None
    return after


@pytest.mark.parametrize(("key", "value", "_reason"), WRONG)
def test_the_suggested_change_of_the_file_fixes_the_setting(key: str, value: Any, _reason: str) -> None:
    error = refusal({key: value})
    assert error
    if (after := edited({key: value}, error.edit)) is None:
        assert re.match("(write|correct|delete) ", error.edit)
        assert f"`{error.found.split()[0].partition(':')[2].partition('[')[0]}" in error.edit
    else:
        assert refusal(after) is None


@pytest.mark.parametrize(
    ("config", "edit"),
    [
        ({"tokenMinutes": 4}, "write `tokenMinutes: 5`"),
        ({"kakaoIssuer": "kauth"}, 'write `kakaoIssuer: "https://kauth.kakao.com"`'),
        ({"kakaoClientId": ""}, "write `kakaoClientId:` with your value"),
        ({"extraOrigins": ["https://a.example", "x"]}, "correct value 2 of `extraOrigins`"),
        ({"kakaoAppKeys": ["a", "a"]}, "delete value 2 of `kakaoAppKeys`"),
        ({"kakaoAppKeys": "a"}, "write a list: below `kakaoAppKeys:` a line `- <value>` for each value"),
        ({"kakaoAttributes": {"name": "sub"}}, 'write `name: "custom:name"` below `kakaoAttributes:`'),
        ({"kakaoAttributes": {"x": "sub"}}, "delete `x` of `kakaoAttributes`"),
        ({"logdays": "30"}, "write `logDays: 30`, and delete `logdays`"),
        ({"old-login:protect": "true"}, "delete `old-login:` before each key"),
    ],
)
def test_the_error_of_a_setting_also_suggests_a_change_of_the_file(config: dict[str, Any], edit: str) -> None:
    error = refusal(config)
    assert error
    assert error.edit == edit


OWN = {"siteDomain": "example.com", "loginDomain": "login.example.com", "hostedZoneId": "Z0EXAMPLE"}


@pytest.mark.parametrize(
    ("changes", "reason", "fix"),
    [
        ({"hostedZoneId": ""}, "hostedZoneId is not set, but siteDomain is", "set hostedZoneId"),
        ({"hostedZoneId": "", "siteDomain": ""}, "hostedZoneId is not set, but loginDomain is", "set hostedZoneId"),
        ({"siteDomain": "", "loginDomain": ""}, "siteDomain is not set, and neither is loginDomain", "set siteDomain"),
        ({"siteDomain": "login.example.com"}, "loginDomain is the same as siteDomain", "set loginDomain"),
        ({"siteUrl": "https://a.example"}, "siteUrl is set beside siteDomain", "rm siteUrl"),
        ({"domainPrefix": "my-login"}, "domainPrefix is set beside loginDomain", "rm domainPrefix"),
        ({"hostedLoginUrl": "https://a.example"}, "hostedLoginUrl is set beside loginDomain", "rm hostedLoginUrl"),
        ({"loginParentRecord": True}, "the parent of loginDomain is siteDomain", "set loginParentRecord false"),
        (
            {"extraOrigins": ["https://a.example", "https://example.com"]},
            "names siteDomain",
            "rm --path 'extraOrigins[1]'",
        ),
        (
            {"siteDomain": "", "siteUrl": "https://a.example", "extraOrigins": ["https://a.example"]},
            "names siteUrl",
            "rm --path 'extraOrigins[0]'",
        ),
    ],
)
def test_conflicting_settings_are_refused_with_the_command_that_fixes_them(
    changes: dict[str, Any], reason: str, fix: str
) -> None:
    error = refusal(OWN | changes)
    assert error
    assert reason in error.found
    assert error.fix == f"pulumi config {fix}"
    assert refusal(fixed(OWN | changes, error.fix)) is None


@pytest.mark.parametrize(
    ("changes", "reason", "fixes"),
    [
        ({"kakaoAppId": ""}, "kakaoAppId is not set, but kakaoSignIn is direct", ["set kakaoAppId"]),
        ({"appCallbacks": ["https://app.example.com/callback"]}, "appCallbacks belongs to", ["rm appCallbacks"]),
        ({"domainPrefix": "my-login"}, "domainPrefix belongs to the hosted login", ["rm domainPrefix"]),
        ({"hostedLoginUrl": "https://a.example"}, "hostedLoginUrl belongs to", ["rm hostedLoginUrl"]),
        (
            {"loginDomain": "login.example.com", "hostedZoneId": "Z0"},
            "loginDomain belongs to the hosted login, which a stack with kakaoSignIn direct does not have; so does "
            "hostedZoneId",
            ["rm loginDomain", "rm hostedZoneId"],
        ),
        (
            {"loginDomain": "login.example.com", "siteDomain": "www.example.com", "hostedZoneId": "Z0"},
            "loginDomain belongs to",
            ["rm loginDomain"],
        ),
        ({"loginParentRecord": True}, "loginParentRecord belongs to", ["rm loginParentRecord"]),
        (
            {
                "domainPrefix": "my-login",
                "hostedLoginUrl": "https://a.example",
                "appCallbacks": ["https://app.example.com/callback"],
            },
            "domainPrefix belongs to the hosted login, which a stack with kakaoSignIn direct does not have; so do "
            "hostedLoginUrl and appCallbacks",
            ["rm domainPrefix", "rm hostedLoginUrl", "rm appCallbacks"],
        ),
    ],
)
def test_a_setting_of_the_hosted_login_is_refused_in_direct_mode(
    changes: dict[str, Any], reason: str, fixes: list[str]
) -> None:
    error = refusal(DIRECT | changes)
    assert error
    assert reason in error.found
    assert error.fix == " && ".join(f"pulumi config {fix}" for fix in fixes)
    assert refusal(fixed(DIRECT | changes, error.fix)) is None


CI = {"kakaoAttributes": {"ci": "custom:ci"}, "kakaoAppId": "", "emailAccounts": False}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"emailAccounts": True}, "emailAccounts is true:"),
        ({"kakaoAppId": "1000001"}, "kakaoAppId is set:"),
        ({"emailAccounts": True, "kakaoAppId": "1000001"}, "emailAccounts is true and kakaoAppId is set:"),
    ],
)
def test_a_ci_that_its_user_could_write_is_refused(changes: dict[str, Any], reason: str) -> None:
    error = refusal(CI | changes)
    assert error
    assert f"maps ci, but kakaoSignIn is hosted and {reason} a user could write any CI" in error.found
    assert "Set kakaoSignIn to direct, or do without emailAccounts and kakaoAppId" in error.found
    assert error.fix == """pulumi config rm --path 'kakaoAttributes["ci"]'"""
    assert refusal(fixed(CI | changes, error.fix)) is None


@pytest.mark.parametrize("changes", [{}, DIRECT, DIRECT | {"emailAccounts": True}], ids=["hosted", "direct", "both"])
def test_a_ci_that_users_cannot_write_is_mapped(changes: dict[str, Any]) -> None:
    assert refusal(CI | changes) is None


def test_direct_mode_needs_no_domain_prefix() -> None:
    """A project whose name Cognito refuses in a domain may have such a stack."""
    assert refusal({"kakaoSignIn": "hosted"}, stack="amazon-dev")
    assert refusal(DIRECT, stack="amazon-dev") is None


def test_a_refused_setting_stops_the_program_before_any_resource_is_declared() -> None:
    assert f"{PROJECT}:tokenMinutes is 4" in refused({"tokenMinutes": 4})


def test_every_suggested_command_works_in_bash_and_in_zsh() -> None:
    values = [
        "a b",
        "it's",
        "$HOME",
        "`pwd`",
        "*",
        "[]",
        "{a,b}",
        "=ls",
        "~",
        "!!",
        "<key>",
        "#",
        "-1",
        "\\",
        '"',
        "a&&b",
    ]
    fixes = [error.fix for key, value, _ in WRONG if (error := refusal({key: value}))]
    fixes += [commands.set_value("kakaoScopes", value).command for value in values]
    meant = [words for fix in fixes for words in each_command(fix)]
    script = "\n".join(['pulumi() { printf "%s\\0" pulumi "$@" END; }', "END() { :; }", *fixes])
    shells = [shell for shell in (["bash", "--norc", "-c"], ["zsh", "-f", "-c"]) if shutil.which(shell[0])]
    assert shells
    for shell in shells:
        # Elsewhere than in the repository, where a pattern might match a file.
        said = subprocess.run([*shell, script], cwd="/", capture_output=True, text=True, timeout=20)
        assert said.stderr == ""
        words = iter(said.stdout.split("\0"))
        assert [[*itertools.takewhile(lambda word: word != "END", words)] for _ in meant] == meant, shell[0]


@hypothesis.settings(deadline=None, max_examples=50)
@given(
    st.text(st.characters(categories=("Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn"), exclude_characters="\0"), min_size=1),
    st.integers(0, 6),
)
def test_a_secret_with_an_invisible_character_is_refused_and_not_printed(invisible: str, place: int) -> None:
    secret = "s3cr3t"
    error = refusal({"kakaoClientSecret": secret[:place] + invisible + secret[place:]})
    assert error
    assert error.fix == "pulumi config set --secret kakaoClientSecret"
    assert not any(part in str(error) for part in (secret, secret[:3], secret[3:]))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("'s3cr3t'", "quotation mark"),
        ('"s3cr3t', "quotation mark"),
        ("\u2018s3cr3t\u2019", "quotation mark"),
        ("s3cr3t\n", "white space"),
        ("s3c r3t", "white space"),
        ("\uff53\uff13cr3t", "not ASCII at place 1"),
        ("<client secret>", "begins with `<`"),
        ("rest-api-key", "is the same as kakaoClientId"),
    ],
)
def test_a_missing_or_badly_pasted_secret_is_refused_and_not_printed(value: str | None, reason: str) -> None:
    error = refusal({"kakaoClientSecret": value})
    assert error
    assert reason in error.found
    assert error.fix == "pulumi config set --secret kakaoClientSecret"
    assert "cr3t" not in str(error)


def test_an_encrypted_value_is_not_printed() -> None:
    for value in ("s3cr3t key", "s3cr3t\u200b"):
        error = refusal({"kakaoSecret": value})
        assert error
        assert "s3cr3t" not in str(error)
    pulumi_keys = {own("kakaoClientId")}
    with patch("infra.settings.is_config_secret", pulumi_keys.__contains__):
        assert "is a secret; it should be" in str(refusal({"kakaoClientId": "s3cr3t key"}))


def test_a_derived_domain_that_cognito_would_refuse_is_refused() -> None:
    error = refusal({}, stack="aws")
    assert error
    assert "contains 'aws'" in error.found
    assert error.fix == "pulumi config set domainPrefix"
    assert refusal({"domainPrefix": "my-login"}, stack="aws") is None


@pytest.mark.parametrize(
    ("stack", "reason"),
    [("Dev", "lower-case"), ("my_stack", "lower-case"), ("a.b", "lower-case"), ("s" * 33, "a name of 33 characters")],
)
def test_an_invalid_stack_name_is_refused_before_any_resource_is_declared(stack: str, reason: str) -> None:
    with pytest.raises(pulumi.RunError, match=reason):
        refusal({}, stack=stack)
    assert refusal({}, stack="s" * 32) is None


@pytest.mark.parametrize(
    ("key", "value", "beside", "fix"),
    [
        (
            "kakaoScope",
            "openid account_email",
            {},
            "set kakaoScopes 'openid account_email' && pulumi config rm kakaoScope",
        ),
        ("kakaoScope", "openid", {"kakaoScopes": "openid account_email"}, "rm kakaoScope"),
        ("kakaoClientID", "key", {"kakaoClientId": None}, "set kakaoClientId key && pulumi config rm kakaoClientID"),
        (
            "kakaoClientsecret",
            "s3cr3t",
            {"kakaoClientSecret": None},
            "set --secret kakaoClientSecret && pulumi config rm kakaoClientsecret",
        ),
        (
            "extraOrigins[0]",
            "https://a.example",
            {},
            "set --path 'extraOrigins[0]' && pulumi config rm 'extraOrigins[0]'",
        ),
        ("extraOrigin", ["https://a.example"], {}, "rm extraOrigin"),
        ("tokenMinute", 30, {}, "set tokenMinutes 30 && pulumi config rm tokenMinute"),
        ("colour", "red", {}, "rm colour"),
    ],
)
def test_a_value_under_a_wrong_key_moves_to_the_nearest_one_unless_that_has_another(
    key: str, value: Any, beside: dict[str, Any], fix: str
) -> None:
    error = refusal(beside | {key: value})
    assert error
    assert error.fix == f"pulumi config {fix}"
    assert refusal(fixed(beside | {key: value}, error.fix)) is None


def test_exactly_the_settings_of_pulumi_yaml_are_read() -> None:
    source = ast.parse((ROOT / "infra" / "settings.py").read_text())
    texts = {node.value for node in ast.walk(source) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert set(described()) <= texts
    assert set(known_keys(FILE)) == set(described())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"config:\n\tkey: value\n", "Pulumi.yaml, line 2 is not valid YAML"),
        (b"config: [", "Pulumi.yaml, line 1 is not valid YAML"),
        (b"config: \xff", "Pulumi.yaml is not UTF-8: byte 9"),
        (b"config: \x00", "Pulumi.yaml is not valid YAML: it has a character"),
        (b"", "Pulumi.yaml has no keys with values"),
        (b"- config", "Pulumi.yaml has no keys with values"),
        (b"config:", "Pulumi.yaml has no settings under `config`"),
    ],
)
def test_an_invalid_project_file_is_a_readable_error(content: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.yaml"
    file.write_bytes(content)
    with pytest.raises(UnreadableFileError) as error:
        known_keys(file)
    assert str(error.value).startswith(reason)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:3000"])
def test_an_origin_at_localhost_may_use_http(value: str, varied: Graph) -> None:
    assert value in VARIED["extraOrigins"]
    assert f"{value}/" in varied.one("UserPoolClient", generateSecret=True)["logoutUrls"]


@cache
def described() -> dict[str, dict[str, Any]]:
    """The program's own settings; one of Pulumi's has its namespace before it."""
    settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return {key: setting for key, setting in settings.items() if ":" not in key}


def test_every_setting_has_a_type_and_a_description() -> None:
    for key, setting in described().items():
        assert setting["type"] in {"string", "boolean", "integer", "array", "object"}, key
        assert setting["description"], key
    assert described()["kakaoClientSecret"]["secret"] is True


def test_the_default_region_is_seoul() -> None:
    for program in (ROOT, ROOT / "deployment"):
        config = yaml.safe_load((program / "Pulumi.yaml").read_text())["config"]
        # Pulumi accepts a `value`, but no default, for a key of another namespace.
        assert config["aws:region"] == {"value": "ap-northeast-2"}


def test_settings_md_lists_exactly_the_settings_with_their_defaults_and_inputs() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs" / "reference" / "settings.md").read_text().splitlines()
        if line.startswith("| `") and line.count("|") == 5
    ]
    listed = {key.strip("`"): (default, name.strip("`")) for key, default, name, meaning in rows if meaning}
    assert len(listed) == len(rows)
    assert listed.keys() == described().keys()
    for key, setting in described().items():
        default = setting.get("default", "required")
        shown = default if isinstance(default, str) else json.dumps(default)
        assert listed[key] == (shown if shown in ("required", "") else f"`{shown}`", settings.PATHS[key]), key


def test_settings_md_has_the_maximum_length_of_a_stack_name() -> None:
    page = " ".join((ROOT / "docs" / "reference" / "settings.md").read_text().split())
    longest = names.longest_stack("kakao-login")
    assert f"With the project name `kakao-login` a stack name has at most {longest} characters" in page


def test_the_random_suffix_of_names_has_the_length_of_the_project_file() -> None:
    pattern = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["pulumi:autonaming"]["value"]["pattern"]
    digits = pattern.removeprefix("${project}-${stack}-${name}-${hex(").removesuffix(")}")
    assert len("-") + int(digits) == names.SUFFIX


def test_the_sandboxs_provider_settings_exist_in_pulumi_aws() -> None:
    chosen = {key: value for key, value in stack_config("local").items() if key.startswith("aws:")}
    known = inspect.signature(pulumi_aws.provider.ProviderArgs).parameters
    for key in chosen:
        name = key.removeprefix("aws:")
        assert "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name) in known, key
    (endpoints,) = chosen["aws:endpoints"]
    accepted = inspect.signature(pulumi_aws.ProviderEndpointArgs).parameters
    for service, address in endpoints.items():
        assert service in accepted or f"{service}_" in accepted, service
        assert address == "http://127.0.0.1:3003"
    assert (chosen["aws:accessKey"], chosen["aws:secretKey"]) == ("test", "test")


def test_the_sandboxs_encrypted_secret_is_that_of_the_stand_in() -> None:
    # github.com/pulumi/pulumi, sdk/go/common/resource/config/crypt.go: PBKDF2-SHA256, AES-256-GCM.
    stack = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    _, salt, check = stack["encryptionsalt"].split(":", 2)
    key = hashlib.pbkdf2_hmac("sha256", b"", base64.b64decode(salt), 1_000_000, 32)

    def decrypted(value: str) -> bytes:
        _, nonce, sealed = value.split(":")
        return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None)

    assert decrypted(check) == b"pulumi"
    assert decrypted(stack["config"]["kakaoClientSecret"]["secure"]) == b"stand-in-client-secret"


@pytest.mark.parametrize("key", ["protect", "kakaoClientId", "extraOrigins"])
def test_a_setting_of_another_project_name_is_refused_with_the_command_that_renames_it(
    key: str, tmp_path: Path
) -> None:
    """After a renaming the keys that `pulumi config set` wrote still have the old name."""
    message = refused({f"old-login:{key}": "true"})
    assert f"{PROJECT}:{key} is written as old-login:{key}, for a project of another name" in message
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"config:\n  aws:region: ap-northeast-2\n  old-login:{key}:\n    secure: v1:old-login:x\n")
    subprocess.run(["bash", "-c", message.partition("Fix it: ")[2]], cwd=tmp_path, check=True)
    assert yaml.safe_load(file.read_text())["config"] == {
        "aws:region": "ap-northeast-2",
        key: {"secure": "v1:old-login:x"},
    }


def test_settings_of_another_program_are_ignored() -> None:
    assert refusal({"billing:protect": "true", "billing:table": "x"}) is None

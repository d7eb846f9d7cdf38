import base64
import hashlib
import inspect
import json
from typing import Any

import pulumi_aws
import pytest
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.program import ROOT, stack_config
from tests.infra.engine import declare, refused


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("kakaoClientId", None, "is not set"),
        ("kakaoClientId", "", "it should be Kakao's REST API key"),
        ("kakaoClientId", "two words", "it should be Kakao's REST API key"),
        ("kakaoClientSecret", None, "is not set"),
        ("kakaoClientSecret", "", "is not set"),
        ("kakaoAppId", "my-app", "it should be a number"),
        ("kakaoAppKeys", "native-key", "is not of the right type"),
        ("kakaoAppKeys", [1], "it should be a list of keys"),
        ("kakaoAppKeys", ["native key"], "is no key of a Kakao app"),
        ("kakaoAppKeys", ["", "a"], "is no key of a Kakao app"),
        ("kakaoAppKeys", ["a", "a"], "names one twice"),
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
        ("siteDomain", "https://www.example.com", "it should be a host name"),
        ("siteDomain", "WWW.example.com", "it should be a host name"),
        ("siteDomain", "www.example.com.", "it should be a host name"),
        ("siteDomain", "localhost", "it should be a host name"),
        ("siteDomain", "192.0.2.1", "it should be a host name"),
        ("siteDomain", f"{'l' * 52}.example.com", "it should be a host name"),
        ("loginDomain", "example.com", "below one of yours"),
        ("loginDomain", f"login.{'l' * 46}.example.com", "below one of yours"),
        ("loginParentRecord", "perhaps", "is not of the right type"),
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
        ("extraOrigins", "http://localhost:3000", "is not of the right type"),
        ("extraOrigins", {"a": "b"}, "it should be a list"),
        ("extraOrigins", ["http://localhost:3000/"], "without a path"),
        ("extraOrigins", ["http://example.com"], "over plain http"),
        ("extraOrigins", ["https://example.com", "*"], "it should be an origin"),
        ("extraOrigins", ["https://example.com:443"], "never writes this port"),
        ("extraOrigins", ["http://localhost:80"], "never writes this port"),
        ("extraOrigins", ["https://example.com:99999"], "never writes this port"),
        ("extraOrigins", ["https://a.example", "https://a.example"], "names one twice"),
        ("tokenMinutes", 4, "Cognito takes 5 to 1440"),
        ("tokenMinutes", 1441, "Cognito takes 5 to 1440"),
        ("tokenMinutes", "soon", "is not of the right type"),
        ("refreshDays", 0, "Cognito takes 1 to 3650"),
        ("refreshDays", 3651, "Cognito takes 1 to 3650"),
        ("rotateRefreshTokens", "perhaps", "is not of the right type"),
        ("connectChecksUser", "perhaps", "is not of the right type"),
        ("runtime", "python3.9", "python3.11 to python3.14"),
        ("architecture", "amd64", "arm64 or x86_64"),
        ("waf", "perhaps", "is not of the right type"),
        ("logDays", 31, "CloudWatch takes 1, 3, 5"),
        ("logDays", 0, "CloudWatch takes 1, 3, 5"),
        ("logDays", "forever", "is not of the right type"),
        ("permissionsBoundary", "kakao-login-dev-boundary", "the ARN of a policy"),
        ("alarmEmail", "team", "it should be an e-mail, or empty"),
        ("alarmEmail", "a@example.com b@example.com", "it should be an e-mail, or empty"),
        ("mailFrom", "example.com", "it should be an e-mail of a domain of yours"),
        ("mailFrom", "no-reply@localhost", "it should be an e-mail of a domain of yours"),
        ("mailFrom", "Login <no-reply@example.com>", "it should be an e-mail of a domain of yours"),
        ("protect", "perhaps", "is not of the right type"),
    ],
)
def test_a_wrong_setting_stops_the_program_with_the_command_that_mends_it(key: str, value: Any, reason: str) -> None:
    message = refused({key: value})
    assert f"kakao-login:{key} " in message
    assert reason in message
    assert "pulumi config set " in message
    assert key in message.partition("pulumi config set ")[2]


OWN = {"siteDomain": "example.com", "loginDomain": "login.example.com", "hostedZoneId": "Z0EXAMPLE"}


@pytest.mark.parametrize(
    ("changes", "reason", "cure"),
    [
        ({"hostedZoneId": ""}, "hostedZoneId is not set, but siteDomain is", "hostedZoneId Z"),
        ({"hostedZoneId": "", "siteDomain": ""}, "hostedZoneId is not set, but loginDomain is", "hostedZoneId Z"),
        ({"siteDomain": "", "loginDomain": ""}, "siteDomain is not set, and neither is loginDomain", "siteDomain www."),
        ({"siteDomain": "login.example.com"}, "loginDomain is the same as siteDomain", "loginDomain login.login."),
        ({"domainPrefix": "my-login"}, "domainPrefix is set beside loginDomain", "domainPrefix ''"),
        ({"hostedLoginUrl": "https://a.example"}, "hostedLoginUrl is set beside loginDomain", "hostedLoginUrl ''"),
        ({"loginParentRecord": True}, "loginDomain's parent is siteDomain", "loginParentRecord false"),
        ({"extraOrigins": ["https://example.com"]}, "names siteDomain", "extraOrigins []"),
    ],
)
def test_settings_that_do_not_go_together_stop_the_program_with_the_command_that_mends_it(
    changes: dict[str, Any], reason: str, cure: str
) -> None:
    message = refused(OWN | changes)
    assert reason in message
    assert f"pulumi config set {cure}" in message


def test_a_missing_secret_is_asked_for_as_a_secret_that_is_not_typed_into_a_command() -> None:
    assert refused({"kakaoClientSecret": None}).endswith("pulumi config set --secret kakaoClientSecret")


def test_a_derived_domain_that_cognito_would_refuse_is_refused_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.infra.engine.ACCOUNT", "aws")
    assert "contains 'aws'" in refused({})


@pytest.mark.parametrize("value", ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:3000"])
def test_a_site_on_this_machine_may_use_the_login_over_http(value: str) -> None:
    assert f"{value}/" in declare({"extraOrigins": [value]}).one("UserPoolClient")["logoutUrls"]


def described() -> dict[str, dict[str, Any]]:
    """The program's own settings; one of Pulumi's has its namespace before it."""
    settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return {key: setting for key, setting in settings.items() if ":" not in key}


def test_every_setting_is_typed_and_described() -> None:
    for key, setting in described().items():
        assert setting["type"] in {"string", "boolean", "integer", "array"}, key
        assert setting["description"], key
    assert described()["kakaoClientSecret"]["secret"] is True


def test_a_stack_by_any_name_is_made_in_seoul_unless_it_says_otherwise() -> None:
    for program in (ROOT, ROOT / "deployment"):
        config = yaml.safe_load((program / "Pulumi.yaml").read_text())["config"]
        # Pulumi takes a `value`, and no default, for a key of somebody else's namespace.
        assert config["aws:region"] == {"value": "ap-northeast-2"}


def test_the_readme_lists_every_setting_with_its_default() -> None:
    readme = (ROOT / "README.md").read_text()
    for key, setting in described().items():
        (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{key}` |")]
        default = setting.get("default", "required")
        shown = default if isinstance(default, str) else json.dumps(default)
        assert (f"| {shown} |" if shown == "required" else f"| `{shown}` |") in row or (shown == "" and "| |" in row)


def test_the_sandboxs_provider_settings_are_ones_that_the_provider_knows() -> None:
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


def test_the_sandboxs_secret_is_the_stand_ins_under_an_empty_passphrase() -> None:
    # github.com/pulumi/pulumi, sdk/go/common/resource/config/crypt.go: PBKDF2-SHA256, AES-256-GCM.
    stack = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    _, salt, check = stack["encryptionsalt"].split(":", 2)
    key = hashlib.pbkdf2_hmac("sha256", b"", base64.b64decode(salt), 1_000_000, 32)

    def decrypted(value: str) -> bytes:
        _, nonce, sealed = value.split(":")
        return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None)

    assert decrypted(check) == b"pulumi"
    assert decrypted(stack["config"]["kakao-login:kakaoClientSecret"]["secure"]) == b"stand-in-client-secret"

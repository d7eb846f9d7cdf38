"""What differs between stacks. The only reader of configuration; Pulumi.yaml describes each key and its default."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from infra.kakao import KakaoApp

T = TypeVar("T")

LOOPBACK = {"localhost", "127.0.0.1", "::1"}  # where Cognito, too, takes http
NOT_KAKAO_SCOPES = {"email": "account_email", "profile": "profile_nickname"}
# What CloudWatch Logs takes (PutRetentionPolicy).
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
RESERVED_IN_DOMAINS = ("aws", "amazon", "cognito")
LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOST = rf"(?=.{{1,63}}$)({LABEL}\.)+[a-z]([a-z0-9-]*[a-z0-9])?"  # 63: what Cognito takes


class SettingError(pulumi.RunError):
    """A setting is missing or wrong; says which, why, and the command that mends it."""

    def __init__(self, key: str, wrong: str, example: str | None) -> None:
        """Take no example for a secret: Pulumi asks for it, and the shell's history does not keep it."""
        self.found = f"{pulumi.get_project()}:{key} {wrong}"
        self.cure = f"pulumi config set --secret {key}" if example is None else f"pulumi config set {key} {example}"
        super().__init__(f"{self.found}.\n  Mend it: {self.cure}")


@dataclass(frozen=True)
class Settings:
    """Every setting, checked. An empty string means: derived from what is deployed."""

    kakao: KakaoApp
    hosted_zone_id: str
    site_domain: str
    login_domain: str
    login_parent_record: bool
    domain_prefix: str
    hosted_login_url: str
    jwks_url: str
    websocket_management_url: str
    rotate_refresh_tokens: bool
    extra_origins: tuple[str, ...]
    app_callbacks: tuple[str, ...]
    token_minutes: int
    refresh_days: int
    connect_checks_user: bool
    runtime: str
    architecture: str
    log_days: int
    waf: bool
    permissions_boundary: str
    alarm_email: str
    mail_from: str
    protect: bool


def read() -> Settings:
    """Return the stack's settings, or raise SettingError at the first that is missing or wrong."""
    config = pulumi.Config()
    settings = Settings(
        kakao=KakaoApp(
            client_id=_text(config, "kakaoClientId", r"[A-Za-z0-9_-]+", "<REST API key>", "Kakao's REST API key"),
            client_secret=_secret(config, "kakaoClientSecret"),
            app_id=_text(config, "kakaoAppId", r"[0-9]*", "123456", "a number, or empty"),
            further_keys=_further_keys(config),
            issuer=_origin(config, "kakaoIssuer", "https://kauth.kakao.com"),
            api=_origin(config, "kakaoApi", "https://kapi.kakao.com"),
            scopes=_kakao_scopes(config),
        ),
        hosted_zone_id=_text(
            config,
            "hostedZoneId",
            r"(Z[A-Z0-9]{1,31})?",
            "Z0123456789ABCDEFGHIJ",
            "the id of a public zone in Route 53, or empty",
        ),
        site_domain=_text(
            config, "siteDomain", rf"({HOST})?", "www.example.com", "a host name such as www.example.com, or empty"
        ),
        login_domain=_text(
            config,
            "loginDomain",
            rf"(?!{LABEL}\.{LABEL}$)({HOST})?",
            "login.example.com",
            "a host name below one of yours, such as login.example.com, or empty",
        ),
        login_parent_record=_typed(config.require_bool, "loginParentRecord", "false"),
        domain_prefix=_domain_prefix(config),
        hosted_login_url=_origin(config, "hostedLoginUrl", "https://login.example.com", optional=True),
        jwks_url=_address(config, "jwksUrl", "https://keys.example.com/{userPoolId}/.well-known/jwks.json"),
        websocket_management_url=_address(config, "websocketManagementUrl", "https://ws.example.com/{apiId}/ws"),
        rotate_refresh_tokens=_typed(config.require_bool, "rotateRefreshTokens", "true"),
        extra_origins=_extra_origins(config),
        app_callbacks=_app_callbacks(config),
        token_minutes=_whole(config, "tokenMinutes", 5, 1440),
        refresh_days=_whole(config, "refreshDays", 1, 3650),
        connect_checks_user=_typed(config.require_bool, "connectChecksUser", "true"),
        runtime=_text(config, "runtime", r"python3\.1[1-4]", "python3.13", "python3.11 to python3.14"),
        architecture=_text(config, "architecture", r"arm64|x86_64", "arm64", "arm64 or x86_64"),
        log_days=_log_days(config),
        waf=_typed(config.require_bool, "waf", "true"),
        permissions_boundary=_text(
            config,
            "permissionsBoundary",
            r"(arn:aws:iam::[0-9]{12}:policy/.+)?",
            "arn:aws:iam::123456789012:policy/kakao-login-dev-boundary",
            "the ARN of a policy, or empty",
        ),
        alarm_email=_text(
            config, "alarmEmail", r"([^@\s]+@[^@\s]+\.[^@\s]+)?", "team@example.com", "an e-mail, or empty"
        ),
        mail_from=_text(
            config,
            "mailFrom",
            rf"([A-Za-z0-9._+-]{{1,64}}@{HOST})?",
            "no-reply@example.com",
            "an e-mail of a domain of yours, such as no-reply@example.com, or empty",
        ),
        protect=_typed(config.require_bool, "protect", "true"),
    )
    _check_domains(settings)
    return settings


def _typed(require: Callable[[str], T], key: str, example: str) -> T:
    try:
        return require(key)
    except pulumi.ConfigMissingError:
        raise SettingError(key, "is not set", example) from None
    except pulumi.ConfigTypeError as error:
        raise SettingError(key, f"is {error.value!r}, which is not of the right type", example) from None


def _text(config: pulumi.Config, key: str, grammar: str, example: str, expected: str) -> str:
    value = _typed(config.require, key, example)
    if not re.fullmatch(grammar, value):
        raise SettingError(key, f"is {value!r}; it should be {expected}", example)
    return value


def _secret(config: pulumi.Config, key: str) -> pulumi.Output[str]:
    if not config.get(key):
        raise SettingError(key, "is not set", None)
    return config.require_secret(key)


def _whole(config: pulumi.Config, key: str, least: int, most: int) -> int:
    value = _typed(config.require_int, key, str(least))
    if not least <= value <= most:
        raise SettingError(key, f"is {value}; Cognito takes {least} to {most}", str(min(max(value, least), most)))
    return value


def _log_days(config: pulumi.Config) -> int:
    days = _typed(config.require_int, "logDays", "30")
    if days not in LOG_DAYS:
        nearest = min(LOG_DAYS, key=lambda known: abs(known - days))
        raise SettingError("logDays", f"is {days}; CloudWatch takes {', '.join(map(str, LOG_DAYS))}", str(nearest))
    return days


def _kakao_scopes(config: pulumi.Config) -> tuple[str, ...]:
    key, example = "kakaoScopes", "'openid account_email profile_nickname'"
    scopes = tuple(_text(config, key, r"[a-z_]+( [a-z_]+)*", example, "scopes separated by spaces").split())
    for scope in scopes:
        if scope in NOT_KAKAO_SCOPES:
            wrong = (
                f"names {scope!r}, which Kakao does not know (KOE205); its name there is {NOT_KAKAO_SCOPES[scope]!r}"
            )
            raise SettingError(key, wrong, example)
    if "openid" not in scopes:
        raise SettingError(key, "lacks 'openid', without which Kakao issues no ID token", example)
    return scopes


def _check_domains(settings: Settings) -> None:
    """Refuse domains that lack what they need, or that something else contradicts."""
    login, site = settings.login_domain, settings.site_domain
    for key, domain in (("siteDomain", site), ("loginDomain", login)):
        if domain and not settings.hosted_zone_id:
            wrong = f"is not set, but {key} is, whose records go into that zone"
            raise SettingError("hostedZoneId", wrong, "Z0123456789ABCDEFGHIJ")
    if settings.hosted_zone_id and not site and not login:
        wrong = "is not set, and neither is loginDomain: hostedZoneId alone does nothing"
        raise SettingError("siteDomain", wrong, "www.example.com")
    if settings.login_parent_record and not login:
        raise SettingError("loginParentRecord", "is true without a loginDomain", "false")
    if site and f"https://{site}" in settings.extra_origins:
        raise SettingError("extraOrigins", "names siteDomain, which is the site itself", "[]")
    if not login:
        return
    if login == site:
        wrong = "is the same as siteDomain; the hosted login needs a name of its own"
        raise SettingError("loginDomain", wrong, f"login.{site}")
    if settings.login_parent_record and login.partition(".")[2] == site:
        wrong = "is true, but loginDomain's parent is siteDomain, which has a record"
        raise SettingError("loginParentRecord", wrong, "false")
    for key, other in (("domainPrefix", settings.domain_prefix), ("hostedLoginUrl", settings.hosted_login_url)):
        if other:
            raise SettingError(key, "is set beside loginDomain, which says where the hosted login is", "''")


def _domain_prefix(config: pulumi.Config) -> str:
    key = "domainPrefix"
    if not config.get(key) and config.get("loginDomain"):
        return ""
    prefix = _typed(config.require, key, "my-login") if config.get(key) else _derived_domain_prefix()
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", prefix):
        wrong = f"is {prefix!r}; it takes 1 to 63 lower-case letters, digits and inner hyphens"
        raise SettingError(key, wrong, "my-login")
    for word in RESERVED_IN_DOMAINS:
        if word in prefix:
            raise SettingError(key, f"is {prefix!r}; Cognito refuses a domain that contains {word!r}", "my-login")
    return prefix


def _derived_domain_prefix() -> str:
    """Prefixes are shared by all accounts of a region, so the account is part of it."""
    account = aws.get_caller_identity().account_id
    return f"{pulumi.get_project()}-{pulumi.get_stack()}-{account}"


def _further_keys(config: pulumi.Config) -> tuple[str, ...]:
    key, example = "kakaoAppKeys", "--path 'kakaoAppKeys[0]' <native app key>"
    keys = _texts(config, key, example, "keys of the Kakao app")
    for app_key in keys:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", app_key):
            raise SettingError(key, f"has {app_key!r}, which is no key of a Kakao app", example)
    return keys


def _app_callbacks(config: pulumi.Config) -> tuple[str, ...]:
    key, example = "appCallbacks", "--path 'appCallbacks[0]' https://app.example.com/callback"
    callbacks = _texts(config, key, example, "addresses")
    for callback in callbacks:
        if not re.fullmatch(r"https?://[A-Za-z0-9._~:/?=&%-]+", callback):
            wrong = (
                "it should be an app link, https and without a fragment, since any app may claim another's own scheme"
            )
            raise SettingError(key, f"has {callback!r}; {wrong}", example)
        _check_transport(key, callback, example)
    return callbacks


def _extra_origins(config: pulumi.Config) -> tuple[str, ...]:
    key, example = "extraOrigins", "--path 'extraOrigins[0]' http://localhost:3000"
    origins = _texts(config, key, example, "origins")
    for origin in origins:
        _check_origin(key, origin, "http://localhost:3000")
    return origins


def _texts(config: pulumi.Config, key: str, example: str, expected: str) -> tuple[str, ...]:
    values = _typed(config.require_object, key, "[]")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SettingError(key, f"is {values!r}; it should be a list of {expected}", example)
    if len(set(values)) < len(values):
        raise SettingError(key, "names one twice", example)
    return tuple(values)


def _origin(config: pulumi.Config, key: str, example: str, *, optional: bool = False) -> str:
    if optional and not config.get(key):
        return ""
    return _check_origin(key, _typed(config.require, key, example), example)


def _check_origin(key: str, value: str, example: str) -> str:
    """An origin as RFC 6454 writes it: scheme, host, port, and nothing behind, not even a slash."""
    if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", value):
        raise SettingError(key, f"is {value!r}; it should be an origin such as {example}, without a path", example)
    scheme, _, port = value.rpartition(":")
    default = {"http": "80", "https": "443"}.get(scheme.partition(":")[0])
    if port.isdecimal() and (port == default or not 1 <= int(port) <= 65535):
        raise SettingError(key, f"is {value!r}; a browser never writes this port in an origin", example)
    return _check_transport(key, value, example)


def _address(config: pulumi.Config, key: str, example: str) -> str:
    """An address with a path, or nothing; what it may hold in braces, its user fills in."""
    if not config.get(key):
        return ""
    value = _text(config, key, r"https?://[A-Za-z0-9./:{}_-]+", f"'{example}'", f"an address such as {example}")
    return _check_transport(key, value, f"'{example}'")


def _check_transport(key: str, value: str, example: str) -> str:
    if value.startswith("http:") and urlsplit(value).hostname not in LOOPBACK:
        raise SettingError(key, f"is {value!r}; only this machine may be reached over plain http", example)
    return value

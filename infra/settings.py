"""What differs between stacks. The only reader of configuration; Pulumi.yaml describes each key and its default."""

import difflib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from infra import packaging
from infra.commands import ask, drop_namespace, in_turn, remove, set_value
from infra.kakao import KakaoApp

T = TypeVar("T")

PROJECT_FILE = Path(__file__).resolve().parent.parent / "Pulumi.yaml"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}  # where Cognito, too, takes http
SCOPES = "openid account_email profile_nickname"
NOT_KAKAO_SCOPES = {"email": "account_email", "profile": "profile_nickname"}
# What CloudWatch Logs takes (PutRetentionPolicy).
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
RESERVED_IN_DOMAINS = ("aws", "amazon", "cognito")
ANY_ACCOUNT = "0" * 12
LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOST = rf"(?=.{{1,63}}$)({LABEL}\.)+[a-z]([a-z0-9-]*[a-z0-9])?"  # 63: what Cognito takes
QUOTES = "'\"`\u2018\u2019\u201c\u201d\u300c\u300d"


class UnreadableFileError(pulumi.RunError):
    """A file of settings cannot be read; says which, where and why."""


class SettingError(pulumi.RunError):
    """A setting is missing or wrong; says which, why, and the command that mends it."""

    def __init__(self, key: str, wrong: str, cure: str) -> None:
        """Take the end of a sentence that begins with the key, without a full stop, and a command."""
        self.found = f"{pulumi.get_project()}:{key} {wrong}"
        self.cure = cure
        super().__init__(f"{self.found}.\n  Mend it: {self.cure}")


@dataclass(frozen=True)
class Settings:
    """Every setting, checked. An empty string means: derived from what is deployed."""

    kakao: KakaoApp
    hosted_zone_id: str
    site_domain: str
    site_url: str
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
    """Return the stack's settings, or raise SettingError at the first that is unknown, missing or wrong."""
    config = pulumi.Config()
    _refuse_unknown_keys()
    settings = Settings(
        kakao=KakaoApp(
            client_id=_text(config, "kakaoClientId", r"[A-Za-z0-9_-]+", "Kakao's REST API key"),
            client_secret=_secret(config, "kakaoClientSecret"),
            app_id=_text(config, "kakaoAppId", r"[0-9]*", "a number, or empty"),
            further_keys=_further_keys(config),
            issuer=_origin(config, "kakaoIssuer", "https://kauth.kakao.com"),
            api=_origin(config, "kakaoApi", "https://kapi.kakao.com"),
            scopes=_kakao_scopes(config),
        ),
        hosted_zone_id=_text(
            config,
            "hostedZoneId",
            r"(Z[A-Z0-9]{1,31})?",
            "the id of a public zone in Route 53, such as Z0123456789ABCDEFGHIJ, or empty",
        ),
        site_domain=_text(config, "siteDomain", rf"({HOST})?", "a host name such as www.example.com, or empty"),
        site_url=_origin(config, "siteUrl"),
        login_domain=_text(
            config,
            "loginDomain",
            rf"(?!{LABEL}\.{LABEL}$)({HOST})?",
            "a host name below one of yours, such as login.example.com, or empty",
        ),
        login_parent_record=_flag(config, "loginParentRecord", "false"),
        domain_prefix=_domain_prefix(config),
        hosted_login_url=_origin(config, "hostedLoginUrl"),
        jwks_url=_address(config, "jwksUrl", "https://keys.example.com/{userPoolId}/.well-known/jwks.json"),
        websocket_management_url=_address(config, "websocketManagementUrl", "https://ws.example.com/{apiId}/ws"),
        rotate_refresh_tokens=_flag(config, "rotateRefreshTokens", "true"),
        extra_origins=_extra_origins(config),
        app_callbacks=_app_callbacks(config),
        token_minutes=_whole(config, "tokenMinutes", 5, 1440),
        refresh_days=_whole(config, "refreshDays", 1, 3650),
        connect_checks_user=_flag(config, "connectChecksUser", "true"),
        runtime=_one_of(config, "runtime", packaging.GLIBC, "python3.13"),
        architecture=_one_of(config, "architecture", packaging.MACHINES, "arm64"),
        log_days=_log_days(config),
        waf=_flag(config, "waf", "true"),
        permissions_boundary=_text(
            config,
            "permissionsBoundary",
            r"(arn:aws:iam::[0-9]{12}:policy/[A-Za-z0-9/+=,.@_-]+)?",
            "the ARN of a policy, such as arn:aws:iam::123456789012:policy/kakao-login-dev-boundary, or empty",
        ),
        alarm_email=_text(
            config, "alarmEmail", r"([^@\s]+@[^@\s]+\.[^@\s]+)?", "an e-mail such as team@example.com, or empty"
        ),
        mail_from=_text(
            config,
            "mailFrom",
            rf"((?=[^@]{{1,64}}@)[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@{HOST})?",
            "an e-mail of a domain of yours, such as no-reply@example.com, or empty",
        ),
        protect=_flag(config, "protect", "true"),
    )
    _check_domains(settings)
    return settings


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds. Raises UnreadableFileError."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError(f"{file.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{file.name} is not UTF-8: byte {error.start + 1}") from None
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UnreadableFileError(f"{file.name}{where} is no YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise UnreadableFileError(f"{file.name} is no YAML: it holds a character that YAML does not take") from None
    if not isinstance(content, dict):
        raise UnreadableFileError(f"{file.name} holds no keys with values")
    return content


@cache
def known_keys() -> dict[str, str | None]:
    """Return the program's own keys with their defaults, as Pulumi.yaml describes them. Raises UnreadableFileError."""
    described = read_yaml(PROJECT_FILE).get("config")
    if not isinstance(described, dict):
        raise UnreadableFileError(f"{PROJECT_FILE.name} describes no settings under `config`")
    own = {key: (described[key] or {}).get("default") for key in described if ":" not in key}
    return {key: value if value is None or isinstance(value, str) else json.dumps(value) for key, value in own.items()}


def _refuse_unknown_keys() -> None:
    """The engine checks the keys that Pulumi.yaml describes, and lets others pass."""
    prefix = f"{pulumi.get_project()}:"
    given = get_config_env() | CONFIG.get()
    _refuse_keys_of_another_project(given)
    ours = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
    for key, value in ours.items():
        if key not in known_keys():
            raise _unknown(key, value, ours)


def _refuse_keys_of_another_project(given: Iterable[str]) -> None:
    """`pulumi config set` writes the project's name before a key. Nobody reads that key under another name."""
    namespaces: dict[str, list[str]] = {}
    for full in given:
        namespace, _, key = full.partition(":")
        namespaces.setdefault(namespace, []).append(key)
    for namespace, keys in namespaces.items():
        if namespace != pulumi.get_project() and set(keys) <= set(known_keys()):
            wrong = f"is written as {namespace}:{keys[0]}, for a project of another name, so it would have no effect"
            raise SettingError(keys[0], wrong, drop_namespace(namespace, pulumi.get_stack()))


def _unknown(key: str, value: object, ours: dict[str, Any]) -> SettingError:
    by_lower_case = {known.lower(): known for known in known_keys()}
    near = difflib.get_close_matches(key.partition("[")[0].lower(), by_lower_case, n=1)
    if not near:
        return SettingError(key, "is no setting of this program; README.md lists them all", remove(key))
    right = by_lower_case[near[0]]
    wrong = f"is no setting of this program; the nearest is {right}"
    is_set = ours.get(right) not in (None, known_keys()[right])  # the engine hands defaults to the program as well
    if is_set or not isinstance(value, str) or value.startswith(("[", "{")):
        return SettingError(key, wrong, remove(key))
    secret = is_config_secret(f"{pulumi.get_project()}:{key}") or right == "kakaoClientSecret"
    moved = ask(right, secret=True) if secret else ask(right, item=0) if "[" in key else set_value(right, value)
    return SettingError(key, wrong, in_turn(moved, remove(key)))


def _typed(require: Callable[[str], T], key: str, cure: str) -> T:
    try:
        return require(key)
    except pulumi.ConfigMissingError:
        raise SettingError(key, "is not set", cure) from None
    except pulumi.ConfigTypeError as error:
        wrong = f"is {_shown(key, error.value)}, which is not of the right type"
        raise SettingError(key, wrong, cure) from None


def _flag(config: pulumi.Config, key: str, right: str) -> bool:
    return _typed(config.require_bool, key, set_value(key, right))


def _shown(key: str, value: object) -> str:
    return "a secret" if is_config_secret(f"{pulumi.get_project()}:{key}") else repr(value)


def _check_pasted(key: str, value: str, cure: str) -> None:
    """Refuse what a paste brings along, and do not repeat the value: it may be a secret."""
    if flaw := _flaw(value):
        raise SettingError(key, f"{flaw}; copy it again", cure)


def _flaw(value: str) -> str:
    if value != value.strip():
        return "begins or ends with white space"
    if value and (value[0] in QUOTES or value[-1] in QUOTES):
        return "begins or ends with a quotation mark"
    if value.startswith("<"):
        return "begins with `<`, as what stands for a value does"
    for place, character in enumerate(value, 1):
        if unicodedata.category(character)[0] in "CZ" and character != " ":
            name = unicodedata.name(character, "a control character")
            return f"holds an invisible character at place {place}, {name} (U+{ord(character):04X})"
        if not character.isascii():
            return f"holds a character that is not ASCII at place {place}, such as a full-width letter"
    return ""


def _text(config: pulumi.Config, key: str, grammar: str, expected: str, right: str | None = None) -> str:
    """Return a text; `right` is one that mends it, None has Pulumi ask."""
    cure = ask(key) if right is None else set_value(key, right)
    value = _typed(config.require, key, cure)
    _check_pasted(key, value, cure)
    if not re.fullmatch(grammar, value):
        raise SettingError(key, f"is {_shown(key, value)}; it should be {expected}", cure)
    return value


def _one_of(config: pulumi.Config, key: str, known: dict[str, Any], right: str) -> str:
    return _text(config, key, "|".join(map(re.escape, known)), " or ".join(known), right)


def _secret(config: pulumi.Config, key: str) -> pulumi.Output[str]:
    value = config.get(key)
    cure = ask(key, secret=True)
    if not value:
        raise SettingError(key, "is not set", cure)
    _check_pasted(key, value, cure)
    if not re.fullmatch(r"[!-~]+", value):
        raise SettingError(key, "holds white space; copy it again", cure)
    if value == config.get("kakaoClientId"):
        raise SettingError(key, "is the same as kakaoClientId; Kakao shows it below the REST API key", cure)
    return config.require_secret(key)


def _whole(config: pulumi.Config, key: str, least: int, most: int) -> int:
    value = _typed(config.require_int, key, set_value(key, str(least)))
    if not least <= value <= most:
        nearest = str(min(max(value, least), most))
        raise SettingError(key, f"is {value}; Cognito takes {least} to {most}", set_value(key, nearest))
    return value


def _log_days(config: pulumi.Config) -> int:
    days = _typed(config.require_int, "logDays", set_value("logDays", "30"))
    if days not in LOG_DAYS:
        nearest = min(LOG_DAYS, key=lambda known: abs(known - days))
        wrong = f"is {days}; CloudWatch takes {', '.join(map(str, LOG_DAYS))}"
        raise SettingError("logDays", wrong, set_value("logDays", str(nearest)))
    return days


def _kakao_scopes(config: pulumi.Config) -> tuple[str, ...]:
    key = "kakaoScopes"
    scopes = tuple(_text(config, key, r"[a-z_]+( [a-z_]+)*", "scopes separated by spaces", SCOPES).split())
    cure = set_value(key, SCOPES)
    for scope in scopes:
        if scope in NOT_KAKAO_SCOPES:
            wrong = (
                f"names {scope!r}, which Kakao does not know (KOE205); its name there is {NOT_KAKAO_SCOPES[scope]!r}"
            )
            raise SettingError(key, wrong, cure)
    if "openid" not in scopes:
        raise SettingError(key, "lacks 'openid', without which Kakao issues no ID token", cure)
    return scopes


def _check_domains(settings: Settings) -> None:
    """Refuse domains that lack what they need, or that something else contradicts."""
    login, site = settings.login_domain, settings.site_domain
    for key, domain in (("siteDomain", site), ("loginDomain", login)):
        if domain and not settings.hosted_zone_id:
            wrong = f"is not set, but {key} is, whose records go into that zone"
            raise SettingError("hostedZoneId", wrong, ask("hostedZoneId"))
    if settings.hosted_zone_id and not site and not login:
        wrong = "is not set, and neither is loginDomain: hostedZoneId alone does nothing"
        raise SettingError("siteDomain", wrong, ask("siteDomain"))
    if settings.login_parent_record and not login:
        raise SettingError(
            "loginParentRecord", "is true without a loginDomain", set_value("loginParentRecord", "false")
        )
    if site and settings.site_url:
        raise SettingError("siteUrl", "is set beside siteDomain, which says where the site is", remove("siteUrl"))
    for key, own in (("siteDomain", f"https://{site}"), ("siteUrl", settings.site_url)):
        if own in settings.extra_origins:
            item = settings.extra_origins.index(own)
            raise SettingError(
                "extraOrigins", f"names {key}, which is the site itself", remove("extraOrigins", item=item)
            )
    if not login:
        return
    if login == site:
        wrong = "is the same as siteDomain; the hosted login needs a name of its own"
        raise SettingError("loginDomain", wrong, ask("loginDomain"))
    if settings.login_parent_record and login.partition(".")[2] == site:
        wrong = "is true, but loginDomain's parent is siteDomain, which has a record"
        raise SettingError("loginParentRecord", wrong, set_value("loginParentRecord", "false"))
    for key, other in (("domainPrefix", settings.domain_prefix), ("hostedLoginUrl", settings.hosted_login_url)):
        if other:
            raise SettingError(key, "is set beside loginDomain, which says where the hosted login is", remove(key))


def _domain_prefix(config: pulumi.Config) -> str:
    """Return the prefix, or nothing where it is derived; what is derived has to be right as well."""
    key = "domainPrefix"
    given = _typed(config.require, key, ask(key))
    _check_pasted(key, given, ask(key))
    if not given and config.get("loginDomain"):
        return ""
    prefix = given or f"{pulumi.get_project()}-{pulumi.get_stack()}-{ANY_ACCOUNT}"
    is_wrong = f"is {_shown(key, given)}" if given else "is not set; project-stack-account"
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", prefix):
        wrong = "takes" if given else "is no domain, which takes"
        raise SettingError(
            key, f"{is_wrong}; it {wrong} 1 to 63 lower-case letters, digits and inner hyphens", ask(key)
        )
    for word in RESERVED_IN_DOMAINS:
        if word in prefix:
            raise SettingError(key, f"{is_wrong}; Cognito refuses a domain that contains {word!r}", ask(key))
    return given


def _further_keys(config: pulumi.Config) -> tuple[str, ...]:
    key = "kakaoAppKeys"
    keys = _texts(config, key, "keys of the Kakao app")
    for item, app_key in enumerate(keys):
        if not re.fullmatch(r"[A-Za-z0-9_-]+", app_key):
            raise SettingError(key, f"has {_shown(key, app_key)}, which is no key of a Kakao app", ask(key, item=item))
    return keys


def _app_callbacks(config: pulumi.Config) -> tuple[str, ...]:
    key = "appCallbacks"
    callbacks = _texts(config, key, "addresses")
    for item, callback in enumerate(callbacks):
        if not re.fullmatch(r"https?://[A-Za-z0-9._~:/?=&%-]+", callback):
            wrong = (
                "it should be an app link, https and without a fragment, since any app may claim another's own scheme"
            )
            raise SettingError(key, f"has {_shown(key, callback)}; {wrong}", ask(key, item=item))
        _check_transport(key, callback, ask(key, item=item))
    return callbacks


def _extra_origins(config: pulumi.Config) -> tuple[str, ...]:
    key = "extraOrigins"
    origins = _texts(config, key, "origins")
    for item, origin in enumerate(origins):
        _check_origin(key, origin, "http://localhost:3000", ask(key, item=item))
    return origins


def _texts(config: pulumi.Config, key: str, expected: str) -> tuple[str, ...]:
    anew = in_turn(remove(key), ask(key, item=0))
    values = _typed(config.require_object, key, anew)
    if not isinstance(values, list):
        raise SettingError(key, f"is {_shown(key, values)}; it should be a list of {expected}", anew)
    for item, value in enumerate(values):
        if not isinstance(value, str):
            raise SettingError(key, f"has {_shown(key, value)}; it should be a list of {expected}", ask(key, item=item))
        _check_pasted(key, value, ask(key, item=item))
        if value in values[:item]:
            raise SettingError(key, f"names {_shown(key, value)} twice", remove(key, item=item))
    return tuple(values)


def _origin(config: pulumi.Config, key: str, right: str | None = None) -> str:
    """Return an origin; `right` is the one that mends it, without one it may be empty."""
    cure = ask(key) if right is None else set_value(key, right)
    value = _typed(config.require, key, cure)
    if not value and right is None:
        return ""
    _check_pasted(key, value, cure)
    return _check_origin(key, value, right or "https://login.example.com", cure)


def _check_origin(key: str, value: str, example: str, cure: str) -> str:
    """An origin as RFC 6454 writes it: scheme, host, port, and nothing behind, not even a slash."""
    shown = _shown(key, value)
    if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", value):
        raise SettingError(key, f"is {shown}; it should be an origin such as {example}, without a path", cure)
    scheme, _, port = value.rpartition(":")
    default = {"http": "80", "https": "443"}.get(scheme.partition(":")[0])
    if port.isdecimal() and (port == default or not 1 <= int(port) <= 65535):
        raise SettingError(key, f"is {shown}; a browser never writes this port in an origin", cure)
    return _check_transport(key, value, cure)


def _address(config: pulumi.Config, key: str, example: str) -> str:
    """An address with a path, or nothing; what it may hold in braces, its user fills in."""
    value = _text(config, key, r"(https?://[A-Za-z0-9./:{}_-]+)?", f"an address such as {example}, or empty")
    return _check_transport(key, value, ask(key))


def _check_transport(key: str, value: str, cure: str) -> str:
    if value.startswith("http:") and urlsplit(value).hostname not in LOOPBACK:
        raise SettingError(key, f"is {_shown(key, value)}; only this machine may be reached over plain http", cure)
    return value

"""The stack's settings: the only reader of Pulumi's configuration. `infra/inputs.py` has the rules that they follow."""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from infra import inputs, names
from infra.commands import ask, drop_namespace, in_turn, remove, set_value
from infra.inputs import InputError, KakaoLoginArgs

LOGIN = "login"  # the name of the KakaoLogin in __main__.py
PROJECT_FILE = Path(__file__).resolve().parent.parent / "Pulumi.yaml"
SECRETS = {"kakaoClientSecret"}
# Each setting, and the input of KakaoLogin that it is.
TEXTS = {
    "kakaoClientId": "kakao.client_id",
    "kakaoClientSecret": "kakao.client_secret",
    "kakaoAppId": "kakao.app_id",
    "kakaoIssuer": "kakao.issuer",
    "kakaoApi": "kakao.api",
    "kakaoScopes": "kakao.scopes",
    "siteDomain": "domains.site",
    "siteUrl": "site_url",
    "loginDomain": "domains.login",
    "hostedZoneId": "domains.hosted_zone_id",
    "domainPrefix": "domains.prefix",
    "hostedLoginUrl": "hosted_login_url",
    "jwksUrl": "jwks_url",
    "websocketManagementUrl": "websocket_management_url",
    "runtime": "functions.runtime",
    "architecture": "functions.architecture",
    "permissionsBoundary": "functions.permissions_boundary",
    "alarmEmail": "alarm_email",
    "mailFrom": "mail_from",
}
FLAGS = {
    "loginParentRecord": "domains.login_parent_record",
    "rotateRefreshTokens": "tokens.rotate",
    "connectChecksUser": "connect_checks_user",
    "waf": "waf",
    "protect": "protect",
}
NUMBERS = {"tokenMinutes": "tokens.minutes", "refreshDays": "tokens.refresh_days", "logDays": "functions.log_days"}
LISTS = {"kakaoAppKeys": "kakao.app_keys", "extraOrigins": "extra_origins", "appCallbacks": "app_callbacks"}
PATHS: Mapping[str, str] = {**TEXTS, **FLAGS, **NUMBERS, **LISTS}
KEYS: Mapping[str, str] = {path: key for key, path in PATHS.items()}


class UnreadableFileError(pulumi.RunError):
    """A settings file cannot be read. The text says which, where and why."""


class SettingError(pulumi.RunError):
    """A setting is unknown, missing or wrong. The text says which, why, and the command that mends it."""

    def __init__(self, key: str, problem: str, cure: str) -> None:
        """Take the end of a sentence that begins with the key, without a full stop, and a command."""
        self.found = f"{pulumi.get_project()}:{key} {problem}"
        self.cure = cure
        super().__init__(f"{self.found}.\n  Mend it: {self.cure}")


def read() -> KakaoLoginArgs:
    """Return the stack's settings as inputs of KakaoLogin. Raises SettingError for the first that is wrong."""
    _refuse_unknown_keys()
    _refuse_long_names()
    given = _given()
    try:
        args = inputs.checked(given)
    except InputError as error:
        raise _setting_error(error) from None
    _refuse_id_as_secret(args)
    args["kakao"]["client_secret"] = pulumi.Config().require_secret("kakaoClientSecret")
    args["domains"]["prefix"] = args["domains"]["prefix"] or _derived_prefix(args)
    return args


def _given() -> KakaoLoginArgs:
    config = pulumi.Config()
    readers: list[tuple[Mapping[str, str], Callable[[str], Any]]] = [
        (TEXTS, config.get),
        (FLAGS, config.get_bool),
        (NUMBERS, config.get_int),
        (LISTS, config.get_object),
    ]
    given: dict[str, Any] = {}
    for paths, read_value in readers:
        for key, path in paths.items():
            group, _, name = path.rpartition(".")
            place = given.setdefault(group, {}) if group else given
            try:
                place[name] = read_value(key)
            except pulumi.ConfigTypeError as error:
                problem = f"is {_shown(key, error.value)}, which is not of the right type"
                raise SettingError(key, problem, _right_type(key, path)) from None
    return cast("KakaoLoginArgs", given)


def _setting_error(error: InputError) -> SettingError:
    """Name the settings in place of the inputs, and add the command that mends."""
    key = KEYS[error.path]
    problem = error.problem
    for path in sorted(KEYS, key=len, reverse=True):
        problem = re.sub(rf"(?<![\w.]){re.escape(path)}(?![\w.])", KEYS[path], problem)
    return SettingError(key, problem.replace("{value}", _shown(key, error.value)), _cure(key, error))


def _shown(key: str, value: object) -> str:
    return "a secret" if is_config_secret(f"{pulumi.get_project()}:{key}") else repr(value)


def _right_type(key: str, path: str) -> str:
    """Return the command that replaces a value which is no number, no boolean or no list."""
    if key in LISTS:
        return in_turn(remove(key), ask(key, item=0))
    group, _, name = path.rpartition(".")
    return set_value(key, json.dumps((inputs.DEFAULTS[group] if group else inputs.DEFAULTS)[name]))


def _cure(key: str, error: InputError) -> str:
    if error.superfluous:
        anew = key in LISTS and error.item is None  # the whole value is of the wrong type
        return in_turn(remove(key), ask(key, item=0)) if anew else remove(key, item=error.item)
    if error.right is not None:
        return set_value(key, error.right)
    return ask(key, item=error.item, secret=key in SECRETS)


def _refuse_id_as_secret(args: KakaoLoginArgs) -> None:
    if args["kakao"]["client_secret"] == args["kakao"]["client_id"]:
        problem = "is the same as kakaoClientId; Kakao shows it below the REST API key"
        raise SettingError("kakaoClientSecret", problem, ask("kakaoClientSecret", secret=True))


def _derived_prefix(args: KakaoLoginArgs) -> str:
    """Return project-stack-account; a prefix is shared by all accounts of a region, so the account is part of it."""
    if args["domains"]["login"]:
        return ""
    prefix = f"{names.stack()}-{inputs.ACCOUNT}"
    for word in inputs.RESERVED_IN_PREFIXES:
        if word in prefix:
            problem = f"is not set, and project-stack-account contains {word!r}, which Cognito refuses in a domain"
            raise SettingError("domainPrefix", problem, ask("domainPrefix"))
    return prefix


# Keys


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file. Raises UnreadableFileError."""
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
    """Pulumi's engine checks the keys that Pulumi.yaml describes, and lets others pass."""
    prefix = f"{pulumi.get_project()}:"
    given = get_config_env() | CONFIG.get()
    _refuse_keys_of_another_project(given)
    ours = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
    for key, value in ours.items():
        if key not in known_keys():
            raise _unknown(key, value, ours)


def _refuse_keys_of_another_project(given: Iterable[str]) -> None:
    """`pulumi config set` writes the project's name before a key. Under another name nothing reads that key."""
    namespaces: dict[str, list[str]] = {}
    for full in given:
        namespace, _, key = full.partition(":")
        namespaces.setdefault(namespace, []).append(key)
    for namespace, keys in namespaces.items():
        if namespace != pulumi.get_project() and set(keys) <= set(known_keys()):
            problem = f"is written as {namespace}:{keys[0]}, for a project of another name, so it would have no effect"
            raise SettingError(keys[0], problem, drop_namespace(namespace, pulumi.get_stack()))


def _unknown(key: str, value: object, ours: dict[str, Any]) -> SettingError:
    by_lower_case = {known.lower(): known for known in known_keys()}
    near = difflib.get_close_matches(key.partition("[")[0].lower(), by_lower_case, n=1)
    if not near:
        return SettingError(key, "is no setting of this program; README.md lists them all", remove(key))
    right = by_lower_case[near[0]]
    problem = f"is no setting of this program; the nearest is {right}"
    is_set = ours.get(right) not in (None, known_keys()[right])  # the engine hands defaults to the program as well
    if is_set or not isinstance(value, str) or value.startswith(("[", "{")):
        return SettingError(key, problem, remove(key))
    secret = is_config_secret(f"{pulumi.get_project()}:{key}") or right in SECRETS
    moved = ask(right, secret=True) if secret else ask(right, item=0) if "[" in key else set_value(right, value)
    return SettingError(key, problem, in_turn(moved, remove(key)))


def _refuse_long_names() -> None:
    """Refuse names that AWS would refuse for a resource: no setting mends them, but another name of the stack."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    for what, name in (("project", project), ("stack", stack)):
        if not names.GRAMMAR.fullmatch(name):
            raise pulumi.RunError(
                f"The {what} {name!r} cannot be deployed: its name is part of an S3 bucket's name, which takes "
                "lower-case letters, digits and inner hyphens. Choose another: pulumi stack init <name>"
            )
    longest = names.longest_stack(project, LOGIN)
    if len(stack) > longest:
        raise pulumi.RunError(
            f"The stack {stack!r} has a name of {len(stack)} characters; with the project {project!r} AWS takes at "
            f"most {longest} (names of Lambda functions and IAM roles have at most {names.MAX_NAME}). "
            "Choose a shorter one: pulumi stack init <name>"
        )

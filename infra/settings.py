"""The stack's settings: the only module that reads Pulumi's configuration. `infra/inputs.py` has the rules."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import pulumi
from pulumi.runtime.config import is_config_secret

from infra import inputs, keys, names, project
from infra.commands import Fix, ask, in_turn, remove, set_value, write_list
from infra.inputs import InputError, KakaoLoginArgs
from infra.keys import SettingError

SECRETS = {"kakaoClientSecret"}
# Each setting, with its input of KakaoLogin.
TEXTS = {
    "kakaoClientId": "kakao.client_id",
    "kakaoClientSecret": "kakao.client_secret",
    "kakaoSignIn": "kakao.sign_in",
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
    "serviceName": "service_name",
    "page": "page",
}
FLAGS = {
    "emailAccounts": "email_accounts",
    "kakaoLogout": "kakao.logout",
    "loginParentRecord": "domains.login_parent_record",
    "rotateRefreshTokens": "tokens.rotate",
    "connectChecksUser": "connect_checks_user",
    "waf": "waf",
    "protect": "protect",
    "newProfiles": "new_profiles",
}
NUMBERS = {"tokenMinutes": "tokens.minutes", "refreshDays": "tokens.refresh_days", "logDays": "functions.log_days"}
LISTS = {
    "kakaoAppKeys": "kakao.app_keys",
    "extraOrigins": "extra_origins",
    "appCallbacks": "app_callbacks",
    "groups": "groups",
    "customAttributes": "custom_attributes",
}
OBJECTS = {"contentSecurityPolicy": "content_security_policy", "kakaoAttributes": "kakao.attributes"}
PATHS: Mapping[str, str] = {**TEXTS, **FLAGS, **NUMBERS, **LISTS, **OBJECTS}
KEYS: Mapping[str, str] = {path: key for key, path in PATHS.items()}


def read() -> KakaoLoginArgs:
    """Return the stack's settings as inputs of KakaoLogin. Raises SettingError for the first that is wrong."""
    keys.refuse_unknown(keys.known_keys(project.FILE), SECRETS)
    _check_names()
    given = _given()
    try:
        args = inputs.with_prefix(inputs.checked(given), names.stack())
    except InputError as error:
        raise _setting_error(error) from None
    _refuse_id_as_secret(args)
    args["kakao"]["client_secret"] = pulumi.Config().require_secret("kakaoClientSecret")
    return args


def _given() -> KakaoLoginArgs:
    config = pulumi.Config()
    readers: list[tuple[Mapping[str, str], str, Callable[[str], Any]]] = [
        (TEXTS, "a text", config.get),
        (FLAGS, "true or false", config.get_bool),
        (NUMBERS, "a whole number", config.get_int),
        (LISTS, "a list", config.get_object),
        (OBJECTS, "an object, a value for each name", config.get_object),
    ]
    given: dict[str, Any] = {}
    for paths, expected, read_value in readers:
        for key, path in paths.items():
            group, _, name = path.rpartition(".")
            place = given.setdefault(group, {}) if group else given
            try:
                place[name] = read_value(key)
            except pulumi.ConfigTypeError as error:
                problem = f"is {_shown(key, error.value)}; it should be {expected}"
                raise SettingError(key, problem, _right_type(key, path)) from None
    return cast("KakaoLoginArgs", given)


def _setting_error(error: InputError) -> SettingError:
    """Return the error with names of settings instead of inputs, and with the command that fixes it."""
    key = KEYS[error.path]
    problem = error.problem
    for path in sorted(KEYS, key=len, reverse=True):
        problem = re.sub(rf"(?<![\w.]){re.escape(path)}(?![\w.])", KEYS[path], problem)
    return SettingError(key, problem.replace("{value}", _shown(key, error.value)), _fix(key, error))


def _shown(key: str, value: object) -> str:
    return "a secret" if is_config_secret(f"{pulumi.get_project()}:{key}") else repr(value)


def _right_type(key: str, path: str) -> Fix:
    """Return how to replace a value of a wrong type."""
    if key in OBJECTS:
        return remove(key)
    if key in LISTS:
        return write_list(key)
    group, _, name = path.rpartition(".")
    return set_value(key, json.dumps((inputs.DEFAULTS[group] if group else inputs.DEFAULTS)[name]))


def _fix(key: str, error: InputError) -> Fix:
    if error.superfluous and key in LISTS and error.value is not None and error.item is None:
        return write_list(key)  # the whole value is of a wrong type; a rule of several inputs names no value
    if error.superfluous:
        others = (remove(KEYS[path]) for path in error.others)
        return in_turn(remove(key, item=error.item), *others)
    if error.right is not None:
        return set_value(key, error.right, item=error.item if key in OBJECTS else None)
    return ask(key, item=error.item, secret=key in SECRETS)


def _refuse_id_as_secret(args: KakaoLoginArgs) -> None:
    if args["kakao"]["client_secret"] == args["kakao"]["client_id"]:
        problem = "is the same as kakaoClientId; Kakao shows it below the REST API key"
        raise SettingError("kakaoClientSecret", problem, ask("kakaoClientSecret", secret=True))


def _check_names() -> None:
    """Refuse a project or a stack whose name AWS would refuse as part of a resource's name."""
    try:
        names.check_stack(pulumi.get_project(), pulumi.get_stack())
    except names.InvalidNameError as error:
        raise pulumi.RunError(f"{error} Choose another name: pulumi stack init <name>") from None

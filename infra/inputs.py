"""The inputs of `KakaoLogin`, their defaults, and the rules that they follow."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast
from urllib.parse import urlsplit

import pulumi

from handlers import contract
from infra import content_security_policy, packaging, page_files
from infra.keys import nearest


class KakaoAppArgs(TypedDict):
    """The app at developers.kakao.com."""

    client_id: str
    """REST API key."""
    client_secret: pulumi.Input[str]
    """Client secret of the REST API key."""
    sign_in: NotRequired[str]
    """`hosted`: users sign in through Cognito's hosted login; `direct`: at Kakao itself."""
    app_id: NotRequired[str]
    """Numeric id of the app. Only with it is sign-in with a Kakao token deployed."""
    app_keys: NotRequired[Sequence[str]]
    """Further keys (native app key, JavaScript key) whose ID tokens may sign in."""
    scopes: NotRequired[str]
    """Consent items to request, separated by spaces. Each must be enabled in Kakao's console."""
    logout: NotRequired[bool]
    """Let a sign-out end the session at Kakao too, where the user chooses it."""
    attributes: NotRequired[Mapping[str, str]]
    """Attribute of the user pool for each further consent, such as `{"phone_number": "phone_number"}`."""
    issuer: NotRequired[str]
    """OpenID Connect issuer."""
    api: NotRequired[str]
    """Address of Kakao's API."""


class DomainArgs(TypedDict):
    """Domains of the team. Without them CloudFront and Cognito give the site and the hosted login their domains."""

    hosted_zone_id: NotRequired[str]
    """Public Route 53 zone of both domains."""
    site: NotRequired[str]
    """Domain of the site, such as `www.example.com`."""
    login: NotRequired[str]
    """Domain of the hosted login, such as `login.example.com`."""
    login_parent_record: NotRequired[bool]
    """Create the A record of the parent domain that Cognito requires, where there is none."""
    prefix: NotRequired[str]
    """Prefix of the hosted login's domain at Cognito, with {accountId} for the AWS account."""


class TokenArgs(TypedDict):
    """Lifetimes."""

    minutes: NotRequired[int]
    """Lifetime of ID and access tokens, 5 to 1440 minutes."""
    refresh_days: NotRequired[int]
    """Lifetime of refresh tokens, 1 to 3650 days."""
    rotate: NotRequired[bool]
    """Issue a new refresh token at each refresh; the old one stops working after a minute."""


class FunctionArgs(TypedDict):
    """Settings of all Lambda functions."""

    runtime: NotRequired[str]
    """Lambda runtime, `python3.11` to `python3.14`."""
    architecture: NotRequired[str]
    """`arm64` or `x86_64`."""
    log_days: NotRequired[int]
    """Days for which CloudWatch Logs keeps log lines."""
    permissions_boundary: NotRequired[str]
    """ARN of the IAM policy that limits the roles of the functions."""


class KakaoLoginArgs(TypedDict):
    """Inputs of `KakaoLogin`. An empty text means: derived from the deployment, or absent."""

    kakao: KakaoAppArgs
    domains: NotRequired[DomainArgs]
    tokens: NotRequired[TokenArgs]
    functions: NotRequired[FunctionArgs]
    email_accounts: NotRequired[bool]
    """Let users sign up and sign in with e-mail and password too."""
    service_name: NotRequired[str]
    """Name of the service in mails to users; without it the mails name no service."""
    groups: NotRequired[Sequence[str]]
    """Groups of users, such as `admin`."""
    first_sign_in: NotRequired[bool]
    """Announce new users to the functions that are given to `at_first_sign_in`."""
    page: NotRequired[str]
    """Folder of the page, such as the `dist` of a framework."""
    content_security_policy: NotRequired[Mapping[str, Sequence[str]]]
    """Sources that the page needs beside the site itself, such as `{"img-src": ["https://img.example.com"]}`."""
    site_url: NotRequired[str]
    """Address at which browsers reach the site, where that is not its domain."""
    extra_origins: NotRequired[Sequence[str]]
    """Further sites that may use this login, such as `http://localhost:3000`."""
    app_callbacks: NotRequired[Sequence[str]]
    """App links to which the hosted login redirects mobile apps."""
    custom_attributes: NotRequired[Sequence[str]]
    """Custom attributes of the user pool, such as `custom:plan`. Those in `kakao.attributes` need no entry."""
    connect_checks_user: NotRequired[bool]
    """Ask Cognito at each WebSocket connect whether the user still exists and is enabled."""
    waf: NotRequired[bool]
    """Put a firewall (AWS WAF) in front of the site and the user pool."""
    alarm_email: NotRequired[str]
    """Address to which alarms are mailed."""
    mail_from: NotRequired[str]
    """Sender of mails to users, of a domain that Amazon SES has verified."""
    protect: NotRequired[bool]
    """Refuse to delete the user pool."""
    new_profiles: NotRequired[bool]
    """Allow a change of `kakao.sign_in`, after which users get new profiles."""
    hosted_login_url: NotRequired[str]
    """Address at which browsers reach the hosted login, where that is not its domain."""
    jwks_url: NotRequired[str]
    """Address of the pool's signing keys, with {userPoolId} for its id."""
    websocket_management_url: NotRequired[str]
    """Address at which functions post to connections, with {apiId} for the WebSocket API's id."""


DEFAULTS: Mapping[str, Any] = {
    "kakao": {
        "sign_in": contract.HOSTED,
        "app_id": "",
        "app_keys": [],
        "scopes": "openid account_email profile_nickname",
        "logout": False,
        "attributes": {},
        "issuer": "https://kauth.kakao.com",
        "api": "https://kapi.kakao.com",
    },
    "domains": {"hosted_zone_id": "", "site": "", "login": "", "login_parent_record": False, "prefix": ""},
    "tokens": {"minutes": 15, "refresh_days": 30, "rotate": True},
    "functions": {"runtime": "python3.13", "architecture": "arm64", "log_days": 30, "permissions_boundary": ""},
    "email_accounts": True,
    "service_name": "",
    "groups": [],
    "first_sign_in": False,
    "page": "frontend",
    "content_security_policy": {},
    "site_url": "",
    "extra_origins": [],
    "app_callbacks": [],
    "custom_attributes": [],
    "connect_checks_user": True,
    "waf": False,
    "alarm_email": "",
    "mail_from": "",
    "protect": True,
    "new_profiles": False,
    "hosted_login_url": "",
    "jwks_url": "",
    "websocket_management_url": "",
}


LOOPBACK = {"localhost", "127.0.0.1", "::1"}  # Cognito accepts http for these hosts only
NOT_KAKAO_SCOPES = {"email": "account_email", "profile": "profile_nickname"}
ALWAYS_MAPPED = ("email", "email_verified", "nickname")
# Standard attributes of a user pool that a team may fill, all of them text. Those two take one form alone.
STANDARD_ATTRIBUTES = (
    *("address", "birthdate", "family_name", "gender", "given_name", "locale", "middle_name", "name", "phone_number"),
    *("picture", "preferred_username", "profile", "website", "zoneinfo"),
)
FORMS = {"birthdate": "YYYY-MM-DD", "phone_number": "E.164"}
CUSTOM_ATTRIBUTE = r"custom:[A-Za-z0-9_-]{1,20}"  # Cognito, CustomAttributeNameType
MAX_CUSTOM_ATTRIBUTES = 50
# CloudWatch Logs, PutRetentionPolicy.
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
RESERVED_IN_PREFIXES = ("aws", "amazon", "cognito")
LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOST = rf"(?=.{{1,63}}$)({LABEL}\.)+[a-z]([a-z0-9-]*[a-z0-9])?"  # Cognito takes at most 63 characters
ACCOUNT = "{accountId}"
MAX_SERVICE_NAME_LENGTH = 60
MAX_GROUPS = 20  # all of them fit into the cookie of a session
# Braces are placeholders in Cognito's templates; angle brackets are HTML.
NOT_IN_SERVICE_NAMES = "<>{}"
QUOTES = "'\"`\u2018\u2019\u201c\u201d\u300c\u300d"

GROUPS: Mapping[str, type] = {
    "kakao": KakaoAppArgs,
    "domains": DomainArgs,
    "tokens": TokenArgs,
    "functions": FunctionArgs,
}


class InputError(ValueError):
    """An input is unknown, missing or wrong.

    `path` is its name, such as `tokens.minutes`, and `item` its index in a list or its name in an object. `problem` is
    the end of a sentence that begins with the input; `{value}` in it stands for the value. `right` is a correct value,
    or None where only the team knows one. `superfluous` says that the input must be removed, and so must `others`.
    """

    def __init__(
        self,
        path: str,
        problem: str,
        *,
        value: object = None,
        right: str | None = None,
        item: int | str | None = None,
        superfluous: bool = False,
        others: Sequence[str] = (),
    ) -> None:
        place = path if item is None else f"{path}[{item}]"
        super().__init__(f"{place} {problem.replace('{value}', repr(value))}")
        self.path = path
        self.problem = problem
        self.value = value
        self.right = right
        self.item = item
        self.superfluous = superfluous
        self.others = others


def checked(args: KakaoLoginArgs) -> KakaoLoginArgs:
    """Return the inputs with their defaults. Raises InputError for the first unknown or wrong input."""
    complete = cast("KakaoLoginArgs", _complete(args, DEFAULTS, KakaoLoginArgs))
    for path, rule in RULES.items():
        rule(path, _value(complete, path))
    _check_sign_in(complete)
    _check_ci(complete)
    _check_domains(complete)
    _check_site_url(complete)
    return complete


def with_prefix(args: KakaoLoginArgs, name: str) -> KakaoLoginArgs:
    """Return checked inputs with a prefix of Cognito's domain: unless one is given, `name` and the account.

    Where there is no hosted login there is none. All AWS accounts of a region share the prefixes. Raises InputError
    where Cognito would refuse the derived one.
    """
    domains = args["domains"]
    if domains["login"] or domains["prefix"] or args["kakao"]["sign_in"] == contract.DIRECT:
        return args
    if word := _reserved_word(name):
        problem = f"is not set, and {name!r}, which it is derived from, contains {word!r}; Cognito refuses that"
        raise InputError("domains.prefix", problem)
    return {**args, "domains": {**domains, "prefix": f"{name}-{ACCOUNT}"}}


def _complete(given: Mapping[str, Any], defaults: Mapping[str, Any], kind: type, group: str = "") -> dict[str, Any]:
    for name in given:
        if name not in kind.__annotations__:
            near = nearest(name, kind.__annotations__)
            hint = f"; the nearest is {group}{near}" if near else ""
            raise InputError(f"{group}{name}", f"is no input of KakaoLogin{hint}", superfluous=True)
    complete = {**defaults, **{name: value for name, value in given.items() if value is not None}}
    for name, members in GROUPS.items() if kind is KakaoLoginArgs else ():
        complete[name] = _complete(complete.get(name) or {}, defaults[name], members, f"{name}.")
    return complete


def _value(args: KakaoLoginArgs, path: str) -> Any:
    value: Any = args
    for name in path.split("."):
        value = value.get(name)
    return value


# Rules of one input. They take its path and its value, and raise InputError.

Rule = Callable[[str, Any], None]


def _text(grammar: str, expected: str, right: str | None = None) -> Rule:
    def rule(path: str, value: Any) -> None:
        if value is None:
            raise InputError(path, "is not set", right=right)
        if not isinstance(value, str):
            raise InputError(path, f"is {{value}}; it should be {expected}", value=value, right=right)
        _check_pasted(path, value, right=right)
        if not re.fullmatch(grammar, value):
            raise InputError(path, f"is {{value}}; it should be {expected}", value=value, right=right)

    return rule


def _check_pasted(path: str, value: str, *, right: str | None = None, item: int | None = None) -> None:
    """Refuse white space, quotation marks and invisible characters, without the value: it may be a secret."""
    if flaw := _flaw(value):
        raise InputError(path, f"{flaw}; copy it again", right=right, item=item)


def _flaw(value: str) -> str:
    if value != value.strip():
        return "begins or ends with white space"
    if value and (value[0] in QUOTES or value[-1] in QUOTES):
        return "begins or ends with a quotation mark"
    if value.startswith("<"):
        return "begins with `<`, as a placeholder does"
    for place, character in enumerate(value, 1):
        if unicodedata.category(character)[0] in "CZ" and character != " ":
            name = unicodedata.name(character, "a control character")
            return f"holds an invisible character at place {place}, {name} (U+{ord(character):04X})"
        if not character.isascii():
            return f"holds a character that is not ASCII at place {place}, such as a full-width letter"
    return ""


def _one_of(known: Collection[str], right: str) -> Rule:
    return _text("|".join(map(re.escape, known)), " or ".join(known), right)


def _client_secret(path: str, value: Any) -> None:
    if value is None or value == "":
        raise InputError(path, "is not set")
    if isinstance(value, str):  # the value of an Output is known only at the deployment
        _check_pasted(path, value)
        if not re.fullmatch(r"[!-~]+", value):
            raise InputError(path, "holds white space; copy it again")


def _flag(right: str) -> Rule:
    def rule(path: str, value: Any) -> None:
        if not isinstance(value, bool):
            raise InputError(path, "is {value}; it should be true or false", value=value, right=right)

    return rule


def _whole(least: int, most: int) -> Rule:
    def rule(path: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise InputError(path, "is {value}; it should be a whole number", value=value, right=str(least))
        if not least <= value <= most:
            right = str(min(max(int(value), least), most))
            raise InputError(path, f"is {value:g}; Cognito takes {least} to {most}", value=value, right=right)

    return rule


def _log_days(path: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(path, "is {value}; it should be a whole number", value=value, right="30")
    if value not in LOG_DAYS:
        right = str(min(LOG_DAYS, key=lambda known: abs(known - value)))
        takes = ", ".join(map(str, LOG_DAYS))
        raise InputError(path, f"is {value:g}; CloudWatch takes {takes}", value=value, right=right)


def _scopes(path: str, value: Any) -> None:
    right = DEFAULTS["kakao"]["scopes"]
    _text(r"[a-z_]+( [a-z_]+)*", "scopes separated by spaces", right)(path, value)
    for scope in value.split():
        if scope in NOT_KAKAO_SCOPES:
            known = NOT_KAKAO_SCOPES[scope]
            problem = f"names {scope!r}, which Kakao does not know (KOE205); its name there is {known!r}"
            raise InputError(path, problem, right=right)
    if "openid" not in value.split():
        raise InputError(path, "lacks 'openid', without which Kakao issues no ID token", right=right)


def _list(check: Callable[[str, str, int], None], expected: str) -> Rule:
    def rule(path: str, value: Any) -> None:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise InputError(path, f"is {{value}}; it should be a list of {expected}", value=value, superfluous=True)
        for item, one in enumerate(value):
            if not isinstance(one, str):
                raise InputError(path, f"has {{value}}; it should be a list of {expected}", value=one, item=item)
            _check_pasted(path, one, item=item)
            check(path, one, item)
            if one in value[:item]:
                raise InputError(path, "names {value} twice", value=one, item=item, superfluous=True)

    return rule


def _group(path: str, value: str, item: int) -> None:
    """Cognito takes more characters; a space, a comma or a bracket would make the claim ambiguous."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value):
        problem = "has {value}; a group's name has 1 to 64 letters, digits, hyphens, underscores and full stops"
        raise InputError(path, problem, value=value, item=item)
    if value.endswith(f"_{contract.PROVIDER}"):
        problem = f"has {{value}}; Cognito itself names a group <pool>_{contract.PROVIDER}"
        raise InputError(path, problem, value=value, item=item)
    if item >= MAX_GROUPS:
        raise InputError(path, f"names more than {MAX_GROUPS}", value=value, item=item, superfluous=True)


def _kakao_attributes(path: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        problem = "is {value}; it should be an object with an attribute for each consent"
        raise InputError(path, problem, value=value, superfluous=True)
    consents: dict[str, str] = {}  # by attribute
    for consent, attribute in value.items():
        _check_consent(path, consent)
        problem, right = _misfit(consent, attribute)
        if not problem and consents.setdefault(attribute, consent) != consent:
            problem, right = f", as {consents[attribute]}; an attribute has one value", f"custom:{consent}"
        if problem:
            raise InputError(path, f"maps {consent} to {{value}}{problem}", value=attribute, item=consent, right=right)


def _check_consent(path: str, consent: str) -> None:
    if consent in contract.KAKAO_CONSENTS:
        return
    if consent in ALWAYS_MAPPED:
        raise InputError(path, f"names {consent!r}, which is always mapped", item=consent, superfluous=True)
    near = nearest(consent, contract.KAKAO_CONSENTS)
    hint = f"; the nearest is {near}" if near else f"; it has {', '.join(contract.KAKAO_CONSENTS)}"
    problem = f"names {consent!r}, which is no consent of Kakao that can be mapped{hint}"
    raise InputError(path, problem, item=consent, superfluous=True)


def _misfit(consent: str, attribute: object) -> tuple[str, str]:
    """Return why a consent cannot fill an attribute of the pool, and one that it can; an empty text where it can."""
    if isinstance(attribute, str) and re.fullmatch(CUSTOM_ATTRIBUTE, attribute):
        return "", ""
    if attribute not in STANDARD_ATTRIBUTES:
        near = nearest(str(attribute), STANDARD_ATTRIBUTES)
        near = None if near in FORMS and near != consent else near
        hint = f"; the nearest is {near}" if near else ""
        problem = f", which is no attribute of a user pool and no custom:name of up to 20 characters{hint}"
        return problem, near or f"custom:{consent}"
    if attribute in FORMS and attribute != consent:
        return f", which Cognito takes as {FORMS[str(attribute)]} only", f"custom:{consent}"
    return "", ""


def _custom_attribute(path: str, value: str, item: int) -> None:
    if not re.fullmatch(CUSTOM_ATTRIBUTE, value):
        problem = "has {value}; it should be custom: and a name of up to 20 letters, digits, hyphens and underscores"
        raise InputError(path, problem, value=value, item=item)


def _app_key(path: str, value: str, item: int) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise InputError(path, "has {value}, which is no key of a Kakao app", value=value, item=item)


def _app_callback(path: str, value: str, item: int) -> None:
    if not re.fullmatch(r"https?://[A-Za-z0-9._~:/?=&%-]+", value):
        problem = "has {value}; it should be an app link, https and without a fragment: any app may claim a scheme"
        raise InputError(path, problem, value=value, item=item)
    _check_transport(path, value, item=item)


def _origin(right: str | None = None) -> Rule:
    def rule(path: str, value: Any) -> None:
        if value == "" and right is None:
            return
        _text(".*", "an origin", right)(path, value)
        _check_origin(path, value, right=right)

    return rule


def _check_origin(path: str, value: str, item: int | None = None, *, right: str | None = None) -> None:
    """Check an origin (RFC 6454): scheme, host and port, without a slash at the end."""
    example = right or ("http://localhost:3000" if item is not None else "https://login.example.com")
    if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", value):
        problem = f"is {{value}}; it should be an origin such as {example}, without a path"
        raise InputError(path, problem, value=value, item=item, right=right)
    scheme, _, port = value.rpartition(":")
    default = {"http": "80", "https": "443"}.get(scheme.partition(":")[0])
    if port.isdecimal() and (port == default or not 1 <= int(port) <= 65535):
        problem = "is {value}; a browser never writes this port in an origin"
        raise InputError(path, problem, value=value, item=item, right=right)
    _check_transport(path, value, item=item, right=right)


def _address(example: str) -> Rule:
    def rule(path: str, value: Any) -> None:
        _text(r"(https?://[A-Za-z0-9./:{}_-]+)?", f"an address such as {example}, or empty")(path, value)
        _check_transport(path, value)

    return rule


def _check_transport(path: str, value: str, *, item: int | None = None, right: str | None = None) -> None:
    if value.startswith("http:") and urlsplit(value).hostname not in LOOPBACK:
        problem = "is {value}; only this machine may be reached over plain http"
        raise InputError(path, problem, value=value, item=item, right=right)


def _page(path: str, value: Any) -> None:
    _text(r".+", "a folder", DEFAULTS["page"])(path, value)
    if problem := page_files.flaw(value):
        raise InputError(path, problem, value=value)


def _content_security_policy(path: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        problem = "is {value}; it should be an object with a list of sources for each directive"
        raise InputError(path, problem, value=value, superfluous=True)
    for directive, sources in value.items():
        if isinstance(sources, str) or not isinstance(sources, Sequence):
            problem = f"has {{value}} for {directive}; it should be a list of sources"
            raise InputError(path, problem, value=sources, item=directive, superfluous=True)
        for source in sources:
            if problem := content_security_policy.flaw(directive, source):
                raise InputError(path, problem, item=directive, superfluous=True)


def _service_name(path: str, value: Any) -> None:
    if not isinstance(value, str):
        raise InputError(path, "is {value}; it should be a name", value=value)
    if value != value.strip():
        raise InputError(path, "begins or ends with white space; write it again")
    wrong = [
        one for one in value if one in NOT_IN_SERVICE_NAMES or (unicodedata.category(one)[0] in "CZ" and one != " ")
    ]
    if wrong:
        raise InputError(path, f"has {wrong[0]!r}, which a mail's subject or template does not take", value=value)
    if len(value) > MAX_SERVICE_NAME_LENGTH:
        problem = f"has {len(value)} characters; it takes at most {MAX_SERVICE_NAME_LENGTH}"
        raise InputError(path, problem, value=value)


def _reserved_word(prefix: str) -> str | None:
    """Return the word for which Cognito refuses a prefix of its domain, or None."""
    return next((word for word in RESERVED_IN_PREFIXES if word in prefix), None)


def _prefix(path: str, value: Any) -> None:
    _text(".*", "a prefix")(path, value)
    prefix = value.replace(ACCOUNT, "0" * 12)
    if value and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", prefix):
        problem = "is {value}; it takes 1 to 63 lower-case letters, digits and inner hyphens"
        raise InputError(path, problem, value=value)
    if word := _reserved_word(prefix):
        raise InputError(path, f"is {{value}}; Cognito refuses a domain that contains {word!r}", value=value)


RULES: Mapping[str, Rule] = {
    "kakao.client_id": _text(r"[A-Za-z0-9_-]+", "Kakao's REST API key"),
    "kakao.client_secret": _client_secret,
    "kakao.sign_in": _one_of((contract.HOSTED, contract.DIRECT), contract.HOSTED),
    "kakao.app_id": _text(r"[0-9]*", "a number, or empty"),
    "kakao.app_keys": _list(_app_key, "keys of the Kakao app"),
    "kakao.logout": _flag("false"),
    "kakao.issuer": _origin(DEFAULTS["kakao"]["issuer"]),
    "kakao.api": _origin(DEFAULTS["kakao"]["api"]),
    "kakao.scopes": _scopes,
    "kakao.attributes": _kakao_attributes,
    "domains.hosted_zone_id": _text(
        r"(Z[A-Z0-9]{1,31})?", "the id of a public zone in Route 53, such as Z0123456789ABCDEFGHIJ, or empty"
    ),
    "domains.site": _text(rf"({HOST})?", "a host name such as www.example.com, or empty"),
    "domains.login": _text(
        rf"(?!{LABEL}\.{LABEL}$)({HOST})?", "a host name below one of yours, such as login.example.com, or empty"
    ),
    "domains.login_parent_record": _flag("false"),
    "domains.prefix": _prefix,
    "tokens.minutes": _whole(5, 1440),
    "tokens.refresh_days": _whole(1, 3650),
    "tokens.rotate": _flag("true"),
    "functions.runtime": _one_of(packaging.GLIBC, DEFAULTS["functions"]["runtime"]),
    "functions.architecture": _one_of(packaging.MACHINES, DEFAULTS["functions"]["architecture"]),
    "functions.log_days": _log_days,
    "functions.permissions_boundary": _text(
        r"(arn:aws:iam::[0-9]{12}:policy/[A-Za-z0-9/+=,.@_-]+)?",
        "the ARN of a policy, such as arn:aws:iam::123456789012:policy/kakao-login-dev-boundary, or empty",
    ),
    "email_accounts": _flag("true"),
    "service_name": _service_name,
    "groups": _list(_group, "names of groups"),
    "first_sign_in": _flag("false"),
    "page": _page,
    "content_security_policy": _content_security_policy,
    "site_url": _origin(),
    "extra_origins": _list(_check_origin, "origins"),
    "app_callbacks": _list(_app_callback, "addresses"),
    "custom_attributes": _list(_custom_attribute, "custom attributes"),
    "connect_checks_user": _flag("true"),
    "waf": _flag("true"),
    "alarm_email": _text(r"([^@\s]+@[^@\s]+\.[^@\s]+)?", "an e-mail such as team@example.com, or empty"),
    "mail_from": _text(
        rf"((?=[^@]{{1,64}}@)[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@{HOST})?",
        "an e-mail of a domain of yours, such as no-reply@example.com, or empty",
    ),
    "protect": _flag("true"),
    "new_profiles": _flag("false"),
    "hosted_login_url": _origin(),
    "jwks_url": _address("https://keys.example.com/{userPoolId}/.well-known/jwks.json"),
    "websocket_management_url": _address("https://ws.example.com/{apiId}/ws"),
}


# Rules of several inputs together

# What belongs to the hosted login alone.
OF_HOSTED_LOGIN = (
    "domains.login",
    "domains.login_parent_record",
    "domains.prefix",
    "hosted_login_url",
    "app_callbacks",
)


def _check_sign_in(args: KakaoLoginArgs) -> None:
    if args["kakao"]["sign_in"] != contract.DIRECT:
        return
    if not args["kakao"]["app_id"]:
        raise InputError(
            "kakao.app_id", "is not set, but kakao.sign_in is direct, which checks whose tokens Kakao gives"
        )
    first, *others = [path for path in OF_HOSTED_LOGIN if _value(args, path)] or [""]
    if first == "domains.login" and args["domains"]["hosted_zone_id"] and not args["domains"]["site"]:
        others.append("domains.hosted_zone_id")  # it would be left for no domain
    if first:
        problem = "belongs to the hosted login, which a stack with kakao.sign_in direct does not have"
        also = f"; so do {' and '.join(others)}" if len(others) > 1 else f"; so does {others[0]}" if others else ""
        raise InputError(first, problem + also, superfluous=True, others=others)


def _check_ci(args: KakaoLoginArgs) -> None:
    """Refuse the CI, with which services identify people, where a user could write another user's.

    In hosted mode each client may write the mapped attributes. So a user may too (UpdateUserAttributes), with an access
    token that has the scope `aws.cognito.signin.user.admin`: one of a sign-in by password or with a Kakao token.
    """
    kakao = args["kakao"]
    if kakao["sign_in"] == contract.DIRECT or "ci" not in kakao["attributes"]:
        return
    reasons = (("email_accounts is true", args["email_accounts"]), ("kakao.app_id is set", kakao["app_id"]))
    if reason := " and ".join(text for text, holds in reasons if holds):
        problem = (
            f"maps ci, but kakao.sign_in is hosted and {reason}: a user could write any CI. Set kakao.sign_in to "
            "direct, or do without email_accounts and kakao.app_id"
        )
        raise InputError("kakao.attributes", problem, item="ci", superfluous=True)


def _check_domains(args: KakaoLoginArgs) -> None:
    domains = args["domains"]
    login, site = domains["login"], domains["site"]
    for path, domain in (("domains.site", site), ("domains.login", login)):
        if domain and not domains["hosted_zone_id"]:
            problem = f"is not set, but {path} is, whose records go into that zone"
            raise InputError("domains.hosted_zone_id", problem)
    if domains["hosted_zone_id"] and not site and not login:
        problem = "is not set, and neither is domains.login: domains.hosted_zone_id alone does nothing"
        raise InputError("domains.site", problem)
    if domains["login_parent_record"] and not login:
        raise InputError("domains.login_parent_record", "is true without a domains.login", right="false")
    if not login:
        return
    if login == site:
        raise InputError("domains.login", "is the same as domains.site; the hosted login needs a name of its own")
    if domains["login_parent_record"] and login.partition(".")[2] == site:
        problem = "is true, but the parent of domains.login is domains.site, which has a record"
        raise InputError("domains.login_parent_record", problem, right="false")
    for path in ("domains.prefix", "hosted_login_url"):
        if _value(args, path):
            problem = "is set beside domains.login, which says where the hosted login is"
            raise InputError(path, problem, superfluous=True)


def _check_site_url(args: KakaoLoginArgs) -> None:
    site, url = args["domains"]["site"], args["site_url"]
    if site and url:
        raise InputError("site_url", "is set beside domains.site, which says where the site is", superfluous=True)
    for path, own in (("domains.site", f"https://{site}"), ("site_url", url)):
        if own in args["extra_origins"]:
            item = list(args["extra_origins"]).index(own)
            problem = f"names {path}, which is the site itself"
            raise InputError("extra_origins", problem, item=item, superfluous=True)

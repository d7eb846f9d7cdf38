"""The checks of a stack. Each checks one thing that a sign-in needs.

A check that passes returns. It raises CheckFailed for a fault, MissingOutput where the stack lacks an output, and an
error of requests where a server does not answer. Its texts have nothing that a server has sent, except a KOE code, the
name of a header and a status.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import pulumi
import requests

from doctor.stack import PROJECT, Stack
from handlers import contract
from infra import commands, kakao, settings
from infra.inputs import KakaoAppArgs
from infra.keys import SettingError

TIMEOUT_SECONDS = 10
ERRORS_OF_KAKAO = (
    "docs/guides/kakao-console.md and https://developers.kakao.com/docs/latest/ko/kakaologin/trouble-shooting"
)
REST_API_KEY = "앱 › 플랫폼 키 › REST API 키 (App › Platform key › REST API key)"
SECURITY_HEADERS = (
    "Content-Security-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
)
OUTPUTS = ("clientId", "kakaoRedirectUri", "siteUrl", "userPoolId")
UP_AGAIN = "pulumi up"


class CheckFailed(Exception):
    """A check found a fault: what it found, and how to fix it."""

    def __init__(self, found: str, fix: str) -> None:
        """Take both texts without a full stop."""
        super().__init__(found)
        self.found = found
        self.fix = fix


class MissingOutput(Exception):
    """The stack does not have this output."""


class Target(NamedTuple):
    """The stack to check, and the HTTP session for requests to its servers."""

    stack: Stack
    session: requests.Session

    def output(self, name: str) -> str:
        """Return an output of the stack. Raises MissingOutput."""
        if name not in self.stack.outputs:
            raise MissingOutput(name)
        return str(self.stack.outputs[name])

    def get(self, url: str, **headers: str) -> requests.Response:
        """Send one GET request, and follow no redirect."""
        return self.session.get(url, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False)

    def document(self, url: str, fix: str) -> dict[str, Any]:
        """Return the JSON object at an address. Raises CheckFailed for any other answer."""
        answer = self.get(url)
        try:
            document = answer.json() if answer.status_code == requests.codes.ok else None
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise CheckFailed(f"{url} answers {answer.status_code} and no JSON object", fix)
        return document


Check = Callable[[Target], None]


class Finding(NamedTuple):
    """The outcome of one check. `mark` is ✓ for passed, ✗ for failed and – for not known."""

    mark: str
    name: str
    found: str = ""
    fix: str = ""

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.mark} {self.name}" + (f": {self.found}" if self.found else "") + (self.fix and f" → {self.fix}")


def examine(stack: Stack, session: requests.Session) -> Iterator[Finding]:
    """Run every check, also after one that failed."""
    target = Target(stack, session)
    for name, check in CHECKS.items():
        try:
            check(target)
        except CheckFailed as broken:
            yield Finding("✗", name, broken.found, broken.fix)
        except requests.RequestException as error:
            host = urlsplit(error.request.url or "").netloc if error.request else "?"
            fix = f"check that {host} is up and that this machine can reach it"
            yield Finding("–", name, f"{host} is not reachable ({type(error).__name__})", fix)
        except MissingOutput as missing:
            yield Finding("–", name, f"the stack has no output {missing}", UP_AGAIN)
        else:
            yield Finding("✓", name)


# Settings


def settings_are_right(target: Target) -> None:
    """The program accepts the settings. Secrets are not known here and count as correct."""
    secrets = dict.fromkeys(target.stack.encrypted, "encrypted")
    known = {key: value for key, value in target.stack.settings.items() if key.startswith(f"{PROJECT['name']}:")}

    async def read() -> None:  # Pulumi keeps secrets in futures, which need an event loop
        pulumi.runtime.set_all_config(secrets | known, list(secrets))
        settings.read()

    pulumi.runtime.settings.configure(pulumi.runtime.settings.Settings(project=PROJECT["name"], stack="doctor"))
    try:
        asyncio.run(read())
    except SettingError as error:
        raise CheckFailed(error.found, error.fix) from None


def secret_is_encrypted(target: Target) -> None:
    """The client secret is encrypted: the stack's file is committed."""
    key = f"{PROJECT['name']}:kakaoClientSecret"
    if key in target.stack.settings and key not in target.stack.encrypted:
        fix = "issue a new secret at Kakao, then run: pulumi config set --secret kakaoClientSecret"
        raise CheckFailed("kakaoClientSecret is in the stack's file in plain text", fix)


def protected_stack_has_no_local_origin(target: Target) -> None:
    """No local origin may use the login: another program on the user's machine could take the user's tokens."""
    if target.stack["protect"] != "true":
        return
    sites = [(target.stack["siteUrl"], commands.remove("siteUrl"))]
    for item, origin in enumerate(_listed(target.stack["extraOrigins"])):
        sites.append((str(origin), commands.remove("extraOrigins", item=item)))
    for site, fix in sites:
        if re.match(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:|$)", site):
            raise CheckFailed(f"{site} may use the login of a protected stack", fix.command)


def _listed(value: str) -> list[Any]:
    """Return a setting that is a list, or an empty list for any other value: settings_are_right reports that one."""
    try:
        items = json.loads(value or "[]")
    except ValueError:
        return []
    return items if isinstance(items, list) else []


def stack_is_up(target: Target) -> None:
    """`pulumi up` has succeeded at least once."""
    if missing := [name for name in OUTPUTS if name not in target.stack.outputs]:
        raise CheckFailed(f"the stack has no output {', '.join(missing)}", UP_AGAIN)


# Kakao


def kakao_is_discovered(target: Target) -> None:
    """Cognito has the endpoints of Kakao's discovery document."""
    issuer = target.stack["kakaoIssuer"]
    ours = kakao.endpoints(issuer)
    fix = "correct kakaoIssuer and kakaoApi, or update this program"
    document = target.document(f"{issuer}/.well-known/openid-configuration", fix)
    expected = {
        "issuer": issuer,
        "authorization_endpoint": ours["authorize_url"],
        "token_endpoint": ours["token_url"],
        "userinfo_endpoint": f"{target.stack['kakaoApi']}/v1/oidc/userinfo",
        "jwks_uri": ours["jwks_uri"],
    }
    if different := [name for name, address in expected.items() if document.get(name) != address]:
        raise CheckFailed(f"Kakao's discovery document has another {', '.join(different)}", fix)


def kakao_takes_the_sign_in(target: Target) -> None:
    """Kakao's authorize endpoint accepts the key, the redirect URI and the scopes."""
    redirect_uri = target.output("kakaoRedirectUri")
    scopes = _scopes(target)
    match _refusal(target, scopes):
        case "":
            return
        case "KOE004":
            fix = "turn it on: 카카오 로그인 › 사용 설정 (Kakao Login › Enable)"
            raise CheckFailed("KOE004, Kakao Login is not activated", fix)
        case "KOE006":
            fix = f"register exactly {redirect_uri}: {REST_API_KEY} › 리다이렉트 URI"
            raise CheckFailed("KOE006, the redirect URI is not registered", fix)
        case "KOE008" | "KOE101" as code:
            fix = (
                f"copy the key from {REST_API_KEY}, run pulumi config set kakaoClientId <REST API key>, then pulumi up"
            )
            raise CheckFailed(f"{code}, Kakao has no app with the key in kakaoClientId", fix)
        case "KOE205":
            off = [scope for scope in scopes.split() if _refusal(target, scope) == "KOE205"]
            raise _scopes_off(off or scopes.split())
        case refusal:
            raise CheckFailed(f"Kakao refuses the sign-in with {refusal}", f"see {ERRORS_OF_KAKAO}")


def _scopes(target: Target) -> str:
    """Return the scopes of kakaoScopes and of the consents in kakaoAttributes."""
    try:
        mapped = json.loads(target.stack["kakaoAttributes"] or "{}")
    except ValueError:  # settings_are_right reports it
        mapped = {}
    known = [consent for consent in mapped if consent in contract.KAKAO_CONSENTS] if isinstance(mapped, dict) else []
    args = {"scopes": target.stack["kakaoScopes"], "attributes": dict.fromkeys(known, "")}
    return kakao.scopes(cast("KakaoAppArgs", args))


def _refusal(target: Target, scopes: str) -> str:
    """Return the KOE code or the HTTP status with which Kakao refuses a sign-in with these scopes, or an empty text."""
    query = {
        "response_type": "code",
        "client_id": target.stack["kakaoClientId"],
        "redirect_uri": target.output("kakaoRedirectUri"),
        "scope": scopes,
        "state": "doctor",
    }
    answer = target.get(f"{target.stack['kakaoIssuer']}/oauth/authorize?{urlencode(query)}")
    koe = re.search(r"\bKOE[0-9]{3}\b", answer.headers.get("Location", "") + answer.text)
    return koe[0] if koe else "" if answer.ok else f"status {answer.status_code}"


def _scopes_off(off: list[str]) -> CheckFailed:
    fixes = []
    if "openid" in off:
        fixes.append("turn it on: 카카오 로그인 › OpenID Connect (Kakao Login › OpenID Connect)")
    if off != ["openid"]:
        menu = "카카오 로그인 › 동의항목 (Kakao Login › Consent Items)"
        fixes.append(f"enable it: {menu}, or remove it from kakaoScopes or kakaoAttributes and run pulumi up")
    return CheckFailed(f"KOE205, not enabled in the app: {', '.join(off)}", "; ".join(fixes))


# User pool


def pool_is_discovered(target: Target) -> None:
    """The pool's discovery document names the pool: API Gateway finds the signing keys through it."""
    keys = _jwks_url(target)
    document = target.document(keys.removesuffix("jwks.json") + "openid-configuration", UP_AGAIN)
    if not str(document.get("issuer")).endswith(f"/{target.output('userPoolId')}"):
        raise CheckFailed(
            "the discovery document has another issuer than the pool", "correct jwksUrl, then run pulumi up"
        )


def pool_has_keys(target: Target) -> None:
    """The pool publishes signing keys: the WebSocket authorizer verifies tokens with them."""
    address = _jwks_url(target)
    keys = target.document(address, "correct jwksUrl, or wait until the pool exists").get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) and key.get("kid") for key in keys) or not keys:
        raise CheckFailed(f"{address} has no key with an id", "correct jwksUrl")


def _jwks_url(target: Target) -> str:
    pool = target.output("userPoolId")
    region, _, _ = pool.partition("_")
    cognito = f"https://cognito-idp.{region}.amazonaws.com/{{userPoolId}}/.well-known/jwks.json"
    return (target.stack["jwksUrl"] or cognito).replace("{userPoolId}", pool)


def sign_in_leads_to_kakao(target: Target) -> None:
    """The first redirect after the site's own leads to Kakao, with the key and scopes of the settings."""
    (_login_leads_to_kakao if target.stack["kakaoSignIn"] == contract.DIRECT else _hosted_login_leads_to_kakao)(target)


def _login_leads_to_kakao(target: Target) -> None:
    """The site's login route redirects to Kakao itself."""
    location = _begin(target).headers.get("Location", "")
    if location.partition("?")[0] != f"{target.stack['kakaoIssuer']}/oauth/authorize":
        raise CheckFailed("the login does not lead to Kakao itself, as kakaoSignIn says", UP_AGAIN)
    _check_request(target, _query(location), "The login")


def _check_request(target: Target, sent: dict[str, str], sender: str) -> None:
    if sent.get("client_id") != target.stack["kakaoClientId"]:
        raise CheckFailed(f"{sender} sends another REST API key than kakaoClientId", UP_AGAIN)
    if set(sent.get("scope", "").split()) != set(_scopes(target).split()):
        raise CheckFailed(f"{sender} asks for other scopes than kakaoScopes and kakaoAttributes", UP_AGAIN)


def _hosted_login_leads_to_kakao(target: Target) -> None:
    """Cognito knows the app client and its callback, and redirects to Kakao.

    The redirect passes through the site, which adds Kakao's own parameters of a login link.
    """
    query = {
        "response_type": "code",
        "client_id": target.output("clientId"),
        "redirect_uri": target.output("siteUrl") + contract.CALLBACK_PATH,
        "scope": " ".join(contract.SCOPES),
        "identity_provider": contract.PROVIDER,
        "state": "doctor",
    }
    hosted_login = target.output("kakaoRedirectUri").removesuffix(contract.IDP_RESPONSE_PATH)
    answer = target.get(f"{hosted_login}{contract.AUTHORIZE_PATH}?{urlencode(query)}")
    location = answer.headers.get("Location", "")
    ours = target.output("siteUrl") + contract.path_of(contract.KAKAO_AUTHORIZE)
    kakaos = f"{target.stack['kakaoIssuer']}/oauth/authorize"
    if location.partition("?")[0] not in (ours, kakaos):
        problem = "does not know this client, its callback, or Kakao"
        raise CheckFailed(f"the hosted login {problem} (status {answer.status_code})", UP_AGAIN)
    _check_request(target, _query(location), "Cognito")
    if location.startswith(f"{kakaos}?"):
        problem = "Cognito sends browsers to Kakao itself, so `prompt` and the like in a login link have no effect"
        raise CheckFailed(problem, UP_AGAIN)
    answer = target.get(location)
    if not answer.headers.get("Location", "").startswith(f"{kakaos}?"):
        raise CheckFailed(f"the site answers {answer.status_code} to what Cognito sends to Kakao", UP_AGAIN)


# Site


def page_is_served(target: Target) -> None:
    """The site serves the page."""
    answer = _page(target)
    if answer.status_code != requests.codes.ok or not answer.headers.get("Content-Type", "").startswith("text/html"):
        raise CheckFailed(f"the page answers {answer.status_code}", UP_AGAIN)


def page_has_security_headers(target: Target) -> None:
    """CloudFront adds the security headers."""
    present = _page(target).headers
    if missing := [name for name in SECURITY_HEADERS if name not in present]:
        raise CheckFailed(f"the page has no header {', '.join(missing)}", UP_AGAIN)


def login_begins(target: Target) -> None:
    """The login route redirects with state, nonce and PKCE, and with the callback of this site."""
    site = target.output("siteUrl")
    path = contract.path_of(contract.LOGIN)
    answer = _begin(target)
    sent = _query(answer.headers.get("Location", ""))
    if answer.status_code != requests.codes.found:
        function = "login-web" if target.stack["kakaoSignIn"] == contract.DIRECT else "login-session"
        raise CheckFailed(
            f"{path} answers {answer.status_code}, not a redirect", f"read the log of the function {function}"
        )
    if missing := [name for name in ("state", "nonce", "code_challenge") if not sent.get(name)]:
        raise CheckFailed(f"{path} sends no {', '.join(missing)}", UP_AGAIN)
    if sent.get("redirect_uri") != site + contract.CALLBACK_PATH:
        raise CheckFailed(f"{path} sends another redirect_uri", UP_AGAIN)


def userinfo_needs_a_session(target: Target) -> None:
    """The JWT authorizer refuses a request without a session."""
    path = contract.path_of(contract.USER_INFO)
    status = target.get(target.output("siteUrl") + path).status_code
    if status != requests.codes.unauthorized:
        raise CheckFailed(f"{path} without a session answers {status}, not 401", UP_AGAIN)


def websocket_needs_a_session(target: Target) -> None:
    """The WebSocket authorizer refuses a connection without a session (RFC 6455 section 4.1: the handshake)."""
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "ZG9jdG9yLWRvY3Rvci0xMw=="}
    status = target.get(f"{target.output('siteUrl')}{contract.WEBSOCKET_PATH}", **handshake, **key).status_code
    if status not in (requests.codes.unauthorized, requests.codes.forbidden):
        raise CheckFailed(f"{contract.WEBSOCKET_PATH} without a session answers {status}, not 401 or 403", UP_AGAIN)


def _begin(target: Target) -> requests.Response:
    site = target.output("siteUrl")
    query = urlencode({"provider": contract.PROVIDER, "origin": site})
    return target.get(f"{site}{contract.path_of(contract.LOGIN)}?{query}")


def _page(target: Target) -> requests.Response:
    return target.get(f"{target.output('siteUrl')}/")


def _query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


CHECKS: dict[str, Check] = {
    "settings": settings_are_right,
    "client secret encrypted": secret_is_encrypted,
    "no localhost on a protected stack": protected_stack_has_no_local_origin,
    "outputs": stack_is_up,
    "Kakao's addresses": kakao_is_discovered,
    "Kakao takes the sign-in": kakao_takes_the_sign_in,
    "user pool's discovery": pool_is_discovered,
    "user pool's keys": pool_has_keys,
    "sign-in leads to Kakao": sign_in_leads_to_kakao,
    "page": page_is_served,
    "page's security headers": page_has_security_headers,
    "login begins": login_begins,
    "userinfo needs a session": userinfo_needs_a_session,
    "WebSocket needs a session": websocket_needs_a_session,
}

"""The checks, each of one thing that a sign-in needs.

A check returns where all is well. It raises Broken where something is wrong, requests' own errors where nobody answers,
and NotUp where the stack lacks the output that it needs. Neither its words nor its errors hold what a server has sent,
save names: a KOE code, a header, a status.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import pulumi
import requests

from doctor.stack import PROJECT, Stack
from handlers import contract
from infra import commands, kakao, settings
from infra.keys import SettingError

SECONDS = 10
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


class Broken(Exception):
    """Something is wrong: what was found, and the cure."""

    def __init__(self, found: str, cure: str) -> None:
        """Take both without a full stop."""
        super().__init__(found)
        self.found = found
        self.cure = cure


class NotUp(Exception):
    """The stack has no such output."""


class Patient(NamedTuple):
    """The stack, and the way to ask its servers."""

    stack: Stack
    session: requests.Session

    def output(self, name: str) -> str:
        """Return an output; raise NotUp without it."""
        if name not in self.stack.outputs:
            raise NotUp(name)
        return str(self.stack.outputs[name])

    def get(self, url: str, **headers: str) -> requests.Response:
        """Ask once; a redirect is an answer."""
        return self.session.get(url, headers=headers, timeout=SECONDS, allow_redirects=False)

    def document(self, url: str, cure: str) -> dict[str, Any]:
        """Return the JSON object at an address; raise Broken where there is something else."""
        answer = self.get(url)
        try:
            document = answer.json() if answer.status_code == requests.codes.ok else None
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Broken(f"{url} answers {answer.status_code} and no JSON object", cure)
        return document


Check = Callable[[Patient], None]


class Finding(NamedTuple):
    """The outcome of one check; `mark` is ✓, ✗ or –."""

    mark: str
    name: str
    found: str = ""
    cure: str = ""

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.mark} {self.name}" + (f": {self.found}" if self.found else "") + (self.cure and f" → {self.cure}")
        )


def examine(stack: Stack, session: requests.Session) -> Iterator[Finding]:
    """Run each check, the next one whatever came of the last."""
    patient = Patient(stack, session)
    for name, check in CHECKS.items():
        try:
            check(patient)
        except Broken as broken:
            yield Finding("✗", name, broken.found, broken.cure)
        except requests.RequestException as error:
            host = urlsplit(error.request.url or "").netloc if error.request else "?"
            cure = f"see whether {host} is up and this machine may ask it"
            yield Finding("–", name, f"not reachable ({type(error).__name__})", cure)
        except NotUp as missing:
            yield Finding("–", name, f"cannot be known without the output {missing}", UP_AGAIN)
        else:
            yield Finding("✓", name)


# Settings


def settings_are_right(patient: Patient) -> None:
    """What the program itself would refuse. Secrets, which are not known here, count as right."""
    secrets = dict.fromkeys(patient.stack.encrypted, "encrypted")
    known = {key: value for key, value in patient.stack.settings.items() if key.startswith(f"{PROJECT['name']}:")}

    async def read() -> None:  # Pulumi keeps secrets in futures, which want a loop
        pulumi.runtime.set_all_config(secrets | known, list(secrets))
        settings.read()

    pulumi.runtime.settings.configure(pulumi.runtime.settings.Settings(project=PROJECT["name"], stack="doctor"))
    try:
        asyncio.run(read())
    except SettingError as error:
        raise Broken(error.found, error.cure) from None


def secret_is_encrypted(patient: Patient) -> None:
    """A client secret in plain text is in the repository of whoever commits the stack's file."""
    key = f"{PROJECT['name']}:kakaoClientSecret"
    if key in patient.stack.settings and key not in patient.stack.encrypted:
        cure = "issue a new one at Kakao, then pulumi config set --secret kakaoClientSecret"
        raise Broken("kakaoClientSecret is in the stack's file in plain text", cure)


def protected_stack_trusts_no_laptop(patient: Patient) -> None:
    """Whoever runs a program on a visitor's machine could pass on that visitor's login."""
    if patient.stack["protect"] != "true":
        return
    sites = [(patient.stack["siteUrl"], commands.remove("siteUrl"))]
    for item, origin in enumerate(_listed(patient.stack["extraOrigins"])):
        sites.append((str(origin), commands.remove("extraOrigins", item=item)))
    for site, cure in sites:
        if re.match(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:|$)", site):
            raise Broken(f"{site} may use the login of a protected stack", cure)


def _listed(value: str) -> list[Any]:
    """A setting that is a list; empty where it is none, which the settings' own check says."""
    try:
        items = json.loads(value or "[]")
    except ValueError:
        return []
    return items if isinstance(items, list) else []


def stack_is_up(patient: Patient) -> None:
    """`pulumi up` has come to its end at least once."""
    if missing := [name for name in OUTPUTS if name not in patient.stack.outputs]:
        raise Broken(f"the stack has no output {', '.join(missing)}", UP_AGAIN)


# Kakao


def kakao_is_discovered(patient: Patient) -> None:
    """Kakao's addresses are those that Cognito has been told."""
    issuer = patient.stack["kakaoIssuer"]
    ours = kakao.endpoints(issuer, patient.stack["kakaoApi"])
    cure = "mend kakaoIssuer and kakaoApi, or take a newer version of this program"
    document = patient.document(f"{issuer}/.well-known/openid-configuration", cure)
    expected = {
        "issuer": issuer,
        "authorization_endpoint": ours["authorize_url"],
        "token_endpoint": ours["token_url"],
        "userinfo_endpoint": ours["attributes_url"],
        "jwks_uri": ours["jwks_uri"],
    }
    if different := [name for name, address in expected.items() if document.get(name) != address]:
        raise Broken(f"Kakao's discovery document has another {', '.join(different)}", cure)


def kakao_takes_the_sign_in(patient: Patient) -> None:
    """Kakao's authorize endpoint has no objection to our key, redirect URI and scopes."""
    redirect_uri = patient.output("kakaoRedirectUri")
    scopes = patient.stack["kakaoScopes"]
    match _objection(patient, scopes):
        case "":
            return
        case "KOE004":
            cure = "switch it on: 카카오 로그인 › 사용 설정 (Kakao Login › Enable)"
            raise Broken("KOE004, Kakao Login is not activated", cure)
        case "KOE006":
            cure = f"register {redirect_uri} to the letter: {REST_API_KEY} › 리다이렉트 URI"
            raise Broken("KOE006, the redirect URI is not registered", cure)
        case "KOE008" | "KOE101" as code:
            cure = f"pulumi config set kakaoClientId <REST API key>, from {REST_API_KEY}, then pulumi up"
            raise Broken(f"{code}, Kakao knows no app with the key in kakaoClientId", cure)
        case "KOE205":
            off = [scope for scope in scopes.split() if _objection(patient, scope) == "KOE205"]
            raise _scopes_off(off or scopes.split())
        case objection:
            raise Broken(f"Kakao refuses the sign-in with {objection}", f"see {ERRORS_OF_KAKAO}")


def _objection(patient: Patient, scopes: str) -> str:
    """Return Kakao's code, or its HTTP status, for why nobody could sign in with these scopes; empty if they could."""
    query = {
        "response_type": "code",
        "client_id": patient.stack["kakaoClientId"],
        "redirect_uri": patient.output("kakaoRedirectUri"),
        "scope": scopes,
        "state": "doctor",
    }
    answer = patient.get(f"{patient.stack['kakaoIssuer']}/oauth/authorize?{urlencode(query)}")
    said = re.search(r"\bKOE[0-9]{3}\b", answer.headers.get("Location", "") + answer.text)
    return said[0] if said else "" if answer.ok else f"status {answer.status_code}"


def _scopes_off(off: list[str]) -> Broken:
    cures = []
    if "openid" in off:
        cures.append("switch it on: 카카오 로그인 › OpenID Connect (Kakao Login › OpenID Connect)")
    if off != ["openid"]:
        menu = "카카오 로그인 › 동의항목 (Kakao Login › Consent Items)"
        cures.append(f"enable it: {menu}, or take it out of kakaoScopes, then pulumi up")
    return Broken(f"KOE205, not enabled in the app: {', '.join(off)}", "; ".join(cures))


# User pool


def pool_is_discovered(patient: Patient) -> None:
    """API Gateway finds the pool's keys through its discovery document."""
    keys = _keys_address(patient)
    document = patient.document(keys.removesuffix("jwks.json") + "openid-configuration", UP_AGAIN)
    if not str(document.get("issuer")).endswith(f"/{patient.output('userPoolId')}"):
        raise Broken("the pool's discovery document is another issuer's", "mend jwksUrl, then pulumi up")


def pool_has_keys(patient: Patient) -> None:
    """The WebSocket's authorizer verifies tokens with them."""
    address = _keys_address(patient)
    keys = patient.document(address, "mend jwksUrl, or wait until the pool is there").get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) and key.get("kid") for key in keys) or not keys:
        raise Broken(f"{address} holds no key with an id", "mend jwksUrl")


def _keys_address(patient: Patient) -> str:
    pool = patient.output("userPoolId")
    region, _, _ = pool.partition("_")
    cognito = f"https://cognito-idp.{region}.amazonaws.com/{{userPoolId}}/.well-known/jwks.json"
    return (patient.stack["jwksUrl"] or cognito).replace("{userPoolId}", pool)


def hosted_login_leads_to_kakao(patient: Patient) -> None:
    """Cognito knows our client and its callback, and sends people on with the key and the scopes of the settings."""
    query = {
        "response_type": "code",
        "client_id": patient.output("clientId"),
        "redirect_uri": patient.output("siteUrl") + contract.CALLBACK_PATH,
        "scope": " ".join(contract.SCOPES),
        "identity_provider": contract.PROVIDER,
        "state": "doctor",
    }
    hosted_login = patient.output("kakaoRedirectUri").removesuffix("/oauth2/idpresponse")
    answer = patient.get(f"{hosted_login}/oauth2/authorize?{urlencode(query)}")
    location = answer.headers.get("Location", "")
    if not location.startswith(f"{patient.stack['kakaoIssuer']}/oauth/authorize?"):
        known = "does not know this client, its callback, or Kakao"
        raise Broken(f"the hosted login {known} (status {answer.status_code})", UP_AGAIN)
    sent = _query(location)
    if sent.get("client_id") != patient.stack["kakaoClientId"]:
        raise Broken("Cognito sends another REST API key than kakaoClientId", UP_AGAIN)
    if set(sent.get("scope", "").split()) != set(patient.stack["kakaoScopes"].split()):
        raise Broken("Cognito asks for other scopes than kakaoScopes", UP_AGAIN)


# Site


def page_is_served(patient: Patient) -> None:
    """The page is there."""
    answer = _page(patient)
    if answer.status_code != requests.codes.ok or not answer.headers.get("Content-Type", "").startswith("text/html"):
        raise Broken(f"the page answers {answer.status_code}", UP_AGAIN)


def page_has_security_headers(patient: Patient) -> None:
    """The distribution adds them."""
    present = _page(patient).headers
    if missing := [name for name in SECURITY_HEADERS if name not in present]:
        raise Broken(f"the page comes without {', '.join(missing)}", UP_AGAIN)


def login_begins(patient: Patient) -> None:
    """The sign-in begins with state, nonce and PKCE, and its answer is meant for this site."""
    site = patient.output("siteUrl")
    path = contract.path_of(contract.LOGIN)
    answer = patient.get(f"{site}{path}?{urlencode({'provider': contract.PROVIDER, 'origin': site})}")
    sent = _query(answer.headers.get("Location", ""))
    if answer.status_code != requests.codes.found:
        raise Broken(f"{path} answers {answer.status_code} and no redirect", "read the log of the function session")
    if missing := [name for name in ("state", "nonce", "code_challenge") if not sent.get(name)]:
        raise Broken(f"{path} sends no {', '.join(missing)}", UP_AGAIN)
    if sent.get("redirect_uri") != site + contract.CALLBACK_PATH:
        raise Broken(f"{path} names another redirect address", UP_AGAIN)


def strangers_learn_nothing(patient: Patient) -> None:
    """The API's authorizer turns away who has no session."""
    path = contract.path_of(contract.USER_INFO)
    status = patient.get(patient.output("siteUrl") + path).status_code
    if status != requests.codes.unauthorized:
        raise Broken(f"{path} without a session answers {status}, not 401", UP_AGAIN)


def strangers_do_not_connect(patient: Patient) -> None:
    """The WebSocket's authorizer does, too (RFC 6455 section 4.1 for the handshake)."""
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "ZG9jdG9yLWRvY3Rvci0xMw=="}
    status = patient.get(f"{patient.output('siteUrl')}/ws", **handshake, **key).status_code
    if status not in (requests.codes.unauthorized, requests.codes.forbidden):
        raise Broken(f"/ws without a session answers {status}, not 401 or 403", UP_AGAIN)


def _page(patient: Patient) -> requests.Response:
    return patient.get(f"{patient.output('siteUrl')}/")


def _query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


CHECKS: dict[str, Check] = {
    "settings": settings_are_right,
    "client secret encrypted": secret_is_encrypted,
    "no localhost on a protected stack": protected_stack_trusts_no_laptop,
    "outputs": stack_is_up,
    "Kakao's addresses": kakao_is_discovered,
    "Kakao takes the sign-in": kakao_takes_the_sign_in,
    "user pool's discovery": pool_is_discovered,
    "user pool's keys": pool_has_keys,
    "hosted login leads to Kakao": hosted_login_leads_to_kakao,
    "page": page_is_served,
    "page's security headers": page_has_security_headers,
    "login begins": login_begins,
    "userinfo refuses strangers": strangers_learn_nothing,
    "WebSocket refuses strangers": strangers_do_not_connect,
}

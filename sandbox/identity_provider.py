"""What Cognito does at an identity provider and the emulator does not: it asks for the claims at `attributes_url`.

The emulator redeems a provider's code and makes each claim of the ID token an attribute. So it redeems the code here
instead. This redeems it at the provider, sends GET with the access token to `attributes_url`, compares `sub` with the
ID token's, and hands on those claims alone that the provider's attribute mapping names.
Source: Amazon Cognito developer guide, "OIDC user pool IdP authentication flow"; OpenID Connect Core 1.0, 5.3.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs

from aiohttp import ClientError, ClientResponse, ClientSession, hdrs, web
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from yarl import URL

TOKEN_PATH = "/_stand-in/provider"  # noqa: S105 - a path, of the hosted login; the provider's name follows
API = re.compile(r"https://([a-z0-9]+)\.execute-api\.[^/]+(/.*)")
TOKEN_CLAIMS = ("iss", "aud", "exp", "iat", "sub")
MAX_FAILURES = 1000
KEY = OctKey.import_key("the emulator does not look at the signature")


class Cognito(Protocol):
    """The emulated account."""

    def call(self, service: str, operation: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation of AWS."""


@dataclass(frozen=True)
class IdentityProvider:
    """The endpoints of a provider, and the claim of each attribute of the user pool."""

    token_url: str
    attributes_url: str
    mapping: Mapping[str, str]


def take_over(cognito: Cognito, user_pool: str, hosted_login: str) -> dict[str, IdentityProvider]:
    """Let the emulator redeem codes at the hosted login, and return the pool's OIDC providers by name."""
    found = {}
    for listed in cognito.call("cognito-idp", "ListIdentityProviders", {"UserPoolId": user_pool})["Providers"]:
        name = {"UserPoolId": user_pool, "ProviderName": listed["ProviderName"]}
        provider = cognito.call("cognito-idp", "DescribeIdentityProvider", name)["IdentityProvider"]
        details, mapping = provider["ProviderDetails"], provider.get("AttributeMapping", {})
        found[listed["ProviderName"]] = IdentityProvider(details["token_url"], details["attributes_url"], mapping)
        changed = details | {"token_url": f"{hosted_login}{TOKEN_PATH}/{listed['ProviderName']}"}
        cognito.call("cognito-idp", "UpdateIdentityProvider", {**name, "ProviderDetails": changed})
    return found


class ProviderTokens:
    """Answers the emulator in place of the providers' token endpoints."""

    def __init__(self, session: ClientSession, aws: str, providers: Mapping[str, IdentityProvider]) -> None:
        """`aws` is the address of the emulator, at which its HTTP APIs answer."""
        self._session = session
        self._aws = aws
        self._providers = providers
        self._failures: dict[str, str] = {}  # by the provider's code

    def failure(self, code: str) -> str | None:
        """Return why there are no claims for this code, in the words of Cognito's error_description."""
        return self._failures.pop(code, None)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """POST TOKEN_PATH/<provider>: redeem the code, and return the provider's answer with the claims merged."""
        name = request.path.removeprefix(f"{TOKEN_PATH}/")
        provider = self._providers.get(name)
        if provider is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        form = await request.read()
        try:
            status, text = await self._redeem(provider, form)
            if status != HTTPStatus.OK:
                return web.Response(status=status, text=text)
            return await self._with_claims(name, provider, text, _code(form))
        except ClientError:
            if request.transport:
                request.transport.abort()  # the emulator sees what it would see of the provider
            return web.Response()

    async def _redeem(self, provider: IdentityProvider, form: bytes) -> tuple[int, str]:
        headers = {hdrs.CONTENT_TYPE: "application/x-www-form-urlencoded", hdrs.ACCEPT: "application/json"}
        async with self._session.post(provider.token_url, data=form, headers=headers) as answer:
            return answer.status, (await answer.read()).decode(errors="replace")

    async def _with_claims(self, name: str, provider: IdentityProvider, text: str, code: str) -> web.Response:
        try:
            tokens = json.loads(text)
            known = json.loads(jws.extract_compact(tokens["id_token"].encode()).payload)
            known_sub = known["sub"]
        except (ValueError, KeyError, TypeError, AttributeError, JoseError):
            return web.Response(text=text)  # the emulator says what is wrong
        headers = {hdrs.AUTHORIZATION: f"Bearer {tokens.get('access_token', '')}", hdrs.ACCEPT: "application/json"}
        async with self._session.get(self._reachable(provider.attributes_url), headers=headers) as answer:
            claims = await _json_object(answer)
            if answer.status != HTTPStatus.OK or claims is None or claims.get("sub") != known_sub:
                self._fail(code, f"{name} Error - {answer.status} error getting userInfo")
                return web.Response(status=HTTPStatus.BAD_GATEWAY)
        return web.json_response(tokens | {"id_token": _id_token(known | claims, provider.mapping)})

    def _fail(self, code: str, description: str) -> None:
        self._failures[code] = description
        if len(self._failures) > MAX_FAILURES:
            del self._failures[next(iter(self._failures))]

    def _reachable(self, address: str) -> URL:
        """Return the same address where it answers on this machine: the name of an API's host does not resolve."""
        if api := API.fullmatch(address):
            return URL(f"{self._aws}/_aws/execute-api/{api[1]}/$default{api[2]}", encoded=True)
        return URL(address)


def _code(form: bytes) -> str:
    return parse_qs(form.decode(errors="replace")).get("code", [""])[0]


async def _json_object(answer: ClientResponse) -> dict[str, Any] | None:
    try:
        body = json.loads(await answer.read())
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _id_token(claims: Mapping[str, Any], mapping: Mapping[str, str]) -> str:
    """Return an ID token with the claims of a token and those that are mapped, each as text.

    The emulator takes a boolean for false.
    """
    kept = {name: claims[name] for name in TOKEN_CLAIMS if name in claims}
    for claim in set(mapping.values()) & claims.keys():
        value = claims[claim]
        kept[claim] = value if isinstance(value, str) else json.dumps(value)
    return jwt.encode({"alg": "HS256"}, kept, KEY)

"""From the hosted login on to Kakao, with Kakao's own parameters of the login link.

Cognito's hosted login forwards no `prompt` to an identity provider. So the provider's `authorize_url` is a route of
ours. It redirects to Kakao and to nowhere else.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from handlers import kakao_parameters
from handlers.errors import AuthorizationRequestError

# What Cognito can send to an OpenID Connect provider. Each passes unchanged, and nothing else passes.
PASSED = {
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
    *kakao_parameters.GRAMMARS,
}
VALUE = re.compile(r"[A-Za-z0-9._~%!$'()*+,;:@/?=-]*")  # what a URL's query consists of (RFC 3986 section 3.4)


def address(query: str, parameters: Mapping[str, str], *, authorize_url: str, required: Mapping[str, str]) -> str:
    """Return the address at Kakao for the query that Cognito sends, with `parameters` of the login link.

    A link straight to this route must not replace those of the login, such as its `prompt=login`. `required` are
    parameters whose value is known. Raises AuthorizationRequestError where one is another, or where any occurs twice:
    which of the two counts is then up to Kakao.
    """
    sent: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name not in PASSED:
            continue
        if name in sent or not VALUE.fullmatch(value):
            raise AuthorizationRequestError(name)
        sent[name] = value
    for name, expected in required.items():
        if unquote_plus(sent.get(name, "")) != expected:
            raise AuthorizationRequestError(name)
    pairs = [f"{name}={value}" for name, value in sent.items() if name not in parameters]
    return f"{authorize_url}?{'&'.join([*pairs, *([kakao_parameters.encode(parameters)] if parameters else [])])}"

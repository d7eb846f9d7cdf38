"""Refresh and revocation by Cognito's API, for a pool without a hosted login, which alone has the two endpoints.

GetTokensFromRefreshToken and RevokeToken take no AWS credentials, so a request needs no signature, and the function
does not load boto3, which takes about 0.4 s.
"""

import json
import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from handlers import token_endpoint
from handlers.errors import InvalidGrantError, TokenError, TokenThrottledError, TokenUnavailableError
from handlers.token_endpoint import checked_tokens
from handlers.token_set import TokenSet, json_object

SERVICE = "AWSCognitoIdentityProviderService"
TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_=.-]+")  # TokenModelType of the API's model
# NotAuthorizedException stands for both a token that is over and a client whose secret is wrong.
WRONG_SECRET = re.compile(r"secret|client", re.IGNORECASE)


class TokenApi:
    """The API that issues tokens as `issuer`, for one app client with a secret."""

    def __init__(self, *, client_id: str, client_secret: str, issuer: str) -> None:
        address = urlsplit(issuer)
        # As AWS's SDKs do ("Service-specific endpoints").
        self._url = os.environ.get("AWS_ENDPOINT_URL") or f"{address.scheme}://{address.netloc}"
        self._client_id = client_id
        self._issuer = issuer
        self._client = {"ClientId": client_id, "ClientSecret": client_secret}

    def refresh(self, refresh_token: str) -> TokenSet:
        """GetTokensFromRefreshToken: exchange a refresh token for new tokens. Raises TokenError."""
        if not TOKEN_PATTERN.fullmatch(refresh_token):
            raise InvalidGrantError("not a token")
        body = self._call("GetTokensFromRefreshToken", {"RefreshToken": refresh_token})
        try:
            result = json_object(body)["AuthenticationResult"]
            response = {"id_token": result["IdToken"], "access_token": result.get("AccessToken")}
            response["refresh_token"] = result.get("RefreshToken")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise TokenUnavailableError("the answer makes no sense") from None
        return checked_tokens(response, issuer=self._issuer, client_id=self._client_id)

    def revoke(self, refresh_token: str) -> None:
        """RevokeToken: revoke a refresh token and all tokens that were issued for it. Raises TokenError."""
        if TOKEN_PATTERN.fullmatch(refresh_token):  # any other is no token of Cognito's (RFC 7009 section 2.2)
            self._call("RevokeToken", {"Token": refresh_token})

    def _call(self, operation: str, parameters: Mapping[str, str]) -> bytes:
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"{SERVICE}.{operation}",
            "accept": "application/json",
        }
        body_sent = json.dumps({**parameters, **self._client})
        status, body = token_endpoint.post(f"{self._url}/", headers=headers, body=body_sent)
        if status != 200:
            raise _error(status, body)
        return body


def _error(status: int, body: bytes) -> TokenError:
    """Return what an error of the API means (Errors of GetTokensFromRefreshToken and RevokeToken)."""
    try:
        response = json_object(body)
    except ValueError:
        response = {}
    code = str(response.get("__type", "")).rpartition("#")[2]
    message = str(response.get("message", response.get("Message", "")))
    match code:
        case "TooManyRequestsException" | "ThrottlingException":
            return TokenThrottledError(code)
        case "NotAuthorizedException" if not WRONG_SECRET.search(message):
            return InvalidGrantError(code)
        case "RefreshTokenReuseException" | "UserNotFoundException":
            return InvalidGrantError(code)
    return TokenThrottledError("status 429") if status == 429 else TokenUnavailableError(f"status {status}")

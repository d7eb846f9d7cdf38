"""What the login knows of Kakao."""

import json
from dataclasses import dataclass
from typing import ClassVar

import pulumi


def endpoints(issuer: str, api: str) -> dict[str, str]:
    """Return Kakao's endpoints under the names that Cognito's ProviderDetails give them.

    Source: the discovery document at `issuer`/.well-known/openid-configuration.
    """
    return {
        "authorize_url": f"{issuer}/oauth/authorize",
        "token_url": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "attributes_url": f"{api}/v1/oidc/userinfo",
    }


@dataclass(frozen=True)
class KakaoApp:
    """An app at developers.kakao.com, and the addresses at which Kakao answers for it."""

    client_id: str
    client_secret: pulumi.Output[str]
    app_id: str
    further_keys: tuple[str, ...]
    issuer: str
    api: str
    scopes: tuple[str, ...]

    provider_name: ClassVar[str] = "Kakao"

    @property
    def token_checks(self) -> dict[str, str]:
        """What a function has to know to tell our app's tokens from others."""
        return {
            "IDENTITY_PROVIDER": self.provider_name,
            "KAKAO_API": self.api,
            "KAKAO_APP_ID": self.app_id,
            "KAKAO_APP_KEYS": json.dumps([self.client_id, *self.further_keys]),
            "KAKAO_ISSUER": self.issuer,
            "KAKAO_JWKS_URL": self.endpoints["jwks_uri"],
        }

    @property
    def endpoints(self) -> dict[str, str]:
        """Kakao's endpoints for this app."""
        return endpoints(self.issuer, self.api)

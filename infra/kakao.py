"""What the login knows of Kakao."""

from dataclasses import dataclass

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
    issuer: str
    api: str
    scopes: tuple[str, ...]

    @property
    def endpoints(self) -> dict[str, str]:
        """Kakao's endpoints for this app."""
        return endpoints(self.issuer, self.api)

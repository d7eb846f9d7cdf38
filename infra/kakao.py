"""What the login knows of Kakao."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class KakaoApp:
    """An app at developers.kakao.com, and the addresses at which Kakao answers for it.

    Source: the discovery document at `issuer`/.well-known/openid-configuration.
    """

    client_id: str
    client_secret: pulumi.Output[str]
    app_id: str
    issuer: str
    api: str
    scopes: tuple[str, ...]

    @property
    def endpoints(self) -> dict[str, str]:
        """The endpoints under the names that Cognito's ProviderDetails give them."""
        return {
            "authorize_url": f"{self.issuer}/oauth/authorize",
            "token_url": f"{self.issuer}/oauth/token",
            "jwks_uri": f"{self.issuer}/.well-known/jwks.json",
            "attributes_url": f"{self.api}/v1/oidc/userinfo",
        }

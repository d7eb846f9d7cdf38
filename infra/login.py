"""The user pool, its hosted login, and Kakao in it."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast
from urllib.parse import urlencode

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.kakao import KakaoApp

SCOPES = [
    "openid",
    "email",
    "profile",
]  # not aws.cognito.signin.user.admin: with it a page could rewrite its user
CHALLENGE = ("define_auth_challenge", "create_auth_challenge", "verify_auth_challenge_response")
READABLE = ["email", "email_verified", "nickname"]
PASSWORD_LENGTH = 12
WRITABLE = ["email", "nickname"]  # what Kakao maps must be writable; Cognito refuses email_verified here


class OwnDomain(Protocol):
    """A domain of the team's, with a certificate that Cognito takes, and what has to be there before it."""

    domain: str
    certificate_arn: pulumi.Output[str]
    parents: list[pulumi.Resource]

    def lead_to(self, host: pulumi.Input[str], hosted_zone_id: pulumi.Input[str]) -> pulumi.Output[str]:
        """Have the domain lead to this distribution, and return it."""


class Login(pulumi.ComponentResource):
    """A person signs in with Kakao or with e-mail, and the site receives who it is.

    `origins` are the sites that may use the login, as `https://host`; each is called back at `/api/auth/callback` and
    shown again at `/` after sign-out. `app_callbacks` are where mobile apps are called back. The hosted login is at
    `own_domain`, without one at `domain_prefix` of Cognito's; `hosted_url` is where browsers find it instead, if not
    empty. `jwks_url` is where the pool's keys are, with {userPoolId} for its id; the pool's own where it is empty.
    `triggers` are ARNs of functions, by their names in the pool's LambdaConfig, and `challenge` is that of one which
    answers the three triggers of a custom challenge, if there is one; they get neither the pool nor the client as a
    setting, which both wait for them.
    """

    def __init__(
        self,
        name: str,
        *,
        kakao: KakaoApp,
        origins: Sequence[pulumi.Input[str]],
        app_callbacks: Sequence[str],
        domain_prefix: pulumi.Input[str],
        hosted_url: str,
        jwks_url: str,
        token_minutes: int,
        refresh_days: int,
        rotate_refresh_tokens: bool,
        protect: bool,
        triggers: Mapping[str, pulumi.Input[str]],
        challenge: pulumi.Input[str] | None,
        own_domain: OwnDomain | None = None,
        firewall_arn: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pool, its domain, Kakao, and the client that waits for Kakao."""
        super().__init__("kakao-login:infra:Login", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        if challenge is not None:
            triggers = {**triggers, **dict.fromkeys(CHALLENGE, challenge)}

        pool = aws.cognito.UserPool(
            f"{name}-pool",
            # No alias, and no e-mail in place of user names: an e-mail finds nobody, and moves to nobody.
            username_configuration={"case_sensitive": False},
            auto_verified_attributes=["email"],
            user_attribute_update_settings={"attributes_require_verification_before_updates": ["email"]},
            account_recovery_setting={"recovery_mechanisms": [{"name": "verified_email", "priority": 1}]},
            # NIST SP 800-63B: length, not composition.
            password_policy={
                "minimum_length": PASSWORD_LENGTH,
                "require_lowercase": False,
                "require_numbers": False,
                "require_symbols": False,
                "require_uppercase": False,
                "temporary_password_validity_days": 7,
            },
            user_pool_tier="ESSENTIALS",
            lambda_config=cast("aws.cognito.UserPoolLambdaConfigArgsDict", triggers),
            deletion_protection="ACTIVE" if protect else "INACTIVE",
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        for trigger, function in triggers.items():
            aws.lambda_.Permission(
                f"{name}-{trigger.replace('_', '-')}-permission",
                action="lambda:InvokeFunction",
                function=function,
                principal="cognito-idp.amazonaws.com",
                source_arn=pool.arn,
                source_account=aws.get_caller_identity_output().account_id,
                opts=child,
            )
        if firewall_arn is not None:
            aws.wafv2.WebAclAssociation(f"{name}-firewall", resource_arn=pool.arn, web_acl_arn=firewall_arn, opts=child)
        domain = aws.cognito.UserPoolDomain(
            f"{name}-domain",
            domain=own_domain.domain if own_domain else domain_prefix,
            certificate_arn=own_domain.certificate_arn if own_domain else None,
            user_pool_id=pool.id,
            managed_login_version=1,
            # No value flows from the record that Cognito looks up at the parent.
            opts=pulumi.ResourceOptions(parent=self, depends_on=own_domain.parents if own_domain else None),
        )
        provider = aws.cognito.IdentityProvider(
            f"{name}-kakao",
            user_pool_id=pool.id,
            provider_name=kakao.provider_name,
            provider_type="OIDC",
            # With the issuer alone Cognito discovers the addresses and reports them as drift at the next preview.
            provider_details={
                "client_id": kakao.client_id,
                "client_secret": kakao.client_secret,
                "authorize_scopes": " ".join(kakao.scopes),
                "attributes_request_method": "GET",
                "attributes_url_add_attributes": "false",
                "oidc_issuer": kakao.issuer,
                **kakao.endpoints,
            },
            attribute_mapping={"email": "email", "email_verified": "email_verified", "nickname": "nickname"},
            opts=pulumi.ResourceOptions(
                parent=self,
                additional_secret_outputs=["providerDetails"],
                ignore_changes=["attributeMapping.username"],  # Cognito adds username ↔ sub itself
            ),
        )
        client = aws.cognito.UserPoolClient(
            f"{name}-client",
            user_pool_id=pool.id,
            generate_secret=False,
            allowed_oauth_flows=["code"],
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_scopes=SCOPES,
            callback_urls=[
                *(pulumi.Output.concat(origin, "/api/auth/callback") for origin in origins),
                *app_callbacks,
            ],
            logout_urls=[pulumi.Output.concat(origin, "/") for origin in origins],
            supported_identity_providers=["COGNITO", provider.provider_name],
            # Rotation and ALLOW_REFRESH_TOKEN_AUTH exclude each other.
            explicit_auth_flows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"]
            + ([] if challenge is None else ["ALLOW_CUSTOM_AUTH"])
            + ([] if rotate_refresh_tokens else ["ALLOW_REFRESH_TOKEN_AUTH"]),
            refresh_token_rotation=(
                # Two tabs may refresh with the same token at once.
                {"feature": "ENABLED", "retry_grace_period_seconds": 60} if rotate_refresh_tokens else None
            ),
            id_token_validity=token_minutes,
            access_token_validity=token_minutes,
            refresh_token_validity=refresh_days,
            token_validity_units={"id_token": "minutes", "access_token": "minutes", "refresh_token": "days"},
            enable_token_revocation=True,
            prevent_user_existence_errors="ENABLED",
            read_attributes=READABLE,
            write_attributes=WRITABLE,
            opts=child,
        )

        self._pool = pool
        self.password_length = PASSWORD_LENGTH
        self.provider_name = provider.provider_name
        self.user_pool_id = pool.id
        self.client_id = client.id
        self.issuer = pulumi.Output.concat("https://", pool.endpoint)
        self.jwks_url = (
            pool.id.apply(lambda pool_id: jwks_url.replace("{userPoolId}", pool_id))
            if jwks_url
            else pulumi.Output.concat(self.issuer, "/.well-known/jwks.json")
        )
        self.hosted_url = self._hosted_url(domain, hosted_url, own_domain)
        query = {"identity_provider": kakao.provider_name, "response_type": "code", "scope": " ".join(SCOPES)}
        self.authorize_url = pulumi.Output.concat(
            self.hosted_url, "/oauth2/authorize?", urlencode(query), "&client_id=", self.client_id
        )
        self.register_outputs(
            {"userPoolId": self.user_pool_id, "clientId": self.client_id, "hostedUrl": self.hosted_url}
        )

    def read_user(self) -> pulumi.Output[policies.Statement]:
        """Permit a function to look one person up."""
        return self._pool.arn.apply(policies.read_user)

    def check_password(self) -> pulumi.Output[policies.Statement]:
        """Permit a function to sign people in by password."""
        return self._pool.arn.apply(policies.check_password)

    def sign_in_with_token(self) -> pulumi.Output[policies.Statement]:
        """Permit a function to sign people in whom it has recognised itself."""
        return self._pool.arn.apply(policies.sign_in_with_token)

    @staticmethod
    def _hosted_url(domain: aws.cognito.UserPoolDomain, given: str, own_domain: OwnDomain | None) -> pulumi.Output[str]:
        if given:
            return pulumi.Output.from_input(given)
        if own_domain:
            host = own_domain.lead_to(domain.cloudfront_distribution, domain.cloudfront_distribution_zone_id)
            return pulumi.Output.concat("https://", host)
        region = aws.get_region_output().region
        return pulumi.Output.concat("https://", domain.domain, ".auth.", region, ".amazoncognito.com")

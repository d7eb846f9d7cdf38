"""The user pool, its hosted login, and Kakao in it."""

from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlencode

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.kakao import KakaoApp
from infra.protocols import OwnDomain

SCOPES = ["openid", "email", "profile"]  # not aws.cognito.signin.user.admin: with it a page could rewrite its user
CHALLENGE = ("define_auth_challenge", "create_auth_challenge", "verify_auth_challenge_response")
READABLE = ["email", "email_verified", "nickname"]
PASSWORD_LENGTH = 12
WRITABLE = ["email", "nickname"]  # what Kakao maps must be writable; Cognito refuses email_verified here


class Login(pulumi.ComponentResource):
    """A person signs in with Kakao or with e-mail, and the site receives who it is.

    `origins` are the sites that may use the login, as `https://host`; each is called back at `/api/auth/callback` and
    shown again at `/` after sign-out. `app_callbacks` are where mobile apps are called back. The hosted login is at
    `own_domain`, without one at `domain_prefix` of Cognito's, which is derived where it is empty; `hosted_url` is where
    browsers find it instead, if not empty. `jwks_url` is where the pool's keys are, with {userPoolId} for its id; the
    pool's own where it is empty.
    `mail_from` is the address that mails come from, by Amazon SES; Cognito's own where it is empty.
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
        domain_prefix: str,
        hosted_url: str,
        jwks_url: str,
        token_minutes: int,
        refresh_days: int,
        rotate_refresh_tokens: bool,
        protect: bool,
        mail_from: str,
        triggers: Mapping[str, pulumi.Input[str]],
        challenge: pulumi.Input[str] | None,
        own_domain: OwnDomain | None = None,
        firewall_arn: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pool, its domain, Kakao, and the client that waits for Kakao."""
        super().__init__("kakao-login:infra:Login", name, opts=opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        # Without the parent, a component with a provider of its own would learn region and account of another one.
        asked = pulumi.InvokeOutputOptions(parent=self)
        self._region = aws.get_region_output(opts=asked).region
        self._account = aws.get_caller_identity_output(opts=asked).account_id

        if challenge is not None:
            triggers = {**triggers, **dict.fromkeys(CHALLENGE, challenge)}
        self._pool = self._declare_pool(triggers, mail_from, protect=protect)
        self._let_call(triggers)
        if firewall_arn is not None:
            aws.wafv2.WebAclAssociation(
                f"{name}-firewall",
                resource_arn=self._pool.arn,
                web_acl_arn=firewall_arn,
                # A pool has one: the deletion of the last one would take the next one away.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        domain = self._declare_domain(domain_prefix, own_domain)
        provider = self._declare_provider(kakao)
        client = self._declare_client(
            provider,
            origins,
            app_callbacks,
            token_minutes=token_minutes,
            refresh_days=refresh_days,
            rotate_refresh_tokens=rotate_refresh_tokens,
            challenged=challenge is not None,
            protect=protect,
        )

        self.password_length = PASSWORD_LENGTH
        self.scope = " ".join(SCOPES)
        self.provider_name = provider.provider_name
        self.user_pool_id = self._pool.id
        self.client_id = client.id
        self.issuer = pulumi.Output.concat("https://", self._pool.endpoint)
        self.jwks_url = (
            self._pool.id.apply(lambda pool_id: jwks_url.replace("{userPoolId}", pool_id))
            if jwks_url
            else pulumi.Output.concat(self.issuer, "/.well-known/jwks.json")
        )
        self.hosted_url = self._hosted_url(domain, hosted_url, own_domain)
        query = {"identity_provider": kakao.provider_name, "response_type": "code", "scope": self.scope}
        self.authorize_url = pulumi.Output.concat(
            self.hosted_url, "/oauth2/authorize?", urlencode(query), "&client_id=", self.client_id
        )
        self.register_outputs(
            {
                "passwordLength": self.password_length,
                "scope": self.scope,
                "providerName": self.provider_name,
                "userPoolId": self.user_pool_id,
                "clientId": self.client_id,
                "issuer": self.issuer,
                "jwksUrl": self.jwks_url,
                "hostedUrl": self.hosted_url,
                "authorizeUrl": self.authorize_url,
            }
        )

    def read_user(self) -> pulumi.Output[policies.Statement]:
        """Return the statement that lets a role look one person up."""
        return self._pool.arn.apply(policies.read_user)

    def check_password(self) -> pulumi.Output[policies.Statement]:
        """Return the statement that lets a role sign people in by password."""
        return self._pool.arn.apply(policies.check_password)

    def end_password(self) -> pulumi.Output[policies.Statement]:
        """Return the statement that lets a role end a person's password."""
        return self._pool.arn.apply(policies.end_password)

    def end_sessions(self) -> pulumi.Output[policies.Statement]:
        """Return the statement that lets a role sign people out everywhere."""
        return self._pool.arn.apply(policies.end_sessions)

    def sign_in_with_token(self) -> pulumi.Output[policies.Statement]:
        """Return the statement that lets a role sign people in whom it has recognised itself."""
        return self._pool.arn.apply(policies.sign_in_with_token)

    def _declare_pool(
        self, triggers: Mapping[str, pulumi.Input[str]], mail_from: str, *, protect: bool
    ) -> aws.cognito.UserPool:
        return aws.cognito.UserPool(
            f"{self._name}-pool",
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
                # AdminCreateUser gives a Kakao user's profile a password that nobody knows. Whether the challenge opens
                # a profile whose password has expired is not documented: 365 is the most.
                "temporary_password_validity_days": 365,
            },
            user_pool_tier="ESSENTIALS",
            email_configuration=self._sent_from(mail_from) if mail_from else None,
            lambda_config=cast("aws.cognito.UserPoolLambdaConfigArgsDict", triggers),
            deletion_protection="ACTIVE" if protect else "INACTIVE",
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )

    def _let_call(self, triggers: Mapping[str, pulumi.Input[str]]) -> None:
        for trigger, function in triggers.items():
            aws.lambda_.Permission(
                f"{self._name}-{trigger.replace('_', '-')}-permission",
                action="lambda:InvokeFunction",
                function=function,
                principal="cognito-idp.amazonaws.com",
                source_arn=self._pool.arn,
                source_account=self._account,
                opts=self._child,
            )

    def _declare_domain(self, domain_prefix: str, own_domain: OwnDomain | None) -> aws.cognito.UserPoolDomain:
        # A prefix belongs to one pool in a region, whatever the account, so the derived one names the account.
        stack = f"{pulumi.get_project()}-{pulumi.get_stack()}-"
        prefix = domain_prefix or pulumi.Output.concat(stack, self._account)
        return aws.cognito.UserPoolDomain(
            f"{self._name}-domain",
            domain=own_domain.domain if own_domain else prefix,
            certificate_arn=own_domain.certificate_arn if own_domain else None,
            user_pool_id=self._pool.id,
            managed_login_version=1,
            opts=pulumi.ResourceOptions(
                parent=self,
                # No value flows from the record that Cognito looks up at the parent.
                depends_on=own_domain.parents if own_domain else None,
                # "User pool already has a domain configured": Cognito takes the next one once the last is gone.
                delete_before_replace=True,
            ),
        )

    def _declare_provider(self, kakao: KakaoApp) -> aws.cognito.IdentityProvider:
        return aws.cognito.IdentityProvider(
            f"{self._name}-kakao",
            user_pool_id=self._pool.id,
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
                delete_before_replace=True,  # a pool has one of a name
            ),
        )

    def _declare_client(
        self,
        provider: aws.cognito.IdentityProvider,
        origins: Sequence[pulumi.Input[str]],
        app_callbacks: Sequence[str],
        *,
        token_minutes: int,
        refresh_days: int,
        rotate_refresh_tokens: bool,
        challenged: bool,
        protect: bool,
    ) -> aws.cognito.UserPoolClient:
        return aws.cognito.UserPoolClient(
            f"{self._name}-client",
            user_pool_id=self._pool.id,
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
            + (["ALLOW_CUSTOM_AUTH"] if challenged else [])
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
            # Made again, it has another id, which mobile apps carry.
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )

    def _hosted_url(
        self, domain: aws.cognito.UserPoolDomain, given: str, own_domain: OwnDomain | None
    ) -> pulumi.Output[str]:
        if given:
            return pulumi.Output.from_input(given)
        if own_domain:
            host = own_domain.lead_to(domain.cloudfront_distribution, domain.cloudfront_distribution_zone_id)
            return pulumi.Output.concat("https://", host)
        return pulumi.Output.concat("https://", domain.domain, ".auth.", self._region, ".amazoncognito.com")

    def _sent_from(self, address: str) -> aws.cognito.UserPoolEmailConfigurationArgsDict:
        """Have Amazon SES send the pool's mails, for the domain of this address, which it has verified here."""
        place = pulumi.Output.concat(self._region, ":", self._account)
        return {
            "email_sending_account": "DEVELOPER",
            "from_email_address": address,
            "source_arn": pulumi.Output.concat("arn:aws:ses:", place, ":identity/", address.rpartition("@")[2]),
        }

"""The user pool, its hosted login, Kakao as its identity provider, and the app clients."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast
from urllib.parse import urlencode

import pulumi
import pulumi_aws as aws

from handlers import contract
from infra import inputs, mails, policies
from infra.alarms import Alarms, Metric
from infra.component import Component
from infra.domain import Domain
from infra.function import Function
from infra.inputs import KakaoAppArgs, TokenArgs
from infra.kakao import scopes

CUSTOM_CHALLENGE = ("define_auth_challenge", "create_auth_challenge", "verify_auth_challenge_response")
CUSTOM = "custom:"
READABLE = ["email", "email_verified", "nickname"]
WRITABLE = ["email", "nickname"]  # a mapped attribute must be writable; Cognito refuses email_verified here


class SiteClient(NamedTuple):
    """The app client of the site; `secret` is a secret of Pulumi's."""

    id: pulumi.Output[str]
    secret: pulumi.Output[str]


class UserPool(Component):
    """Users sign in with Kakao or with e-mail and password, and the site gets their tokens.

    `triggers` are functions by the names of the pool's LambdaConfig, such as `pre_sign_up`. `challenge` answers the
    three triggers of the custom challenge; without it that flow is off. A trigger cannot have the pool or the client as
    a setting, because both depend on it. `mapped_attributes` are filled by Kakao, `custom_attributes` by the team; the
    pool keeps a custom attribute for ever. `mail_from` is an address of a domain that Amazon SES has verified in this
    region; empty means Cognito's own sender. `service_name` is the name of the service in its mails.
    """

    def __init__(
        self,
        name: str,
        *,
        triggers: Mapping[str, Function],
        challenge: Function | None,
        mapped_attributes: Sequence[str],
        custom_attributes: Sequence[str],
        mail_from: str,
        service_name: str,
        protect: bool,
        jwks_url: str,
        alarms: Alarms,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pool, and the permission of each trigger."""
        super().__init__("UserPool", name, opts)
        self._alarms = alarms
        self._protected = protect
        self._mapped = sorted(mapped_attributes)
        self._custom_auth = challenge is not None
        self._account = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        if challenge is not None:
            triggers = {**triggers, **dict.fromkeys(CUSTOM_CHALLENGE, challenge)}
        self._pool = self._declare_pool(
            {event: function.arn for event, function in triggers.items()},
            _schemas([*mapped_attributes, *custom_attributes]),
            mail_from,
            service_name,
        )
        self.id = self._pool.id
        self.arn = self._pool.arn
        self.issuer = pulumi.Output.concat("https://", self._pool.endpoint)
        self.jwks_url = (
            self._pool.id.apply(lambda pool_id: jwks_url.replace("{userPoolId}", pool_id))
            if jwks_url
            else pulumi.Output.concat(self.issuer, "/.well-known/jwks.json")
        )
        self._allow_triggers(triggers)
        self.register_outputs({"id": self.id, "arn": self.arn, "issuer": self.issuer, "jwksUrl": self.jwks_url})

    # Permissions on the pool's users

    def read_user(self) -> pulumi.Output[policies.Statement]:
        """AdminGetUser: the permission to read one user by user name."""
        return self.arn.apply(policies.read_user)

    def read_client(self) -> pulumi.Output[policies.Statement]:
        """Return the permission to look an app client up."""
        return self.arn.apply(policies.read_client)

    def check_password(self) -> pulumi.Output[policies.Statement]:
        """AdminInitiateAuth: the permission to sign a user in by password."""
        return self.arn.apply(policies.check_password)

    def force_password_reset(self) -> pulumi.Output[policies.Statement]:
        """AdminResetUserPassword: the permission to make the old password of a user stop working."""
        return self.arn.apply(policies.force_password_reset)

    def sign_out_everywhere(self) -> pulumi.Output[policies.Statement]:
        """AdminUserGlobalSignOut: the permission to revoke all tokens of a user."""
        return self.arn.apply(policies.sign_out_everywhere)

    def sign_in_with_token(self, *, linked: bool) -> pulumi.Output[policies.Statement]:
        """AdminCreateUser and others (policies.py): the permission to sign in with a Kakao token.

        Profiles are `linked` to the identity provider, where there is one.
        """
        return self.arn.apply(policies.sign_in_with_token if linked else policies.sign_in_directly)

    # Parts

    def declare_groups(self, groups: Sequence[str]) -> None:
        """CreateGroup: users can be put into these groups (`python -m doctor.people`)."""
        for group in groups:
            aws.cognito.UserGroup(f"{self._name}-group-{group}", name=group, user_pool_id=self.id, opts=self._child)

    def protect_with(self, firewall_arn: pulumi.Input[str]) -> None:
        """AssociateWebACL: AWS WAF checks the requests to the pool."""
        aws.wafv2.WebAclAssociation(
            f"{self._name}-firewall",
            resource_arn=self.arn,
            web_acl_arn=firewall_arn,
            # A pool has one association, and DisassociateWebACL takes the pool: delete the old association first.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )

    def hosted_login(self, *, prefix: str, domain: Domain | None, url: str) -> pulumi.Output[str]:
        """Declare the hosted login at `domain`, or at this prefix of Cognito's domain; return its URL.

        All accounts of a region share the prefixes; {accountId} in `prefix` stands for the account. If `url` is not
        empty, browsers use it instead.
        """
        hosted = aws.cognito.UserPoolDomain(
            f"{self._name}-domain",
            domain=domain.domain if domain else self._with_account(prefix),
            certificate_arn=domain.certificate_arn if domain else None,
            user_pool_id=self.id,
            managed_login_version=1,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A pool takes one domain of each kind, so the old one goes first.
                delete_before_replace=True,
                # Cognito looks up the A record of the parent domain. No value flows from the record.
                depends_on=domain.parents if domain else None,
            ),
        )
        if url:
            return pulumi.Output.from_input(url)
        if domain:
            host = domain.point_to(hosted.cloudfront_distribution, hosted.cloudfront_distribution_zone_id)
            return pulumi.Output.concat("https://", host)
        return pulumi.Output.concat("https://", hosted.domain, ".auth.", self._region(), ".amazoncognito.com")

    def identity_provider(
        self, kakao: KakaoAppArgs, *, endpoints: Mapping[str, pulumi.Input[str]]
    ) -> pulumi.Output[str]:
        """Declare Kakao as an OIDC identity provider of the pool. Return its name.

        `endpoints` are the four URLs by their names in Cognito's ProviderDetails. Cognito sends browsers to
        `authorize_url`, which sends them on to Kakao.
        """
        provider = aws.cognito.IdentityProvider(
            f"{self._name}-kakao",
            user_pool_id=self.id,
            provider_name=contract.PROVIDER,
            provider_type="OIDC",
            # All endpoints: if Cognito discovers them from the issuer, the next preview shows them as drift.
            provider_details={
                "client_id": kakao["client_id"],
                "client_secret": pulumi.Output.secret(kakao["client_secret"]),
                "authorize_scopes": scopes(kakao),
                "attributes_request_method": "GET",
                "attributes_url_add_attributes": "false",
                "oidc_issuer": kakao["issuer"],
                **endpoints,
            },
            attribute_mapping={
                **{claim: claim for claim in inputs.ALWAYS_MAPPED},
                **{attribute: consent for consent, attribute in kakao["attributes"].items()},
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                additional_secret_outputs=["providerDetails"],
                ignore_changes=["attributeMapping.username"],  # Cognito itself adds username = sub
                delete_before_replace=True,  # names of providers are unique in a pool
            ),
        )
        return provider.provider_name

    def site_client(
        self,
        *,
        provider: pulumi.Input[str] | None,
        origins: Sequence[pulumi.Input[str]],
        logouts: Sequence[pulumi.Input[str]],
        passwords: bool,
        tokens: TokenArgs,
        new_profiles: bool,
    ) -> SiteClient:
        """Declare the app client of the site, which has a secret. Without the secret no client can use it.

        The hosted login redirects to `/api/auth/callback` of each origin; after sign-out to `/`, or to one of
        `logouts`. Without a `provider` there is no hosted login. With `passwords` users may also sign in by password.
        `new_profiles` allows a change between the two, which ends all sessions.
        """
        flows = (["ALLOW_ADMIN_USER_PASSWORD_AUTH"] if passwords else []) + (
            ["ALLOW_CUSTOM_AUTH"] if self._custom_auth else []
        )
        client = self._client(
            "site",
            provider=provider,
            confidential=True,
            callbacks=[pulumi.Output.concat(origin, contract.CALLBACK_PATH) for origin in origins],
            logouts=[*(pulumi.Output.concat(origin, "/") for origin in origins), *logouts],
            flows=flows,
            tokens=tokens,
            protected=self._protected and not new_profiles,
        )
        return SiteClient(client.id, pulumi.Output.secret(client.client_secret))

    def app_client(
        self, *, provider: pulumi.Input[str], callbacks: Sequence[str], tokens: TokenArgs
    ) -> pulumi.Output[str]:
        """Declare the app client of mobile apps, which keep no secret; return its id.

        It allows the code grant with PKCE and refreshes, and no sign-in by password, which a caller without AWS
        credentials could try.
        """
        return self._client(
            "client",
            provider=provider,
            confidential=False,
            callbacks=callbacks,
            logouts=[],
            flows=[],
            tokens=tokens,
            protected=self._protected,
        ).id

    def _client(
        self,
        label: str,
        *,
        provider: pulumi.Input[str] | None,
        confidential: bool,
        callbacks: Sequence[pulumi.Input[str]],
        logouts: Sequence[pulumi.Input[str]],
        flows: Sequence[str],
        tokens: TokenArgs,
        protected: bool,
    ) -> aws.cognito.UserPoolClient:
        """Declare an app client that signs in with the code grant, at the identity provider alone, if there is one."""
        hosted = provider is not None
        rotate = tokens["rotate"]
        # Rotation and ALLOW_REFRESH_TOKEN_AUTH exclude each other.
        allowed = [*flows, *([] if rotate else ["ALLOW_REFRESH_TOKEN_AUTH"])]
        client = aws.cognito.UserPoolClient(
            f"{self._name}-{label}",
            user_pool_id=self.id,
            generate_secret=confidential,
            # Empty lists, because the provider keeps the old value of an input that is absent.
            allowed_oauth_flows=["code"] if hosted else [],
            allowed_oauth_flows_user_pool_client=hosted,
            allowed_oauth_scopes=[*contract.SCOPES] if hosted else [],
            callback_urls=[*callbacks] if hosted else [],
            logout_urls=[*logouts] if hosted else [],
            # Without COGNITO the hosted login has no form for passwords; AdminInitiateAuth still takes them.
            supported_identity_providers=[provider] if provider is not None else ["COGNITO"],
            # A client without any flow gets Cognito's defaults, SRP among them (CreateUserPoolClient,
            # ExplicitAuthFlows). Of these two, the first requires triggers, the second AWS credentials.
            explicit_auth_flows=allowed or ["ALLOW_CUSTOM_AUTH" if confidential else "ALLOW_ADMIN_USER_PASSWORD_AUTH"],
            refresh_token_rotation=(
                # Two tabs may refresh with the same token at once.
                {"feature": "ENABLED", "retry_grace_period_seconds": 60} if rotate else None
            ),
            id_token_validity=tokens["minutes"],
            access_token_validity=tokens["minutes"],
            refresh_token_validity=tokens["refresh_days"],
            token_validity_units={"id_token": "minutes", "access_token": "minutes", "refresh_token": "days"},
            enable_token_revocation=True,
            prevent_user_existence_errors="ENABLED",
            read_attributes=[*READABLE, *self._mapped],
            # A federated sign-in writes as the client. So can a user whose access token has the scope
            # aws.cognito.signin.user.admin: not one of the hosted login, but one of a sign-in by password or with a
            # Kakao token. See `Mapped attributes` in docs/decisions.md.
            write_attributes=[*WRITABLE, *(self._mapped if provider is not None else ())],
            opts=pulumi.ResourceOptions(
                parent=self,
                # Created again, it has another id, and all its sessions end; mobile apps carry the id.
                protect=protected,
                # A change of `kakaoSignIn` replaces the client. Pulumi refuses to replace what is protected: in the
                # other mode Kakao users would get new profiles.
                replace_on_changes=["allowedOauthFlows"],
            ),
        )
        if provider is not None:
            dimensions = {"UserPool": self.id, "UserPoolClient": client.id, "IdentityProvider": provider}
            self._alarms.alarm(
                f"{self._name}-sign-in-throttles" if confidential else f"{self._name}-app-sign-in-throttles",
                Metric("AWS/Cognito", "FederationThrottles", dimensions),
                "Cognito throttles sign-ins with Kakao. Ask AWS for a higher quota of federated sign-ins.",
                threshold=1,
                parent=self,
            )
        return client

    def _declare_pool(
        self,
        triggers: Mapping[str, pulumi.Input[str]],
        schemas: Sequence[aws.cognito.UserPoolSchemaArgsDict],
        mail_from: str,
        service_name: str,
    ) -> aws.cognito.UserPool:
        return aws.cognito.UserPool(
            self._name,
            schemas=schemas or None,
            # No alias and no e-mail as user name: an e-mail address never finds, or takes over, a user.
            username_configuration={"case_sensitive": False},
            auto_verified_attributes=["email"],
            user_attribute_update_settings={"attributes_require_verification_before_updates": ["email"]},
            account_recovery_setting={"recovery_mechanisms": [{"name": "verified_email", "priority": 1}]},
            # NIST SP 800-63B: length, not composition.
            password_policy={
                "minimum_length": contract.MIN_PASSWORD_LENGTH,
                "require_lowercase": False,
                "require_numbers": False,
                "require_symbols": False,
                "require_uppercase": False,
                # The most that Cognito takes. Its effect on a custom challenge is unknown: docs/reference/fidelity.md.
                "temporary_password_validity_days": 365,
            },
            user_pool_tier="ESSENTIALS",
            email_configuration=self._sender(mail_from) if mail_from else None,
            # Codes of sign-ups, of forgotten passwords and of new e-mails (developer guide, "Configuring MFA,
            # authentication, verification and invitation messages").
            verification_message_template={
                "default_email_option": "CONFIRM_WITH_CODE",
                "email_subject": mails.code_subject(service_name),
                "email_message": mails.code_message(service_name),
            },
            lambda_config=cast("aws.cognito.UserPoolLambdaConfigArgsDict", triggers),
            deletion_protection="ACTIVE" if self._protected else "INACTIVE",
            opts=pulumi.ResourceOptions(parent=self, protect=self._protected),
        )

    def _allow_triggers(self, triggers: Mapping[str, Function]) -> None:
        for event, function in triggers.items():
            name = f"{self._name}-{event.replace('_', '-')}"
            function.let_invoke(name, "cognito-idp", self.arn, source_account=self._account, opts=self._child)

    def _with_account(self, prefix: str) -> pulumi.Output[str]:
        return self._account.apply(lambda known: prefix.replace("{accountId}", known))

    def _region(self) -> pulumi.Output[str]:
        return aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region

    def _sender(self, address: str) -> aws.cognito.UserPoolEmailConfigurationArgsDict:
        """Send the pool's mails with Amazon SES from this address."""
        return {
            "email_sending_account": "DEVELOPER",
            "from_email_address": address,
            "source_arn": pulumi.Output.concat(
                "arn:aws:ses:", self._region(), ":", self._account, ":identity/", address.rpartition("@")[2]
            ),
        }


def _schemas(attributes: Sequence[str]) -> list[aws.cognito.UserPoolSchemaArgsDict]:
    """Return the custom ones of these attributes as the pool declares them; standard ones exist in each pool.

    A new one is added to the pool (AddCustomAttributes). With any change of an existing one, also without
    `string_attribute_constraints`, the provider stops: "cannot modify or remove schema items" (terraform-provider-aws,
    internal/service/cognitoidp/user_pool.go). It never replaces the pool for its schema.
    """
    names = sorted({name.removeprefix(CUSTOM) for name in attributes if name.startswith(CUSTOM)})
    return [
        {
            "name": name,
            "attribute_data_type": "String",
            "developer_only_attribute": False,
            "mutable": True,  # Cognito writes a mapped attribute at each sign-in
            "required": False,
            "string_attribute_constraints": {"min_length": "0", "max_length": "2048"},
        }
        for name in names
    ]


def authorize_url(hosted_login: pulumi.Input[str], client_id: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return the address at which an app starts a sign-in with Kakao; it adds redirect_uri, state and PKCE."""
    query = urlencode(
        {"identity_provider": contract.PROVIDER, "response_type": "code", "scope": " ".join(contract.SCOPES)}
    )
    return pulumi.Output.concat(hosted_login, contract.AUTHORIZE_PATH, "?", query, "&client_id=", client_id)

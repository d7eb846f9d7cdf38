"""The whole login as one component."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pulumi

from handlers import contract
from infra import firewall, inputs, kakao, names, packaging
from infra.alarms import ALARM_THRESHOLD, PERIOD_MINUTES, Alarms
from infra.component import Component
from infra.domain import Domain
from infra.firewall import Firewall
from infra.first_sign_in import FirstSignIn
from infra.function import Function, Platform
from infra.http_api import HttpApi
from infra.inputs import KakaoLoginArgs
from infra.layer import Layer
from infra.policies import Statement
from infra.site import Site
from infra.user_pool import SiteClient, UserPool, authorize_url
from infra.websocket_api import WebSocketApi

MAX_SIGN_UPS_AN_HOUR = 30  # Cognito's own sender sends at most 50 mails a day


class HostedLogin(NamedTuple):
    """Cognito's hosted login, and the name of Kakao as its identity provider."""

    url: pulumi.Output[str]
    provider: pulumi.Output[str]


class KakaoLogin(Component):
    """Users sign in with Kakao or with e-mail at one address, and the APIs behind it know who they are.

    `api` and `socket` take further routes and services, whose functions run on the same `platform`. `functions` are the
    login's own. `exports` are the outputs of a stack that has this login.
    """

    def __init__(self, name: str, args: KakaoLoginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the login. Raises InputError or InvalidNameError before anything is declared."""
        self._args = inputs.with_prefix(inputs.checked(args), f"{names.stack()}-{name}")
        names.check(f"{name}-{names.LONGEST_PART}")
        super().__init__("KakaoLogin", name, opts)
        self.functions: list[Function] = []

        # Site and APIs
        self._alarms = Alarms(f"{name}-alarms", email=self._args["alarm_email"], opts=self._child)
        self.platform = self._shared_by_functions()
        self.api = self._http_api()
        self.socket = self._websocket_api()
        self._site_domain = self._domain("site")
        self._site = self._declare_site()
        self.url = self._site.url

        # Users
        self._layer = self._packages()
        self._first_sign_in = self._first_sign_in_topic()
        self._pool = self._user_pool()
        self._hosted_login = self._declare_hosted_login()
        self._client = self._site_client()
        self.client_id = self._client.id
        self.app_client_id = self._app_client()
        self.api.accept_tokens(issuer=self._pool.issuer, client_ids=[*self._client_ids().values()])

        # Routes of the login
        self._sessions()
        if self._hosted_login is None:
            self._direct_sign_in()
        else:
            self._kakao_user_info()
        self._user_info()
        if self._args["email_accounts"]:
            self._accounts()
        if self._args["kakao"]["app_id"]:
            self._token_sign_in()
        self._connections()
        self.api.deploy()

        # Alarms and outputs
        self._watch_throttling()
        self.alarm_topic = self._alarms.topic_arn
        self.api_url = pulumi.Output.concat(self.url, contract.API_PATH)
        self.websocket_url = self.url.apply(lambda url: url.replace("http", "ws", 1) + contract.WEBSOCKET_PATH)
        self.websocket_api_id = self.socket.api_id
        self.user_pool_id = self._pool.id
        self.kakao_redirect_uri = self._kakao_redirect_uri()
        self.kakao_logout_redirect_uri = pulumi.Output.concat(self.url, "/")
        self.exports = {
            "siteUrl": self.url,
            "apiUrl": self.api_url,
            "websocketUrl": self.websocket_url,
            "websocketApiId": self.websocket_api_id,
            "kakaoRedirectUri": self.kakao_redirect_uri,
            "kakaoLogoutRedirectUri": self.kakao_logout_redirect_uri,
            "userPoolId": self.user_pool_id,
            "clientId": self.client_id,
            **({} if self.app_client_id is None else {"appClientId": self.app_client_id}),
            "alarmTopic": self.alarm_topic,
        }
        self.register_outputs(
            {
                "url": self.url,
                "apiUrl": self.api_url,
                "websocketUrl": self.websocket_url,
                "websocketApiId": self.websocket_api_id,
                "userPoolId": self.user_pool_id,
                "clientId": self.client_id,
                "appClientId": self.app_client_id,
                "kakaoRedirectUri": self.kakao_redirect_uri,
                "kakaoLogoutRedirectUri": self.kakao_logout_redirect_uri,
                "alarmTopic": self.alarm_topic,
            }
        )

    def at_first_sign_in(self, function: Function) -> None:
        """Call the team's function when a user signs in for the first time (`handlers/new_users.py`).

        Each call adds a function. Raises ValueError where the input `first_sign_in` is missing.
        """
        if self._first_sign_in is None:
            raise ValueError(
                "at_first_sign_in needs the input first_sign_in, which declares the topic of new users: write "
                f'KakaoLogin("{self._name}", {{**settings.read(), "first_sign_in": True}})'
            )
        self._first_sign_in.call(function)

    # Site and APIs

    def _shared_by_functions(self) -> Platform:
        functions = self._args["functions"]
        return Platform(
            runtime=functions["runtime"],
            architecture=functions["architecture"],
            log_days=int(functions["log_days"]),
            permissions_boundary=functions["permissions_boundary"],
            protect=self._args["protect"],
            alarms=self._alarms,
            groups=tuple(self._args["groups"]),
        )

    def _http_api(self) -> HttpApi:
        return HttpApi(f"{self._name}-api", log_days=self.platform.log_days, alarms=self._alarms, opts=self._child)

    def _websocket_api(self) -> WebSocketApi:
        return WebSocketApi(
            f"{self._name}-socket",
            management_url=self._args["websocket_management_url"],
            log_days=self.platform.log_days,
            permissions_boundary=self.platform.permissions_boundary,
            alarms=self._alarms,
            opts=self._child,
        )

    def _declare_site(self) -> Site:
        web_acl = (
            Firewall(f"{self._name}-site-firewall", scope="CLOUDFRONT", rules=firewall.SITE_RULES, opts=self._child)
            if self._args["waf"]
            else None
        )
        return Site(
            f"{self._name}-site",
            page=Path(self._args["page"]),
            content_security_policy=self._args["content_security_policy"],
            email_accounts=self._args["email_accounts"],
            kakao_logout=self._args["kakao"]["logout"],
            api_host=self.api.host,
            socket_host=self.socket.host,
            extra_origins=self._args["extra_origins"],
            domain=self._site_domain,
            firewall_arn=web_acl.arn if web_acl else None,
            protect=self._args["protect"],
            url=self._args["site_url"],
            alarms=self._alarms,
            opts=self._child,
        )

    def _origins(self) -> list[pulumi.Input[str]]:
        """Return the origins that may use the login. The site itself is the first."""
        return [self.url, *self._args["extra_origins"]]

    def _address(self, route: str) -> pulumi.Output[str]:
        """Return the address of a route at the site."""
        return pulumi.Output.concat(self.url, contract.path_of(route))

    def _domain(self, which: str) -> Domain | None:
        """Return the team's own domain for the `site` or the `login`, if there is one."""
        domains = self._args["domains"]
        if not domains[which]:  # type: ignore[literal-required]
            return None
        return Domain(
            f"{self._name}-{which}-address",
            domain=domains[which],  # type: ignore[literal-required]
            hosted_zone_id=domains["hosted_zone_id"],
            parent=self._site_domain if which == "login" else None,
            parent_record=which == "login" and domains["login_parent_record"],
            opts=self._child,
        )

    # Users

    def _packages(self) -> Layer:
        return Layer(
            f"{self._name}-layer",
            runtime=self.platform.runtime,
            architecture=self.platform.architecture,
            opts=self._child,
        )

    def _first_sign_in_topic(self) -> FirstSignIn | None:
        return FirstSignIn(f"{self._name}-first", opts=self._child) if self._args["first_sign_in"] else None

    def _user_pool(self) -> UserPool:
        triggers = {
            "pre_sign_up": self._function(
                "sign-up",
                "pre_sign_up",
                environment=self._sign_up_environment(),
                error_threshold=ALARM_THRESHOLD,
            ),
            "post_confirmation": self._function("confirm", "post_confirmation", announces=True),
            "pre_authentication": self._function("pre-auth", "pre_authentication", error_threshold=ALARM_THRESHOLD),
        }
        if self._args["groups"]:
            triggers["pre_token_generation"] = self._function(
                "token", "pre_token_generation", error_threshold=ALARM_THRESHOLD
            )
        pool = UserPool(
            f"{self._name}-pool",
            triggers=triggers,
            challenge=self._challenge() if self._args["kakao"]["app_id"] else None,
            mapped_attributes=[*self._args["kakao"]["attributes"].values()],
            custom_attributes=self._args["custom_attributes"],
            mail_from=self._args["mail_from"],
            service_name=self._args["service_name"],
            protect=self._args["protect"],
            jwks_url=self._args["jwks_url"],
            alarms=self._alarms,
            opts=self._child,
        )
        pool.declare_groups(self._args["groups"])
        triggers["post_confirmation"].allow(pool.force_password_reset(), pool.sign_out_everywhere())
        if self._args["app_callbacks"]:
            triggers["pre_sign_up"].allow(pool.read_client())
        self._watch_triggers(triggers)
        if self._args["waf"]:
            rules = firewall.USER_POOL_RULES
            web_acl = Firewall(f"{self._name}-pool-firewall", scope="REGIONAL", rules=rules, opts=self._child)
            pool.protect_with(web_acl.arn)
        return pool

    def _watch_triggers(self, triggers: Mapping[str, Function]) -> None:
        if self._args["email_accounts"]:
            self._count_log_lines(
                "sign-ups",
                contract.LOG_SIGN_UP,
                triggers["pre_sign_up"],
                "Many users sign up with e-mail. AWS bills each. See docs/guides/operations.md.",
                threshold=MAX_SIGN_UPS_AN_HOUR,
                minutes=60,
            )
        self._count_log_lines(
            "kakao-statuses",
            contract.LOG_KAKAO_STATUS,
            triggers["pre_authentication"],
            "A Kakao user's profile has a status that allows a password. See docs/decisions.md.",
            threshold=1,
        )

    def _challenge(self) -> Function:
        """Declare the trigger that verifies the Kakao token in Cognito's custom challenge."""
        return self._function(
            "verify",
            "kakao_challenge",
            environment=kakao.token_checks(self._args["kakao"]),
            layers=[self._layer.arn],
            error_threshold=ALARM_THRESHOLD,
        )

    def _kakao_endpoints(self) -> dict[str, pulumi.Input[str]]:
        """Return where Cognito reaches Kakao. Browsers get there through a route of ours, and so do the claims.

        The address of the claims is the API's own: Cognito is no browser, and the site's error pages are not for it.
        """
        return {
            **kakao.endpoints(self._args["kakao"]["issuer"]),
            "authorize_url": self._address(contract.KAKAO_AUTHORIZE),
            "attributes_url": pulumi.Output.concat(
                "https://", self.api.host, contract.path_of(contract.KAKAO_USER_INFO)
            ),
        }

    def _declare_hosted_login(self) -> HostedLogin | None:
        """Declare Cognito's hosted login and its identity provider Kakao, unless users sign in at Kakao itself."""
        if self._args["kakao"]["sign_in"] == contract.DIRECT:
            return None
        url = self._pool.hosted_login(
            prefix=self._args["domains"]["prefix"],
            domain=self._domain("login"),
            url=self._args["hosted_login_url"],
        )
        provider = self._pool.identity_provider(self._args["kakao"], endpoints=self._kakao_endpoints())
        return HostedLogin(url, provider)

    def _kakao_redirect_uri(self) -> pulumi.Output[str]:
        """Return the address to which Kakao sends a browser back."""
        if self._hosted_login is None:
            return self._address(contract.CALLBACK)
        return pulumi.Output.concat(self._hosted_login.url, contract.IDP_RESPONSE_PATH)

    def _site_client(self) -> SiteClient:
        return self._pool.site_client(
            provider=self._hosted_login.provider if self._hosted_login else None,
            origins=self._origins(),
            logouts=[self._address(contract.KAKAO_LOGOUT)] if self._args["kakao"]["logout"] else [],
            passwords=self._args["email_accounts"],
            tokens=self._args["tokens"],
            new_profiles=self._args["new_profiles"],
        )

    def _app_client(self) -> pulumi.Output[str] | None:
        """Declare the client of mobile apps, if the team has such apps; return its id."""
        callbacks = self._args["app_callbacks"]
        if not callbacks or self._hosted_login is None:
            return None
        return self._pool.app_client(
            provider=self._hosted_login.provider, callbacks=callbacks, tokens=self._args["tokens"]
        )

    def _client_ids(self) -> dict[str, pulumi.Output[str]]:
        """Return the ids of the app clients, by environment variable."""
        ids = {contract.ENV_CLIENT_ID: self.client_id}
        return ids if self.app_client_id is None else ids | {contract.ENV_APP_CLIENT_ID: self.app_client_id}

    def _client_secret(self) -> dict[str, pulumi.Output[str]]:
        """Return what a function needs to act as the site's client."""
        return {contract.ENV_CLIENT_ID: self.client_id, contract.ENV_CLIENT_SECRET: self._client.secret}

    def _sign_up_environment(self) -> dict[str, str] | None:
        """Return the variables of the pre sign-up trigger: none where the defaults apply."""
        told = {} if self._args["email_accounts"] else {contract.ENV_EMAIL_ACCOUNTS: "false"}
        return (told | {contract.ENV_HAS_PUBLIC_CLIENT: "true"} if self._args["app_callbacks"] else told) or None

    # Routes of the login

    def _sessions(self) -> None:
        """Declare the routes of the cookie session: sign-in through the hosted login, refresh and sign-out."""
        hosted = self._hosted_login
        function = self._function(
            "session",
            "session",
            environment={
                **self._client_ids(),
                **self._client_secret(),
                **self._session_cookies(),
                **({contract.ENV_HOSTED_LOGIN_URL: hosted.url} if hosted else {}),
                contract.ENV_ISSUER: self._pool.issuer,
                **kakao.authorization(self._args["kakao"]),
                **kakao.logout(self._args["kakao"]),
            },
        )
        own = [route for route in contract.SESSION_ROUTES if hosted or route not in contract.HOSTED_ROUTES]
        self.api.serve("session", function, *own, *([contract.KAKAO_LOGOUT] if self._args["kakao"]["logout"] else []))

    def _direct_sign_in(self) -> None:
        """Declare the routes of the sign-in at Kakao itself."""
        function = self._function(
            "web",
            "kakao_web_sign_in",
            environment={
                **self._client_secret(),
                **self._session_cookies(),
                contract.ENV_USER_POOL_ID: self._pool.id,
                **kakao.web_sign_in(self._args["kakao"]),
            },
            permissions=[self._pool.sign_in_with_token(linked=False)],
            layers=[self._layer.arn],
            announces=True,
        )
        self.api.serve("web-sign-in", function, *contract.LOGIN_ROUTES)

    def _session_cookies(self) -> dict[str, pulumi.Input[str]]:
        """Return what a function needs to begin a session."""
        return {
            contract.ENV_REFRESH_DAYS: str(self._args["tokens"]["refresh_days"]),
            contract.ENV_SITE_ORIGINS: pulumi.Output.json_dumps(self._origins()),
        }

    def _user_info(self) -> None:
        function = self._function(
            "userinfo",
            "user_info",
            environment={contract.ENV_USER_POOL_ID: self._pool.id},
            permissions=[self._pool.read_user()],
        )
        self.api.serve("user-info", function, contract.USER_INFO, signed_in=True)

    def _kakao_user_info(self) -> None:
        """Declare the route at which Cognito asks for the claims of a Kakao user."""
        function = self._function("claims", "kakao_user_info", environment=kakao.user_info(self._args["kakao"]))
        self.api.serve("claims", function, contract.KAKAO_USER_INFO)

    def _accounts(self) -> None:
        """Declare the routes of accounts with e-mail and password."""
        function = self._function(
            "accounts",
            "accounts",
            environment={
                **self._client_secret(),
                **self._session_cookies(),
                contract.ENV_USER_POOL_ID: self._pool.id,
            },
            permissions=[
                self._pool.check_password(),
                self._pool.force_password_reset(),
                self._pool.sign_out_everywhere(),
            ],
        )
        self.api.serve("accounts", function, *contract.ACCOUNT_ROUTES)
        self.api.throttle(*contract.MAILING_ROUTES)
        self._count_log_lines(
            "codes-not-sent",
            contract.LOG_CODE_NOT_SENT,
            function,
            "Codes for e-mail accounts are not sent. Look at `mailFrom`, and at the limits of Cognito's or SES's mail.",
        )

    def _token_sign_in(self) -> None:
        """Declare the route with which mobile apps sign in with a Kakao token."""
        function = self._function(
            "kakao",
            "kakao_sign_in",
            environment={
                **self._authorize_url(),
                **self._client_secret(),
                contract.ENV_USER_POOL_ID: self._pool.id,
                **kakao.token_checks(self._args["kakao"]),
                **kakao.attributes(self._args["kakao"]),
            },
            permissions=[self._pool.sign_in_with_token(linked=self._hosted_login is not None)],
            layers=[self._layer.arn],
            announces=True,
        )
        self.api.serve("kakao-sign-in", function, contract.KAKAO_SIGN_IN)

    def _authorize_url(self) -> dict[str, pulumi.Output[str]]:
        """Return where a mobile app sends a user who has to use the hosted login, where there is one."""
        if self._hosted_login is None:
            return {}
        if self.app_client_id is None:
            url = pulumi.Output.concat(self._address(contract.LOGIN), f"?provider={contract.PROVIDER}")
        else:
            url = authorize_url(self._hosted_login.url, self.app_client_id)
        return {contract.ENV_AUTHORIZE_URL: url}

    def _connections(self) -> None:
        """Declare the authorizer of WebSocket connections."""
        function = self._function(
            "connect",
            "connect_authorizer",
            environment={
                **self._client_ids(),
                contract.ENV_CONNECT_CHECKS_USER: json.dumps(self._args["connect_checks_user"]),
                contract.ENV_ISSUER: self._pool.issuer,
                contract.ENV_JWKS_URL: self._pool.jwks_url,
                contract.ENV_SITE_ORIGINS: pulumi.Output.json_dumps(self._origins()),
                contract.ENV_USER_POOL_ID: self._pool.id,
            },
            permissions=[self._pool.read_user()],
            layers=[self._layer.arn],
        )
        self.socket.authorize(function)
        name = f"{self._name}-authorizer-errors"  # the authorizer denies on an error, so Lambda counts no error
        self._alarms.alarm(
            name,
            self._alarms.count(name, '{ $.level = "ERROR" }', function.log_group, parent=function),
            "Users get no WebSocket because their token or account cannot be verified. Read the authorizer's log.",
            parent=function,
        )

    def _function(
        self,
        name: str,
        module: str,
        *,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        permissions: Sequence[pulumi.Input[Statement]] = (),
        layers: Sequence[pulumi.Input[str]] = (),
        announces: bool = False,
        error_threshold: int = 1,
    ) -> Function:
        """Declare the Lambda function of handlers/<module>.py. With `announces` it tells the team of new users."""
        if announces and self._first_sign_in is not None:
            environment = {**(environment or {}), contract.ENV_FIRST_SIGN_IN_TOPIC: self._first_sign_in.topic_arn}
            permissions = [*permissions, self._first_sign_in.publish()]
        function = Function(
            f"{self._name}-{name}",
            source=packaging.HANDLERS / f"{module}.py",
            platform=self.platform,
            environment=environment,
            permissions=permissions,
            layers=layers,
            error_threshold=error_threshold,
            opts=self._child,
        )
        self.functions.append(function)
        return function

    # Alarms and outputs

    def _count_log_lines(
        self,
        label: str,
        message: str,
        function: Function,
        description: str,
        *,
        threshold: int = ALARM_THRESHOLD,
        minutes: int = PERIOD_MINUTES,
    ) -> None:
        """Notify the team when a function logs this message too often."""
        name = f"{self._name}-{label}"
        metric = self._alarms.count(name, f'{{ $.message = "{message}" }}', function.log_group, parent=function)
        self._alarms.alarm(name, metric, description, threshold=threshold, minutes=minutes, parent=function)

    def _watch_throttling(self) -> None:
        name = f"{self._name}-throttles"
        logs = (self.api.access_logs, self.socket.access_logs)
        self._alarms.alarm(
            name,
            self._alarms.count(name, '{ $.status = "429" }', *logs, parent=self),
            "Requests are answered with 429. Either there is a flood, or a limit of the API or of Cognito is too low.",
            parent=self,
        )

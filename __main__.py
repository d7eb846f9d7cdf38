"""Kakao login on Amazon Cognito: the stack on one page."""

import json
from functools import partial
from pathlib import Path

import pulumi

from infra import firewall, settings
from infra.api import HttpApi
from infra.domain import Domain
from infra.firewall import Firewall
from infra.function import Function
from infra.layer import Layer
from infra.login import Login
from infra.operations import Operations
from infra.site import MISSING, Site
from infra.socket import Socket
from infra.tags import tag_everything

config = settings.read()
tag_everything({"project": pulumi.get_project(), "stack": pulumi.get_stack()})
function = partial(
    Function,
    runtime=config.runtime,
    architecture=config.architecture,
    log_days=config.log_days,
    permissions_boundary=config.permissions_boundary,
)

api = HttpApi("api", log_days=config.log_days)
socket = Socket(
    "socket",
    management_url=config.websocket_management_url,
    log_days=config.log_days,
    permissions_boundary=config.permissions_boundary,
)
own_domain = partial(Domain, hosted_zone_id=config.hosted_zone_id)
site_domain = own_domain("site-address", domain=config.site_domain) if config.site_domain else None
login_domain = (
    own_domain(
        "login-address", domain=config.login_domain, parent=site_domain, parent_record=config.login_parent_record
    )
    if config.login_domain
    else None
)
site_firewall = Firewall("site-firewall", scope="CLOUDFRONT", rules=firewall.BEFORE_SITE) if config.waf else None
login_firewall = Firewall("login-firewall", scope="REGIONAL", rules=firewall.BEFORE_USER_POOL) if config.waf else None
site = Site(
    "site",
    content=Path("frontend"),
    api_host=api.host,
    socket_host=socket.host,
    extra_origins=config.extra_origins,
    protect=config.protect,
    url=config.site_url,
    own_domain=site_domain,
    firewall_arn=site_firewall.arn if site_firewall else None,
)
origins: list[pulumi.Input[str]] = [site.url, *config.extra_origins]
site_origins = pulumi.Output.json_dumps(origins)
triggers = {
    module: function(module.replace("_", "-"), module=module, environment={})
    for module in ("pre_sign_up", "post_confirmation", "pre_authentication")
}
layer = Layer("layer", runtime=config.runtime, architecture=config.architecture)
challenge = (
    function(
        "kakao-challenge",
        module="kakao_challenge",
        environment=config.kakao.token_checks,
        layers=[layer.arn],
    )
    if config.kakao.app_id
    else None
)
login = Login(
    "login",
    kakao=config.kakao,
    origins=origins,
    app_callbacks=config.app_callbacks,
    domain_prefix=config.domain_prefix,
    hosted_url=config.hosted_login_url,
    jwks_url=config.jwks_url,
    token_minutes=config.token_minutes,
    refresh_days=config.refresh_days,
    rotate_refresh_tokens=config.rotate_refresh_tokens,
    protect=config.protect,
    mail_from=config.mail_from,
    triggers={event: trigger.arn for event, trigger in triggers.items()},
    own_domain=login_domain,
    firewall_arn=login_firewall.arn if login_firewall else None,
    challenge=challenge.arn if challenge else None,
)
triggers["post_confirmation"].allow(login.end_password(), login.end_sessions())
api.accept_tokens(issuer=login.issuer, client_id=login.client_id)

session = function(
    "session",
    module="session",
    environment={
        "CLIENT_ID": login.client_id,
        "HOSTED_LOGIN_URL": login.hosted_url,
        "IDENTITY_PROVIDER": login.provider_name,
        "ISSUER": login.issuer,
        "REFRESH_DAYS": str(config.refresh_days),
        "SCOPE": login.scope,
        "SITE_ORIGINS": site_origins,
    },
)
user_info = function(
    "user-info",
    module="user_info",
    environment={"USER_POOL_ID": login.user_pool_id},
    permissions=[login.read_user()],
)
accounts = function(
    "accounts",
    module="accounts",
    environment={
        "CLIENT_ID": login.client_id,
        "PASSWORD_LENGTH": str(login.password_length),
        "REFRESH_DAYS": str(config.refresh_days),
        "SITE_ORIGINS": site_origins,
        "USER_POOL_ID": login.user_pool_id,
    },
    permissions=[login.check_password(), login.end_password(), login.end_sessions()],
)
connect_authorizer = function(
    "connect-authorizer",
    module="connect_authorizer",
    environment={
        "CLIENT_ID": login.client_id,
        "CONNECT_CHECKS_USER": json.dumps(config.connect_checks_user),
        "ISSUER": login.issuer,
        "JWKS_URL": login.jwks_url,
        "SITE_ORIGINS": site_origins,
        "USER_POOL_ID": login.user_pool_id,
    },
    permissions=[login.read_user()],
    layers=[layer.arn],
)
chat = function(
    "chat",
    module="chat",
    environment={"MANAGEMENT_URL": socket.management_url},
    permissions=[socket.answer_connections()],
)
socket.serve(chat, authorizer=connect_authorizer)
api.serve(
    session,
    "GET /api/auth/login",
    "GET /api/auth/callback",
    f"GET {MISSING}/{{file+}}",
    "POST /api/auth/refresh",
    "POST /api/auth/logout",
)
api.serve(
    accounts,
    "POST /api/auth/sign-up",
    "POST /api/auth/confirm",
    "POST /api/auth/resend-code",
    "POST /api/auth/sign-in",
    "POST /api/auth/forgot-password",
    "POST /api/auth/reset-password",
)
api.serve(user_info, "GET /api/userinfo", signed_in=True)
refusing = [triggers["pre_sign_up"], triggers["pre_authentication"]]
functions = [session, user_info, accounts, connect_authorizer, chat, triggers["post_confirmation"]]
if challenge:
    kakao_sign_in = function(
        "kakao-sign-in",
        module="kakao_sign_in",
        environment={
            "AUTHORIZE_URL": login.authorize_url,
            "CLIENT_ID": login.client_id,
            "USER_POOL_ID": login.user_pool_id,
            **config.kakao.token_checks,
        },
        permissions=[login.sign_in_with_token()],
        layers=[layer.arn],
    )
    api.serve(kakao_sign_in, "POST /api/auth/kakao")
    functions.append(kakao_sign_in)
    refusing.append(challenge)

operations = Operations(
    "operations",
    functions=functions,
    refusing=refusing,
    authorizer=connect_authorizer,
    accounts=accounts,
    pre_sign_up=triggers["pre_sign_up"],
    pre_authentication=triggers["pre_authentication"],
    api=api,
    socket=socket,
    login=login,
    distribution_id=site.distribution_id,
    alarm_email=config.alarm_email,
)

pulumi.export("siteUrl", site.url)
pulumi.export("apiUrl", pulumi.Output.concat(site.url, "/api"))
pulumi.export("websocketUrl", site.url.apply(lambda url: f"{url.replace('http', 'ws', 1)}/ws"))
pulumi.export("kakaoRedirectUri", pulumi.Output.concat(login.hosted_url, "/oauth2/idpresponse"))
pulumi.export("kakaoLogoutRedirectUri", pulumi.Output.concat(site.url, "/"))
pulumi.export("userPoolId", login.user_pool_id)
pulumi.export("clientId", login.client_id)
pulumi.export("websocketApiId", socket.api_id)
pulumi.export("alarmTopic", operations.alarm_topic)
pulumi.export("dashboard", operations.dashboard_name)

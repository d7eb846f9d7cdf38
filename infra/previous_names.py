"""Aliases for the names that resources had before `KakaoLogin` existed, so that existing stacks keep their resources.

In the first version every component was at the top of the stack. Pulumi finds a resource by its URN, and through an
alias by its old URN. The aliases apply to the instance named `login` only. Remove them when no stack of the first
version is left.
"""

import pulumi

INFRA = "kakao-login:infra"
# New name of a component: its old type and old name. The names of its children begin with it.
COMPONENTS = {
    "login-api": ("HttpApi", "api"),
    "login-socket": ("Socket", "socket"),
    "login-site": ("Site", "site"),
    "login-site-address": ("Domain", "site-address"),
    "login-site-firewall": ("Firewall", "site-firewall"),
    "login-layer": ("Layer", "layer"),
    "login-pool": ("Login", "login"),
    "login-login-address": ("Domain", "login-address"),
    "login-pool-firewall": ("Firewall", "login-firewall"),
    "login-alarms": ("Operations", "operations"),
    "login-session": ("Function", "session"),
    "login-userinfo": ("Function", "user-info"),
    "login-accounts": ("Function", "accounts"),
    "login-kakao": ("Function", "kakao-sign-in"),
    "login-connect": ("Function", "connect-authorizer"),
    "login-sign-up": ("Function", "pre-sign-up"),
    "login-confirm": ("Function", "post-confirmation"),
    "login-pre-auth": ("Function", "pre-authentication"),
    "login-verify": ("Function", "kakao-challenge"),
}
NEW_KINDS = {"Socket": "WebSocketApi", "Login": "UserPool", "Operations": "Alarms"}  # of components; others kept theirs
FUNCTIONS = {name: old for name, (kind, old) in COMPONENTS.items() if kind == "Function"} | {"chat": "chat"}

TRIGGERS = (
    "pre-sign-up",
    "post-confirmation",
    "pre-authentication",
    "define-auth-challenge",
    "create-auth-challenge",
    "verify-auth-challenge-response",
)

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
PERMISSION = "aws:lambda/permission:Permission"
ROUTE = "aws:apigatewayv2/route:Route"
# Type and new name of another resource: its old component, and its old name.
RESOURCES = {
    ("aws:cognito/userPool:UserPool", "login-pool"): ("Login", "login-pool"),
    ("aws:s3/bucket:Bucket", "login-site"): ("Site", "site-bucket"),
    ("aws:cloudfront/originAccessControl:OriginAccessControl", "login-site"): ("Site", "site-access"),
    ("aws:cloudfront/function:Function", "login-site-jwt"): ("Site", "site-bearer"),
    ("aws:cloudfront/function:Function", "login-site-spa"): ("Site", "site-page"),
    ("aws:iam/role:Role", "login-socket"): ("Socket", "socket-logs-role"),
    **{(PERMISSION, f"login-pool-{event}"): ("Login", f"login-{event}-permission") for event in TRIGGERS},
    (PERMISSION, "login-socket-authorizer-permission"): ("Socket", "socket-connect-authorizer-permission"),
    ("aws:apigatewayv2/integration:Integration", "chat-integration"): ("Socket", "socket-chat"),
    **{
        (ROUTE, f"chat-{event}-route"): ("Socket", f"socket-{event}-route")
        for event in ("connect", "default", "disconnect")
    },
    **{
        (PERMISSION, f"chat-{event}-permission"): ("Socket", f"socket-{event}-permission")
        for event in ("connect", "default", "disconnect")
    },
    **{("aws:lambda/function:Function", name): ("Function", f"{old}-function") for name, old in FUNCTIONS.items()},
    **{("aws:iam/role:Role", name): ("Function", f"{old}-role") for name, old in FUNCTIONS.items()},
    **{(ALARM, f"{name}-errors"): ("Operations", f"operations-{old}-errors") for name, old in FUNCTIONS.items()},
    (ALARM, "login-api-5xx"): ("Operations", "operations-api-5xx"),
    (ALARM, "login-socket-execution-errors"): ("Operations", "operations-socket-execution-errors"),
    (ALARM, "login-socket-integration-errors"): ("Operations", "operations-socket-integration-errors"),
    (ALARM, "login-site-5xx"): ("Operations", "operations-site-5xx"),
    (ALARM, "login-alarms-function-throttles"): ("Operations", "operations-function-throttles"),
    (ALARM, "login-pool-sign-in-throttles"): ("Operations", "operations-sign-in-throttles"),
    (ALARM, "login-throttles"): ("Operations", "operations-api-throttles"),
    (FILTER, "login-throttles-0"): ("Operations", "operations-api-throttles-0"),
    (FILTER, "login-throttles-1"): ("Operations", "operations-api-throttles-1"),
    (ALARM, "login-authorizer-errors"): ("Operations", "operations-authorizer-errors"),
    (FILTER, "login-authorizer-errors-0"): ("Operations", "operations-authorizer-errors-0"),
    (TOPIC, "login-alarms-topic"): ("Operations", "operations-alarms"),
    (TOPIC, "login-alarms-site-topic"): ("Operations", "operations-site-alarms"),
    (SUBSCRIPTION, "login-alarms-email"): ("Operations", "operations-alarms-email"),
    (SUBSCRIPTION, "login-alarms-site-email"): ("Operations", "operations-site-alarms-email"),
    ("aws:cloudwatch/dashboard:Dashboard", "dashboard"): ("Operations", "operations-dashboard"),
}


def add_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Give a resource the aliases for the name that it had in the first version, if it had one."""
    parent = args.opts.parent if args.opts else None
    aliases = _aliases(args.type_, args.name, parent._name if isinstance(parent, pulumi.ComponentResource) else "")
    if not aliases:
        return None
    return pulumi.ResourceTransformationResult(
        args.props, pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(aliases=aliases))
    )


def _aliases(kind: str, name: str, parent: str) -> list[pulumi.Alias | pulumi.Input[str]]:
    if kind.startswith(f"{INFRA}:"):
        if name not in COMPONENTS:
            return []
        old_kind, old = COMPONENTS[name]
        return [pulumi.Alias(name=old, type_=f"{INFRA}:{old_kind}", parent=pulumi.ROOT_STACK_RESOURCE)]
    if (kind, name) in RESOURCES:
        component, old = RESOURCES[kind, name]
    elif parent in COMPONENTS and f"{name}-".startswith(f"{parent}-"):
        component, old_parent = COMPONENTS[parent]
        old = old_parent + name.removeprefix(parent)
    else:
        return []
    # A URN has the types of the parents, not their names. If an `up` fails after it has moved the parent, the URNs of
    # the children that it did not reach already have the parent's new type.
    moved = f"{INFRA}:KakaoLogin${INFRA}:{NEW_KINDS.get(component, component)}"
    return [pulumi.Alias(name=old, parent=_urn(types, component)) for types in (f"{INFRA}:{component}", moved)]


def _urn(types: str, name: str) -> str:
    return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{types}::{name}"

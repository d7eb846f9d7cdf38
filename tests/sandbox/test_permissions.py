"""What each role may do, as the emulated IAM enforces it: a flow needs every permission, and nothing else is allowed.

The permissions are read from the account, so that a function or an action without a flow here fails a test.
"""

import json
import secrets
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import boto3
import pytest
from aiohttp import WSServerHandshakeError
from botocore import xform_name
from botocore.exceptions import ClientError

from sandbox.kakao import PEOPLE
from sandbox.local import Sandbox
from tests.sandbox.deployed import (
    EMAIL,
    PASSWORD,
    ask,
    bearer,
    forget,
    functions,
    id_token,
    invoke,
    kakao_tokens,
    mailed_code,
    on_pool,
    profile_names,
    routes,
    talk,
)

pytestmark = pytest.mark.sandbox

# The emulator writes a function's log whatever its role may do: tests/infra/test_function.py has these to the letter.
# Only with a function of the team's for the first sign-in may the trigger publish: tests/service/ has that.
NOT_LOOKED_AT = {"logs:CreateLogStream", "logs:PutLogEvents", "sns:Publish"}


class Grant(NamedTuple):
    """One action on one resource, its ids replaced by the names under which the program exports them."""

    module: str
    action: str
    resource: str


@pytest.fixture(scope="module")
def access_token(sandbox: Sandbox) -> str:
    return id_token(sandbox, name="AccessToken")


@pytest.fixture(scope="module")
def token(sandbox: Sandbox) -> str:
    return id_token(sandbox)


# Flows, each by the grant without which it fails


def signs_in_by_password(sandbox: Sandbox, *_: str) -> bool:
    answer = ask(sandbox, "POST /api/auth/sign-in", body={"email": EMAIL, "password": PASSWORD})
    return bool(answer.status_code == 200)


def resets_a_password_of_a_stranger(sandbox: Sandbox, *_: str) -> bool:
    email = f"{secrets.token_hex(4)}@example.com"
    strangers = {"email": email, "password": "chosen by a stranger"}
    ask(sandbox, "POST /api/auth/sign-up", body=strangers)
    body = {"email": email, "password": PASSWORD, "code": mailed_code(sandbox, email)}
    ask(sandbox, "POST /api/auth/confirm", body=body)
    return bool(ask(sandbox, "POST /api/auth/sign-in", body=strangers).status_code == 400)


def ends_its_sessions_too(sandbox: Sandbox, *_: str) -> bool:
    before = failures(sandbox, "accounts", "password_not_ended")
    resets_a_password_of_a_stranger(sandbox)
    return failures(sandbox, "accounts", "password_not_ended") == before


def failures(sandbox: Sandbox, module: str, line: str) -> int:
    """How often a function has logged this."""
    group = functions(sandbox)[module]["LoggingConfig"]["LogGroup"]
    events = sandbox.account.call("logs", "FilterLogEvents", {"logGroupName": group})["events"]
    return sum(line in event["message"] for event in events)


def ends_older_sessions(sandbox: Sandbox, *_: str) -> bool:
    event = {"userPoolId": sandbox.exports["userPoolId"], "userName": EMAIL}
    event["triggerSource"] = "PostConfirmation_ConfirmForgotPassword"
    return "FunctionError" not in invoke(sandbox, "post_confirmation", event)


def signs_up_through_a_client_with_a_secret(sandbox: Sandbox, *_: str) -> bool:
    """A new client each time, because the trigger caches the clients that it has looked up."""
    made = on_pool(sandbox, "CreateUserPoolClient", ClientName="another", GenerateSecret=True)["UserPoolClient"]
    event = {"triggerSource": "PreSignUp_SignUp", "userPoolId": sandbox.exports["userPoolId"], "userName": EMAIL}
    event |= {"callerContext": {"clientId": made["ClientId"]}, "request": {"userAttributes": {"email": EMAIL}}}
    answer = invoke(sandbox, "pre_sign_up", event)
    on_pool(sandbox, "DeleteUserPoolClient", ClientId=made["ClientId"])
    return "FunctionError" not in answer


def reads_the_profile_of_an_access_token(sandbox: Sandbox, _: str, access_token: str) -> bool:
    return bool(ask(sandbox, "GET /api/userinfo", bearer(access_token)).status_code == 200)


def connects(sandbox: Sandbox, token: str, _: str) -> bool:
    try:
        return talk(sandbox, bearer(token)) == []
    except WSServerHandshakeError:
        return False


def signs_in_by_kakao_token_for_the_first_time(sandbox: Sandbox, *_: str) -> bool:
    forget(sandbox, PEOPLE[0])
    token = kakao_tokens(sandbox, PEOPLE[0])["access_token"]
    answer = ask(sandbox, "POST /api/auth/kakao", body={"access_token": token})
    forget(sandbox, PEOPLE[0])
    return bool(answer.status_code == 200)


def resets_a_password_of_a_kakao_profile(sandbox: Sandbox, *_: str) -> bool:
    name = profile_names(PEOPLE[0])[0]
    forget(sandbox, PEOPLE[0])
    on_pool(sandbox, "AdminCreateUser", Username=name, MessageAction="SUPPRESS")
    on_pool(sandbox, "AdminSetUserPassword", Username=name, Password=PASSWORD, Permanent=True)
    event = {"triggerSource": "PostConfirmation_ConfirmForgotPassword", "userName": name}
    invoke(sandbox, "post_confirmation", event | {"userPoolId": sandbox.exports["userPoolId"]})
    status = on_pool(sandbox, "AdminGetUser", Username=name)["UserStatus"]
    forget(sandbox, PEOPLE[0])
    return bool(status == "RESET_REQUIRED")


FIRST_SIGN_IN_BY_TOKEN = (
    "AdminGetUser",
    "AdminCreateUser",
    "AdminLinkProviderForUser",
    "AdminInitiateAuth",
    "AdminRespondToAuthChallenge",
)
FLOWS: dict[Grant, Callable[[Sandbox, str, str], bool]] = {
    Grant("accounts", "cognito-idp:AdminInitiateAuth", "userpool/{userPoolId}"): signs_in_by_password,
    Grant("accounts", "cognito-idp:AdminResetUserPassword", "userpool/{userPoolId}"): resets_a_password_of_a_stranger,
    Grant("accounts", "cognito-idp:AdminUserGlobalSignOut", "userpool/{userPoolId}"): ends_its_sessions_too,
    Grant("post_confirmation", "cognito-idp:AdminUserGlobalSignOut", "userpool/{userPoolId}"): ends_older_sessions,
    Grant(
        "pre_sign_up", "cognito-idp:DescribeUserPoolClient", "userpool/{userPoolId}"
    ): signs_up_through_a_client_with_a_secret,
    Grant("user_info", "cognito-idp:AdminGetUser", "userpool/{userPoolId}"): reads_the_profile_of_an_access_token,
    Grant("connect_authorizer", "cognito-idp:AdminGetUser", "userpool/{userPoolId}"): connects,
    Grant(
        "post_confirmation", "cognito-idp:AdminResetUserPassword", "userpool/{userPoolId}"
    ): resets_a_password_of_a_kakao_profile,
    **{
        Grant(
            "kakao_sign_in", f"cognito-idp:{operation}", "userpool/{userPoolId}"
        ): signs_in_by_kakao_token_for_the_first_time
        for operation in FIRST_SIGN_IN_BY_TOKEN
    },
}


TRIGGERED = {  # the emulator itself calls the first one alone
    "pre_sign_up": "PreSignUp_SignUp",
    "post_confirmation": "PostConfirmation_ConfirmSignUp",
    "pre_authentication": "PreAuthentication_Authentication",
    "kakao_challenge": "DefineAuthChallenge_Authentication",
}


def test_every_route_trigger_and_websocket_event_runs_with_its_own_role(sandbox: Sandbox, token: str) -> None:
    body = {"email": EMAIL, "password": PASSWORD, "code": "000000", "refresh_token": "none"}
    for route in routes(sandbox):
        answer = ask(sandbox, route, bearer(token), body)
        assert answer.status_code < 500, route
    talk(sandbox, bearer(token))
    for module, source in TRIGGERED.items():
        event = {"triggerSource": source, "callerContext": {"clientId": sandbox.exports["clientId"]}}
        request = {"userAttributes": {"email": EMAIL, "sub": "sub-1", "cognito:user_status": "CONFIRMED"}}
        event |= {"userPoolId": sandbox.exports["userPoolId"], "userName": EMAIL}
        answer = invoke(sandbox, module, event | {"request": request, "response": {}})
        assert "FunctionError" not in answer, module
    ran = {"connect_authorizer"}  # the emulator keeps no log of what a WebSocket calls
    for module, function in functions(sandbox).items():
        group = {"logGroupName": function["LoggingConfig"]["LogGroup"]}
        if sandbox.account.call("logs", "DescribeLogStreams", group)["logStreams"]:
            ran.add(module)
    assert ran == set(functions(sandbox))
    assert len({function["Role"] for function in functions(sandbox).values()}) == len(functions(sandbox))


@dataclass(frozen=True)
class Policy:
    """One policy of a function's role: each action with each resource that it is allowed on."""

    role: str
    name: str
    pairs: list[tuple[str, str]]

    def put(self, sandbox: Sandbox, pairs: Iterable[tuple[str, str]]) -> None:
        """Let it allow this much and no more."""
        statements = [{"Effect": "Allow", "Action": [action], "Resource": [arn]} for action, arn in pairs]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        named = {"RoleName": self.role, "PolicyName": self.name}
        if statements:
            sandbox.account.call("iam", "PutRolePolicy", named | {"PolicyDocument": document})
        else:  # IAM takes no policy without a statement
            sandbox.account.call("iam", "DeleteRolePolicy", named)


def policies(sandbox: Sandbox, module: str) -> list[Policy]:
    role = functions(sandbox)[module]["Role"].rpartition("/")[2]

    def policy(name: str) -> Policy:
        found = sandbox.account.call("iam", "GetRolePolicy", {"RoleName": role, "PolicyName": name})["PolicyDocument"]
        pairs = [
            (action, arn)
            for statement in found["Statement"]
            for action in statement["Action"]
            for arn in statement["Resource"]
            if statement["Effect"] == "Allow"
        ]
        return Policy(role, name, pairs)

    names = sandbox.account.call("iam", "ListRolePolicies", {"RoleName": role})["PolicyNames"]
    return [policy(name) for name in names]


def granted(sandbox: Sandbox) -> dict[Grant, tuple[str, str]]:
    """Every grant that the emulator enforces, and how it stands in its policy."""
    names = {sandbox.exports[name]: f"{{{name}}}" for name in ("userPoolId", "websocketApiId")}

    def named(arn: str) -> str:
        return "/".join(names.get(part, part) for part in arn.split(":", 5)[5].split("/"))

    return {
        Grant(module, action, named(arn)): (action, arn)
        for module in functions(sandbox)
        for policy in policies(sandbox, module)
        for action, arn in policy.pairs
        if action not in NOT_LOOKED_AT
    }


def test_every_permission_has_a_flow_that_needs_it(sandbox: Sandbox) -> None:
    assert set(granted(sandbox)) == set(FLOWS)


@pytest.mark.parametrize("grant", FLOWS, ids=lambda grant: f"{grant.module} {grant.action} {grant.resource}")
def test_a_flow_works_with_its_permission_and_fails_without_it(
    sandbox: Sandbox, token: str, access_token: str, grant: Grant
) -> None:
    flow, pair = FLOWS[grant], granted(sandbox)[grant]
    (whole,) = [policy for policy in policies(sandbox, grant.module) if pair in policy.pairs]
    assert flow(sandbox, token, access_token)
    try:
        whole.put(sandbox, [other for other in whole.pairs if other != pair])
        assert not flow(sandbox, token, access_token)
    finally:
        whole.put(sandbox, whole.pairs)
    assert flow(sandbox, token, access_token)


def test_the_page_is_served_only_with_the_bucket_policy(sandbox: Sandbox) -> None:
    (bucket,) = sandbox.account.call("s3", "ListBuckets", {})["Buckets"]
    named = {"Bucket": bucket["Name"]}
    allowed = sandbox.account.call("s3", "GetBucketPolicy", named)["Policy"]
    assert ask(sandbox, "GET /").status_code == 200
    try:
        sandbox.account.call("s3", "DeleteBucketPolicy", named)
        assert ask(sandbox, "GET /").status_code == 404  # what the bucket refuses is answered as a missing file
    finally:
        sandbox.account.call("s3", "PutBucketPolicy", named | {"Policy": allowed})
    assert ask(sandbox, "GET /").status_code == 200


# Permissions that no role has


PERSON = {"Username": "unknown"}
WRONG_PASSWORD = {"AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": "unknown", "PASSWORD": "x"}}
KAKAO_LINK = {"ProviderName": "Kakao", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "1"}
# On the pool, as an attacker in a function would try; each is harmless where it is allowed.
ON_THE_POOL: dict[str, dict[str, Any]] = {
    "AdminConfirmSignUp": PERSON,
    "AdminCreateUser": PERSON | {"MessageAction": "RESEND"},
    "AdminDeleteUser": PERSON,
    "AdminGetUser": PERSON,
    "AdminInitiateAuth": WRONG_PASSWORD,
    "AdminLinkProviderForUser": {"DestinationUser": KAKAO_LINK, "SourceUser": KAKAO_LINK},
    "AdminResetUserPassword": PERSON,
    "AdminRespondToAuthChallenge": {"ChallengeName": "CUSTOM_CHALLENGE"},
    "AdminSetUserPassword": PERSON | {"Password": "a-long-enough-password"},
    "AdminUpdateUserAttributes": PERSON | {"UserAttributes": []},
    "AdminUserGlobalSignOut": PERSON,
    "DescribeIdentityProvider": {"ProviderName": "Kakao"},
    "DescribeUserPoolClient": {},
    "ListUsers": {},
}
WITH_A_CLIENT = ("AdminInitiateAuth", "AdminRespondToAuthChallenge", "DescribeUserPoolClient")


def allowed(sandbox: Sandbox, role: boto3.Session, *, pool: str, api: str) -> set[str]:
    """Return what this role may do: each probe that is not refused for lack of a permission."""

    def may(service: str, operation: str, url: str = sandbox.aws, **parameters: Any) -> bool:
        with closing(role.client(service, endpoint_url=url)) as client:
            try:
                getattr(client, xform_name(operation))(**parameters)
            except ClientError as error:
                return not error.response["Error"]["Code"].startswith("AccessDenied")
        return True

    client = {"ClientId": sandbox.exports["clientId"]}
    found = {
        f"cognito-idp:{operation}"
        for operation, given in ON_THE_POOL.items()
        if may("cognito-idp", operation, UserPoolId=pool, **given, **(client if operation in WITH_A_CLIENT else {}))
    }
    connections = f"{sandbox.aws}/_aws/execute-api/{api}/ws"
    if may("apigatewaymanagementapi", "PostToConnection", connections, ConnectionId="gone", Data=b"x"):
        found.add("execute-api:ManageConnections")
    another = functions(sandbox)["user_info"]
    others = {
        "iam:ListRoles": may("iam", "ListRoles"),
        "lambda:InvokeFunction": may("lambda", "Invoke", FunctionName=another["FunctionName"], Payload=b"{}"),
        "lambda:GetFunction": may("lambda", "GetFunction", FunctionName=another["FunctionName"]),
        "s3:ListAllMyBuckets": may("s3", "ListBuckets"),
        "sts:AssumeRole": may("sts", "AssumeRole", RoleArn=another["Role"], RoleSessionName="another"),
    }
    return found | {action for action, is_allowed in others.items() if is_allowed}


@pytest.fixture(scope="module")
def acting_as(sandbox: Sandbox) -> Callable[[str], boto3.Session]:
    """Acts in a function's role, as its code does."""
    account = boto3.Session("test", "test", region_name=sandbox.account.region)

    def acting_as(module: str) -> boto3.Session:
        with closing(account.client("sts", endpoint_url=sandbox.aws)) as sts:
            role = functions(sandbox)[module]["Role"]
            keys = sts.assume_role(RoleArn=role, RoleSessionName="probe")["Credentials"]
        return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], sandbox.account.region)

    return acting_as


def test_a_role_may_do_only_what_its_policies_allow(
    sandbox: Sandbox, acting_as: Callable[[str], boto3.Session]
) -> None:
    ours = {"pool": sandbox.exports["userPoolId"], "api": sandbox.exports["websocketApiId"]}
    for module in functions(sandbox):
        expected = {grant.action for grant in granted(sandbox) if grant.module == module}
        assert allowed(sandbox, acting_as(module), **ours) == expected, module


def test_no_role_reaches_another_pool_or_another_apis_connections(
    sandbox: Sandbox, acting_as: Callable[[str], boto3.Session]
) -> None:
    pool = sandbox.account.call("cognito-idp", "CreateUserPool", {"PoolName": "another"})["UserPool"]["Id"]
    found = {module: allowed(sandbox, acting_as(module), pool=pool, api="abcdef01") for module in functions(sandbox)}
    sandbox.account.call("cognito-idp", "DeleteUserPool", {"UserPoolId": pool})
    assert found == {module: set() for module in functions(sandbox)}

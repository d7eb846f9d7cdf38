"""Applies what the program registers to the emulated AWS, an empty, throw-away account.

Running the program again brings the code of functions and the files of the page up to date; it changes nothing else.

Pulumi's inputs and AWS's parameters mostly differ in spelling, so one translation led by botocore's own model serves
every call; the functions below say only where the two differ. What the model does not know is refused, by name.
"""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import boto3
import botocore.session
import pulumi
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from pulumi.runtime import mocks

from sandbox import program
from sandbox.program import plain

SERVICES = (
    "apigateway",
    "apigatewayv2",
    "cloudfront",
    "cloudwatch",
    "cognito-idp",
    "iam",
    "lambda",
    "logs",
    "s3",
    "sns",
    "sts",
)
GLOBAL_REGION, GLOBAL_SERVICES = "us-east-1", ("cloudwatch", "sns")  # where CloudFront is watched
EXECUTE_API = ".execute-api."

Given = dict[str, Any]


class NotApplicableError(Exception):
    """The program registers something that the applier does not know, or that AWS would refuse."""


class Applied(NamedTuple):
    """A resource as AWS made it: the provider's id, and the outputs beside its inputs."""

    id: str
    outputs: Given


class Account:
    """The emulated account: fixed endpoint and fake keys, so that no other can be reached."""

    def __init__(self, endpoint: str, region: str, gateway: str | None = None) -> None:
        """Make a client for each service; nothing is sent yet.

        `gateway` is the address that a distribution asks for an API: the emulator's own, or what stands before it.
        """
        self.gateway = gateway or endpoint
        self.region = region
        # Without a profile, whatever AWS_PROFILE says: the account is this one.
        unprofiled = botocore.session.Session(session_vars={"profile": (None, [], None, None)})
        session = boto3.Session("test", "test", botocore_session=unprofiled)
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, max_pool_connections=32)
        places = {(name, region) for name in SERVICES} | {(name, GLOBAL_REGION) for name in GLOBAL_SERVICES}
        self._clients = {
            (name, place): session.client(name, place, endpoint_url=endpoint, config=config) for name, place in places
        }

    def call(self, service: str, operation: str, given: Mapping[str, Any]) -> Given:
        """Call AWS with Pulumi's inputs, spelled as botocore's model of the operation spells them.

        A `region` among them, which Pulumi takes for every resource, is where the call goes.
        """
        place = service, given.get("region", self.region)
        if place not in self._clients:
            raise NotApplicableError(f"the sandbox has no {service} in {place[1]}")
        client = self._clients[place]
        given = {key: value for key, value in given.items() if key != "region"}
        shape = client.meta.service_model.operation_model(operation).input_shape
        answer = getattr(client, _snake(operation))(**_spelled(shape, given, operation))
        assert isinstance(answer, dict)  # noqa: S101 - botocore is untyped
        return answer


Apply = Callable[[Account, str, Given], Applied]
APPLIERS: dict[str, Apply] = {}


class Known(NamedTuple):
    """A resource that has been applied: its inputs, a digest of each, and what AWS made of them."""

    inputs: Given
    digests: dict[str, str]
    applied: Applied


class Applier(mocks.Mocks):
    """Answers each registered resource with what the emulated AWS has made of it, in this run or an earlier one."""

    def __init__(self, account: Account) -> None:
        """Apply to this account."""
        self._account = account
        self._known: dict[tuple[str, str], Known] = {}
        self._registered: set[tuple[str, str]] = set()
        self.changed: list[str] = []  # by the last run: names of resources

    def run(self, *, stack: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Run the program, delete the page's files that it no longer registers, and return its exports.

        Raises what `program.run` does; what has been applied until then stays.
        """
        self._registered.clear()
        self.changed.clear()
        exports = program.run(program.Monitor(self), stack=stack, config=config)
        for kind, name in self._known.keys() - self._registered:
            if kind != PAGE_FILE:
                raise NotApplicableError(f"{kind} {name!r} is gone, which {START_AGAIN}")
            file = self._known.pop((kind, name)).inputs
            self._account.call("s3", "DeleteObject", {"bucket": file["bucket"], "key": file["key"]})
            self.changed.append(name)
        self.changed.sort()
        return exports

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, Given]:
        """Create the resource; components have nothing to create."""
        if not args.custom:
            return "", {}
        if args.typ not in APPLIERS:
            raise NotApplicableError(f"the sandbox cannot apply {args.typ} ({args.name!r}): add it to {__name__}")
        self._registered.add((args.typ, args.name))
        inputs = plain(args.inputs)
        digests = {key: _digest(value) for key, value in inputs.items()}
        known = self._known.get((args.typ, args.name))
        if known is None or known.digests != digests:
            try:
                applied = self._applied(args, known, inputs, digests)
            except (NotApplicableError, BotoCoreError, ClientError) as error:
                raise NotApplicableError(f"{args.typ} {args.name!r}: {error}") from error
            known = self._known[args.typ, args.name] = Known(inputs, digests, applied)
            self.changed.append(args.name)
        return known.applied.id, inputs | {"id": known.applied.id} | known.applied.outputs

    def _applied(
        self, args: mocks.MockResourceArgs, known: Known | None, inputs: Given, digests: dict[str, str]
    ) -> Applied:
        """Create the resource, or change the one input of it that can be changed."""
        if known is None:
            return APPLIERS[args.typ](self._account, args.name, dict(inputs))
        different = {key for key, _ in known.digests.items() ^ digests.items()}
        changeable, change = CHANGES.get(args.typ, ("", None))
        if change is None or different != {changeable}:
            raise NotApplicableError(f"has another {', '.join(sorted(different))}, which {START_AGAIN}")
        change(self._account, known.applied.id, dict(inputs))
        return known.applied

    def call(self, args: mocks.MockCallArgs) -> tuple[Given, list[tuple[str, str]]]:
        """Answer the look-ups that the program makes."""
        match args.token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": self._account.call("sts", "GetCallerIdentity", {})["Account"]}, []
            case "aws:index/getRegion:getRegion":
                return {"region": self._account.region}, []
        raise NotApplicableError(f"the sandbox cannot look up {args.token}: add it to {__name__}")


FUNCTION = "aws:lambda/function:Function"
PAGE_FILE = "aws:s3/bucketObjectv2:BucketObjectv2"
START_AGAIN = "takes a new start of the sandbox"


def _applies(token: str) -> Callable[[Apply], Apply]:
    def register(apply: Apply) -> Apply:
        APPLIERS[token] = apply
        return apply

    return register


def _spelled(shape: Shape, value: Any, where: str) -> Any:
    """Return `value` in the spelling and the types of `shape`; raise where AWS knows no such property or value."""
    if isinstance(shape, StructureShape):
        return _spelled_structure(shape, value, where)
    if isinstance(shape, ListShape):
        if isinstance(value, dict):  # tags and dimensions: a list of names with values, whatever they are called
            value = [dict(zip(shape.member.members, pair, strict=True)) for pair in value.items()]
        return [_spelled(shape.member, item, where) for item in value]
    if isinstance(shape, MapShape):
        return {key: _spelled(shape.value, item, f"{where}.{key}") for key, item in value.items()}
    if shape.type_name in ("integer", "long"):
        return int(value)  # Pulumi sends every number as a float
    if getattr(shape, "enum", None) and value not in shape.enum:
        raise NotApplicableError(f"{where} cannot be {value!r}; AWS takes {', '.join(shape.enum)}")
    if shape.type_name == "string":
        if isinstance(value, float):  # a number that AWS writes as text
            value = f"{value:g}"
        _check_text(shape, value, where)
    return value


def _check_text(shape: Shape, value: str, where: str) -> None:
    """Check length and pattern, which botocore leaves to the service."""
    longest = shape.metadata.get("max")
    if longest and len(value) > longest:
        raise NotApplicableError(f"{where} is {len(value)} characters long; AWS takes {longest}")
    pattern = _pattern(shape.metadata.get("pattern", ".*"))
    if pattern and not pattern.fullmatch(value):
        raise NotApplicableError(f"{where} cannot be {value!r}; AWS takes what matches {pattern.pattern}")


@cache
def _pattern(java: str) -> re.Pattern[str] | None:
    """Return a pattern of a model's; None where it uses what only Java's patterns have."""
    try:
        return re.compile(java, re.DOTALL)
    except re.error:
        return None


def _spelled_structure(shape: StructureShape, value: Any, where: str) -> Given:
    if isinstance(value, list) and {"Quantity", "Items"} <= set(shape.members):  # CloudFront's way with lists
        return {"Quantity": len(value), "Items": _spelled(shape.members["Items"], value, where)}
    names = {name.lower(): name for name in shape.members}
    spelled = {}
    for key, item in value.items():
        if key.lower() not in names:
            raise NotApplicableError(f"AWS knows no {key!r} in {where}")
        name = names[key.lower()]
        spelled[name] = _spelled(shape.members[name], item, f"{where}.{name}")
    return spelled


def _snake(operation: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")


def _own_name(name: str) -> str:
    """A name as Pulumi makes one, so that two stacks do not collide."""
    return f"{name}-{secrets.token_hex(4)[:7]}"


def _content(asset: pulumi.Asset | pulumi.Archive) -> bytes:
    if isinstance(asset, pulumi.FileAsset | pulumi.FileArchive):
        return Path(asset.path).read_bytes()
    raise NotApplicableError(f"the sandbox cannot read a {type(asset).__name__}")


def _digest(value: Any) -> str:
    """Return the same text for the same value, files and archives by what is in them."""
    plainly = json.dumps(value, sort_keys=True, default=lambda asset: hashlib.sha256(_content(asset)).hexdigest())
    return hashlib.sha256(plainly.encode()).hexdigest()


# S3


@_applies("aws:s3/bucket:Bucket")
def _bucket(account: Account, name: str, given: Given) -> Applied:
    given.pop("forceDestroy", None)  # concerns `pulumi destroy` alone
    bucket, tags = _own_name(name), given.pop("tags", {})
    location = {"LocationConstraint": account.region}
    account.call("s3", "CreateBucket", {"Bucket": bucket, "CreateBucketConfiguration": location, **given})
    account.call("s3", "PutBucketTagging", {"Bucket": bucket, "Tagging": {"TagSet": tags}})
    domain = f"{bucket}.s3.{account.region}.amazonaws.com"
    return Applied(bucket, {"bucket": bucket, "arn": f"arn:aws:s3:::{bucket}", "bucketRegionalDomainName": domain})


@_applies("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def _bucket_public_access_block(account: Account, _name: str, given: Given) -> Applied:
    bucket = given.pop("bucket")
    account.call("s3", "PutPublicAccessBlock", {"Bucket": bucket, "PublicAccessBlockConfiguration": given})
    return Applied(bucket, {})


@_applies("aws:s3/bucketPolicy:BucketPolicy")
def _bucket_policy(account: Account, _name: str, given: Given) -> Applied:
    account.call("s3", "PutBucketPolicy", given)
    return Applied(given["bucket"], {})


@_applies(PAGE_FILE)
def _bucket_object(account: Account, _name: str, given: Given) -> Applied:
    given |= {"body": _content(given.pop("source")), "tagging": urlencode(given.pop("tags", {}))}
    account.call("s3", "PutObject", given)
    return Applied(given["key"], {})


# CloudFront


@_applies("aws:cloudfront/originAccessControl:OriginAccessControl")
def _origin_access_control(account: Account, name: str, given: Given) -> Applied:
    config = {"Name": _own_name(name), **given}
    answer = account.call("cloudfront", "CreateOriginAccessControl", {"OriginAccessControlConfig": config})
    return Applied(answer["OriginAccessControl"]["Id"], {})


@_applies("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
def _response_headers_policy(account: Account, name: str, given: Given) -> Applied:
    if "customHeadersConfig" in given:
        given["customHeadersConfig"] = given["customHeadersConfig"]["items"]
    config = {"Name": _own_name(name), **given}
    answer = account.call("cloudfront", "CreateResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": config})
    return Applied(answer["ResponseHeadersPolicy"]["Id"], {})


@_applies("aws:cloudfront/function:Function")
def _edge_function(account: Account, name: str, given: Given) -> Applied:
    function, code, publish = _own_name(name), given.pop("code").encode(), given.pop("publish")
    tags = {"Items": given.pop("tags", {})}
    config = {"Comment": given.pop("comment", ""), **given}
    made = account.call(
        "cloudfront", "CreateFunction", {"Name": function, "FunctionConfig": config, "FunctionCode": code, "Tags": tags}
    )
    if publish:
        account.call("cloudfront", "PublishFunction", {"Name": function, "IfMatch": made["ETag"]})
    return Applied(function, {"arn": made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]})


@_applies("aws:cloudfront/distribution:Distribution")
def _distribution(account: Account, name: str, given: Given) -> Applied:
    restriction = given.pop("restrictions")["geoRestriction"]
    tags = {"Items": given.pop("tags", {})}
    config = {
        "CallerReference": _own_name(name),
        "Comment": given.pop("comment", ""),
        "Origins": [_origin(account, origin) for origin in given.pop("origins")],
        "DefaultCacheBehavior": _cache_behavior(given.pop("defaultCacheBehavior")),
        "CacheBehaviors": [_cache_behavior(behavior) for behavior in given.pop("orderedCacheBehaviors", [])],
        "Restrictions": {"GeoRestriction": {"Quantity": 0, **restriction}},
        **given,
    }
    tagged = {"DistributionConfigWithTags": {"DistributionConfig": config, "Tags": tags}}
    made = account.call("cloudfront", "CreateDistributionWithTags", tagged)["Distribution"]
    return Applied(made["Id"], {"arn": made["ARN"], "domainName": made["DomainName"]})


def _cache_behavior(given: Given) -> Given:
    methods, cached = given.pop("allowedMethods"), given.pop("cachedMethods")
    allowed = {
        "Quantity": len(methods),
        "Items": methods,
        "CachedMethods": {"Quantity": len(cached), "Items": cached},
    }
    return {"AllowedMethods": allowed, **given}


def _origin(account: Account, given: Given) -> Given:
    """An API's public name is nobody's on this machine: the emulator answers for it at a path of its own."""
    origin = {"Id": given.pop("originId"), **given}
    if "customOriginConfig" not in origin:
        return {"S3OriginConfig": {"OriginAccessIdentity": ""}, **origin}
    config = origin["customOriginConfig"]
    if EXECUTE_API in origin["domainName"]:
        api = origin["domainName"].split(EXECUTE_API)[0]
        host, port = account.gateway.removeprefix("http://").split(":")
        origin |= {"domainName": host, "originPath": f"/_aws/execute-api/{api}/$default"}
        config |= {"httpPort": port, "originProtocolPolicy": "http-only"}
    return origin


# CloudWatch, SNS, IAM, Lambda


@_applies("aws:cloudwatch/logGroup:LogGroup")
def _log_group(account: Account, name: str, given: Given) -> Applied:
    group = _own_name(name)
    days = given.pop("retentionInDays")
    account.call("logs", "CreateLogGroup", {"logGroupName": group, **given})
    account.call("logs", "PutRetentionPolicy", {"logGroupName": group, "retentionInDays": days})
    found = account.call("logs", "DescribeLogGroups", {"logGroupNamePrefix": group})["logGroups"][0]
    return Applied(group, {"name": group, "arn": found["arn"].removesuffix(":*")})


@_applies("aws:cloudwatch/logMetricFilter:LogMetricFilter")
def _log_metric_filter(account: Account, name: str, given: Given) -> Applied:
    metric = {f"metric{key.capitalize()}": value for key, value in given.pop("metricTransformation").items()}
    counted = {"FilterName": name, "FilterPattern": given.pop("pattern"), "MetricTransformations": [metric]}
    account.call("logs", "PutMetricFilter", counted | given)
    return Applied(name, {})


@_applies("aws:cloudwatch/metricAlarm:MetricAlarm")
def _metric_alarm(account: Account, name: str, given: Given) -> Applied:
    alarm = _own_name(name)
    account.call("cloudwatch", "PutMetricAlarm", {"AlarmName": alarm, **given})
    return Applied(alarm, {"name": alarm})


@_applies("aws:cloudwatch/dashboard:Dashboard")
def _dashboard(account: Account, _name: str, given: Given) -> Applied:
    account.call("cloudwatch", "PutDashboard", given)
    return Applied(given["dashboardName"], {})


@_applies("aws:sns/topic:Topic")
def _topic(account: Account, name: str, given: Given) -> Applied:
    made = account.call("sns", "CreateTopic", {"Name": _own_name(name), **given})
    return Applied(made["TopicArn"], {"arn": made["TopicArn"]})


@_applies("aws:sns/topicSubscription:TopicSubscription")
def _topic_subscription(account: Account, _name: str, given: Given) -> Applied:
    made = account.call("sns", "Subscribe", {"TopicArn": given.pop("topic"), "ReturnSubscriptionArn": True, **given})
    return Applied(made["SubscriptionArn"], {})


@_applies("aws:iam/role:Role")
def _role(account: Account, name: str, given: Given) -> Applied:
    role = {"RoleName": _own_name(name), "AssumeRolePolicyDocument": given.pop("assumeRolePolicy"), **given}
    made = account.call("iam", "CreateRole", role)["Role"]
    return Applied(made["RoleName"], {"name": made["RoleName"], "arn": made["Arn"]})


@_applies("aws:iam/rolePolicy:RolePolicy")
def _role_policy(account: Account, name: str, given: Given) -> Applied:
    policy = {"RoleName": given.pop("role"), "PolicyName": _own_name(name), "PolicyDocument": given.pop("policy")}
    account.call("iam", "PutRolePolicy", policy | given)
    return Applied(f"{policy['RoleName']}:{policy['PolicyName']}", {})


@_applies("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def _role_policy_attachment(account: Account, _name: str, given: Given) -> Applied:
    account.call("iam", "AttachRolePolicy", {"RoleName": given["role"], "PolicyArn": given["policyArn"]})
    return Applied(f"{given['role']}-{given['policyArn']}", {})


@_applies(FUNCTION)
def _function(account: Account, name: str, given: Given) -> Applied:
    function = _own_name(name)
    code = {"ZipFile": _content(given.pop("code"))}
    made = account.call("lambda", "CreateFunction", {"FunctionName": function, "Code": code, **given})
    _wait(account, function)
    arn = made["FunctionArn"]
    invoke_arn = f"arn:aws:apigateway:{account.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return Applied(function, {"name": function, "arn": arn, "invokeArn": invoke_arn})


def _new_code(account: Account, function: str, given: Given) -> None:
    account.call("lambda", "UpdateFunctionCode", {"FunctionName": function, "ZipFile": _content(given["code"])})
    _wait(account, function)


def _wait(account: Account, function: str) -> None:
    deadline = time.monotonic() + 20
    while account.call("lambda", "GetFunctionConfiguration", {"FunctionName": function})["State"] == "Pending":
        if time.monotonic() > deadline:
            raise NotApplicableError("is still pending after 20 s")
        time.sleep(0.02)


@_applies("aws:lambda/layerVersion:LayerVersion")
def _layer_version(account: Account, _name: str, given: Given) -> Applied:
    layer = {"Content": {"ZipFile": _content(given.pop("code"))}, **given}
    made = account.call("lambda", "PublishLayerVersion", layer)
    return Applied(made["LayerVersionArn"], {"arn": made["LayerVersionArn"], "layerArn": made["LayerArn"]})


@_applies("aws:lambda/permission:Permission")
def _permission(account: Account, name: str, given: Given) -> Applied:
    permission = {"FunctionName": given.pop("function"), "StatementId": name, **given}
    account.call("lambda", "AddPermission", permission)
    return Applied(name, {})


# Cognito


@_applies("aws:cognito/userPool:UserPool")
def _user_pool(account: Account, name: str, given: Given) -> Applied:
    if "userAttributeUpdateSettings" in given:
        verified = given["userAttributeUpdateSettings"]["attributesRequireVerificationBeforeUpdates"]
        given["userAttributeUpdateSettings"] = {"AttributesRequireVerificationBeforeUpdate": verified}
    pool = {
        "PoolName": _own_name(name),
        "Policies": {"PasswordPolicy": given.pop("passwordPolicy")},
        "UserPoolTags": given.pop("tags", {}),
        **given,
    }
    made = account.call("cognito-idp", "CreateUserPool", pool)["UserPool"]
    endpoint = f"cognito-idp.{account.region}.amazonaws.com/{made['Id']}"
    return Applied(made["Id"], {"arn": made["Arn"], "endpoint": endpoint})


@_applies("aws:cognito/userPoolDomain:UserPoolDomain")
def _user_pool_domain(account: Account, _name: str, given: Given) -> Applied:
    account.call("cognito-idp", "CreateUserPoolDomain", given)
    return Applied(given["domain"], {})


@_applies("aws:cognito/identityProvider:IdentityProvider")
def _identity_provider(account: Account, _name: str, given: Given) -> Applied:
    account.call("cognito-idp", "CreateIdentityProvider", given)
    return Applied(f"{given['userPoolId']}:{given['providerName']}", {})


@_applies("aws:cognito/userPoolClient:UserPoolClient")
def _user_pool_client(account: Account, name: str, given: Given) -> Applied:
    made = account.call("cognito-idp", "CreateUserPoolClient", {"ClientName": _own_name(name), **given})
    return Applied(made["UserPoolClient"]["ClientId"], {})


# API Gateway


@_applies("aws:apigateway/account:Account")
def _api_gateway_account(account: Account, _name: str, given: Given) -> Applied:
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": given["cloudwatchRoleArn"]}
    account.call("apigateway", "UpdateAccount", {"patchOperations": [role]})
    return Applied("api-gateway-account", {})


@_applies("aws:apigatewayv2/api:Api")
def _api(account: Account, name: str, given: Given) -> Applied:
    made = account.call("apigatewayv2", "CreateApi", {"Name": _own_name(name), **given})
    identity = account.call("sts", "GetCallerIdentity", {})["Account"]
    scheme = "wss" if given["protocolType"] == "WEBSOCKET" else "https"
    endpoint = f"{scheme}://{made['ApiId']}{EXECUTE_API}{account.region}.amazonaws.com"
    arn = f"arn:aws:execute-api:{account.region}:{identity}:{made['ApiId']}"
    return Applied(made["ApiId"], {"apiEndpoint": endpoint, "executionArn": arn})


@_applies("aws:apigatewayv2/stage:Stage")
def _stage(account: Account, _name: str, given: Given) -> Applied:
    stage = {"StageName": given.pop("name"), **given}
    account.call("apigatewayv2", "CreateStage", stage)
    return Applied(stage["StageName"], {"name": stage["StageName"]})


@_applies("aws:apigatewayv2/authorizer:Authorizer")
def _authorizer(account: Account, name: str, given: Given) -> Applied:
    authorizer = {"Name": _own_name(name), "IdentitySource": given.pop("identitySources", []), **given}
    if "jwtConfiguration" in given:
        jwt = given["jwtConfiguration"]
        authorizer["jwtConfiguration"] = {"Issuer": jwt["issuer"], "Audience": jwt["audiences"]}
    return Applied(account.call("apigatewayv2", "CreateAuthorizer", authorizer)["AuthorizerId"], {})


@_applies("aws:apigatewayv2/integration:Integration")
def _integration(account: Account, _name: str, given: Given) -> Applied:
    return Applied(account.call("apigatewayv2", "CreateIntegration", given)["IntegrationId"], {})


@_applies("aws:apigatewayv2/route:Route")
def _route(account: Account, _name: str, given: Given) -> Applied:
    return Applied(account.call("apigatewayv2", "CreateRoute", given)["RouteId"], {})


# What changes in place: the one input, and how

CHANGES: dict[str, tuple[str, Callable[[Account, str, Given], object]]] = {
    FUNCTION: ("code", _new_code),
    PAGE_FILE: ("source", _bucket_object),
}

"""One function for each resource type, with the AWS calls that create it and the differences of Pulumi's inputs."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pulumi

from sandbox.aws.account import Account, Inputs, NotApplicableError

EXECUTE_API = ".execute-api."
FUNCTION = "aws:lambda/function:Function"
ROUTE = "aws:apigatewayv2/route:Route"
PAGE_FILE = "aws:s3/bucketObjectv2:BucketObjectv2"


class Created(NamedTuple):
    """A resource that AWS created: its id, and its outputs without the inputs."""

    id: str
    outputs: Inputs


Create = Callable[[Account, str, Inputs], Created]
CREATE: dict[str, Create] = {}  # by resource type


def _creates(token: str) -> Callable[[Create], Create]:
    def register(create: Create) -> Create:
        CREATE[token] = create
        return create

    return register


def _unique_name(name: str) -> str:
    """Return the name with a random suffix, as Pulumi's autonaming does."""
    return f"{name}-{secrets.token_hex(4)[:7]}"


def content(asset: pulumi.Asset | pulumi.Archive) -> bytes:
    """Return the bytes of a file."""
    if isinstance(asset, pulumi.FileAsset | pulumi.FileArchive):
        return Path(asset.path).read_bytes()
    raise NotApplicableError(f"the sandbox cannot read a {type(asset).__name__}")


# S3


@_creates("aws:s3/bucket:Bucket")
def _bucket(account: Account, name: str, inputs: Inputs) -> Created:
    inputs.pop("forceDestroy", None)  # for `pulumi destroy` only
    bucket, tags = _unique_name(name), inputs.pop("tags", {})
    location = {"LocationConstraint": account.region}
    account.call("s3", "CreateBucket", {"Bucket": bucket, "CreateBucketConfiguration": location, **inputs})
    account.call("s3", "PutBucketTagging", {"Bucket": bucket, "Tagging": {"TagSet": tags}})
    domain = f"{bucket}.s3.{account.region}.amazonaws.com"
    return Created(bucket, {"bucket": bucket, "arn": f"arn:aws:s3:::{bucket}", "bucketRegionalDomainName": domain})


@_creates("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def _bucket_public_access_block(account: Account, _name: str, inputs: Inputs) -> Created:
    bucket = inputs.pop("bucket")
    account.call("s3", "PutPublicAccessBlock", {"Bucket": bucket, "PublicAccessBlockConfiguration": inputs})
    return Created(bucket, {})


@_creates("aws:s3/bucketPolicy:BucketPolicy")
def _bucket_policy(account: Account, _name: str, inputs: Inputs) -> Created:
    account.call("s3", "PutBucketPolicy", inputs)
    return Created(inputs["bucket"], {})


@_creates(PAGE_FILE)
def _bucket_object(account: Account, _name: str, inputs: Inputs) -> Created:
    body = content(inputs.pop("source")) if "source" in inputs else inputs.pop("content").encode()
    inputs |= {"body": body, "tagging": urlencode(inputs.pop("tags", {}))}
    account.call("s3", "PutObject", inputs)
    return Created(inputs["key"], {})


# CloudFront


@_creates("aws:cloudfront/originAccessControl:OriginAccessControl")
def _origin_access_control(account: Account, name: str, inputs: Inputs) -> Created:
    config = {"Name": _unique_name(name), **inputs}
    answer = account.call("cloudfront", "CreateOriginAccessControl", {"OriginAccessControlConfig": config})
    return Created(answer["OriginAccessControl"]["Id"], {})


@_creates("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
def _response_headers_policy(account: Account, name: str, inputs: Inputs) -> Created:
    if "customHeadersConfig" in inputs:
        inputs["customHeadersConfig"] = inputs["customHeadersConfig"]["items"]
    config = {"Name": _unique_name(name), **inputs}
    answer = account.call("cloudfront", "CreateResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": config})
    return Created(answer["ResponseHeadersPolicy"]["Id"], {})


@_creates("aws:cloudfront/function:Function")
def _edge_function(account: Account, name: str, inputs: Inputs) -> Created:
    function, code, publish = _unique_name(name), inputs.pop("code").encode(), inputs.pop("publish")
    tags = {"Items": inputs.pop("tags", {})}
    config = {"Comment": inputs.pop("comment", ""), **inputs}
    made = account.call(
        "cloudfront", "CreateFunction", {"Name": function, "FunctionConfig": config, "FunctionCode": code, "Tags": tags}
    )
    if publish:
        account.call("cloudfront", "PublishFunction", {"Name": function, "IfMatch": made["ETag"]})
    return Created(function, {"arn": made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]})


def _update_edge_function(account: Account, function: str, inputs: Inputs) -> None:
    stage = {"Name": function, "Stage": "DEVELOPMENT"}
    old = account.call("cloudfront", "DescribeFunction", stage)
    code = {"FunctionConfig": old["FunctionSummary"]["FunctionConfig"], "FunctionCode": inputs["code"].encode()}
    account.call("cloudfront", "UpdateFunction", {"Name": function, "IfMatch": old["ETag"], **code})
    # botocore misspells the header of UpdateFunction's ETag.
    new = account.call("cloudfront", "DescribeFunction", stage)
    account.call("cloudfront", "PublishFunction", {"Name": function, "IfMatch": new["ETag"]})


@_creates("aws:cloudfront/distribution:Distribution")
def _distribution(account: Account, name: str, inputs: Inputs) -> Created:
    # The emulator has no origin groups: it asks the first origin, and sandbox/proxy.py asks the second.
    first = {group["originId"]: group["members"][0]["originId"] for group in inputs.pop("originGroups", [])}
    for behavior in (inputs["defaultCacheBehavior"], *inputs.get("orderedCacheBehaviors", [])):
        behavior["targetOriginId"] = first.get(behavior["targetOriginId"], behavior["targetOriginId"])
    restriction = inputs.pop("restrictions")["geoRestriction"]
    tags = {"Items": inputs.pop("tags", {})}
    config = {
        "CallerReference": _unique_name(name),
        "Comment": inputs.pop("comment", ""),
        "Origins": [_origin(account, origin) for origin in inputs.pop("origins")],
        "DefaultCacheBehavior": _cache_behavior(inputs.pop("defaultCacheBehavior")),
        "CacheBehaviors": [_cache_behavior(behavior) for behavior in inputs.pop("orderedCacheBehaviors", [])],
        "Restrictions": {"GeoRestriction": {"Quantity": 0, **restriction}},
        **inputs,
    }
    tagged = {"DistributionConfigWithTags": {"DistributionConfig": config, "Tags": tags}}
    made = account.call("cloudfront", "CreateDistributionWithTags", tagged)["Distribution"]
    return Created(made["Id"], {"arn": made["ARN"], "domainName": made["DomainName"]})


def _cache_behavior(inputs: Inputs) -> Inputs:
    methods, cached = inputs.pop("allowedMethods"), inputs.pop("cachedMethods")
    allowed = {
        "Quantity": len(methods),
        "Items": methods,
        "CachedMethods": {"Quantity": len(cached), "Items": cached},
    }
    return {"AllowedMethods": allowed, **inputs}


def _origin(account: Account, inputs: Inputs) -> Inputs:
    """Return an origin. The host name of an API does not resolve here, so its requests go to the emulator."""
    origin = {"Id": inputs.pop("originId"), **inputs}
    if "customOriginConfig" not in origin:
        return {"S3OriginConfig": {"OriginAccessIdentity": ""}, **origin}
    config = origin["customOriginConfig"]
    if EXECUTE_API in origin["domainName"]:
        api = origin["domainName"].split(EXECUTE_API)[0]
        host, port = account.gateway.removeprefix("http://").split(":")
        path = origin.get("originPath", "")
        origin |= {"domainName": host, "originPath": f"/_aws/execute-api/{api}/$default{path}"}
        config |= {"httpPort": port, "originProtocolPolicy": "http-only"}
    return origin


# CloudWatch, SNS, IAM, Lambda


@_creates("aws:cloudwatch/logGroup:LogGroup")
def _log_group(account: Account, name: str, inputs: Inputs) -> Created:
    group = _unique_name(name)
    days = inputs.pop("retentionInDays")
    account.call("logs", "CreateLogGroup", {"logGroupName": group, **inputs})
    account.call("logs", "PutRetentionPolicy", {"logGroupName": group, "retentionInDays": days})
    found = account.call("logs", "DescribeLogGroups", {"logGroupNamePrefix": group})["logGroups"][0]
    return Created(group, {"name": group, "arn": found["arn"].removesuffix(":*")})


@_creates("aws:cloudwatch/logMetricFilter:LogMetricFilter")
def _log_metric_filter(account: Account, name: str, inputs: Inputs) -> Created:
    metric = {f"metric{key.capitalize()}": value for key, value in inputs.pop("metricTransformation").items()}
    counted = {"FilterName": name, "FilterPattern": inputs.pop("pattern"), "MetricTransformations": [metric]}
    account.call("logs", "PutMetricFilter", counted | inputs)
    return Created(name, {})


@_creates("aws:cloudwatch/metricAlarm:MetricAlarm")
def _metric_alarm(account: Account, name: str, inputs: Inputs) -> Created:
    alarm = _unique_name(name)
    account.call("cloudwatch", "PutMetricAlarm", {"AlarmName": alarm, **inputs})
    return Created(alarm, {"name": alarm})


@_creates("aws:cloudwatch/dashboard:Dashboard")
def _dashboard(account: Account, _name: str, inputs: Inputs) -> Created:
    account.call("cloudwatch", "PutDashboard", inputs)
    return Created(inputs["dashboardName"], {})


@_creates("aws:sns/topic:Topic")
def _topic(account: Account, name: str, inputs: Inputs) -> Created:
    topic = inputs.pop("name", None) or _unique_name(name) + (".fifo" if inputs.get("fifoTopic") else "")
    outside: Inputs = {key: inputs.pop(key) for key in ("region", "tags") if key in inputs}
    made = account.call("sns", "CreateTopic", {"Name": topic, "Attributes": _attributes(inputs), **outside})
    return Created(made["TopicArn"], {"name": topic, "arn": made["TopicArn"]})


@_creates("aws:sns/topicSubscription:TopicSubscription")
def _topic_subscription(account: Account, _name: str, inputs: Inputs) -> Created:
    parameters: Inputs = {key: inputs.pop(key) for key in ("region", "protocol", "endpoint") if key in inputs}
    parameters |= {"TopicArn": inputs.pop("topic"), "ReturnSubscriptionArn": True, "Attributes": _attributes(inputs)}
    made = account.call("sns", "Subscribe", parameters)
    return Created(made["SubscriptionArn"], {})


@_creates("aws:iam/role:Role")
def _role(account: Account, name: str, inputs: Inputs) -> Created:
    role = {"RoleName": _unique_name(name), "AssumeRolePolicyDocument": inputs.pop("assumeRolePolicy"), **inputs}
    made = account.call("iam", "CreateRole", role)["Role"]
    return Created(made["RoleName"], {"name": made["RoleName"], "arn": made["Arn"]})


@_creates("aws:iam/rolePolicy:RolePolicy")
def _role_policy(account: Account, name: str, inputs: Inputs) -> Created:
    policy = {"RoleName": inputs.pop("role"), "PolicyName": _unique_name(name), "PolicyDocument": inputs.pop("policy")}
    account.call("iam", "PutRolePolicy", policy | inputs)
    return Created(f"{policy['RoleName']}:{policy['PolicyName']}", {})


@_creates("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def _role_policy_attachment(account: Account, _name: str, inputs: Inputs) -> Created:
    account.call("iam", "AttachRolePolicy", {"RoleName": inputs["role"], "PolicyArn": inputs["policyArn"]})
    return Created(f"{inputs['role']}-{inputs['policyArn']}", {})


@_creates(FUNCTION)
def _function(account: Account, name: str, inputs: Inputs) -> Created:
    function = _unique_name(name)
    code = {"ZipFile": content(inputs.pop("code"))}
    # The emulator calls a function at once, although its `State` is Pending for half a second.
    made = account.call("lambda", "CreateFunction", {"FunctionName": function, "Code": code, **inputs})
    arn = made["FunctionArn"]
    invoke_arn = f"arn:aws:apigateway:{account.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return Created(function, {"name": function, "arn": arn, "invokeArn": invoke_arn})


@_creates("aws:lambda/layerVersion:LayerVersion")
def _layer_version(account: Account, _name: str, inputs: Inputs) -> Created:
    layer = {"Content": {"ZipFile": content(inputs.pop("code"))}, **inputs}
    made = account.call("lambda", "PublishLayerVersion", layer)
    return Created(made["LayerVersionArn"], {"arn": made["LayerVersionArn"], "layerArn": made["LayerArn"]})


@_creates("aws:lambda/permission:Permission")
def _permission(account: Account, name: str, inputs: Inputs) -> Created:
    permission = {"FunctionName": inputs.pop("function"), "StatementId": name, **inputs}
    account.call("lambda", "AddPermission", permission)
    return Created(name, {})


# What a team's service may use: DynamoDB, SQS, EventBridge, Secrets Manager, SSM. Names are Pulumi's, or random ones.


@_creates("aws:dynamodb/table:Table")
def _table(account: Account, name: str, inputs: Inputs) -> Created:
    table = inputs.pop("name", None) or _unique_name(name)
    ttl, backups = inputs.pop("ttl", None), inputs.pop("pointInTimeRecovery", None)
    indexes: Inputs = {
        index: [_index(one) for one in inputs.pop(index)]
        for index in ("globalSecondaryIndexes", "localSecondaryIndexes")
        if index in inputs
    }
    if inputs.pop("streamEnabled", False):
        inputs["streamSpecification"] = {"StreamEnabled": True, "StreamViewType": inputs.pop("streamViewType")}
    definitions = [{"AttributeName": one["name"], "AttributeType": one["type"]} for one in inputs.pop("attributes")]
    keys = _key_schema(inputs)
    made = account.call(
        "dynamodb",
        "CreateTable",
        {"TableName": table, "AttributeDefinitions": definitions, "KeySchema": keys, **indexes, **inputs},
    )["TableDescription"]
    if ttl:
        account.call("dynamodb", "UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": ttl})
    if backups:
        recovery = {"PointInTimeRecoveryEnabled": backups["enabled"]}
        account.call(
            "dynamodb",
            "UpdateContinuousBackups",
            {"TableName": table, "PointInTimeRecoverySpecification": recovery},
        )
    return Created(table, {"name": table, "arn": made["TableArn"], "streamArn": made.get("LatestStreamArn", "")})


def _index(inputs: Inputs) -> Inputs:
    projection = {"ProjectionType": inputs.pop("projectionType")}
    if "nonKeyAttributes" in inputs:
        projection["NonKeyAttributes"] = inputs.pop("nonKeyAttributes")
    return {"IndexName": inputs.pop("name"), "KeySchema": _key_schema(inputs), "Projection": projection, **inputs}


def _key_schema(inputs: Inputs) -> list[Inputs]:
    kinds = {"hashKey": "HASH", "rangeKey": "RANGE"}
    return [{"AttributeName": inputs.pop(key), "KeyType": kind} for key, kind in kinds.items() if inputs.get(key)]


@_creates("aws:sqs/queue:Queue")
def _queue(account: Account, name: str, inputs: Inputs) -> Created:
    fifo = inputs.get("fifoQueue", False)
    queue = inputs.pop("name", None) or _unique_name(name) + (".fifo" if fifo else "")
    tags, attributes = inputs.pop("tags", {}), _attributes(inputs)
    url = account.call("sqs", "CreateQueue", {"QueueName": queue, "Attributes": attributes, "tags": tags})["QueueUrl"]
    asked = {"QueueUrl": url, "AttributeNames": ["QueueArn"]}
    arn = account.call("sqs", "GetQueueAttributes", asked)["Attributes"]["QueueArn"]
    return Created(url, {"name": queue, "arn": arn, "url": url})


def _update_queue(account: Account, url: str, inputs: Inputs, different: set[str]) -> None:
    attributes = _attributes({name: inputs[name] for name in different})
    account.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": attributes})


@_creates("aws:sqs/queuePolicy:QueuePolicy")
def _queue_policy(account: Account, _name: str, inputs: Inputs) -> Created:
    attributes = {"QueueUrl": inputs["queueUrl"], "Attributes": {"Policy": inputs["policy"]}}
    account.call("sqs", "SetQueueAttributes", attributes)
    return Created(inputs["queueUrl"], {})


@_creates("aws:lambda/eventSourceMapping:EventSourceMapping")
def _event_source_mapping(account: Account, _name: str, inputs: Inputs) -> Created:
    _check_may_read(account, inputs["functionName"], inputs["eventSourceArn"])
    made = account.call("lambda", "CreateEventSourceMapping", inputs)
    return Created(made["UUID"], {"uuid": made["UUID"]})


READ_EVENTS = {
    "dynamodb": ["DescribeStream", "GetRecords", "GetShardIterator"],
    "sqs": ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"],
}


def _check_may_read(account: Account, function: str, source: str) -> None:
    """Refuse, as AWS does, a source that the function's role may not read. The emulator reads it all the same."""
    service = source.split(":")[2]
    actions = [f"{service}:{action}" for action in READ_EVENTS.get(service, [])]
    role = account.call("lambda", "GetFunctionConfiguration", {"FunctionName": function})["Role"]
    asked = {"PolicySourceArn": role, "ActionNames": actions, "ResourceArns": [source]}
    results = account.call("iam", "SimulatePrincipalPolicy", asked)["EvaluationResults"] if actions else []
    if missing := [result["EvalActionName"] for result in results if result["EvalDecision"] != "allowed"]:
        raise NotApplicableError(f"the function may not read {source}: add {', '.join(missing)} to its permissions")


@_creates("aws:cloudwatch/eventBus:EventBus")
def _event_bus(account: Account, name: str, inputs: Inputs) -> Created:
    bus = inputs.pop("name", None) or _unique_name(name)
    arn = account.call("events", "CreateEventBus", {"Name": bus, **inputs})["EventBusArn"]
    return Created(bus, {"name": bus, "arn": arn})


@_creates("aws:cloudwatch/eventRule:EventRule")
def _event_rule(account: Account, name: str, inputs: Inputs) -> Created:
    rule = inputs.pop("name", None) or _unique_name(name)
    arn = account.call("events", "PutRule", {"Name": rule, **inputs})["RuleArn"]
    return Created(rule, {"name": rule, "arn": arn})


@_creates("aws:cloudwatch/eventTarget:EventTarget")
def _event_target(account: Account, name: str, inputs: Inputs) -> Created:
    bus = _on_bus(inputs)
    inputs.pop("eventBusName", None)
    if "sqsTarget" in inputs:
        inputs["sqsParameters"] = inputs.pop("sqsTarget")
    if "inputPaths" in inputs.get("inputTransformer", {}):
        inputs["inputTransformer"]["inputPathsMap"] = inputs["inputTransformer"].pop("inputPaths")
    rule, target = inputs.pop("rule"), {"Id": inputs.pop("targetId", name), **inputs}
    account.call("events", "PutTargets", {"Rule": rule, "Targets": [target], **bus})
    return Created(target["Id"], {"targetId": target["Id"]})


def _on_bus(inputs: Inputs) -> Inputs:
    return {"EventBusName": inputs["eventBusName"]} if "eventBusName" in inputs else {}


@_creates("aws:secretsmanager/secret:Secret")
def _secret(account: Account, name: str, inputs: Inputs) -> Created:
    inputs.pop("recoveryWindowInDays", None)  # for `pulumi destroy` only
    made = account.call("secretsmanager", "CreateSecret", {"Name": _unique_name(name), **inputs})
    return Created(made["ARN"], {"name": made["Name"], "arn": made["ARN"]})


@_creates("aws:secretsmanager/secretVersion:SecretVersion")
def _secret_version(account: Account, _name: str, inputs: Inputs) -> Created:
    made = account.call("secretsmanager", "PutSecretValue", inputs)
    return Created(f"{inputs['secretId']}|{made['VersionId']}", {"arn": made["ARN"], "versionId": made["VersionId"]})


@_creates("aws:ssm/parameter:Parameter")
def _parameter(account: Account, name: str, inputs: Inputs) -> Created:
    parameter = inputs.pop("name", None) or _unique_name(name)
    inputs["value"] = _parameter_value(inputs)
    inputs.pop("insecureValue", None)
    account.call("ssm", "PutParameter", {"Name": parameter, **inputs})
    asked = {"Name": parameter}
    arn = account.call("ssm", "GetParameter", asked)["Parameter"]["ARN"]
    return Created(parameter, {"name": parameter, "arn": arn})


def _parameter_value(inputs: Inputs) -> str:
    value: str = inputs["value"] if "value" in inputs else inputs["insecureValue"]
    return value


RENAMED = {  # SQS names these otherwise than Pulumi
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "maxMessageSize": "MaximumMessageSize",
}


def _attributes(inputs: Inputs) -> dict[str, str]:
    """Return the attributes of a queue, topic or subscription, which AWS has in one map of texts."""
    return {RENAMED.get(key, key[0].upper() + key[1:]): _text(value) for key, value in inputs.items()}


def _text(value: object) -> str:
    """Return an attribute as SQS and SNS take it: text, with whole numbers and lower-case booleans."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) else str(value)


# Cognito


@_creates("aws:cognito/userPool:UserPool")
def _user_pool(account: Account, name: str, inputs: Inputs) -> Created:
    if "userAttributeUpdateSettings" in inputs:
        verified = inputs["userAttributeUpdateSettings"]["attributesRequireVerificationBeforeUpdates"]
        inputs["userAttributeUpdateSettings"] = {"AttributesRequireVerificationBeforeUpdate": verified}
    if "emailConfiguration" in inputs:
        inputs["emailConfiguration"]["from"] = inputs["emailConfiguration"].pop("fromEmailAddress")
    pool = {
        "PoolName": _unique_name(name),
        "Policies": {"PasswordPolicy": inputs.pop("passwordPolicy")},
        "UserPoolTags": inputs.pop("tags", {}),
        **inputs,
    }
    made = account.call("cognito-idp", "CreateUserPool", pool)["UserPool"]
    endpoint = f"cognito-idp.{account.region}.amazonaws.com/{made['Id']}"
    return Created(made["Id"], {"arn": made["Arn"], "endpoint": endpoint})


@_creates("aws:cognito/userPoolDomain:UserPoolDomain")
def _user_pool_domain(account: Account, _name: str, inputs: Inputs) -> Created:
    account.call("cognito-idp", "CreateUserPoolDomain", inputs)
    return Created(inputs["domain"], {})


@_creates("aws:cognito/identityProvider:IdentityProvider")
def _identity_provider(account: Account, _name: str, inputs: Inputs) -> Created:
    account.call("cognito-idp", "CreateIdentityProvider", inputs)
    return Created(f"{inputs['userPoolId']}:{inputs['providerName']}", {})


@_creates("aws:cognito/userPoolClient:UserPoolClient")
def _user_pool_client(account: Account, name: str, inputs: Inputs) -> Created:
    made = account.call("cognito-idp", "CreateUserPoolClient", {"ClientName": _unique_name(name), **inputs})
    client = made["UserPoolClient"]
    return Created(client["ClientId"], {"clientSecret": client.get("ClientSecret", "")})


@_creates("aws:cognito/userGroup:UserGroup")
def _user_group(account: Account, _name: str, inputs: Inputs) -> Created:
    account.call("cognito-idp", "CreateGroup", {"GroupName": inputs.pop("name"), **inputs})
    return Created(inputs["userPoolId"], {})


# API Gateway


@_creates("aws:apigateway/account:Account")
def _api_gateway_account(account: Account, _name: str, inputs: Inputs) -> Created:
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": inputs["cloudwatchRoleArn"]}
    account.call("apigateway", "UpdateAccount", {"patchOperations": [role]})
    return Created("api-gateway-account", {})


@_creates("aws:apigatewayv2/api:Api")
def _api(account: Account, name: str, inputs: Inputs) -> Created:
    made = account.call("apigatewayv2", "CreateApi", {"Name": _unique_name(name), **inputs})
    identity = account.call("sts", "GetCallerIdentity", {})["Account"]
    scheme = "wss" if inputs["protocolType"] == "WEBSOCKET" else "https"
    endpoint = f"{scheme}://{made['ApiId']}{EXECUTE_API}{account.region}.amazonaws.com"
    arn = f"arn:aws:execute-api:{account.region}:{identity}:{made['ApiId']}"
    return Created(made["ApiId"], {"apiEndpoint": endpoint, "executionArn": arn})


@_creates("aws:apigatewayv2/stage:Stage")
def _stage(account: Account, _name: str, inputs: Inputs) -> Created:
    # AWS has a map of settings by route, and refuses a route that does not exist.
    of_routes = {one.pop("routeKey"): one for one in inputs.pop("routeSettings", [])}
    stage = {"StageName": inputs.pop("name"), "RouteSettings": of_routes, **inputs}
    found = account.call("apigatewayv2", "GetRoutes", {"ApiId": inputs["apiId"]})["Items"]
    if unknown := of_routes.keys() - {route["RouteKey"] for route in found}:
        raise NotApplicableError(f"AWS finds no route {min(unknown)!r}")
    account.call("apigatewayv2", "CreateStage", stage)
    return Created(stage["StageName"], {"name": stage["StageName"]})


@_creates("aws:apigatewayv2/authorizer:Authorizer")
def _authorizer(account: Account, name: str, inputs: Inputs) -> Created:
    authorizer = {"Name": _unique_name(name), "IdentitySource": inputs.pop("identitySources", []), **inputs}
    if "jwtConfiguration" in inputs:
        jwt = inputs["jwtConfiguration"]
        authorizer["jwtConfiguration"] = {"Issuer": jwt["issuer"], "Audience": jwt["audiences"]}
    return Created(account.call("apigatewayv2", "CreateAuthorizer", authorizer)["AuthorizerId"], {})


@_creates("aws:apigatewayv2/integration:Integration")
def _integration(account: Account, _name: str, inputs: Inputs) -> Created:
    return Created(account.call("apigatewayv2", "CreateIntegration", inputs)["IntegrationId"], {})


@_creates(ROUTE)
def _route(account: Account, _name: str, inputs: Inputs) -> Created:
    return Created(account.call("apigatewayv2", "CreateRoute", inputs)["RouteId"], {})


# Updates by type: the inputs that may change, and the function that updates the resource. It takes the resource's id,
# all of its inputs, and the names of those that differ.

Update = Callable[[Account, str, Inputs, set[str]], object]


def _update_function(account: Account, function: str, inputs: Inputs, different: set[str]) -> None:
    if "code" in different:
        account.call("lambda", "UpdateFunctionCode", {"FunctionName": function, "ZipFile": content(inputs["code"])})
    if different - {"code"}:
        absent: Inputs = {"environment": {"variables": {}}, "layers": []}
        changed = {name: inputs.get(name, absent.get(name)) for name in different - {"code"}}
        account.call("lambda", "UpdateFunctionConfiguration", {"FunctionName": function, **changed})


def _update_role_policy(account: Account, policy: str, inputs: Inputs, _different: set[str]) -> None:
    role, _, name = policy.partition(":")
    account.call("iam", "PutRolePolicy", {"RoleName": role, "PolicyName": name, "PolicyDocument": inputs["policy"]})


def _update_route(account: Account, route: str, inputs: Inputs, _different: set[str]) -> None:
    account.call("apigatewayv2", "UpdateRoute", {"RouteId": route, **inputs})


def _update_integration(account: Account, integration: str, inputs: Inputs, different: set[str]) -> None:
    changed = {name: inputs[name] for name in different | {"apiId"}}
    account.call("apigatewayv2", "UpdateIntegration", {"IntegrationId": integration, **changed})


def _update_user_pool(account: Account, pool: str, inputs: Inputs, different: set[str]) -> None:
    changed = {name: inputs[name] for name in different}
    account.call("cognito-idp", "UpdateUserPool", {"UserPoolId": pool, **changed})


def _update_client(account: Account, client: str, inputs: Inputs, _different: set[str]) -> None:
    inputs.pop("generateSecret", None)
    account.call("cognito-idp", "UpdateUserPoolClient", {"ClientId": client, **inputs})


def _update_alarm(account: Account, alarm: str, inputs: Inputs, _different: set[str]) -> None:
    account.call("cloudwatch", "PutMetricAlarm", {"AlarmName": alarm, **inputs})


def _of_creation(create: Create) -> Update:
    """Return the update of a resource that AWS creates and changes by the same call."""
    return lambda account, _id, inputs, _different: create(account, "", inputs)


UPDATE: dict[str, tuple[frozenset[str], Update]] = {
    FUNCTION: (
        frozenset({"code", "environment", "handler", "layers", "memorySize", "timeout"}),
        _update_function,
    ),
    PAGE_FILE: (frozenset({"source", "content", "cacheControl", "contentType"}), _of_creation(_bucket_object)),
    "aws:apigatewayv2/integration:Integration": (frozenset({"integrationUri"}), _update_integration),
    ROUTE: (frozenset({"target", "authorizationType", "authorizerId"}), _update_route),
    "aws:cloudfront/function:Function": (
        frozenset({"code"}),
        lambda account, function, inputs, _different: _update_edge_function(account, function, inputs),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (frozenset({"dashboardBody"}), _of_creation(_dashboard)),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (frozenset({"threshold", "period", "alarmDescription"}), _update_alarm),
    "aws:cognito/userPool:UserPool": (frozenset({"lambdaConfig"}), _update_user_pool),
    "aws:cognito/userPoolClient:UserPoolClient": (
        frozenset({"callbackUrls", "logoutUrls", "idTokenValidity", "accessTokenValidity", "refreshTokenValidity"}),
        _update_client,
    ),
    "aws:iam/rolePolicy:RolePolicy": (frozenset({"policy"}), _update_role_policy),
    "aws:cloudwatch/eventRule:EventRule": (
        frozenset({"description", "eventPattern", "scheduleExpression", "state"}),
        lambda account, rule, inputs, _different: account.call("events", "PutRule", {"Name": rule, **inputs}),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        frozenset({"secretString"}),
        _of_creation(_secret_version),
    ),
    "aws:sqs/queue:Queue": (
        frozenset({"delaySeconds", "messageRetentionSeconds", "redrivePolicy", "visibilityTimeoutSeconds"}),
        _update_queue,
    ),
    "aws:sqs/queuePolicy:QueuePolicy": (frozenset({"policy"}), _of_creation(_queue_policy)),
    "aws:ssm/parameter:Parameter": (
        frozenset({"value", "insecureValue"}),
        lambda account, parameter, inputs, _different: account.call(
            "ssm",
            "PutParameter",
            {"Name": parameter, "Type": inputs["type"], "Value": _parameter_value(inputs), "Overwrite": True},
        ),
    ),
}


# Deletions by type: the function takes the resource's id and its inputs

Delete = Callable[[Account, str, Inputs], object]

DELETE: dict[str, Delete] = {
    PAGE_FILE: lambda account, _id, inputs: account.call(
        "s3", "DeleteObject", {"bucket": inputs["bucket"], "key": inputs["key"]}
    ),
    ROUTE: lambda account, route, inputs: account.call(
        "apigatewayv2", "DeleteRoute", {"ApiId": inputs["apiId"], "RouteId": route}
    ),
    "aws:cloudwatch/eventBus:EventBus": lambda account, bus, _inputs: account.call(
        "events", "DeleteEventBus", {"Name": bus}
    ),
    "aws:cloudwatch/eventRule:EventRule": lambda account, rule, inputs: account.call(
        "events", "DeleteRule", {"Name": rule, **_on_bus(inputs)}
    ),
    "aws:cloudwatch/eventTarget:EventTarget": lambda account, target, inputs: account.call(
        "events", "RemoveTargets", {"Rule": inputs["rule"], "Ids": [target], **_on_bus(inputs)}
    ),
    "aws:cognito/userGroup:UserGroup": lambda account, pool, inputs: account.call(
        "cognito-idp", "DeleteGroup", {"UserPoolId": pool, "GroupName": inputs["name"]}
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": lambda account, uuid, _inputs: account.call(
        "lambda", "DeleteEventSourceMapping", {"UUID": uuid}
    ),
    "aws:sns/topicSubscription:TopicSubscription": lambda account, subscription, _inputs: account.call(
        "sns", "Unsubscribe", {"SubscriptionArn": subscription}
    ),
}
# The emulator keeps these when the program no longer has them: nothing calls them, and a table keeps its items.
LEFT_IN_PLACE = {
    FUNCTION,
    "aws:apigatewayv2/integration:Integration",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:dynamodb/table:Table",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:lambda/permission:Permission",
    "aws:secretsmanager/secret:Secret",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:ssm/parameter:Parameter",
}

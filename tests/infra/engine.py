"""Runs the Pulumi program under mocks and returns, as plain data, everything that the real engine would be sent.

`pulumi.runtime.Mocks` sees inputs alone; the monitor below it also sees parents, dependencies, protection and which
input is secret (pulumi/pulumi#14421).
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
import pytest
from pulumi.runtime import mocks, resource, rpc
from pulumi.runtime.proto import source_pb2

from infra import packaging
from infra.alarms import Alarms
from infra.project import read_yaml
from infra.site import Site
from infra.user_pool import UserPool
from sandbox.program import PROJECT, ROOT, Monitor, defaults, own, plain, run, stack_config

DEPLOYMENT = ROOT / "deployment" / "__main__.py"
ACCOUNT = "123456789012"
REGION = "ap-northeast-2"
REQUIRED = {own("kakaoClientId"): "rest-api-key", own("kakaoClientSecret"): "the-client-secret"}
PAGE = ROOT / "tests" / "infra" / "page"  # instead of the example, which a team replaces
OWN_PAGE = {own("page"): str(PAGE.relative_to(ROOT))}
SITE_SECRET = "the-secret-of-the-sites-client"
DIRECT: dict[str, Any] = {"kakaoSignIn": "direct", "kakaoAppId": "1000001"}  # users sign in at Kakao itself
EVERYTHING: dict[str, Any] = {  # that is off unless a setting says otherwise
    "alarmEmail": "team@example.com",
    "appCallbacks": ["https://app.example.com/callback"],
    "groups": ["admin", "editor"],
    "customAttributes": ["custom:plan"],
    "kakaoAttributes": {"phone_number": "phone_number", "age_range": "custom:age_range"},
    "waf": True,
    "kakaoAppId": "1000001",
    "kakaoLogout": True,
    "siteDomain": "www.example.com",
    "loginDomain": "login.other.example.com",
    "loginParentRecord": True,
}
VARIED: dict[str, Any] = {  # another value than the default's, of each setting that changes values and no resources
    "alarmEmail": "team@example.com",
    "appCallbacks": ["https://app.example.com/callback"],
    "architecture": "x86_64",
    "connectChecksUser": False,
    "contentSecurityPolicy": {"img-src": ["https://img.example.com"]},
    "customAttributes": ["custom:former", "custom:age_range"],
    "domainPrefix": "my-login",
    "extraOrigins": ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:3000"],
    "hostedLoginUrl": "https://login.example.com",
    "page": "./tests/infra/page",
    "jwksUrl": "http://127.0.0.1:3003/{userPoolId}/x",
    "kakaoApi": "https://kapi.example",
    "kakaoAttributes": {"birthdate": "birthdate", "age_range": "custom:age_range", "name": "given_name"},
    "kakaoAppId": "42",
    "kakaoAppKeys": ["native-key"],
    "kakaoClientId": "another-key",
    "kakaoIssuer": "https://kauth.example",
    "kakaoScopes": "openid profile_nickname",
    "logDays": 365,
    "mailFrom": "no-reply@mail.example.com",
    "permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "protect": False,
    "refreshDays": 7,
    "rotateRefreshTokens": False,
    "runtime": "python3.12",
    "serviceName": "하늘상점",
    "tokenMinutes": 5,
    "websocketManagementUrl": "http://127.0.0.1:3003/{apiId}/x",
}


@dataclass(frozen=True)
class Declared:
    """One registered resource; `sources` gives, per input, the resources that its value came from, as `type::name`."""

    type: str
    name: str
    parent: str
    parent_type: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    sources: dict[str, set[str]]
    dependencies: set[str]
    protect: bool
    kept: bool
    deleted_first: bool
    provider: str
    secret_inputs: set[str]
    secret_outputs: set[str]
    ignored: set[str]
    replaced_by: set[str]  # the inputs whose change replaces it
    aliases: list[dict[str, str]]

    def __getitem__(self, key: str) -> Any:
        return self.inputs[key]

    @property
    def tail(self) -> str:
        """The resource as `sources` and `dependencies` name it."""
        return f"{self.type}::{self.name}"


@dataclass
class Graph:
    """All that the program registered, and what it exported; of each look-up, what it asks and of which provider."""

    resources: list[Declared] = field(default_factory=list)
    look_ups: list[tuple[str, str]] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)

    def all(self, kind: str) -> list[Declared]:
        """Return AWS's resources of this kind, such as `UserPool`; components may have the same name."""
        return [resource for resource in self.custom() if resource.type.endswith(f":{kind}")]

    def one(self, kind: str, **inputs: Any) -> Declared:
        found = [r for r in self.all(kind) if all(r.inputs.get(key) == value for key, value in inputs.items())]
        assert len(found) == 1, f"{len(found)} resources of type {kind} with {inputs}: {[r.name for r in found]}"
        return found[0]

    def of_api(self, protocol: str, kind: str) -> list[Declared]:
        """The resources of this kind that belong to the API of this protocol, HTTP or WEBSOCKET."""
        api = self.one("Api", protocolType=protocol).outputs["id"]
        return [resource for resource in self.all(kind) if resource.inputs.get("apiId") == api]

    def named(self, name: str) -> Declared:
        """Return a resource by its name, or by `type::name`, as `sources` has it."""
        (found,) = [r for r in self.resources if (f"{r.type}::{r.name}" if "::" in name else r.name) == name]
        return found

    def function(self, module: str) -> Declared:
        """Return the Lambda function of handlers/<module>.py."""
        return self.one("Function", handler=f"handlers.{module}.handler")

    def custom(self) -> Iterator[Declared]:
        return (resource for resource in self.resources if resource.type.startswith("aws:"))


class _Cloud(mocks.Mocks):
    """Gives each resource an id, an ARN and addresses that no other one shares, and allows only known look-ups."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        known = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
            "aws:index/getRegion:getRegion": {"region": REGION},
        }
        if args.token not in known:
            raise AssertionError(f"unexpected look-up {args.token}")
        return known[args.token], []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if not args.custom:
            return "", {}
        unique = hashlib.sha256(f"{args.typ} {args.name}".encode()).hexdigest()[:10]
        scheme = "wss" if args.inputs.get("protocolType") == "WEBSOCKET" else "https"
        special = {
            "Distribution": {"domainName": f"{unique}.cloudfront.net"},
            "UserPoolClient": {"clientSecret": SITE_SECRET} if args.inputs.get("generateSecret") else {},
            "Policy": {"arn": f"arn:aws:iam::{ACCOUNT}:policy/{args.inputs.get('name')}"},
        }.get(args.typ.rpartition(":")[2], {})
        proof = {
            "resourceRecordName": f"_{unique}.{args.inputs.get('domainName')}",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{unique}.acm-validations.aws",
        }
        return unique, {
            "arn": f"arn:aws:mock:{REGION}:{ACCOUNT}:{unique}",
            "name": f"{args.name}-{unique}",
            "bucketRegionalDomainName": f"{unique}.s3.{REGION}.amazonaws.com",
            "apiEndpoint": f"{scheme}://{unique}.execute-api.{REGION}.amazonaws.com",
            "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{unique}",
            "invokeArn": f"arn:aws:apigateway:{REGION}:lambda:path/{unique}/invocations",
            "endpoint": f"cognito-idp.{REGION}.amazonaws.com/{unique}",
            "cloudfrontDistribution": f"{unique}.cloudfront.net",
            "cloudfrontDistributionZoneId": f"zone-of-{unique}",
            "hostedZoneId": f"zone-of-{unique}",
            "domainValidationOptions": [proof],
            "fqdn": args.inputs.get("name"),
            **special,
            **plain(args.inputs),
        }


class _Recorder(Monitor):
    def __init__(self) -> None:
        super().__init__(_Cloud())
        self.graph = Graph()
        self._lock = threading.Lock()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        with self._lock:
            self.graph.look_ups.append((request.tok, _of_provider(request)))
        return super().Invoke(request)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        response = super().RegisterResource(request)
        if request.type == "pulumi:pulumi:Stack":
            return response
        inputs = rpc.deserialize_properties(request.object)
        declared = Declared(
            type=request.type,
            name=request.name,
            parent=_name(request.parent),
            parent_type=request.parent.rpartition("::")[0].rpartition("::")[2].rpartition("$")[2],
            inputs=_whole(plain(inputs)),
            outputs=plain(rpc.deserialize_properties(response.object)) | {"id": response.id},
            sources={key: {_tail(u) for u in value.urns} for key, value in request.propertyDependencies.items()},
            dependencies={_tail(urn) for urn in request.dependencies},
            protect=request.protect,
            kept=request.retainOnDelete,
            deleted_first=request.deleteBeforeReplace,
            provider=_of_provider(request),
            secret_inputs={key for key, value in inputs.items() if rpc.is_rpc_secret(value)},
            secret_outputs=set(request.additionalSecretOutputs),
            ignored=set(request.ignoreChanges),
            replaced_by=set(request.replaceOnChanges),
            aliases=[{"name": a.spec.name, "type": a.spec.type, "parent": a.spec.parentUrn} for a in request.aliases],
        )
        with self._lock:
            self.graph.resources.append(declared)
        return response


WHOLE = ROOT / "__main__.py"  # the login and the team's service: whatever a team makes of it
ALONE = ROOT / "tests" / "infra" / "programs" / "login_alone.py"
_graphs: dict[str, Graph] = {}


def declare(config: Mapping[str, Any] | None = None, *, stack: str = "dev", program: Path = ALONE) -> Graph:
    """Run the login with this configuration over the stack's own, to its end; the layer is named, not built.

    A program of this project is run once for each configuration: no test changes a graph. What `pulumi config set` has
    written for `dev` holds for the whole program alone.
    """
    values = _values_of_team(stack, config) if program.name == WHOLE.name else _values(stack, config)
    if program not in (ALONE, WHOLE, DEPLOYMENT):
        return _run(program, stack, values)
    key = json.dumps([str(program), stack, values], sort_keys=True, default=str)
    if key not in _graphs:
        _graphs[key] = _run(program, stack, values)
    return _graphs[key]


def declare_everything(stack: str = "dev", *, program: Path = ALONE, **settings: Any) -> Graph:
    """Run the login with EVERYTHING, below the boundary and in the zone that deployment/ has for this stack."""
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/{PROJECT}-{stack}-boundary"
    of_stack = {"permissionsBoundary": boundary, "hostedZoneId": f"Z0{stack.upper()}"}
    return declare(EVERYTHING | of_stack | settings, stack=stack, program=program)


def declare_component(construct: Callable[[], object], *, stack: str = "dev") -> Graph:
    """Run a function that declares one component, as `declare` runs the whole program, in a twentieth of the time."""
    return _run(construct, stack, {})


def user_pool(**changes: Any) -> UserPool:
    """Declare the component of a user pool without triggers, inside of a program."""
    args: dict[str, Any] = {"mail_from": "", "service_name": "", "protect": False, "jwks_url": ""}
    args |= {"mapped_attributes": [], "custom_attributes": []} | changes
    return UserPool("pool", triggers={}, challenge=None, **args, alarms=Alarms("alarms", email=""))


def declare_user_pool(*, stack: str = "dev", **changes: Any) -> Declared:
    """Run a program that declares a user pool without triggers, and return the pool."""
    return declare_component(lambda: user_pool(**changes), stack=stack).one("UserPool")


def declare_site_client(**changes: Any) -> Graph:
    """Run a program that declares a protected user pool and the site's client of a hosted login."""
    args: dict[str, Any] = {"provider": "Kakao", "origins": [], "logouts": [], "passwords": True}
    args |= {"tokens": {"minutes": 15, "refresh_days": 30, "rotate": True}, "new_profiles": False} | changes
    return declare_component(lambda: user_pool(protect=True).site_client(**args))


def declare_site(page: Path, **changes: Any) -> Graph:
    """Run a program that declares a site with this page."""
    args: dict[str, Any] = {"api_host": "api.example", "socket_host": "socket.example", "extra_origins": []}
    args |= {"protect": False} | changes
    return declare_component(lambda: Site("site", page=page, **args, alarms=Alarms("alarms", email="")))


def _run(program: Path | Callable[[], object], stack: str, values: Mapping[str, Any]) -> Graph:
    recorder = _Recorder()
    with (
        patch.object(packaging, "layer_zip", _layer_zip),
        patch.object(packaging, "function_zip", _function_zip),
        patch.object(resource, "_get_stack_trace", source_pb2.StackTrace),  # a sixth of the time, and not used here
    ):
        recorder.graph.exports = run(recorder, stack=stack, config=values, program=program)
    return recorder.graph


def _layer_zip(*what: object) -> str:
    return f"layer-{'-'.join(map(str, what))}.zip"


_function_zip = cache(packaging.function_zip)


@cache
def _stack_values(stack: str) -> dict[str, Any]:
    if stack != "dev":
        return stack_config(stack)
    return {**defaults(), "aws:region": REGION}


def declare_deployment(**settings: Any) -> Graph:
    """Run the program in deployment/, for `dev` and `prod` by default."""
    usual = {
        "repository": "team@12/login@34",
        "environments": ["dev", "prod"],
        "hostedZoneIds": {"prod": "Z0PROD"},
        "previews": "dev",
    }
    recorder = _Recorder()
    values = {own(key): value for key, value in (usual | settings).items() if value is not None}
    recorder.graph.exports = run(recorder, stack="account", config=values, program=DEPLOYMENT)
    return recorder.graph


def refused(config: Mapping[str, Any]) -> str:
    """Run the program with a configuration that it must refuse before it registers anything; return the error."""
    recorder = _Recorder()
    with pytest.raises(pulumi.RunError) as refusal:
        run(recorder, stack="dev", config=_values("dev", config), program=ALONE)
    assert recorder.graph.resources == []
    return str(refusal.value)


def _values(stack: str, config: Mapping[str, Any] | None) -> dict[str, Any]:
    """The stack's configuration with these values over it; None removes a value."""
    return _merged(_stack_values(stack), REQUIRED, OWN_PAGE, _prefixed(config))


def _values_of_team(stack: str, config: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same of the whole program, with the groups of every stack: a function may be for one of them."""
    given, groups = _prefixed(config), own("groups")
    files = [_prefixed(read_yaml(file).get("config")) for file in sorted(ROOT.glob("Pulumi.*.yaml"))]
    named = list(dict.fromkeys(group for values in [given, *files] for group in values.get(groups, [])))
    return _merged(stack_config(stack), REQUIRED, OWN_PAGE, given, {groups: named} if named else {})


def _prefixed(config: Mapping[str, Any] | None) -> dict[str, Any]:
    return {own(key): value for key, value in (config or {}).items()}


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: value for layer in layers for key, value in layer.items()}
    return {key: value for key, value in merged.items() if value is not None}


def functions(stack: Graph) -> list[Declared]:
    """The Lambda functions; CloudFront has some of its own."""
    return [resource for resource in stack.all("Function") if resource.type.startswith("aws:lambda/")]


def function_behind(stack: Graph, route: Declared) -> Declared:
    """The function that an API's route leads to."""
    (integration,) = route.sources["target"]
    (function,) = [stack.named(name) for name in stack.named(integration).sources["integrationUri"]]
    return function


def statements(policy: str) -> list[dict[str, Any]]:
    return json.loads(policy)["Statement"]


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _of_provider(request: Any) -> str:
    """The name of the provider that is asked, or nothing for the stack's own; a reference is `urn::id`."""
    return _name(request.provider.rpartition("::")[0])


def _tail(urn: str) -> str:
    """Return `type::name`: the name alone may be that of a component and of its parts."""
    types, _, name = urn.split("::", 2)[2].rpartition("::")
    return f"{types.rpartition('$')[2]}::{name}"


def _whole(value: Any) -> Any:
    """Numbers as they were written: protobuf knows only floats."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value

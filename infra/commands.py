"""The `pulumi config` commands that an error suggests, quoted for bash and zsh."""

import json
import re

# Neither shell expands these. zsh expands a leading `=`, and Pulumi takes a leading `-` for an option.
PLAIN = re.compile(r"[A-Za-z0-9@:,./_][A-Za-z0-9@%+=:,./_-]*")


def set_value(key: str, value: str, *, item: int | str | None = None) -> str:
    """Return the command that sets a key, or an item of its list or object."""
    options = "-- " if value.startswith("-") else ""
    return f"pulumi config set {options}{_place(key, item)} {_quoted(value)}"


def ask(key: str, *, item: int | str | None = None, secret: bool = False) -> str:
    """Return the command that prompts for a value, so that the shell's history does not keep it."""
    return f"pulumi config set {'--secret ' if secret else ''}{_place(key, item)}"


def remove(key: str, *, item: int | str | None = None) -> str:
    """Return the command that removes a key, or an item of its list or object."""
    return f"pulumi config rm {_place(key, item)}"


def drop_namespace(namespace: str, stack: str) -> str:
    """Return the command that removes this namespace from the keys of a stack's file."""
    return rf"perl -pi -e 's/^ *\K\Q{namespace}\E://' Pulumi.{stack}.yaml"


def in_turn(*commands: str) -> str:
    """Return the commands joined with `&&`."""
    return " && ".join(commands)


def _place(key: str, item: int | str | None) -> str:
    return _quoted(key) if item is None else f"--path {_quoted(f'{key}[{json.dumps(item)}]')}"


def _quoted(text: str) -> str:
    return text if PLAIN.fullmatch(text) else "'" + text.replace("'", "'\"'\"'") + "'"

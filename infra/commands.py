"""The `pulumi config` commands that an error suggests, as bash and zsh take them."""

import re

# Neither shell expands these. A leading `=` is a command's path to zsh, a leading `-` an option to Pulumi.
PLAIN = re.compile(r"[A-Za-z0-9@:,./_][A-Za-z0-9@%+=:,./_-]*")


def set_value(key: str, value: str) -> str:
    """Set a key to this value."""
    options = "-- " if value.startswith("-") else ""
    return f"pulumi config set {options}{_quoted(key)} {_quoted(value)}"


def ask(key: str, *, item: int | None = None, secret: bool = False) -> str:
    """Set a key, or an item of its list, to what Pulumi then asks for: the shell's history does not keep it."""
    return f"pulumi config set {'--secret ' if secret else ''}{_place(key, item)}"


def remove(key: str, *, item: int | None = None) -> str:
    """Take a key away, so that it has its default, or an item out of its list."""
    return f"pulumi config rm {_place(key, item)}"


def drop_namespace(namespace: str, stack: str) -> str:
    """Write the keys of this namespace without it, secrets too: Pulumi takes them for the project's own."""
    return rf"perl -pi -e 's/^ *\K\Q{namespace}\E://' Pulumi.{stack}.yaml"


def in_turn(*commands: str) -> str:
    """Run commands one after the other, up to the first that fails."""
    return " && ".join(commands)


def _place(key: str, item: int | None) -> str:
    return _quoted(key) if item is None else f"--path {_quoted(f'{key}[{item}]')}"


def _quoted(text: str) -> str:
    return text if PLAIN.fullmatch(text) else "'" + text.replace("'", "'\"'\"'") + "'"

"""A stack as the Pulumi CLI shows it: its settings without secrets, and its outputs."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.project import read_yaml

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60

Document = Mapping[str, Any]


class UnreadableError(Exception):
    """A stack cannot be read; says why, and what to do."""


@dataclass(frozen=True)
class Stack:
    """A stack's settings as texts by full key, the keys of its encrypted ones, and its outputs by name."""

    settings: Mapping[str, str]
    encrypted: frozenset[str]
    outputs: Mapping[str, Any]

    def __getitem__(self, key: str) -> str:
        """Return one of the program's own settings; an empty text where it is not set."""
        return self.settings.get(f"{PROJECT['name']}:{key}", "")


PROJECT = read_yaml(ROOT / "Pulumi.yaml")


def of_documents(config: Document, outputs: Document) -> Stack:
    """Return the stack that `pulumi config --json` and `pulumi stack output --json` describe, defaults included."""
    defaults = {
        f"{PROJECT['name']}:{key}": described["default"]
        for key, described in PROJECT["config"].items()
        if "default" in described
    }
    settings = {key: value if isinstance(value, str) else json.dumps(value) for key, value in defaults.items()}
    settings |= {key: item["value"] for key, item in config.items() if "value" in item}
    return Stack(settings, frozenset(key for key, item in config.items() if item["secret"]), outputs)


def from_pulumi(name: str) -> Stack:
    """Ask the Pulumi CLI, which is never told to show a secret. Raises UnreadableError."""
    return of_documents(_asked("config", name), _asked("stack", "output", name))


def from_file(path: Path) -> Stack:
    """Read a file with both documents, such as a running sandbox keeps. Raises UnreadableError."""
    try:
        documents = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        port = path.stem.removeprefix("sandbox-")
        cure = f" A running sandbox keeps it: make up PORT={port}" if port.isdigit() else ""
        raise UnreadableError(f"There is no {path}.{cure}") from None
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # of JSON or of UTF-8
        raise UnreadableError(f"{path} is no JSON: {error}.") from None
    try:
        return of_documents(documents["config"], documents["outputs"])
    except (AttributeError, KeyError, TypeError):
        wanted = '{"config": …, "outputs": …} as `pulumi config --json` and `pulumi stack output --json` print them'
        raise UnreadableError(f"{path} does not hold {wanted}.") from None


def _asked(*command: str) -> Document:
    *verbs, name = command
    full = ["pulumi", *verbs, "--json", "--non-interactive", "--stack", name]
    try:
        answer = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True)  # noqa: S603
    except FileNotFoundError:
        raise UnreadableError("The Pulumi CLI is missing: https://www.pulumi.com/docs/install/") from None
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"`{' '.join(full)}` did not end within {SECONDS} s.") from None
    except subprocess.CalledProcessError as error:
        raise UnreadableError(f"`{' '.join(full)}` failed:\n{error.stderr.strip()}") from None
    document: Document = json.loads(answer.stdout)
    return document

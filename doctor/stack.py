"""A stack as the Pulumi CLI shows it: its outputs, and its settings without secrets."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.project import read_yaml

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 60

Document = Mapping[str, Any]


class UnreadableError(Exception):
    """A stack cannot be read. The text says why and what to do."""


@dataclass(frozen=True)
class Stack:
    """Settings as texts by full key, the keys of encrypted settings, and outputs by name."""

    settings: Mapping[str, str]
    encrypted: frozenset[str]
    outputs: Mapping[str, Any]

    def __getitem__(self, key: str) -> str:
        """Return one of the program's settings, or an empty text if it is not set."""
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
    """Return the stack from the Pulumi CLI, without `--show-secrets`. Raises UnreadableError."""
    return of_documents(_pulumi("config", name), _pulumi("stack", "output", name))


def from_file(path: Path) -> Stack:
    """Return the stack from a file with both documents, such as a running sandbox keeps. Raises UnreadableError."""
    try:
        documents = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        port = path.stem.removeprefix("sandbox-")
        fix = f" Start the sandbox, which writes it: make up PORT={port}" if port.isdigit() else ""
        raise UnreadableError(f"There is no {path}.{fix}") from None
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # of JSON or of UTF-8
        raise UnreadableError(f"{path} is not valid JSON: {error}.") from None
    try:
        return of_documents(documents["config"], documents["outputs"])
    except (AttributeError, KeyError, TypeError):
        wanted = '{"config": …, "outputs": …} as `pulumi config --json` and `pulumi stack output --json` print them'
        raise UnreadableError(f"{path} is not {wanted}.") from None


def _pulumi(*command: str) -> Document:
    *verbs, name = command
    full = ["pulumi", *verbs, "--json", "--non-interactive", "--stack", name]
    try:
        answer = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True)  # noqa: S603
    except FileNotFoundError:
        raise UnreadableError("The Pulumi CLI is not installed: https://www.pulumi.com/docs/install/") from None
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"`{' '.join(full)}` did not end within {TIMEOUT_SECONDS} s.") from None
    except subprocess.CalledProcessError as error:
        raise UnreadableError(f"`{' '.join(full)}` failed:\n{error.stderr.strip()}") from None
    document: Document = json.loads(answer.stdout)
    return document

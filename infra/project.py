"""The files of the Pulumi project: `Pulumi.yaml` and `Pulumi.<stack>.yaml`. Imports nothing of this project."""

import re
from pathlib import Path
from typing import Any

import pulumi
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "Pulumi.yaml"


class UnreadableFileError(pulumi.RunError):
    """A settings file cannot be read. The text says which file, where and why."""


def name() -> str:
    """Return the project's name, or an empty text. `read_yaml` reports what is wrong with the file."""
    found = re.search(r"^name: *([\w.-]+)", FILE.read_text(errors="replace"), re.MULTILINE)
    return found[1] if found else ""


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file. Raises UnreadableFileError."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError(f"{file.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{file.name} is not UTF-8: byte {error.start + 1}") from None
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UnreadableFileError(f"{file.name}{where} is not valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise UnreadableFileError(f"{file.name} is not valid YAML: it has a character that YAML forbids") from None
    if not isinstance(content, dict):
        raise UnreadableFileError(f"{file.name} has no keys with values")
    return content


def read_config(file: Path) -> dict[str, Any]:
    """Return what a file has under `config`. Raises UnreadableFileError."""
    config = read_yaml(file).get("config")
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise UnreadableFileError(f"{file.name} has no settings under `config`")
    return config

"""The files of the Pulumi project: `Pulumi.yaml` and `Pulumi.<stack>.yaml`. Imports nothing of this project."""

import re
from pathlib import Path
from typing import Any

import pulumi
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "Pulumi.yaml"
# github.com/pulumi/pulumi, sdk/go/common/workspace/project.go: ProjectStack.
STACK_KEYS = {"config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider"}


class UnreadableFileError(pulumi.RunError):
    """A settings file cannot be read. The text says which file, where and why."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, as YAML asks and Go's reader does (gopkg.in/yaml.v3)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping."""
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and lines.setdefault(key.value, key.start_mark.line) != (
                key.start_mark.line
            ):
                problem = f"`{key.value}` stands in line {lines[key.value] + 1} already; a key stands once"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)


def name() -> str:
    """Return the project's name, or an empty text. `read_yaml` reports what is wrong with the file."""
    found = re.search(r"^name: *([\w.-]+)", FILE.read_text(errors="replace"), re.MULTILINE)
    return found[1] if found else ""


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file. Raises UnreadableFileError."""
    try:
        content = _Loader(file.read_text(encoding="utf-8")).get_single_data()
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
    return _config(file, read_yaml(file))


def read_stack(file: Path) -> dict[str, Any]:
    """Return the settings of a stack's file. Raises UnreadableFileError, also for a setting beside `config`."""
    content = read_yaml(file)
    for key in content:
        if key not in STACK_KEYS:
            raise UnreadableFileError(
                f"{file.name} has `{key}` beside `config`, where no setting is read: move it below `config:` and "
                "indent it by two spaces"
            )
    return _config(file, content)


def _config(file: Path, content: dict[str, Any]) -> dict[str, Any]:
    config = content.get("config")
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise UnreadableFileError(f"{file.name} has no settings under `config`")
    return config

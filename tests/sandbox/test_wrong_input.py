"""What is wrong in a setting or in the program is said with where to change it, before anything is applied."""

import re
import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from infra.keys import known_keys
from infra.project import FILE, UnreadableFileError
from sandbox import local, program
from sandbox.aws import Account, Applier
from sandbox.program import PROJECT, ROOT, own
from tests.programs import WITH_A_SOCKET


def refusal(**changed: Any) -> str:
    """Apply the login with these settings over those of the sandbox, and return why it is refused."""
    config = local.settings(3000, changed)
    applier = Applier(Account("http://127.0.0.1:1", config["aws:region"]))
    with pytest.raises(pulumi.RunError) as error, local._fixes_in_the_file():
        applier.run(stack="local", config=config, main=WITH_A_SOCKET)
    return str(error.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tokenMinutes": 4}, "tokenMinutes is 4; Cognito takes 5 to 1440.\n  {fix} write `tokenMinutes: 5`"),
        (
            {"tokenMinutes": "soon"},
            "tokenMinutes is 'soon'; it should be a whole number.\n  {fix} write `tokenMinutes: 15`",
        ),
        ({"groups": ["a b"]}, "full stops.\n  {fix} correct value 1 of `groups`"),
        (
            {"kakaoSignIn": "direct"},
            "domainPrefix belongs to the hosted login, which a stack with kakaoSignIn direct does not have; so do "
            "hostedLoginUrl and appCallbacks.\n  {fix} delete `domainPrefix`, and delete `hostedLoginUrl`, and delete "
            "`appCallbacks`",
        ),
    ],
)
def test_the_sandbox_suggests_a_change_of_its_file_instead_of_a_pulumi_command(
    changed: dict[str, Any], said: str
) -> None:
    refused = refusal(**changed)
    assert refused.startswith(f"{PROJECT}:")
    assert refused.endswith(said.format(fix="Fix it in Pulumi.local.yaml, below `config:`:"))


def test_the_error_of_a_program_without_a_wrong_setting_is_unchanged() -> None:
    with pytest.raises(pulumi.RunError, match=r"^of the program$"), local._fixes_in_the_file():
        raise pulumi.RunError("of the program")


def applied(main: Path) -> None:
    applier = Applier(Account("http://127.0.0.1:1", "ap-northeast-2"))
    with local._wrong_lines(main):
        applier.run(stack="local", config={}, main=main)


def test_a_wrong_input_of_the_program_is_said_with_its_line(tmp_path: Path) -> None:
    main = tmp_path / "__main__.py"
    main.write_text("from infra.component import Component\n\nComponent('Table', 'my notes', None)\n")
    with pytest.raises(pulumi.RunError, match=r"^__main__.py, line 3: 'my notes' cannot be the name of a resource"):
        applied(main)


def test_a_file_that_is_no_python_is_said_with_its_line(tmp_path: Path) -> None:
    main = tmp_path / "__main__.py"
    main.write_text("todos = (\n")
    with pytest.raises(pulumi.RunError, match=r"'\(' was never closed \(__main__.py, line 1\)$"):
        applied(main)


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ValueError, match=r"^a bug$"), local._wrong_lines(program.MAIN):
        raise ValueError("a bug")


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of Pulumi.local.yaml that the sandbox reads."""
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(program, "ROOT", tmp_path)
    return tmp_path / "Pulumi.local.yaml"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "groups:\n  - admin\n",
            "Pulumi.local.yaml has `groups` beside `config`, where no setting is read: move it below `config:` and "
            "indent it by two spaces",
        ),
        (
            "  protect: true\n",
            "Pulumi.local.yaml, line {last} is not valid YAML: `protect` stands in line {before} already; a key stands "
            "once",
        ),
        (
            "  kakao-login:kakaoClientSecret: s3cr3t\n",
            "Pulumi.local.yaml has kakaoClientSecret as plain text, which Pulumi refuses: delete the line",
        ),
    ],
)
def test_a_stack_file_that_pulumi_cannot_read_is_refused(more: str, said: str, stack_file: Path) -> None:
    text = stack_file.read_text()
    lines = text.splitlines()
    before = next((number for number, line in enumerate(lines, 1) if line.startswith("  protect:")), 0)
    stack_file.write_text(text + more)
    with pytest.raises(UnreadableFileError) as error:
        local.settings(3000)
    assert str(error.value).startswith(said.format(last=len(lines) + 1, before=before))
    assert "s3cr3t" not in str(error.value)


def test_keys_of_pulumi_itself_are_accepted_in_the_file(stack_file: Path) -> None:
    stack_file.write_text(
        stack_file.read_text() + "secretsprovider: awskms://a\nencryptedkey: b\nenvironment:\n  - c\n"
    )
    assert local.settings(3000)[own("protect")] is False


def test_the_documented_settings_of_direct_mode_are_those_of_its_tests() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "kakaoSignIn: direct" in block]
    assert yaml.safe_load(block) == {"config": local.DIRECT}


def test_each_setting_in_a_yaml_block_of_the_docs_is_below_config() -> None:
    known = set(known_keys(FILE))
    found = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for block in re.findall(r"^( *)```yaml\n(.*?)```", page.read_text(), re.DOTALL | re.MULTILINE):
            content = yaml.safe_load(block[1])
            assert not known & content.keys(), f"{page.name}: {sorted(content)}"
            found += [key for key in content.get("config", {}) if key in known]
    assert {"groups", "page", "kakaoSignIn"} <= set(found)

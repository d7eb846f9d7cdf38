"""Runs the Pulumi program without the Pulumi engine: with Pulumi's Python runtime and a mock resource monitor."""

import asyncio
import json
import runpy
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import mocks, rpc, settings

from infra import project
from infra.project import UnreadableFileError, read_config, read_stack

ROOT = Path(__file__).resolve().parent.parent
MAIN = ROOT / "__main__.py"
TIMEOUT_SECONDS = 60
THREADS = 16


PROJECT = project.name()


def own(key: str) -> str:
    """Return the full key of a setting of the program, as `pulumi config` writes it."""
    return key if ":" in key else f"{PROJECT}:{key}"


SECRET = own("kakaoClientSecret")


def forget_modules() -> None:
    """Let the next run of the program read infra/ and what it shares with the handlers again."""
    for name in [*sys.modules]:
        if name.partition(".")[0] == "infra" or name in ("handlers", "handlers.contract"):
            del sys.modules[name]


class Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, which also keeps the exports of the program."""

    def __init__(self, resources: mocks.Mocks) -> None:
        """Answer each registered resource with the outputs that `resources` returns."""
        super().__init__(resources)
        self.exports: dict[str, Any] = {}

    def RegisterResourceOutputs(self, request: Any) -> Empty:  # noqa: N802 - the name of the RPC
        """Keep the outputs of the stack, which are the exports."""
        if request.urn.endswith(f"::pulumi:pulumi:Stack::{PROJECT}-{pulumi.get_stack()}"):
            self.exports = plain(rpc.deserialize_properties(request.outputs))
        return Empty()


def plain(value: Any) -> Any:
    """Return a deserialized property with plain values instead of secrets."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def stack_config(stack: str, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what `pulumi config` would show: defaults of Pulumi.yaml, then the stack's file, then `overrides`.

    A value that is encrypted in the stack's file is left out: it comes from `overrides`. Raises UnreadableFileError.
    """
    values = defaults()
    file = ROOT / f"Pulumi.{stack}.yaml"
    chosen = {own(key): value for key, value in read_stack(file).items()}
    if chosen.get(SECRET) and not _is_encrypted(chosen[SECRET]):
        raise UnreadableFileError(
            f"{file.name} has kakaoClientSecret as plain text, which Pulumi refuses: delete the line. The sandbox "
            "needs no secret of yours; for another stack write `pulumi config set --secret kakaoClientSecret`"
        )
    values |= {key: value for key, value in chosen.items() if not _is_encrypted(value)}
    return values | dict(overrides or {})


def defaults() -> dict[str, Any]:
    """Return the settings of a stack whose file sets none. Raises UnreadableFileError."""
    return {
        own(key): item.get("default", item.get("value"))
        for key, item in read_config(ROOT / "Pulumi.yaml").items()
        if isinstance(item, dict) and item.keys() & {"default", "value"}
    }


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and "secure" in value


def documents(config: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    """Return what `pulumi config --json` and `pulumi stack output --json` would print, as members of one object."""
    described = {key: {"value": value, "secret": False} for key, value in _texts(config).items()}
    return json.dumps({"config": described | {SECRET: {"secret": True}}, "outputs": outputs}, indent=2)


def _texts(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the values as the texts that Pulumi passes to a program."""
    return {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in config.items()}


def run(
    monitor: Monitor,
    *,
    stack: str,
    config: Mapping[str, Any],
    program: Path | Callable[[], object] = MAIN,
) -> dict[str, Any]:
    """Run the program, a file or a function, to its end and return its exports.

    Raises the error of the program or of the monitor, and TimeoutError after a minute.
    """
    texts = _texts(config)

    def execute_program() -> None:
        if isinstance(program, Path):
            runpy.run_path(str(program), run_name="__main__")
        else:
            program()

    loops: list[asyncio.AbstractEventLoop] = []

    def own_loop() -> None:
        """Set an event loop for this thread: Pulumi needs one, and would not close its own."""
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    async def execute() -> None:
        # `run` raises the first error. Tasks that wait for the same resource fail too, and asyncio would print each.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "resource", own_loop))
        # Inside the loop, because what the runtime creates here belongs to the loop that it is created in.
        pulumi.runtime.set_all_config(texts, [SECRET])
        mocks.set_mocks(monitor.mocks, project=PROJECT, stack=stack, preview=False, monitor=monitor)
        settings.SETTINGS.outputs.clear()  # a run that failed leaves tasks of its own event loop, which is closed
        settings.set_root_resource(None)  # type: ignore[arg-type]  # run_in_stack makes the one that exports
        await pulumi.runtime.run_in_stack(execute_program)

    # In another thread, because a caller's running event loop would hang the runtime.
    try:
        with ThreadPoolExecutor(1, "program") as thread:
            thread.submit(lambda: asyncio.run(asyncio.wait_for(execute(), TIMEOUT_SECONDS))).result()
    finally:
        for loop in loops:
            loop.close()
    return monitor.exports

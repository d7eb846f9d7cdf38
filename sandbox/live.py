"""`make dev`: a saved file is live at once, and users, sessions and data stay.

A change that the emulator cannot apply to a running sandbox needs a restart, and so does a saved file of sandbox/. The
terminal says so.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from watchfiles import watch

from sandbox.aws import RESTART
from sandbox.program import ROOT, forget_modules

LIVE = (ROOT / "handlers", ROOT / "service", ROOT / "client", ROOT / "infra")
LOADED_ONCE = (ROOT / "sandbox",)
PROGRAM = (ROOT / "__main__.py", ROOT / "Pulumi.yaml", ROOT / "Pulumi.local.yaml")
MILLISECONDS = 50  # without a change; then a save is complete


@contextmanager
def apply_saved_files(page: Path, update: Callable[[], list[str]], say: Callable[[str], None]) -> Iterator[None]:
    """Call `update` after each save, also in the folder `page`, until the block ends. Say what changed, or why not."""
    ended, one_at_a_time = threading.Event(), threading.Lock()

    def apply(*folders: Path, recursive: bool) -> None:
        for changes in watch(
            *folders,
            recursive=recursive,
            step=MILLISECONDS,
            rust_timeout=500,
            stop_event=ended,
            raise_interrupt=False,
        ):
            saved = sorted({Path(path) for _, path in changes})
            if not recursive:
                saved = [file for file in saved if file in PROGRAM]
            old = [_shown_path(file) for file in saved if any(file.is_relative_to(folder) for folder in LOADED_ONCE)]
            if old:
                say(f"  not live: {', '.join(old)}, which {RESTART}.")
            if len(old) < len(saved):
                with one_at_a_time:
                    forget_modules()
                    say(_line(update))

    live = (folder for folder in LIVE if folder.exists())  # a program may have no service/
    threads = [
        threading.Thread(target=apply, args=folders, kwargs={"recursive": recursive}, name=name, daemon=True)
        for name, folders, recursive in (("live", (page, *live, *LOADED_ONCE), True), ("live program", (ROOT,), False))
    ]  # daemons: Ctrl-C may come before the join
    for thread in threads:
        thread.start()
    say(f"  saved files of the program, the functions and {_shown_path(page)}/ go live at once\n")
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _line(update: Callable[[], list[str]]) -> str:
    start = time.monotonic()
    try:
        changed = update()
    except SyntaxError as error:
        why = f"{_shown_path(Path(error.filename or ''))}:{error.lineno}: {error.msg}"
    except FileNotFoundError as error:
        why = f"{_shown_path(Path(error.filename))} is missing, but it is imported"
    except Exception as error:  # noqa: BLE001 - after any error the next save is applied too
        why = f"{type(error).__name__}: {error}"
    else:
        return f"  live after {time.monotonic() - start:.1f} s: {', '.join(changed) or 'nothing new'}"
    return f"  not live: {why}. The version before stays live."


def _shown_path(file: Path) -> str:
    return file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)

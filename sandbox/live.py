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
INDEX = "index.html"


@contextmanager
def apply_saved_files(
    page: Callable[[], Path], update: Callable[[], list[str]], say: Callable[[str], None]
) -> Iterator[None]:
    """Call `update` after each save until the block ends. Say what changed, or why not.

    `page` returns the folder of the page, which a setting names.
    """
    ended, one_at_a_time = threading.Event(), threading.Lock()

    def folders() -> tuple[Path, ...]:
        return tuple(folder for folder in (page(), *LIVE, *LOADED_ONCE) if folder.exists())

    def apply_files() -> None:
        for saved in _saves(folders, ended, recursive=True):
            old = [file for file in saved if any(file.is_relative_to(folder) for folder in LOADED_ONCE)]
            if old:
                say(f"  not live: {', '.join(map(_shown_path, old))}, which {RESTART}.")
            if _is_being_built(page(), saved):
                say(f"  waiting for {_shown_path(page() / INDEX)}")
            elif len(old) < len(saved):
                apply()

    def apply_program() -> None:
        for saved in _saves(lambda: (ROOT,), ended, recursive=False):
            if not set(PROGRAM).isdisjoint(saved):
                apply()

    def apply() -> None:
        with one_at_a_time:
            forget_modules()
            say(_line(update))

    threads = [
        threading.Thread(target=target, name=name, daemon=True)  # daemons: Ctrl-C may come before the join
        for name, target in (("live", apply_files), ("live program", apply_program))
    ]
    for thread in threads:
        thread.start()
    say(f"  saved files of the program, the functions and {_shown_path(page())}/ go live at once\n")
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _saves(folders: Callable[[], tuple[Path, ...]], ended: threading.Event, *, recursive: bool) -> Iterator[list[Path]]:
    """Yield the files that are saved at one time, and a folder that is new among `folders`, until `ended` is set."""
    new: set[Path] = set()
    while not ended.is_set():
        watched = folders()
        for changes in watch(
            *watched,
            recursive=recursive,
            step=MILLISECONDS,
            rust_timeout=500,
            yield_on_timeout=True,
            stop_event=ended,
            raise_interrupt=False,
        ):
            saved = {Path(path) for _, path in changes} | new  # a new folder once it is watched: it misses no save
            new = set()
            if saved:
                yield sorted(saved)
            if folders() != watched:
                break
        new = {*folders()} - {*watched}


def _is_being_built(page: Path, saved: list[Path]) -> bool:
    """Return whether a build has emptied the folder of the page, and will save it anew."""
    return all(file.is_relative_to(page) for file in saved) and not (page / INDEX).exists()


def _line(update: Callable[[], list[str]]) -> str:
    start = time.monotonic()
    try:
        changed = update()
    except Exception as error:  # noqa: BLE001 - after any error the next save is applied too
        stays = " ".join(getattr(error, "__notes__", ["The version before stays live."]))
        return f"  not live: {_why(error)}. {stays}"
    return f"  live after {time.monotonic() - start:.1f} s: {', '.join(changed) or 'nothing new'}"


def _why(error: Exception) -> str:
    match error:
        case SyntaxError():
            return f"{_shown_path(Path(error.filename or ''))}:{error.lineno}: {error.msg}"
        case FileNotFoundError():
            return f"{_shown_path(Path(error.filename))} is missing, but it is imported"
    return f"{type(error).__name__}: {error}"


def _shown_path(file: Path) -> str:
    return file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)

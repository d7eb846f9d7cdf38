"""The files of the page: which are served, their content types, and how the edge function recognises them."""

import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

import pulumi

WELL_KNOWN = ".well-known"  # RFC 8615: the only hidden folder that is served
RESERVED = ".errors"  # the login's error pages. No file of the page is here: hidden files are not served

# Python's table lacks some of these, and differs between Python versions for others.
TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".csv": "text/csv",
    ".gif": "image/gif",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".otf": "font/otf",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".vtt": "text/vtt",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
CLIENT = Path(__file__).resolve().parent.parent / "client"  # the login's modules for pages
UNQUOTED = "/!$&'()*+,;=:@~"  # browsers do not percent-encode these in a path
OTHER_TYPES = mimetypes.MimeTypes(filenames=())  # without the tables of this machine


def served_files(folder: Path) -> dict[str, Path]:
    """Return the files of the page by their S3 keys, without hidden ones such as .DS_Store. Raises OSError."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder. The files of the page are read from there.")
    files = (file for file in sorted(folder.rglob("*")) if _is_served(folder, file))
    return {file.relative_to(folder).as_posix(): file for file in files}


COMMENTS = re.compile(r"^[ \t]*(?://.*|/\*\*(?:.|\n)*?\*/)\n", re.MULTILINE)


def client_modules() -> dict[str, str]:
    """Return the login's own modules by their S3 keys, without their comments: a fifth of what a browser would load.

    A page imports them by name, such as `/login.js`.
    """
    return {file.name: COMMENTS.sub("", file.read_text()) for file in sorted(CLIENT.glob("*.js"))}


def content_type(file: Path) -> str:
    """Return the content type of a file: by its extension, or by its content if it has none."""
    if suffix := _suffix(file):
        known = TYPES.get(suffix) or OTHER_TYPES.guess_type(f"x{suffix}")[0]
        return _with_charset(known or "application/octet-stream")
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        return "application/octet-stream"
    try:
        json.loads(text)
    except ValueError:
        return _with_charset("text/plain")
    return "application/json"


# An element of the page that says whether something is on: it is changed where the stack has it the other way.
SWITCH = '<meta name="{}" content="{}">'


class Asset(TypedDict, total=False):
    """The upload of a file: one of the two."""

    source: pulumi.FileAsset
    content: str


def asset(file: Path, switches: Mapping[str, bool]) -> Asset:
    """Return the file, or its HTML with the elements of these switches changed, where it has them the other way."""
    if file.suffix.lower() in (".html", ".htm"):
        html = changed = file.read_bytes()
        for name, on in switches.items():
            old, new = (SWITCH.format(name, json.dumps(value)).encode() for value in (not on, on))
            changed = changed.replace(old, new)
        if changed != html:
            return {"content": changed.decode()}
    return {"source": pulumi.FileAsset(str(file))}


def known_files(keys: Sequence[str]) -> dict[str, list[str]]:
    """Return how edge/spa.js recognises a file: by its extension, its folder, or its name if it has no extension."""
    suffixes = {_suffix(Path(key)) for key in keys}
    return {
        "extensions": sorted(quote(suffix[1:], safe=UNQUOTED).lower() for suffix in {*TYPES, *suffixes} if suffix),
        "folders": [f"/{WELL_KNOWN}/", f"/{RESERVED}/"],
        "names": sorted(f"/{quote(key, safe=UNQUOTED)}" for key in keys if not _suffix(Path(key))),
    }


def _suffix(file: Path) -> str:
    suffix = file.suffix.lower()
    return "" if suffix == "." else suffix  # in Python 3.14 the suffix of "a." is "."


def _with_charset(kind: str) -> str:
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _is_served(content: Path, file: Path) -> bool:
    """Return whether a file is served. Hidden files, such as .DS_Store, are not."""
    parts = file.relative_to(content).parts
    hidden = [part for number, part in enumerate(parts) if part.startswith(".") and (number, part) != (0, WELL_KNOWN)]
    return file.is_file() and not hidden

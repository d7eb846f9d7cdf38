"""The files of the page: which are served, their content types, and how the edge function recognises them."""

import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import quote

import pulumi

WELL_KNOWN = ".well-known"  # RFC 8615: the only hidden folder that is served
RESERVED = ".errors"  # the login's error pages. No file of the page is here: hidden files are not served

# Python's own table. `mimetypes.guess_type` would add the tables of this machine, such as /etc/mime.types.
LIBRARY = mimetypes.MimeTypes(filenames=())
# What Python 3.11 lacks or has wrong. Later versions know some of these, and an upload must not change with Python.
TYPES = {
    ".js": "text/javascript",  # RFC 9239; Python 3.11 has application/javascript, which gets no charset here
    ".mjs": "text/javascript",
    ".map": "application/json",  # ECMA-426: a source map is JSON
    ".otf": "font/otf",  # RFC 8081
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".webp": "image/webp",  # RFC 9649
    ".m4a": "audio/mp4",  # RFC 4337
    ".ogg": "audio/ogg",  # RFC 5334
    ".wav": "audio/wav",  # no registered type; browsers name it so, and Python's differs between versions
    ".xml": "application/xml",  # Python has text/xml, whose charset would overrule the file's own (RFC 7303, section 3)
}
# A path that ends with one of these is a file, whether the page has it or not; a path such as /user/kim.me is none.
OTHERS = ".avif .css .csv .gif .htm .html .ico .jpeg .jpg .json .mp3 .mp4 .pdf .png .svg .txt .vtt .wasm .webm .zip"
EXTENSIONS = (*TYPES, ".webmanifest", *OTHERS.split())
CLIENT = Path(__file__).resolve().parent.parent / "client"  # the login's modules for pages
BUILT = ("dist", "build", "out", "public")  # what builds name their folders
# Next.js, SvelteKit, Astro and Nuxt write these, and serve them as immutable themselves.
HASHED_FOLDERS = ("_next/static/", "_app/immutable/", "_astro/", "_nuxt/")
HEX = r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}"  # webpack, Parcel: main.4f2a1b3c.js
BASE32 = r"-[A-Z2-7]{8}\."  # esbuild, Angular: main-5QJ4LKMC.js
BASE64 = r"[-.]([A-Za-z0-9_-]{8})\.[a-z0-9]+(?:\.map)?$"  # Vite, Rollup, in a folder: assets/index-BQ2v8f3d.js
CODE = (".js", ".mjs", ".css", ".map", ".wasm", ".woff2")
UNQUOTED = "/!$&'()*+,;=:@~"  # browsers do not percent-encode these in a path


def flaw(folder: str) -> str:
    """Return why a folder is no page, as the end of a sentence; an empty text where it is one."""
    path = Path(folder)
    built = path / "dist" if path.name != "dist" else path
    if not path.is_dir():
        hint = f"build the page first: npm --prefix {path.parent} run build" if path.name in BUILT else "name another"
        return f"is {{value}}, and there is no such folder; {hint}"
    if (path / "package.json").exists():
        return (
            f"is {{value}}, which holds package.json, the source of a page; name what its build writes, such as {built}"
        )
    if not (path / "index.html").is_file():
        return "is {value}, a folder without an index.html; build the page, or name the folder that holds one"
    return ""


def cache_control(key: str) -> str:
    """Return how long browsers keep a file: a year where its name changes with its content, else until they have asked.

    Where a name is in doubt, the browser asks: that costs an answer 304, while a stale file breaks a page.
    """
    return "public, max-age=31536000, immutable" if _is_hashed(key) else "no-cache"


def _is_hashed(key: str) -> bool:
    folder, _, name = key.rpartition("/")
    if name.lower().endswith((".html", ".htm")):
        return False
    if any(f"{folder}/".startswith(immutable) for immutable in HASHED_FOLDERS):
        return True
    stem = name.split(".")
    parts = [*re.split(r"[-_~]", stem[0]), *stem[1:-1]]
    if any(re.fullmatch(HEX, part) for part in parts):
        return True
    code = name.lower().endswith(CODE)
    if code and re.search(BASE32, name):
        return True
    hashed = re.search(BASE64, name)
    return bool(folder and hashed and _changes(hashed[1]) >= (3 if code else 4))


def _changes(text: str) -> int:
    """Count how often the kind of character changes: 6 in BQ2v8f3d, 1 in Facebook, 2 in userCard, 3 in iPhone15."""
    kinds = re.findall("[a-z]+|[A-Z]+|[0-9]+|[_-]+", text)
    return len(kinds) - 1


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
        return _with_charset(TYPES.get(suffix) or _library_type(suffix) or "application/octet-stream")
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        return "application/octet-stream"
    try:
        json.loads(text)
    except ValueError:
        return _with_charset("text/plain")
    return "application/json"


def _library_type(suffix: str) -> str | None:
    kind, compression = LIBRARY.guess_type(f"x{suffix}")
    return None if compression else kind  # .svgz and .tgz: S3 gets no content-encoding


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


def known_files(keys: Sequence[str]) -> dict[str, Any]:
    """Return how edge/spa.js recognises a file: by its extension, its folder, or its name if it has no extension.

    `pages` are further pages by their addresses, as a static export writes them.
    """
    suffixes = {_suffix(Path(key)) for key in keys}
    return {
        "extensions": sorted(quote(suffix[1:], safe=UNQUOTED).lower() for suffix in {*EXTENSIONS, *suffixes} if suffix),
        "folders": [f"/{WELL_KNOWN}/", f"/{RESERVED}/"],
        "pages": _pages(keys),
        "names": sorted(f"/{quote(key, safe=UNQUOTED)}" for key in keys if not _suffix(Path(key))),
    }


def _pages(keys: Sequence[str]) -> dict[str, str]:
    files = {f"/{quote(key, safe=UNQUOTED)}" for key in keys if key.endswith(".html") and key != "index.html"}
    return {file.removesuffix(".html").removesuffix("/index"): file for file in sorted(files, reverse=True)}


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

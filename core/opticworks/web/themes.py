"""Themes and the search path: where a template or a static file of a given name is found.

A *layer* is a folder with `templates/` and `static/` in it. The path of a theme is: the theme,
its parents, the enabled plugins in the order of the ini, the kernel. The first layer that has a
file of the name wins. Names under `admin/` skip the themes: a storefront's look must not reach
the screens that staff work with.
"""

from __future__ import annotations

import configparser
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath

from opticworks.plugins import entry_points

GROUP = "opticworks.themes"
PROTECTED = "admin/"


class ThemeError(Exception):
    """A theme that is not installed, or whose theme.ini can't be used; says what to do."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One place of the search path. `theme` is true for layers that a theme brings."""

    name: str
    path: Path
    theme: bool = False

    def file(self, kind: str, name: str) -> Path | None:
        """The file `name` under `kind` ("templates" or "static"), or None.

        Names that lead out of the folder, absolute ones and dot files are not found.
        """
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or "\\" in name or "\0" in name:
            return None
        if any(part.startswith(".") for part in parts):
            return None
        root = self.path / kind
        path = root.joinpath(*parts)
        try:
            found = path.is_file() and path.resolve().is_relative_to(root.resolve())
        except OSError:  # a name longer than the file system takes
            return None
        return path if found else None

    def files(self, kind: str, suffix: str = "") -> Iterator[tuple[str, Path]]:
        """(name, path) of every file under `kind` that `file` finds."""
        root = self.path / kind
        top = os.path.realpath(root)
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if not name.startswith(".")]
            inner = "" if folder == top else folder[len(top) + 1 :].replace(os.sep, "/") + "/"
            for name in names:
                if not name.endswith(suffix) or name.startswith("."):
                    continue
                path = root / inner / name
                # A link may lead out of the folder.
                if not os.path.islink(path) or self.file(kind, inner + name) is not None:
                    yield inner + name, path


@dataclass(frozen=True, slots=True)
class Theme:
    """An installed theme: its `parent` is the code of the theme it inherits from, or empty."""

    code: str
    path: Path
    title: str = ""
    parent: str = ""
    description: str = ""


def read_theme(code: str, path: Path) -> Theme:
    """The theme in the folder `path`, as its theme.ini describes it. Raises ThemeError."""
    ini = configparser.ConfigParser(interpolation=None)
    file = path / "theme.ini"
    try:
        ini.read_string(file.read_text(encoding="utf-8"), source=str(file))
        section = ini["theme"]
    except FileNotFoundError:
        raise ThemeError(
            f"The theme {code!r} has no theme.ini. Add one with a [theme] section."
        ) from None
    except (configparser.Error, KeyError) as error:
        raise ThemeError(
            f"The theme.ini of the theme {code!r} can't be read: {error}. It needs a [theme] "
            "section with a title."
        ) from None
    return Theme(
        code,
        path,
        title=section.get("title", code),
        parent=section.get("parent", "").strip(),
        description=" ".join(section.get("description", "").split()),
    )


def installed_themes() -> dict[str, Theme]:
    """Themes of all installed packages, by code. Raises ThemeError for one that is broken."""
    themes: dict[str, Theme] = {}
    for entry in entry_points(GROUP):
        if entry.name in themes:
            raise ThemeError(
                f"Two installed packages offer a theme {entry.name!r}. Uninstall one of them."
            )
        try:
            package = resources.files(entry.load())
        except ImportError as error:
            raise ThemeError(f"The theme {entry.name!r} can't be imported: {error}.") from error
        themes[entry.name] = read_theme(entry.name, Path(str(package)))
    return themes


def lineage(themes: Mapping[str, Theme], code: str) -> list[Theme]:
    """The theme and its parents, child first. Raises ThemeError for a missing one or a circle."""
    chain: list[Theme] = []
    while code:
        if code not in themes:
            whose = f", the parent of {chain[-1].code!r}," if chain else ""
            known = ", ".join(sorted(themes)) or "none"
            raise ThemeError(
                f"The theme {code!r}{whose} is not installed. Install its package or choose "
                f"another; installed themes: {known}."
            )
        if any(theme.code == code for theme in chain):
            raise ThemeError(f"The theme {code!r} is its own parent. Correct its theme.ini.")
        chain.append(themes[code])
        code = themes[code].parent
    return chain


class SearchPath:
    """The layers of one theme, in the order in which they are searched."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)

    @classmethod
    def of_theme(
        cls, themes: Mapping[str, Theme], code: str, below: Iterable[Layer] = ()
    ) -> SearchPath:
        """The path of the theme `code`, with plugins' and the kernel's layers `below` it."""
        own = [Layer(f"theme:{t.code}", t.path, theme=True) for t in lineage(themes, code)]
        return cls([*own, *below])

    def find(self, kind: str, name: str, start: int = 0) -> tuple[int, Path] | None:
        """Index of the layer and path of the first file `name` from layer `start` on."""
        protected = name.startswith(PROTECTED)
        for index in range(start, len(self.layers)):
            layer = self.layers[index]
            if protected and layer.theme:
                continue
            if (path := layer.file(kind, name)) is not None:
                return index, path
        return None

    def files(self, kind: str, suffix: str = "") -> Iterator[tuple[str, Path]]:
        """(name, path) of every file that can be found, in the order of their names."""
        found: dict[str, Path] = {}
        for layer in reversed(self.layers):
            for name, path in layer.files(kind, suffix):
                if not (layer.theme and name.startswith(PROTECTED)):
                    found[name] = path
        yield from sorted(found.items())

    def digest(self, kind: str = "static", *, by_time: bool = False) -> str:
        """Ten hex digits that change when any file of `kind` changes.

        Of the contents, so that several hosts agree; `by_time` is quicker and looks at sizes and
        times of change, for development.
        """
        digest = hashlib.sha256()
        for name, path in self.files(kind):
            digest.update(name.encode() + b"\0")
            if by_time:
                stat = path.stat()
                digest.update(f"{stat.st_mtime_ns} {stat.st_size}".encode())
            else:
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:10]

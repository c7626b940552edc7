"""`make messages`: the texts that customers read for translators, and the compiled catalogues.

For the kernel, every plugin and every theme with texts of its own: what templates of pages and
mails say, what Python says with `say("…")` and `say_number("…", "…", n)`, marks with `N_("…")` or
translates with `_("…")`, goes into `locale/opticworks.pot`; the catalogue of each language there is
(`locale/<language>/LC_MESSAGES/opticworks.po`) is brought up to date, keeping what is translated,
and compiled. A new language: `python tools/messages.py fr`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from chameleon.i18n import simple_translate

from opticworks.web.engine import BOOLEAN, TRANSLATED, Template

ROOT = Path(__file__).resolve().parent.parent
DOMAIN = "opticworks"
#: A text, or its two forms for one and for many.
Text = str | tuple[str, str]
KEYWORDS = {"N_": None, "_": None, "say": None, "say_number": (1, 2)}
DATA = re.compile(r"\$\{[^}]*\}|&\w+;")
STYLES = re.compile(r"\{[^{}]*:[^{}]*;")
#: Templates outside of admin/ that only staff and developers see.
STAFF = {("smtp_mail", "mailbox.pt"), ("resend_mail", "domain.pt")}
#: Catalogues carry no date of their own, so that running this twice changes nothing.
DATE = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Package:
    """Where the texts are, and in which folder their catalogues."""

    name: str
    code: Path
    locale: Path


def packages() -> list[Package]:
    """The kernel first: what it translates, plugins and themes need not."""
    kernel = ROOT / "core" / "opticworks"
    found = [Package("opticworks", kernel, kernel / "storefront" / "locale")]
    for folder in ("plugins", "themes"):
        for setup in sorted((ROOT / folder).glob("*/setup.cfg")):
            (code,) = setup.parent.glob("opticworks_*/__init__.py")
            found.append(Package(code.parent.name, code.parent, code.parent / "locale"))
    return found


def is_for_customers(template: Path) -> bool:
    """A page's or a mail's template, or a piece of one; the admin speaks English."""
    return "admin" not in template.parts and template.parts[-2:] not in STAFF


def of_template(path: Path) -> Iterator[Text]:
    """What a template lets the engine translate, and what it says with `_('…')` and
    `plural('…', '…', n)`: read from the code that it compiles to, so that this is neither more nor
    less than what is translated."""
    template = Template(
        str(path),
        translate=simple_translate,
        boolean_attributes=BOOLEAN,
        implicit_i18n_translate=True,
        implicit_i18n_attributes=set(TRANSLATED),
        keep_source=True,
    )
    template.extra_builtins = {"tpl": None, "parent": None}
    template.cook(template.read())
    for node in ast.walk(ast.parse(template.source)):
        if not isinstance(node, ast.Call):
            continue
        name, said = _called(node.func), [getattr(each, "value", None) for each in node.args]
        if name == "translate" and isinstance(said[0], str) and not STYLES.search(said[0]):
            yield " ".join(said[0].split())
        elif name == "_" and isinstance(said[0], str):
            yield said[0]
        elif name == "plural" and isinstance(said[0], str) and isinstance(said[1], str):
            yield said[0], said[1]


def _called(function: ast.expr) -> str:
    """The name of a function; templates look theirs up with `getname('…')`."""
    if isinstance(function, ast.Call) and getattr(function.func, "id", "") == "getname":
        return str(getattr(function.args[0], "value", ""))
    return getattr(function, "id", "")


def texts(package: Package) -> Iterator[tuple[Text, str]]:
    """(text, file it is in), those without a letter left out."""
    for path in sorted(package.code.rglob("*.pt")):
        if is_for_customers(path):
            for text in of_template(path):
                if any(sign.isalpha() for sign in DATA.sub("", "".join(text))):
                    yield text, path.relative_to(ROOT).as_posix()
    for path in sorted(package.code.rglob("*.py")):
        if "cli" in path.parts:  # what it says goes to a terminal
            continue
        with path.open("rb") as file:
            for _, text, _, _ in extract("python", file, keywords=KEYWORDS):
                if isinstance(text, str) or all(text):
                    yield text, path.relative_to(ROOT).as_posix()


def gather() -> dict[Package, Catalog]:
    """A catalogue of untranslated texts for each package that has any."""
    found: dict[Package, Catalog] = {}
    of_kernel: set[Text] = set()
    for package in packages():
        catalogue = Catalog(
            project=package.name, domain=DOMAIN, charset="utf-8", creation_date=DATE
        )
        for text, where in texts(package):
            if package.name == "opticworks":
                of_kernel.add(text)
            elif text in of_kernel:
                continue
            catalogue.add(text, locations=[(where, None)])
        if len(catalogue):
            found[package] = catalogue
    return found


def languages(locale: Path) -> list[str]:
    return sorted(path.parent.parent.name for path in locale.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(package: Package, language: str) -> Catalog:
    path = package.locale / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not path.exists():
        return Catalog(locale=language, project=package.name, creation_date=DATE)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def write(package: Package, language: str, catalogue: Catalog) -> None:
    folder = package.locale / language / "LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{DOMAIN}.po").open("wb") as file:
        write_po(file, catalogue, width=100, sort_output=True, ignore_obsolete=True)
    with (folder / f"{DOMAIN}.mo").open("wb") as file:
        write_mo(file, catalogue)


def is_whole(message: Message) -> bool:
    """Whether it is translated, in all of its forms."""
    said = message.string
    return bool(said) and (isinstance(said, str) or all(said))


def main(new: list[str]) -> None:
    gathered = gather()
    known = {language for package in gathered for language in languages(package.locale)}
    for package, texts_of in gathered.items():
        package.locale.mkdir(exist_ok=True)
        with (package.locale / f"{DOMAIN}.pot").open("wb") as file:
            write_po(file, texts_of, width=100, sort_output=True)
        for language in sorted({*known, *new}):
            catalogue = read(package, language)
            catalogue.creation_date = catalogue.revision_date = DATE
            catalogue.update(texts_of, no_fuzzy_matching=True, update_creation_date=False)
            write(package, language, catalogue)
            missing = [str(each.id) for each in catalogue if each.id and not is_whole(each)]
            print(f"{package.name} {language}: {len(catalogue)} texts, {len(missing)} to translate")
            for text in missing:
                print(f"  {text}")


if __name__ == "__main__":
    main(sys.argv[1:])

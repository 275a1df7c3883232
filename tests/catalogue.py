"""The catalogue of what the front end says: `python -m tests.catalogue` (`make catalogue`).

Extracts all messages by TypeScript's own parser, brings the catalogues of all languages up to date,
and makes of each what Jupyter reads. Messages that are gone are dropped from the catalogues.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from babel.messages import pofile
from babel.messages.catalog import Catalog, Message

ROOT: Final = Path(__file__).parents[1]
DOMAIN: Final = "jupyter_drive_sync"
FOLDER: Final = ROOT / DOMAIN / "locale"
TEMPLATE: Final = FOLDER / f"{DOMAIN}.pot"
_NEVER: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When the catalogues say that they were made: a day of their own would change them each time."""


def extract() -> Catalog:
    """Return all that the front end says."""
    done = subprocess.run(
        ["node", "labextension/messages.mjs"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    template = _catalogue()
    for each in json.loads(done.stdout):
        said = (each["id"], each["plural"]) if each["plural"] else each["id"]
        # Without lines: they would change with every edit.
        template.add(said, locations=[(each["place"][0], None)], context=each["context"] or None)
    return template


def _catalogue(locale: str | None = None) -> Catalog:
    return Catalog(
        locale=locale, domain=DOMAIN, project=DOMAIN, version="1", creation_date=_NEVER,
        revision_date=_NEVER, last_translator="", language_team="", fuzzy=False,
        msgid_bugs_address="", charset="utf-8",
        header_comment=f"# What {DOMAIN} says.",
    )  # fmt: skip


def files() -> Iterator[Path]:
    """Yield the catalogue of each language."""
    yield from sorted(FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(path: Path) -> Catalog:
    """Read a catalogue."""
    locale = path.parent.parent.name if path.suffix == ".po" else None
    with path.open("rb") as file:
        return pofile.read_po(file, locale=locale, domain=DOMAIN)


def messages(catalogue: Catalog) -> dict[tuple[str, str | tuple[str, ...]], Message]:
    """Return the messages of a catalogue, by context and what they say in English."""
    return {
        (message.context or "", tuple(message.id) if message.pluralizable else message.id): message
        for message in catalogue
        if message.id
    }


def _write(path: Path, catalogue: Catalog) -> None:
    with path.open("wb") as file:
        pofile.write_po(file, catalogue, width=100, sort_output=True, ignore_obsolete=True)


def updated(path: Path, template: Catalog) -> Catalog:
    """Return a language's catalogue with the messages of a template: new ones are empty."""
    known = messages(read(path))
    fresh = _catalogue(path.parent.parent.name)
    for key, message in messages(template).items():
        before = known.get(key)
        fresh.add(
            message.id, before.string if before else ("", "") if message.pluralizable else "",
            locations=message.locations, context=message.context,
        )  # fmt: skip
    return fresh


def compiled(catalogue: Catalog) -> dict[str, Any]:
    """Return a catalogue in the form that Jupyter reads (Jed 1.x)."""
    texts: dict[str, Any] = {
        "": {
            "domain": DOMAIN,
            "language": str(catalogue.locale),
            "plural_forms": catalogue.plural_forms,
            "version": "1",
        }
    }
    for (context, said), message in sorted(messages(catalogue).items(), key=str):
        first = said if isinstance(said, str) else said[0]
        strings = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
        if strings and all(strings):
            texts[f"{context}\x04{first}" if context else first] = strings
    return texts


def text_of(compiled_texts: dict[str, Any]) -> str:
    """Write what :func:`compiled` made."""
    return json.dumps(compiled_texts, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Bring all catalogues up to date."""
    template = extract()
    FOLDER.mkdir(exist_ok=True)
    _write(TEMPLATE, template)
    for path in files():
        catalogue = updated(path, template)
        _write(path, catalogue)
        path.with_suffix(".json").write_text(text_of(compiled(catalogue)), "utf-8")
        empty = sum(1 for message in messages(catalogue).values() if not _is_whole(message))
        sys.stdout.write(f"{path.parent.parent.name}: {len(messages(catalogue))}, {empty} empty\n")


def _is_whole(message: Message) -> bool:
    return bool(message.string) and all(
        [message.string] if isinstance(message.string, str) else message.string
    )


if __name__ == "__main__":
    main()

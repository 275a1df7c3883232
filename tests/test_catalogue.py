"""What the front end says is in the catalogue, and said in every language that we ship."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from jupyterlab_server.translation_utils import get_installed_packages_locale

from tests import catalogue
from tests.catalogue import DOMAIN, TEMPLATE, compiled, files, messages, read, text_of

_PLACE = re.compile(r"%\d+")


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else [*message.string]


def originals(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else [*message.id]


def test_no_string_is_missing_in_the_catalogue() -> None:
    found = messages(catalogue.extract())
    assert len(found) > 400
    assert set(found) == set(messages(read(TEMPLATE))), "`make catalogue` brings it up to date"


def test_german_is_shipped() -> None:
    assert "de_DE" in [path.parent.parent.name for path in files()]


@pytest.mark.parametrize("path", [*files()], ids=lambda path: path.parent.parent.name)
class TestLanguage:
    def test_every_message_is_said(self, path: Path) -> None:
        said = messages(read(path))
        assert set(said) == set(messages(read(TEMPLATE)))
        assert [key for key, message in said.items() if not all(forms(message))] == []
        assert not [key for key, message in said.items() if message.fuzzy]

    def test_placeholders_are_equal(self, path: Path) -> None:
        wrong = {
            said: original
            for message in messages(read(path)).values()
            for said, original in zip(forms(message), originals(message), strict=True)
            if sorted(_PLACE.findall(said)) != sorted(_PLACE.findall(original))
        }
        assert wrong == {}

    def test_what_jupyter_reads_is_what_the_catalogue_says(self, path: Path) -> None:
        assert path.with_suffix(".json").read_text("utf-8") == text_of(compiled(read(path)))


def test_jupyter_finds_it() -> None:
    (point,) = entry_points(group="jupyterlab.locale", name=DOMAIN)
    assert point.value == DOMAIN
    texts, problem = get_installed_packages_locale("de_DE")
    assert problem == ""
    assert texts[DOMAIN][""]["language"] == "de-DE"
    assert texts[DOMAIN]["Sync now"] == ["Jetzt synchronisieren"]
    assert len(texts[DOMAIN]["%2 file"]) == 2
    assert texts[DOMAIN]["settings\x04Backup"] == ["Sicherung"]

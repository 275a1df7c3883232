r"""The search language of `files.list`: read once, asked of many files.

Sources: Drive guide, "Search query terms and operators" (terms, and the operators that each takes)
and "Search for files and folders" (escapes `\'` and `\\`; `and` and `or` are taken from left to
right; `name contains` matches beginnings of words only). What cannot be read is 400 `invalid` at
`q`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol

from jupyter_drive_sync.localdrive.replies import invalid_parameter

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\['\\])*'|"(?:[^"\\]|\\["'\\])*")
      | (?P<operator><=|>=|!=|=|<|>)
      | (?P<mark>[(){}])
      | (?P<word>[A-Za-z][\w.]*)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORDS = re.compile(r"[^\W_]+")

_EQUALITY = frozenset({"=", "!="})
_ORDER = frozenset({"=", "!=", "<", "<=", ">", ">="})
_NAME_TERMS = {"name": frozenset({"contains", "=", "!="}), "fullText": frozenset({"contains"})}
_TEXT_TERMS = {
    **_NAME_TERMS,
    "mimeType": frozenset({"contains", "=", "!="}),
    "shortcutDetails.targetId": _EQUALITY,
    "visibility": _EQUALITY,
}
_TIME_TERMS = frozenset({"createdTime", "modifiedTime", "viewedByMeTime", "sharedWithMeTime"})
_BOOLEAN_TERMS = frozenset({"trashed", "starred", "sharedWithMe"})
_COLLECTIONS = frozenset({"parents", "owners", "writers", "readers"})
_PROPERTY_TERMS = frozenset({"properties", "appProperties"})
_VISIBILITIES = frozenset(
    {"anyoneCanFind", "anyoneWithLink", "domainCanFind", "domainWithLink", "limited"}
)


class Subject(Protocol):
    """What a query asks of a file, as one caller sees it. Times are milliseconds since 1970."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def mime_type(self) -> str:
        """The MIME type."""

    @property
    def times(self) -> Mapping[str, int | None]:
        """Times by term; None where there is none."""

    @property
    def trashed(self) -> bool:
        """Whether it or a folder above it is in the trash."""

    @property
    def starred(self) -> bool:
        """Whether the caller starred it."""

    @property
    def shared_with_me(self) -> bool:
        """Whether it was shared with the caller."""

    @property
    def people(self) -> Mapping[str, Collection[str]]:
        """Addresses of owners, writers and readers; the caller is also `me`."""

    @property
    def parents(self) -> Collection[str]:
        """The parent folder; the caller's root is also `root`."""

    @property
    def properties(self) -> Mapping[str, str]:
        """Properties that every app sees."""

    @property
    def app_properties(self) -> Mapping[str, str]:
        """Properties of the caller's app."""

    @property
    def visibility(self) -> str:
        """One of the visibilities of the guide."""

    @property
    def shortcut_target(self) -> str | None:
        """The id that a shortcut leads to."""

    @property
    def text(self) -> str:
        """What full text search looks at, beside the name."""


Predicate = Callable[[Subject], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read.

    Attributes:
        matches: Whether a file fits.
        within: Folders of which every match is a child, None when the query does not say.
        named: Every folder that the query names in `parents`.
        ranked: Whether it searches full text, whose results come by relevance.
    """

    matches: Predicate
    within: frozenset[str] | None = None
    named: frozenset[str] = frozenset()
    ranked: bool = False


EVERYTHING = Query(lambda _: True)


def parse(text: str, *, fold_names: bool = False) -> Query:
    """Read a query.

    Args:
        text: The `q` parameter.
        fold_names: Whether `name = …` disregards case (the guide does not say).

    Raises:
        ApiError: 400 `invalid` at `q`.
    """
    if not text.strip():
        return EVERYTHING
    return _Parser(text, fold_names).whole()


def _refuse() -> NoReturn:
    raise invalid_parameter("q")


class _Parser:
    """Reads one query from left to right."""

    def __init__(self, text: str, fold_names: bool) -> None:
        self._fold_names = fold_names
        self._tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            token = _TOKEN.match(text, position)
            if token is None or token.lastgroup is None:
                _refuse()
            self._tokens.append((token.lastgroup, token.group(token.lastgroup)))
            position = token.end()
        self._at = 0

    def whole(self) -> Query:
        """Read the query to its end."""
        found = self._expression()
        if self._at != len(self._tokens):
            _refuse()
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, kind: str, *values: str) -> str:
        found, value = self._peek()
        if found != kind or (values and value not in values):
            _refuse()
        self._at += 1
        return value

    def _text(self) -> str:
        return _ESCAPE.sub(r"\1", self._take("text")[1:-1])

    def _expression(self) -> Query:
        left = self._term()
        while self._peek() in {("word", "and"), ("word", "or")}:
            word = self._take("word")
            left = (_both if word == "and" else _either)(left, self._term())
        return left

    def _term(self) -> Query:
        kind, value = self._peek()
        if (kind, value) == ("word", "not"):
            self._at += 1
            return _negated(self._term())
        if (kind, value) == ("mark", "("):
            self._at += 1
            inner = self._expression()
            self._take("mark", ")")
            return inner
        if kind == "text":
            return self._membership()
        return self._comparison(self._take("word"))

    def _membership(self) -> Query:
        value = self._text()
        self._take("word", "in")
        collection = self._take("word")
        if collection == "parents":
            only = frozenset({value})
            return Query(lambda file: value in file.parents, only, only)
        if collection not in _COLLECTIONS:
            _refuse()
        return Query(lambda file: value in file.people[collection])

    def _comparison(self, term: str) -> Query:
        if term in _PROPERTY_TERMS:
            return self._property(term)
        kind, operator = self._peek()
        if kind not in {"operator", "word"}:
            _refuse()
        self._at += 1
        if term in _BOOLEAN_TERMS:
            return self._boolean(term, operator)
        if term in _TIME_TERMS:
            return self._time(term, operator)
        if operator not in _TEXT_TERMS.get(term, ()):
            _refuse()
        return self._textual(term, operator)

    def _boolean(self, term: str, operator: str) -> Query:
        if operator not in _EQUALITY:
            _refuse()
        # Google disregards case here: fs.googledrivefs asks for `trashed=False`.
        word = self._take("word").lower()
        if word not in {"true", "false"}:
            _refuse()
        wanted = (word == "true") == (operator == "=")
        attribute = {"sharedWithMe": "shared_with_me"}.get(term, term)
        return Query(lambda file: getattr(file, attribute) == wanted)

    def _time(self, term: str, operator: str) -> Query:
        if operator not in _ORDER:
            _refuse()
        stamp = parse_time(self._text())
        if stamp is None:
            _refuse()
        holds = _COMPARE[operator]

        def matches(file: Subject) -> bool:
            time = file.times[term]
            return time is not None and holds(time, stamp)

        return Query(matches)

    def _property(self, term: str) -> Query:
        self._take("word", "has")
        self._take("mark", "{")
        self._take("word", "key")
        self._take("operator", "=")
        key = self._text()
        self._take("word", "and")
        self._take("word", "value")
        self._take("operator", "=")
        value = self._text()
        self._take("mark", "}")
        if term == "properties":
            return Query(lambda file: file.properties.get(key) == value)
        return Query(lambda file: file.app_properties.get(key) == value)

    def _textual(self, term: str, operator: str) -> Query:
        value = self._text()
        if term == "fullText":
            return Query(_full_text(value), ranked=True)
        if term == "name":
            return Query(_name(operator, value, self._fold_names))
        if operator == "contains":
            return Query(lambda file: file.mime_type.startswith(value))
        if term == "visibility" and value not in _VISIBILITIES:
            _refuse()
        attribute = {"mimeType": "mime_type", "shortcutDetails.targetId": "shortcut_target"}.get(
            term, term
        )
        wanted = operator == "="
        return Query(lambda file: (getattr(file, attribute) == value) == wanted)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _name(operator: str, value: str, fold: bool) -> Predicate:
    """Match names. `contains` looks at the beginnings of words and disregards case."""
    folded = value.casefold()
    if operator == "contains":

        def begins(file: Subject) -> bool:
            name = file.name.casefold()
            at = name.find(folded)
            while at > 0 and name[at - 1].isalnum() and folded[:1].isalnum():
                at = name.find(folded, at + 1)
            return at >= 0

        return begins
    wanted = operator == "="
    if fold:
        return lambda file: (file.name.casefold() == folded) == wanted
    return lambda file: (file.name == value) == wanted


def _full_text(value: str) -> Predicate:
    """Match name, description or text: a quoted phrase as it stands, else every word somewhere."""
    folded = value.casefold()
    if len(folded) > 1 and folded.startswith('"') and folded.endswith('"'):
        phrase = folded[1:-1]
        return lambda file: phrase in f"{file.name}\n{file.text}".casefold()
    words = frozenset(_WORDS.findall(folded))
    return lambda file: words <= set(_WORDS.findall(f"{file.name}\n{file.text}".casefold()))


def _both(left: Query, right: Query) -> Query:
    within = left.within if right.within is None else right.within
    if left.within is not None and right.within is not None:
        within = left.within & right.within
    one, other = left.matches, right.matches
    return Query(
        lambda file: one(file) and other(file),
        within,
        left.named | right.named,
        left.ranked or right.ranked,
    )


def _either(left: Query, right: Query) -> Query:
    known = left.within is not None and right.within is not None
    one, other = left.matches, right.matches
    return Query(
        lambda file: one(file) or other(file),
        (left.within or frozenset()) | (right.within or frozenset()) if known else None,
        left.named | right.named,
        left.ranked or right.ranked,
    )


def _negated(inner: Query) -> Query:
    matches = inner.matches
    return Query(lambda file: not matches(file), None, inner.named, inner.ranked)


def parse_time(text: str) -> int | None:
    """Read an RFC 3339 time, UTC unless it says otherwise, as milliseconds since 1970.

    Returns None when the text is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1000 + moment.microsecond // 1000

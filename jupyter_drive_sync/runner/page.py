"""The look of the pages on which a browser ends that comes back from Google."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; }
"""

_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>{style}</style></head>
<body><main data-drive-sync="{verdict}"><h1>{title}</h1><p>{text}</p>
<p><a href="{jupyter}">Go to Jupyter</a></p></main></body></html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """What a person reads at the end.

    Attributes:
        verdict: one word for it, stable.
        status: of HTTP.
        title: what happened.
        text: what to do.
    """

    verdict: str
    status: int
    title: str
    text: str

    def render(self, jupyter: str) -> str:
        """Write the page; ``jupyter`` is the address of Jupyter's own pages."""
        return _PAGE.format(
            style=STYLE,
            verdict=self.verdict,
            title=html.escape(self.title),
            text=html.escape(self.text),
            jupyter=html.escape(jupyter, quote=True),
        )

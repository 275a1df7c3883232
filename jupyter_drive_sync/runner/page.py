"""The look of the pages on which a browser ends that comes back from Google."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --line: #d0d3d9; --soft: #f4f5f7; --text: #1c1e21;
  --link: #0b5cad; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --line: #3d4249; --soft: #22262b; --text: #e8eaed;
  --link: #7cb7ff; --page: #16181b; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 36rem; margin: 12vh auto; padding: 0 1rem; overflow-wrap: break-word; }
main { padding: 1.5rem; border: 1px solid var(--line); border-radius: 6px; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: 0 0 1rem; }
a { color: var(--link); display: inline-block; min-height: 1.5rem; }
main > :last-child { margin-bottom: 0; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media (max-width: 30rem) { body { margin: 0; padding: 0; }
  main { min-height: 100vh; border: 0; border-radius: 0; padding: 2rem 1rem; } }
"""
"""The colours are those of the administrator's page; nothing is loaded from anywhere."""

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

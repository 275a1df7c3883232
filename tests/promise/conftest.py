"""The promise is judged in the engine's world."""

from __future__ import annotations

from tests.engine.conftest import clock, world

__all__ = ["clock", "world"]

"""See docs/developer/architecture.md for what lives in this room."""

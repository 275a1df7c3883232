"""``python -m jupyter_drive_sync.hub``: what JupyterHub runs."""

from __future__ import annotations

from jupyter_drive_sync.hub.app import main

main()

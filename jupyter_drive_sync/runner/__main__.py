"""The child: ``python -m jupyter_drive_sync.runner``, started by :mod:`.parent` and nobody else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from jupyter_drive_sync.runner import access_jobs, manifest_jobs, mirror_jobs, restore_jobs
from jupyter_drive_sync.runner.child import Handler, serve

HANDLERS: Final[Mapping[str, Handler]] = {
    "exchange": access_jobs.exchange,
    "device": access_jobs.device,
    "revoke": access_jobs.revoke,
    "validate": access_jobs.validate,
    "survey": mirror_jobs.survey,
    "preview": mirror_jobs.preview,
    "mirror": mirror_jobs.mirror,
    "check": mirror_jobs.check,
    "restore": restore_jobs.restore,
    "undo": restore_jobs.undo,
    "versions": restore_jobs.versions,
    "difference": restore_jobs.difference,
    "verify": manifest_jobs.verify,
}

if __name__ == "__main__":
    sys.exit(serve(HANDLERS))

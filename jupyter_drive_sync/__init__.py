"""Mirror a Jupyter home to its owner's Google Drive."""

__version__ = "0.1.0"

"""``python -m jupyter_drive_sync.cli``, where the script is not on the path."""

from jupyter_drive_sync.cli.main import main

if __name__ == "__main__":
    main()

"""``python -m ragkit`` is ``ragkit``."""

from ragkit.cli.main import run

if __name__ == "__main__":
    run()

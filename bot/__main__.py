"""The entry point: `python -m bot`, installed as `tubethread`."""

from __future__ import annotations

from bot.cli.app import app


def main() -> None:
    app()


if __name__ == "__main__":
    main()

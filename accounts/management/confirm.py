import sys


def confirm(question: str) -> bool:
    """Ask at the terminal. Returns False without one, or for any answer but yes."""
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}

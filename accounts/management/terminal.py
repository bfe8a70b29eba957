import sys


def agrees(question: str) -> bool:
    """Whether somebody sits at a terminal and says yes."""
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}

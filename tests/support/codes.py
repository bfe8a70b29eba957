"""Codes as people's phones and clipboards send them."""

from collections.abc import Callable

AS_TYPED: dict[str, Callable[[str], str]] = {
    "full-width digits": lambda code: _shifted(code, "０"),
    "Arabic digits": lambda code: _shifted(code, "٠"),
    "Persian digits": lambda code: _shifted(code, "۰"),
    "Devanagari digits": lambda code: _shifted(code, "०"),
    "spaces": lambda code: f" {code[:3]} {code[3:]}\u00a0",
    "a dash": lambda code: f"{code[:3]}-{code[3:]}",
    "a zero-width space": lambda code: f"\u200b{code[:3]}\u200b{code[3:]}",
    "a mark of direction": lambda code: f"\u202a{code}\u202c",
    "a byte order mark": lambda code: f"\ufeff{code}",
    "a soft hyphen": lambda code: f"{code[:2]}\u00ad{code[2:]}",
}


def _shifted(code: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in code)

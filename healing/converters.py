from healing.guide import guide
from healing.guide_types import STEPS, Step


class StepConverter:
    """`3` ↔ the third step; another number is a 404."""

    regex = "[1-9]"

    def to_python(self, value: str) -> Step:
        if int(value) not in STEPS:
            raise ValueError
        return guide().steps[int(value)]

    def to_url(self, value: Step | int) -> str:
        return str(value.number if isinstance(value, Step) else value)

"""Number fields: a logarithmic one for rates, and the spin boxes of the forms."""

from __future__ import annotations

import math

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox

_STEPS_PER_DECADE = (1.0, 2.0, 5.0)


class LogSpinBox(QDoubleSpinBox):
    """For values over many decades: shows 3e-4, steps 1-2-5, takes any way of writing a number."""

    def __init__(self, minimum: float, maximum: float) -> None:
        super().__init__()
        self.setDecimals(12)
        self.setRange(minimum, maximum)

    def textFromValue(self, value: float) -> str:
        """The shortest way to write it."""
        if value == 0:
            return "0"
        if 0.01 <= abs(value) < 1000:
            return f"{value:.6g}"
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"

    def valueFromText(self, text: str) -> float:
        """Any number that Python reads; the unit is cut off."""
        return float(self._bare(text))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Half a number is being typed; a whole one outside the range is left to the form to refuse."""
        bare = self._bare(text)
        try:
            value = float(bare)
        except ValueError:
            typing = all(c in "0123456789.eE+-" for c in bare)
            return (QValidator.State.Intermediate if typing else QValidator.State.Invalid, text, position)
        inside = self.minimum() <= value <= self.maximum()
        return (QValidator.State.Acceptable if inside else QValidator.State.Intermediate, text, position)

    def stepBy(self, steps: int) -> None:
        """To the next 1, 2 or 5 times a power of ten."""
        value = self.value()
        for _ in range(abs(steps)):
            value = self._next(value) if steps > 0 else self._previous(value)
        self.setValue(value)

    def _next(self, value: float) -> float:
        if value <= 0:
            return max(self.minimum(), 10.0 ** math.ceil(math.log10(self.maximum()) - 6))
        decade = 10.0 ** math.floor(math.log10(value * 1.0000001))
        return next(step * decade for step in (*_STEPS_PER_DECADE, 10.0) if step * decade > value * 1.0001)

    def _previous(self, value: float) -> float:
        if value <= 0:
            return value
        decade = 10.0 ** math.floor(math.log10(value * 1.0000001))
        return next(step * decade for step in (5.0, 2.0, 1.0, 0.5) if step * decade < value * 0.9999)

    def _bare(self, text: str) -> str:
        return text.removeprefix(self.prefix()).removesuffix(self.suffix()).strip().replace(",", ".")

"""What a comparison of the plant with a reference is: one value, used by the tests and by the page.

The functions of validation_*.py return lists of `Comparison`; tests assert that each one holds, and
benchmarks/validation.py writes all of them into docs/plant.md.
"""

from dataclasses import dataclass
from math import sqrt
from pathlib import Path

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Comparison:
    """One figure of the plant against its reference.

    `reached` is an error or a time, in `unit`, and must not be above `limit`, which is what was asked for.
    `held` is what the tests hold: tighter than the limit where the model is better, wider where the limit is
    missed and `missed_because` says why. NaN never passes."""

    name: str
    model: str
    reference: str
    unit: str
    limit: float
    reached: float
    held: float
    missed_because: str = ""

    @property
    def passed(self) -> bool:
        """Whether it is as good as was asked for."""
        return self.reached <= self.limit

    @property
    def holds(self) -> bool:
        """Whether it is what the tests demand, and missed only where that is said."""
        return self.reached <= self.held and self.passed is not bool(self.missed_because)


def failures(comparisons: list[Comparison]) -> list[Comparison]:
    """Those that do not hold."""
    return [one for one in comparisons if not one.holds]


def rms(errors: list[float]) -> float:
    """Root of the mean square."""
    return sqrt(sum(error * error for error in errors) / len(errors))


def mean(errors: list[float]) -> float:
    """Arithmetic mean."""
    return sum(errors) / len(errors)


def worst(errors: list[float]) -> float:
    """Largest absolute value; NaN where one of them is NaN."""
    largest = 0.0
    for error in errors:
        if not abs(error) <= largest:
            largest = abs(error)
            if largest != largest:
                break
    return largest

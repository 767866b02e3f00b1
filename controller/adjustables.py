"""Settings that may be changed at run time: found in the models, written through their own range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from controller.fields import Amount, Settings, Switch
from controller.points import Point


@dataclass(slots=True)
class Adjustable:
    """One such setting: where it lives, its range, the file's own value, and its point."""

    model: Settings
    field: str
    amount: Amount
    file_value: float
    point: Point

    def refuses(self, value: float) -> bool:
        """True for a value outside its range, or one that lacks its section."""
        try:
            self.amount.read(float(value))
        except PydanticCustomError:
            return True
        return value != value or bool(self.lacks(value))

    def lacks(self, value: float) -> str:
        """Name of the section that the file has not and this value needs, or nothing."""
        return self.model.lacks(self.field, value)

    def put(self, value: float, now: float) -> None:
        """Change it."""
        setattr(self.model, self.field, value)
        self.point.put(value, now)


def adjustables(model: Settings, prefix: str) -> Iterator[Adjustable]:
    """All adjustable settings below a model; `prefix` is the name of the model's place."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        path = f"{prefix}.{info.alias or name}"
        if isinstance(value, Settings):
            yield from adjustables(value, path)
            continue
        for mark in info.metadata:
            if isinstance(mark, Amount) and mark.adjustable:
                names = mark.names if isinstance(mark, Switch) else ()
                point = Point(
                    path, mark.quantity, low=mark.low, high=mark.high, role="setting", choices=names
                )
                yield Adjustable(model, name, mark, float(value), point)

"""Why a point of the station has its value: a tree of codes, values and units for people of any language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.adjustables import Adjustable
from controller.circuit_holder import CircuitHolder
from controller.control.blocks.water.tank import TankInlet
from controller.control.circuits.season_of_station import StationSeason
from controller.equipment.equipment import Equipment
from controller.points import Image, Output, Point, Slot, Term
from controller.safety.inputs import Inputs


class Why:
    """Asks each part of a station about its points; the parts know their own reasons."""

    def __init__(
        self,
        image: Image,
        circuits: Sequence[CircuitHolder],
        season: StationSeason,
        tank: TankInlet | None,
        adjustables: Mapping[str, Adjustable],
        inputs: Inputs,
        equipment: Equipment,
        redundant: frozenset[str],
    ) -> None:
        self._image = image
        self._circuits = circuits
        self._season = season
        self._tank = tank
        self._adjustables = adjustables
        self._inputs = inputs
        self._equipment = equipment
        self._redundant = redundant

    def explain(self, name: str, now: float) -> Term:
        """The tree of one point, `now` in plant seconds. KeyError for an unknown point."""
        point = self._image.points[name]
        if isinstance(point, Output):
            return self._output(point, now)
        for holder in self._circuits:
            if point is holder.circuit.care.tuning:
                return holder.circuit.control.tuning.explain() or Term("tuning_idle")
            found = holder.circuit.explain_point(point)
            if found is not None:
                return found
        if point is self._season.point:
            return self._season.explain()
        value: float | str = point.show() if point.choices else point.value
        shown = (("point", name, "text"), ("value", value, point.quantity))
        if name in self._adjustables:
            setting = self._adjustables[name]
            file_value = ("file", setting.file_value, setting.amount.quantity)
            return Term("setting", (*shown, file_value))
        for measured, (device, channel) in self._inputs.sources():
            if measured is point:
                age = max(now - point.time, 0.0)
                source = (("device", f"{device}.{channel}", "text"), ("age", age, "time"))
                return Term("measured", (*shown, *source), _quality(point))
        if name in self._redundant:
            sensors = (self.explain(sensor.name, now) for sensor in self._image.sensors(name))
            return Term("joined", shown, (*_quality(point), *sensors))
        return self._equipment.explain(point) or Term("calculated", shown, _quality(point))

    def _output(self, output: Output, now: float) -> Term:
        value = (("output", output.name, "text"), ("value", output.value, output.quantity))
        for h in self._circuits:
            if any(output in element.outputs for element in h.circuit.elements):
                asked = (h.circuit.explain(output), self._output(h.circuit.valve, now))
                return Term("carries_out", value, asked)
        holder = next((h for h in self._circuits if output in h.circuit.outputs), None)
        if holder is None:
            demand = self._tank.explain() if self._tank is not None else Term("unknown")
        else:
            demand = (holder.least or holder.circuit).explain(output)
        if output.slot is Slot.LIMIT:
            return Term("by_limit", value, (Term(f"rule_{output.rule}"), Term("would_be", (), (demand,))))
        if output.slot is Slot.OVERRIDE and output.override is not None:
            hand = output.override
            left = max(hand.expires - now, 0.0) / 60
            who = (("user", hand.user, "text"), ("source", hand.source, "text"), ("minutes", left, "count"))
            return Term("by_override", (*value, *who, ("reason", hand.reason, "text")), (demand,))
        if output.slot is Slot.FAILSAFE:
            return Term("by_failsafe", value)
        return demand


def _quality(point: Point) -> tuple[Term, ...]:
    return (Term(f"quality_{point.reason}"),) if point.reason else ()

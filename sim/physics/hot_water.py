"""Domestic hot water: plate exchanger, storage tank or none, circulation line with its loss.

    cold + circulation return ─► [storage bottom] ─► charging pump ─► exchanger ─► [storage top] ─► taps
                                                                                          └─► circulation
Storage: layers of equal mass, plug flow by upwind differences; a step is divided so that no layer is passed
in one part, which keeps every layer in the range of its neighbours. Layers that lie the wrong way round mix.
Circulation line: T(end) = Ta + (T(top) - Ta)*e^(-UA/(m*cp)); standing, it cools with `_LINE_COOLS`.
Without storage the taps draw through the exchanger at once.
Source: EN 15316-5 (storage), plug flow as in the layer models of Type 4 of TRNSYS (multi-node tank).
"""

from __future__ import annotations

from math import ceil, exp

from .exchanger import Exchanger

CP = 4180.0
_LINE_COOLS = 6.0 * 3600.0  # s, insulated steel DN40: 6.8 kJ/(m·K) at 0.3 W/(m·K)
_LAYERS = 12  # blurs the front over about a third of the height: an ordinary store, no special diffuser


class Storage:
    """Hot-water store of `mass` kg, layers from top to bottom; loss `conductance` W/K to `room` °C."""

    __slots__ = ("conductance", "layer", "layers", "loss", "room")

    def __init__(
        self, mass: float, conductance: float, temperature: float = 20.0, room: float = 15.0
    ) -> None:
        self.layer = mass / _LAYERS
        self.layers = [temperature] * _LAYERS
        self.conductance = conductance
        self.room = room
        self.loss = 0.0

    def parts(self, dt: float, charge: float, draw: float) -> int:
        """Into how many parts a step of `dt` s must be divided."""
        return max(1, ceil(max(charge, draw) * dt / self.layer))

    def step(self, dt: float, charge: float, charge_temperature: float, draw: float, refill: float) -> None:
        """Charge enters at the top and leaves at the bottom, draw the other way (kg/s ≥ 0), refilled at the
        temperature `refill`. What leaves has the temperature from before the step."""
        layers, share = self.layers, dt / self.layer
        old = layers.copy()
        down = share * (charge - draw)
        last = _LAYERS - 1
        if down >= 0.0:
            for i in range(1, _LAYERS):
                layers[i] += down * (old[i - 1] - old[i])
            layers[0] += share * charge * (charge_temperature - old[0])
            layers[last] += share * draw * (refill - old[last])
        else:
            for i in range(last):
                layers[i] -= down * (old[i + 1] - old[i])
            layers[0] += share * charge * (charge_temperature - old[0])
            layers[last] += share * draw * (refill - old[last])
        self._cool(dt)
        self._turn_over()

    def top(self) -> float:
        """Temperature at the upper connection in °C."""
        return self.layers[0]

    def bottom(self) -> float:
        """Temperature at the lower connection in °C."""
        return self.layers[-1]

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        return self.layer * CP * sum(self.layers)

    def _cool(self, dt: float) -> None:
        layers, room = self.layers, self.room
        fade = 1.0 - exp(-dt * self.conductance / (self.layer * _LAYERS * CP))
        lost = 0.0
        for i, temperature in enumerate(layers):
            change = (temperature - room) * fade
            layers[i] = temperature - change
            lost += change
        self.loss = lost * self.layer * CP / dt

    def _turn_over(self) -> None:
        """Mix neighbours until no colder water lies over warmer."""
        layers = self.layers
        if all(layers[i] >= layers[i + 1] for i in range(_LAYERS - 1)):
            return
        pools: list[tuple[float, int]] = []
        for temperature in layers:
            mean, size = temperature, 1
            while pools and pools[-1][0] < mean:
                other, count = pools.pop()
                mean = (mean * size + other * count) / (size + count)
                size += count
            pools.append((mean, size))
        self.layers = [mean for mean, size in pools for _ in range(size)]


class HotWater:
    """Hot-water station. `supply` is what the taps get, `hot` what leaves the exchanger, `loss` W of store
    and line, `drawn_heat` W over the cold water."""

    __slots__ = (
        "circulation",
        "circulation_return",
        "cold",
        "drawn_heat",
        "exchanger",
        "heat",
        "hot",
        "line_conductance",
        "loss",
        "primary_return",
        "room",
        "storage",
        "supply",
    )

    def __init__(
        self,
        exchanger: Exchanger,
        storage: Storage | None,
        circulation: float,
        line_conductance: float,
        cold: float = 10.0,
        room: float = 15.0,
    ) -> None:
        """`circulation` kg/s in the line that loses `line_conductance` W/K to `room` °C."""
        self.exchanger = exchanger
        self.storage = storage
        self.circulation = circulation
        self.line_conductance = line_conductance
        self.cold = cold
        self.room = room
        self.supply = self.hot = 20.0
        self.circulation_return = 20.0
        self.primary_return = 20.0
        self.heat = 0.0
        self.drawn_heat = 0.0
        self.loss = 0.0

    def step(
        self,
        dt: float,
        primary_supply: float,
        primary_flow: float,
        charge: float,
        draw: float,
        circulating: bool = True,
    ) -> float:
        """Advance by `dt` s; returns the temperature at the taps. `charge` (kg/s) is the charging pump's
        flow, without meaning where there is no storage; `draw` is what the taps take.

        `heat` is then the heat taken from the primary (W)."""
        line = self.circulation if circulating else 0.0
        out = draw + line
        storage = self.storage
        parts = 1 if storage is None else storage.parts(dt, charge, out)
        part = dt / parts
        heat = drawn = lost = sent_back = 0.0
        for _ in range(parts):
            back = self.circulation_return
            refill = (draw * self.cold + line * back) / out if out > 0.0 else self.cold
            if storage is None:
                returned, self.hot = self.exchanger.step(part, primary_supply, primary_flow, refill, out)
                self.supply = self.hot
            else:
                returned, self.hot = self.exchanger.step(
                    part, primary_supply, primary_flow, storage.bottom(), charge
                )
                self.supply = storage.top()
                storage.step(part, charge, self.hot, out, refill)
                lost += storage.loss
            sent_back += returned
            heat += self.exchanger.heat
            drawn += CP * draw * (self.supply - self.cold)
            if line > 0.0:
                # The line holds little water: what it does not give back is lost.
                lost += CP * line * (self.supply - back)
                self.circulation_return = self.line_return(self.supply)
        if line == 0.0:
            self.circulation_return += (self.room - back) * (1.0 - exp(-dt / _LINE_COOLS))
        self.primary_return = sent_back / parts
        self.heat, self.drawn_heat, self.loss = heat / parts, drawn / parts, lost / parts
        return self.supply

    def fill(self, temperature: float) -> None:
        """Everything at one temperature."""
        self.exchanger.fill(temperature)
        if self.storage is not None:
            self.storage.layers = [temperature] * _LAYERS
        self.supply = self.hot = self.circulation_return = self.primary_return = temperature
        self.heat = self.drawn_heat = self.loss = 0.0

    def line_return(self, supply: float) -> float:
        """°C that the circulation line at its flow (kg/s > 0) gives back of `supply` °C."""
        return self.room + (supply - self.room) * exp(-self.line_conductance / (self.circulation * CP))

    def stored_heat(self) -> float:
        """Heat content over 0 °C in J."""
        heat = self.exchanger.stored_heat()
        return heat if self.storage is None else heat + self.storage.stored_heat()

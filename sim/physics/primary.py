"""Primary network as a station sees it: supply temperature and two pressures that move.

Supply temperature: the plant's own outdoor curve (straight between two points), followed `delay` late
(first-order), with set-point steps of the operator and slow noise. Differential pressure: nominal value
with a daily swing (other stations close in the afternoon) and slow noise. Noise is an Ornstein-Uhlenbeck
process drawn once a minute of plant time and joined by straight lines, so that it is the same for every dt.
Outage: the network pumps coast down within a minute or two, the water cools with 12 h.

Troubles, each on top of the others: "outage" (until cleared), "interruption" (an outage of some minutes),
"shortage" (the source lacks a share of its heat: the excess over the network's return sinks by it within half
an hour), "night_sag" (the source saves a share of it between 22 and 5 o'clock), "temperature_step" (K) and
"pressure_step" (share of the pressure difference, below 0 when it falls), both at once. Sizes without a value
are own judgement from what operators report.
"""

from __future__ import annotations

from math import exp, pi, sin, sqrt
from random import Random

_GRID = 60.0
_DAY = 86400.0
_NIGHT_BEGINS, _NIGHT_ENDS = 22.0, 5.0  # o'clock
_SOURCE_LAG = 1800.0  # s, boilers and pipes until the station notices
_RETURN = 50.0  # °C of the network's return: what a shortage cannot take away
_DEFAULTS = {
    "outage": 0.0,
    "interruption": 30.0,  # min
    "shortage": 0.3,
    "night_sag": 0.15,
    "temperature_step": -10.0,  # K
    "pressure_step": -0.3,
}
TROUBLES = tuple(_DEFAULTS)


class SlowNoise:
    """Ornstein-Uhlenbeck noise with deviation `sigma` and correlation time `tau` (s), on a grid of 60 s."""

    __slots__ = ("_decay", "_kick", "_last", "_next", "_random", "_slot")

    def __init__(self, seed: str, sigma: float, tau: float) -> None:
        self._random = Random(seed)
        self._decay = exp(-_GRID / tau)
        self._kick = sigma * sqrt(1.0 - self._decay * self._decay)
        self._last = self._next = 0.0
        self._slot = -1

    def at(self, elapsed: float) -> float:
        """Value `elapsed` seconds after the start; time must not run backwards by more than a minute."""
        slot = int(elapsed // _GRID)
        while self._slot < slot:
            self._last = self._next
            self._next = self._last * self._decay + self._random.gauss(0.0, self._kick)
            self._slot += 1
        return self._last + (self._next - self._last) * (elapsed / _GRID - slot)


class PrimaryNetwork:
    """Temperatures °C, pressures gauge Pa. `disturbance` scales all noise, swings and steps (0 = none)."""

    __slots__ = (
        "_elapsed",
        "_pressure_noise",
        "_return_noise",
        "_sag",
        "_shortage",
        "_step_random",
        "_step_until",
        "_step_value",
        "_temperature_noise",
        "_temperature_share",
        "base_temperature",
        "cold_outdoor",
        "cold_supply",
        "delay",
        "differential_pressure",
        "disturbance",
        "interruption",
        "lagged_outdoor",
        "mild_outdoor",
        "mild_supply",
        "night_sag",
        "outage",
        "pressure_share",
        "pressure_step",
        "return_pressure",
        "shortage",
        "source_pressure",
        "supply_temperature",
        "temperature_step",
    )

    def __init__(
        self,
        seed: str,
        cold_outdoor: float = -24.2,
        cold_supply: float = 110.0,
        mild_outdoor: float = 5.0,
        mild_supply: float = 70.0,
        source_pressure: float = 110e3,
        return_pressure: float = 600e3,
        delay: float = 3.0 * 3600.0,
        disturbance: float = 1.0,
    ) -> None:
        self.cold_outdoor = cold_outdoor
        self.cold_supply = cold_supply
        self.mild_outdoor = mild_outdoor
        self.mild_supply = mild_supply
        self.source_pressure = source_pressure
        self.base_temperature = 20.0
        self.delay = delay
        self.disturbance = disturbance
        self._sag = self._shortage = 0.0
        self.clear()
        self.pressure_share = 1.0
        self.return_pressure = return_pressure
        self._elapsed = 0.0
        self._temperature_share = 1.0
        self._temperature_noise = SlowNoise(f"{seed}/temperature", 0.8, 1800.0)
        self._pressure_noise = SlowNoise(f"{seed}/differential", 0.05, 600.0)
        self._return_noise = SlowNoise(f"{seed}/return", 0.02, 1200.0)
        self._step_random = Random(f"{seed}/steps")
        self._step_until = 0.0
        self._step_value = 0.0
        self.settle(cold_outdoor)

    def curve(self, outdoor: float) -> float:
        """Supply temperature that the heat plant aims at for `outdoor` °C."""
        span = self.mild_outdoor - self.cold_outdoor
        share = min(1.0, max(0.0, (outdoor - self.cold_outdoor) / span))
        return self.cold_supply + share * (self.mild_supply - self.cold_supply)

    def settle(self, outdoor: float) -> None:
        """The network has followed `outdoor` for long; no disturbance yet."""
        self.lagged_outdoor = outdoor
        self.supply_temperature = self.curve(outdoor)
        self.differential_pressure = self.source_pressure
        self.pressure_share = 1.0
        self._temperature_share = 1.0
        self._sag = self._shortage = 0.0

    def trouble(self, kind: str, value: float | None = None) -> None:
        """Begin one of TROUBLES; `value`: minutes of an interruption, share of a shortage or night sag, K or
        share of a step.

        Raises ValueError with the allowed kinds."""
        size = _DEFAULTS.get(kind, 0.0) if value is None else value
        match kind:
            case "outage":
                self.outage = True
            case "interruption":
                self.interruption = 60.0 * size
            case "shortage":
                self.shortage = min(1.0, max(0.0, size))
            case "night_sag":
                self.night_sag = min(1.0, max(0.0, size))
            case "temperature_step":
                self.temperature_step = size
            case "pressure_step":
                self.pressure_step = max(-1.0, size)
            case _:
                raise ValueError(f"unknown trouble {kind!r} of the primary (allowed: {', '.join(TROUBLES)})")

    def clear(self) -> None:
        """End all troubles; the network recovers at its own pace."""
        self.outage = False
        self.interruption = self.shortage = self.night_sag = 0.0
        self.temperature_step = self.pressure_step = 0.0

    def step(self, dt: float, outdoor: float, hour: float = 12.0) -> None:
        """Advance; sets `supply_temperature`, `differential_pressure` (at no flow) and keeps
        `return_pressure`. `hour` is the time of day, 0 … 24."""
        self._elapsed = elapsed = self._elapsed + dt
        self.lagged_outdoor += (outdoor - self.lagged_outdoor) * (1.0 - exp(-dt / self.delay))
        self.interruption = max(0.0, self.interruption - dt)
        if self.outage or self.interruption > 0.0:
            self.pressure_share *= exp(-dt / 30.0)
            self._temperature_share *= exp(-dt / (12.0 * 3600.0))
        else:
            self.pressure_share += (1.0 - self.pressure_share) * (1.0 - exp(-dt / 60.0))
            self._temperature_share += (1.0 - self._temperature_share) * (1.0 - exp(-dt / 900.0))
        if elapsed >= self._step_until:
            # The operator of the heat plant turns the supply temperature a few times a day.
            self._step_until = elapsed + self._step_random.uniform(2.0, 10.0) * 3600.0
            self._step_value = self._step_random.uniform(-3.0, 3.0)
        strength = self.disturbance
        supply = self.curve(self.lagged_outdoor)
        pressure = self.source_pressure * self.pressure_share * (1.0 + self.pressure_step)
        if strength > 0.0:
            supply += strength * (self._temperature_noise.at(elapsed) + self._step_value)
            swing = 0.06 * sin(2.0 * pi * elapsed / _DAY) + self._pressure_noise.at(elapsed)
            pressure *= max(0.2, 1.0 + strength * swing)
        supply += self.temperature_step
        night = hour >= _NIGHT_BEGINS or hour < _NIGHT_ENDS
        sag = self.night_sag if night else 0.0
        if sag != self._sag or self.shortage != self._shortage or sag or self.shortage:
            keep = exp(-dt / _SOURCE_LAG)
            self._sag = sag + (self._sag - sag) * keep
            self._shortage = self.shortage + (self._shortage - self.shortage) * keep
            if supply > _RETURN:
                supply = _RETURN + (supply - _RETURN) * (1.0 - self._sag) * (1.0 - self._shortage)
        base = self.base_temperature
        self.supply_temperature = base + (supply - base) * self._temperature_share
        self.differential_pressure = pressure

    def return_pressure_now(self) -> float:
        """Return pressure in gauge Pa; an outage takes most of it away."""
        share = 0.5 + 0.5 * self.pressure_share
        if self.disturbance > 0.0:
            share *= 1.0 + self.disturbance * self._return_noise.at(self._elapsed)
        return self.return_pressure * share

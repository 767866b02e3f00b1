"""What a system further up would write about the simulated weather: the temperature elsewhere, a forecast.

    elsewhere   true outdoor temperature + a place's own offset (σ 0.5 K) + 0.2 K, every 10 min
    forecast    true weather to come + error, every hour; the error is that of the last model run (every 6 h):
                e(h) = 0.5 K·a + 2.45 K·b·h/48,  a, b ~ N(0, 1)       σ 0.5 K at 0 h, 2.5 K at 48 h

An error that stays for a run and grows with the lead time is what forecasts do; one drawn anew every hour
would average out. The sizes are assumed: about those of a good weather service in winter.

Faults: `lost` (nothing is written), `wrong` by so many kelvins, of `station.outdoor_upstream` and
`station.forecast`.
"""

from __future__ import annotations

import random

from controller.commands import Command, CommandKind
from sim.weather import Weather

UPSTREAM, FORECAST = "station.outdoor_upstream", "station.forecast"
NAMES = (UPSTREAM, FORECAST)
HOURS = range(0, 49, 6)
UPSTREAM_EVERY_S, FORECAST_EVERY_S, RUN_S = 600.0, 3600.0, 6 * 3600.0
PLACE_K, NOISE_K = 0.5, 0.2
NOW_K, LEAD_K = 0.5, 2.45


class Outlook:
    """Writes for a station with an `outdoor` section. The same seed writes the same at the same time."""

    def __init__(self, weather: Weather, seed: int = 0) -> None:
        self.weather = weather
        self.seed = seed
        self._place = random.Random(f"{seed}:place").gauss(0.0, PLACE_K)
        self._faults: dict[str, float | None] = {}
        self._upstream_at = self._forecast_at = float("-inf")

    def fault(self, name: str, kind: str, value: float | None = None) -> None:
        """Break a source. KeyError for no name, ValueError for no kind, or `wrong` without its kelvins."""
        if name not in NAMES:
            raise KeyError(name)
        if kind not in ("lost", "wrong"):
            raise ValueError(f"{name} has no fault {kind!r} (allowed: lost, wrong)")
        if kind == "wrong" and value is None:
            raise ValueError(f"wrong of {name} needs a value in K")
        self._faults[name] = value if kind == "wrong" else None

    def clear(self, name: str) -> None:
        """Mend a source."""
        self._faults.pop(name, None)

    def due(self, now: float) -> list[Command]:
        """What is written at plant time `now`."""
        written: list[Command] = []
        if now - self._upstream_at >= UPSTREAM_EVERY_S:
            self._upstream_at = now
            written += self._write(UPSTREAM, UPSTREAM, self._elsewhere(now))
        if now - self._forecast_at >= FORECAST_EVERY_S:
            self._forecast_at = now
            for hour in HOURS:
                written += self._write(FORECAST, f"{FORECAST}_{hour}h", self._forecast(now, hour))
        return written

    def _elsewhere(self, now: float) -> float:
        noise = random.Random(f"{self.seed}:elsewhere:{now // UPSTREAM_EVERY_S}").gauss(0.0, NOISE_K)
        return self.weather.outdoor(now) + self._place + noise

    def _forecast(self, now: float, hour: int) -> float:
        run = random.Random(f"{self.seed}:run:{now // RUN_S}")
        error = NOW_K * run.gauss(0.0, 1.0) + LEAD_K * run.gauss(0.0, 1.0) * hour / 48
        return self.weather.outdoor(now + 3600.0 * hour) + error

    def _write(self, source: str, point: str, value: float) -> list[Command]:
        wrong = self._faults.get(source, 0.0)
        if wrong is None:
            return []
        return [Command(CommandKind.WRITE, point, value + wrong, "simulator", "opcua")]

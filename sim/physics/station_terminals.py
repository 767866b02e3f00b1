"""The terminal strip of the station itself: its sensors, contacts, the tank's inlet, and its troubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .contact import Contact
from .floor import Floor
from .primary import TROUBLES, PrimaryNetwork
from .primary_side import PrimarySide
from .tank import Tank
from .terminals import Breakable, Channels, Sensing

_FAULTS = (
    "primary_outage",
    "power_failure",
    "flood",
    "no_city_water",
    *(kind for kind in TROUBLES if kind != "outage"),
)


class StationTroubles:
    """What befalls a station as a whole."""

    def __init__(self, primary: PrimaryNetwork) -> None:
        self._primary = primary
        self.power_failure = self.flood = self.no_city_water = False

    def break_down(self, kind: str, value: float | None = None) -> None:
        """Begin a trouble; those of the primary take the value of PrimaryNetwork.trouble.

        Raises ValueError with the allowed kinds."""
        match kind:
            case "primary_outage":
                self._primary.trouble("outage")
            case "power_failure":
                self.power_failure = True
            case "flood":
                self.flood = True
            case "no_city_water":
                self.no_city_water = True
            case _ if kind in _FAULTS:
                self._primary.trouble(kind, value)
            case _:
                raise ValueError(f"unknown fault {kind!r} of the station (allowed: {', '.join(_FAULTS)})")

    def repair(self) -> None:
        """End all troubles."""
        self.power_failure = self.flood = self.no_city_water = False
        self._primary.clear()


class StationTerminals:
    """`measure` fills a dict of point names, `commands` holds a setter a name, `breakable` what can fail."""

    def __init__(
        self,
        side: PrimarySide,
        tank: Tank,
        floor: Floor,
        outdoor: Callable[[], float],
        sensing: Sensing,
        weather: Mapping[str, Callable[[], float]] | None = None,
    ) -> None:
        """`outdoor` gives the temperature in °C; `weather` wind_speed in m/s and solar_radiation in W/m2, as
        far as the station has their sensors."""
        self.troubles = StationTroubles(side.network)
        self._inlet = 0.0
        self._inlet_valve = Contact()
        self._side = side
        self._floor = floor
        self._channels = Channels(sensing)
        self._power_contact, self._flood_contact = Contact(), Contact()
        self._add_sensors(side, tank, outdoor)
        self._add_weather(weather or {})
        self.commands: dict[str, Callable[[float], None]] = {"station.tank_inlet": self._set_tank_inlet}
        self.breakable: dict[str, Breakable] = {
            **self._channels.sensors,
            "station.power_failure": self._power_contact,
            "station.flood": self._flood_contact,
            "station.tank_inlet": self._inlet_valve,
            "station": self.troubles,
        }

    def _add_sensors(self, side: PrimarySide, tank: Tank, outdoor: Callable[[], float]) -> None:
        add, meter = self._channels, side.meter
        # The outdoor sensor sits in a housing on the wall: lag 15 min.
        add.temperature("station.outdoor_temperature", outdoor, 900.0)
        add.temperature("station.primary_supply_temperature", lambda: side.network.supply_temperature, 10.0)
        add.temperature("station.primary_return_temperature", lambda: side.return_temperature, 10.0)
        add.pressure("station.primary_supply_pressure", lambda: side.supply_pressure)
        add.pressure("station.primary_return_pressure", lambda: side.return_pressure)
        add.add("station.primary_flow", lambda: meter.flow, quantum=0.01, low=0.0, scale=3600.0)
        add.add("station.heat_power", lambda: meter.power, quantum=1.0, low=0.0, scale=1e-3)
        add.add("station.heat_energy", lambda: meter.energy, quantum=0.001, low=0.0, scale=1e-9)
        add.add("station.primary_volume", lambda: meter.volume, quantum=0.01, low=0.0)
        add.add("station.electric_energy", self._electric_energy, quantum=0.1, low=0.0, scale=1 / 3.6e6)
        add.add(
            "station.tank_level",
            lambda: tank.level,
            lag=2.0,
            noise=0.002,
            quantum=add.quantum(0.0, 3.0, 0.001),
            low=0.0,
            two_wire=True,
        )

    def _add_weather(self, weather: Mapping[str, Callable[[], float]]) -> None:
        """Anemometer: 0.3 m/s noise in 0.1 m/s steps. Pyranometer: 95 % within 20 s (7 s, second
        class of ISO 9060), 2 W/m2 of noise in whole W/m2."""
        add = self._channels.add
        if "wind_speed" in weather:
            add("station.wind_speed", weather["wind_speed"], 1.0, 0.3, 0.1, 0.0, 60.0)
        if "solar_radiation" in weather:
            add("station.solar_radiation", weather["solar_radiation"], 7.0, 2.0, 1.0, 0.0, 1400.0)

    def measure(self, dt: float, values: dict[str, float]) -> None:
        """Write all readings and contacts after `dt` s into `values`."""
        self._channels.measure(dt, values)
        values["station.power_failure"] = self._power_contact.show(self.troubles.power_failure)
        flooded = self.troubles.flood or self._floor.flooded
        values["station.flood"] = self._flood_contact.show(flooded)

    def settle(self) -> None:
        """All sensors have been at their values for long."""
        self._channels.settle()

    def _electric_energy(self) -> float:
        return sum(consumer.electric_energy for consumer in self._side.consumers)

    @property
    def tank_inlet(self) -> bool:
        """True while its inlet valve lets water in."""
        return self._inlet_valve.show(self._inlet > 0.5) > 0.5

    def _set_tank_inlet(self, value: float) -> None:
        self._inlet = value

"""What the tests of the set-point share: sections of the file, and reading an explanation."""

from __future__ import annotations

from collections.abc import Callable

from conftest import Desk

from controller.commands import Answer, Command, CommandKind
from controller.control.blocks.setpoint.damped_outdoor import DampedOutdoorSettings
from controller.control.blocks.setpoint.forecast import ForecastSettings
from controller.control.blocks.setpoint.learned_curve import LearnedCurveSettings
from controller.control.blocks.setpoint.meter_limit import MeterLimitSettings
from controller.control.blocks.setpoint.probing import ProbingSettings
from controller.control.blocks.setpoint.remote import RemoteSettings
from controller.control.blocks.setpoint.return_limit import ReturnLimitSettings
from controller.control.blocks.setpoint.room_influence import RoomInfluenceSettings
from controller.control.blocks.setpoint.schedule import ScheduleSettings
from controller.control.blocks.setpoint.shortage import ShortageSettings
from controller.control.blocks.setpoint.supply_rate import SupplyRateSettings
from controller.control.blocks.setpoint.wind_sun import WindSunSettings
from controller.control.circuits.outdoor_written import FORECAST_POINTS
from controller.points import Term
from controller.safety.witnesses.outdoor_witness import OutdoorSettings
from controller.settings.station import PointSettings, StationFile

SETPOINT, DEMAND, LIMIT = "low.supply_setpoint", "low.supply_demand", "low.setpoint_limit"
EVENING = 12 * 3600.0
"""Added to the desk's wall time: a Tuesday, 20:26."""


def weather(file: StationFile) -> None:
    for channel, role in (("temperatures", "wind_speed"), ("rooms", "solar_radiation")):
        file.points[f"station.{role}"] = PointSettings.model_validate({"from": f"{channel}.channel_6"})


def sections(**given: object) -> Callable[[StationFile], None]:
    """Puts sections into the circuit's settings; no offset by the time of day, and a quick ramp."""

    def edit(file: StationFile) -> None:
        weather(file)
        circuit = file.circuits["low"]
        circuit.offset_by_time = {}
        file.outdoor = OutdoorSettings() if "forecast" in given else None
        circuit.supply.ramp = 1500.0
        for name, section in given.items():
            assert getattr(circuit, name) is None
            setattr(circuit, name, section)

    return edit


def everything() -> Callable[[StationFile], None]:
    return sections(
        damped_outdoor=DampedOutdoorSettings(time_constant=3600.0),
        forecast=ForecastSettings(),
        learned_curve=LearnedCurveSettings(),
        wind_sun=WindSunSettings(),
        room_influence=RoomInfluenceSettings(),
        schedule=ScheduleSettings(days={(0, 1, 2, 3, 4): [(7 * 3600.0, 18 * 3600.0)]}),
        remote=RemoteSettings(),
        return_limit=ReturnLimitSettings(follow_time=0.0),
        meter_limit=MeterLimitSettings(power={0.0: 2000.0}),
        shortage=ShortageSettings(),
        supply_rate=SupplyRateSettings(),
        probing=ProbingSettings(),
    )


def foretell(desk: Desk, first: float, later: float) -> None:
    """A forecast from further up: `first` for now, `later` from six hours on."""
    for number, name in enumerate(FORECAST_POINTS):
        assert ask(desk, name, later if number else first).accepted


def terms(desk: Desk) -> dict[str, Term]:
    """Parts of the set-point's explanation by code."""
    return {term.code: term for term in desk.station.explain(SETPOINT).children}


def amount(term: Term, name: str) -> float:
    return next(float(value) for key, value, _ in term.values if key == name)


def ask(
    desk: Desk, point: str, value: float, kind: CommandKind = CommandKind.WRITE, lasts_s: float = 7200.0
) -> Answer:
    """A command through the check, carried out when it is taken."""
    command = Command(kind, point, value, "wang", "dispatch", lasts_s)
    answer = desk.station.check(command)
    if answer.accepted:
        desk.scan(command)
    return answer

"""What a circuit's file says about the set-point of its supply temperature."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controller.control.blocks.setpoint.damped_outdoor import DampedOutdoorSettings
from controller.control.blocks.setpoint.day_offsets import OffsetsByTime
from controller.control.blocks.setpoint.forecast import ForecastSettings
from controller.control.blocks.setpoint.heat_curve import HeatCurveSettings
from controller.control.blocks.setpoint.learned_curve import LearnedCurveSettings
from controller.control.blocks.setpoint.mean_temperature import MeanTemperatureSettings
from controller.control.blocks.setpoint.meter_limit import MeterLimitSettings
from controller.control.blocks.setpoint.probing import ProbingSettings
from controller.control.blocks.setpoint.remote import RemoteSettings
from controller.control.blocks.setpoint.return_limit import ReturnLimitSettings
from controller.control.blocks.setpoint.room_influence import RoomInfluenceSettings
from controller.control.blocks.setpoint.schedule import ScheduleSettings
from controller.control.blocks.setpoint.shortage import ShortageSettings
from controller.control.blocks.setpoint.supply_rate import SupplyRateSettings
from controller.control.blocks.setpoint.wind_sun import WindSunSettings
from controller.fields import Amount, Settings


class SupplySettings(Settings):
    """Limits of the secondary supply temperature."""

    min: Annotated[float, Amount("temperature", 5, 60, adjustable=True)] = Field(
        30.0, description="Lowest set-point"
    )
    max: Annotated[float, Amount("temperature", 30, 95, adjustable=True)] = Field(
        65.0, description="Highest set-point"
    )
    alarm: Annotated[float, Amount("temperature", 30, 110)] = Field(70.0, description="Alarm above this")
    trip: Annotated[float, Amount("temperature", 35, 115)] = Field(
        75.0, description="The valve closes above this"
    )
    ramp: Annotated[float, Amount("temperature_rate", 1, 1500)] = Field(
        30.0, description="Fastest change of the set-point"
    )


class ConstantSupplySettings(Settings):
    """Mode `constant_supply`: the same supply temperature in all weathers (定供水温度)."""

    supply: Annotated[float, Amount("temperature", 20, 95, adjustable=True)] = Field(
        description="Supply temperature"
    )


class SetpointSettings(Settings):
    """What the set-point is made of. A section that is not in the file is not built: nothing lowers the
    set-point for a warm return, for one, before `return_limit: {}` stands there."""

    heat_curve: HeatCurveSettings
    constant_supply: ConstantSupplySettings | None = None
    mean_temperature: MeanTemperatureSettings | None = None
    offset_by_time: OffsetsByTime = Field({}, description="Local time: offset of the set-point")
    damped_outdoor: DampedOutdoorSettings | None = None
    forecast: ForecastSettings | None = None
    learned_curve: LearnedCurveSettings | None = None
    wind_sun: WindSunSettings | None = None
    room_influence: RoomInfluenceSettings | None = None
    schedule: ScheduleSettings | None = None
    remote: RemoteSettings | None = None
    return_limit: ReturnLimitSettings | None = None
    meter_limit: MeterLimitSettings | None = None
    shortage: ShortageSettings | None = None
    supply: SupplySettings = SupplySettings()
    supply_rate: SupplyRateSettings | None = None
    probing: ProbingSettings | None = None

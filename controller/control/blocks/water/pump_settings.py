"""Settings of a group of circulation pumps: what sets the speed, and how the pumps share the work."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.fields import Amount, DayWindow, Flag, Name, Settings, Span, Whole

Outdoor = Annotated[float, Amount("temperature", -45, 30)]
Pressure = Annotated[float, Amount("pressure", 5, 600)]


class SpeedSettings(Settings):
    """What sets the speed (调速方式)."""

    control: Literal[
        "differential_pressure",
        "proportional",
        "worst_point",
        "temperature_difference",
        "return_temperature",
        "fixed",
    ] = Field("differential_pressure", description="What sets the speed")
    setpoint: Annotated[float, Amount("pressure", 10, 600, adjustable=True)] = Field(
        120.0, description="Differential pressure wanted; with proportional: at full flow"
    )
    lowest_setpoint: Pressure = Field(
        60.0, description="With proportional: at no flow; with worst_point: least at the pumps"
    )
    highest_setpoint: Pressure = Field(300.0, description="With worst_point: most at the pumps")
    nominal_flow: Annotated[float, Amount("flow", 0.1, 5000)] | None = Field(
        None, description="With proportional and a flow meter: flow that asks for the whole set-point"
    )
    setpoint_by_outdoor: dict[Outdoor, Pressure] = Field(
        {}, description="Outdoor temperature: set-point, instead of setpoint", max_length=8
    )
    setpoint_by_time: dict[DayWindow, Pressure] = Field(
        {}, description="Local time: set-point, before all others (分时压差)"
    )
    worst_setpoint: Annotated[float, Amount("pressure", 5, 300, adjustable=True)] = Field(
        50.0, description="Differential pressure wanted at the worst point (最不利点)"
    )
    temperature_difference: Annotated[float, Amount("temperature_difference", 2, 40, adjustable=True)] = (
        Field(12.0, description="Supply less return wanted")
    )
    return_temperature: Annotated[float, Amount("temperature", 20, 70, adjustable=True)] = Field(
        38.0, description="Return temperature wanted"
    )
    temperature_band: Annotated[float, Amount("temperature_difference", 5, 100)] = Field(
        25.0, description="Error that moves the speed from lowest to highest (temperature modes)"
    )
    temperature_time: Annotated[float, Amount("time", 60, 7200)] = Field(
        900.0, description="Integral time of the temperature modes"
    )
    fixed_speed: Annotated[float, Amount("frequency", 15, 60, adjustable=True)] = Field(
        40.0, description="Speed with control: fixed, and to start from"
    )
    speed: Annotated[tuple[float, float], Span("frequency", 10, 60)] = Field(
        (25.0, 50.0), description="Lowest and highest speed"
    )
    gain: Annotated[float, Amount("pressure_gain", 0.001, 5)] = Field(
        0.05, description="Proportional gain of the speed"
    )
    integral_time: Annotated[float, Amount("time", 1, 600)] = Field(
        10.0, description="Integral time of the speed"
    )
    pressure_filter: Annotated[float, Amount("time", 0, 60)] = Field(
        3.0, description="Time constant that smooths the differential pressure"
    )
    dead_band: Annotated[float, Amount("pressure", 0, 30)] = Field(
        2.0, description="The speed stands while the error is smaller"
    )
    min_flow: Annotated[float, Amount("flow", 0.1, 5000)] | None = Field(
        None, description="Least circulation, with a flow meter: the speed does not fall below it"
    )


class ChangeOverSettings(Settings):
    """When the pumps take turns (轮换). Only in mild weather, and never without a proven new pump."""

    hours_difference: Annotated[float, Amount("time", 3600, 7.2e6)] = Field(
        604800.0, description="The pump with the fewest hours takes over when the duty has so many more"
    )
    weekday: Whole = Field(0, ge=0, le=7, description="1 = Monday: once a week as well; 0: only by hours")
    hour: Whole = Field(10, ge=0, le=23, description="Local hour of the weekly change")
    mild_above: Annotated[float, Amount("temperature", -45, 20)] = Field(
        -15.0, description="No change and no exercise while it is colder outside"
    )


class AssistSettings(Settings):
    """A further pump helps while the duty alone does not reach the set-point."""

    most: Whole = Field(1, ge=1, le=4, description="Most pumps at the same time")
    start_after: Annotated[float, Amount("time", 10, 3600)] = Field(
        60.0, description="Top speed and set-point missed for so long"
    )
    stop_below: Annotated[float, Amount("frequency", 10, 60)] = Field(
        33.0, description="One pump less below this common speed"
    )
    stop_after: Annotated[float, Amount("time", 10, 7200)] = Field(
        300.0, description="… for so long; also the least time on and off"
    )


class ExerciseSettings(Settings):
    """Idle pumps turn for a moment, so that they do not seize."""

    idle: Annotated[float, Amount("time", 3600, 1e7)] = Field(
        604800.0, description="A pump that stood for so long is exercised"
    )
    lasts: Annotated[float, Amount("time", 5, 300)] = Field(30.0, description="So long, one after the other")
    on: Flag = Field(True, description="Exercise at all")


class PumpGroupSettings(SpeedSettings):
    """Circulation pumps (循环泵)."""

    pumps: list[Name] = Field(min_length=1, max_length=4, description="Drives, the first is duty")
    assist: AssistSettings = AssistSettings()
    change_over: ChangeOverSettings = ChangeOverSettings()
    exercise: ExerciseSettings = ExerciseSettings()
    proof: Annotated[float, Amount("pressure", 2, 200)] = Field(
        15.0, description="Differential pressure that proves circulation"
    )
    on_bus_loss: Literal["keep_running", "stop", "trip"] = Field(
        "keep_running", description="What the drive is set to do when its bus dies"
    )

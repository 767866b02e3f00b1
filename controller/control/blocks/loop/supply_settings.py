"""Settings of the primary valve and of the supply temperature loop (`supply_control`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.fields import Amount, Reference, Settings


class ValveSettings(Settings):
    """Primary control valve (一次侧电动调节阀)."""

    command: Reference | None = Field(None, description="Output that takes an opening in %")
    open: Reference | None = Field(None, description="Relay that opens a three-point valve")
    close: Reference | None = Field(None, description="Relay that closes a three-point valve")
    feedback: Reference | None = Field(None, description="Input with its position")
    stroke_time: Annotated[float, Amount("time", 10, 600)] = Field(
        120.0, description="Time for the full stroke"
    )
    characteristic: Literal["equal_percentage", "linear"] = "equal_percentage"
    rangeability: Annotated[float, Amount("number", 10, 200)] = Field(
        50.0, description="Largest to smallest controllable flow"
    )
    authority: Annotated[float, Amount("number", 0.05, 1)] = Field(
        0.5, description="Share of the pressure drop over the open valve"
    )
    min: Annotated[float, Amount("percent", 0, 30)] = Field(
        0.0, description="Smallest opening while circulation runs"
    )
    max: Annotated[float, Amount("percent", 30, 100)] = Field(100.0, description="Largest opening")
    dead_band: Annotated[float, Amount("percent", 0, 5)] = Field(
        1.0, description="Smaller changes are not sent"
    )
    hold: Annotated[float, Amount("time", 0, 600)] = Field(
        10.0, description="Small changes wait so long after a move"
    )
    keep_warm: Annotated[float, Amount("percent", 0, 3)] = Field(
        0.0, description="Left open without circulation"
    )
    on_signal_loss: Literal["hold", "close", "open"] = Field(
        "hold", description="What the valve does by itself without signal or power"
    )


class LoopSettings(Settings):
    """Supply temperature loop."""

    gain: Annotated[float, Amount("number", 0.02, 10, adjustable=True)] = Field(
        0.5, description="Kelvins of lift per kelvin of error"
    )
    integral_time: Annotated[float, Amount("time", 5, 2000, adjustable=True)] = Field(
        80.0, description="Integral time"
    )
    tolerance: Annotated[float, Amount("temperature_difference", 0, 3, adjustable=True)] = Field(
        0.45, description="Smaller corrections are not worth a start of the motor"
    )
    filter: Annotated[float, Amount("time", 0, 60)] = Field(
        5.0, description="Filter of the measured temperature"
    )
    feedforward_filter: Annotated[float, Amount("time", 0, 600)] = Field(
        5.0, description="Filter of what is fed forward"
    )

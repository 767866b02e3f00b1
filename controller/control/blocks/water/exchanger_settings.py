"""Settings of exchangers in parallel: their isolation valves, and when one more or one less serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from controller.adjustables import Adjustable
from controller.fields import Amount, Reference, Settings, Whole, switch
from controller.points import Point

OUT = switch("no", "yes")


class IsolationValveSettings(Settings):
    """Motorised isolation valve of one exchanger: one relay, and end contacts where it has them."""

    open: Reference | None = Field(None, description="Relay that opens it; without it the valve closes")
    close: Reference | None = Field(
        None, description="Relay that closes it; without it the valve opens (the safer way)"
    )
    opened: Reference | None = Field(None, description="End contact: quite open")
    closed: Reference | None = Field(None, description="End contact: quite closed")
    out: Annotated[float, OUT] = Field(
        0.0, description="Out for cleaning: stays closed whatever happens (at run time: low.exchanger_1_out)"
    )


class ExchangersSettings(Settings):
    """Several exchangers behind one control valve (换热器台数控制)."""

    valves: list[IsolationValveSettings] = Field(
        min_length=2, max_length=4, description="Isolation valves, one an exchanger"
    )
    isolates: Literal["primary", "both"] = Field(
        "primary", description="The sides of an exchanger that its valve shuts off"
    )
    stroke_time: Annotated[float, Amount("time", 5, 600)] = Field(
        90.0, description="Time of an isolation valve from end to end"
    )
    capacity: Annotated[float, Amount("percent", 15, 100)] | None = Field(
        None, description="Share of the design heat that one exchanger carries; an equal part if not given"
    )
    design_heat: Annotated[float, Amount("power", 20, 100000)] | None = Field(
        None, description="Heat of the design day; learned if not given"
    )
    design_outdoor: Annotated[float, Amount("temperature", -45, 5)] = Field(
        -24.2, description="Outdoor temperature of the design day"
    )
    least: Whole = Field(1, ge=1, le=4, description="So many serve at the least while heating")
    open_above: Annotated[float, Amount("percent", 30, 100, adjustable=True)] = Field(
        80.0, description="One more when those that serve carry more than this share of their capacity"
    )
    close_below: Annotated[float, Amount("percent", 10, 95, adjustable=True)] = Field(
        60.0, description="One less when the remaining ones would carry less than this share of theirs"
    )
    open_after: Annotated[float, Amount("time", 10, 7200)] = Field(
        300.0, description="… for so long before one more opens"
    )
    close_after: Annotated[float, Amount("time", 60, 86400)] = Field(
        3600.0, description="… for so long before one less serves; also the least time between two numbers"
    )
    settle: Annotated[float, Amount("time", 10, 3600)] = Field(
        180.0, description="Pause between a valve that has opened and one that closes for it"
    )
    hours_difference: Annotated[float, Amount("time", 3600, 7.2e6)] = Field(
        604800.0, description="A resting one takes over from one that has served so much longer"
    )
    warm_below: Annotated[float, Amount("temperature", -45, 5)] = Field(
        -15.0, description="Outdoor temperature below which resting ones are warmed now and then"
    )
    warm_every: Annotated[float, Amount("time", 1800, 86400)] = Field(
        14400.0, description="One that has rested for so long is warmed"
    )
    warm_for: Annotated[float, Amount("time", 30, 3600)] = Field(
        300.0, description="So long it is open for that"
    )


def is_out(valve: IsolationValveSettings) -> bool:
    """A person has taken the exchanger out for cleaning."""
    return valve.out >= 0.5


def out_switches(circuit: str, settings: ExchangersSettings) -> Iterator[Adjustable]:
    """What an operator writes to take an exchanger out for cleaning: `low.exchanger_1_out`, no or yes."""
    for number, valve in enumerate(settings.valves, 1):
        name = f"{circuit}.exchanger_{number}_out"
        point = Point(name, OUT.quantity, low=OUT.low, high=OUT.high, role="setting", choices=OUT.names)
        yield Adjustable(valve, "out", OUT, valve.out, point)


def leaves_none(settings: ExchangersSettings, setting: Adjustable, value: float) -> bool:
    """True when this write would take the last exchanger out."""
    if setting.field != "out" or value < 0.5 or not any(valve is setting.model for valve in settings.valves):
        return False
    return all(valve.out >= 0.5 for valve in settings.valves if valve is not setting.model)

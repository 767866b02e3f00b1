"""The file of a station as models, composed of the blocks' own. `load` fills them, `check` judges them."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from controller.control.blocks.season.season import SeasonSettings
from controller.control.circuits.exchanger import ExchangerSettings
from controller.control.circuits.mixing import MixingSettings
from controller.fields import Amount, Flag, Name, Reference, Settings, Whole, Words, one_of
from controller.safety.witnesses.outdoor_witness import OutdoorSettings
from controller.settings.free_alarms import FreeAlarmSettings
from controller.settings.plant import PlantSettings


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("not_a_time_zone", "{value}", {"value": value}) from None
    return value


class StationSettings(Settings):
    """Who and where the station is."""

    name: Words = Field(description="Name for people")
    latitude: Annotated[float, Amount("number", -90, 90)] | None = Field(
        None, description="North is positive"
    )
    longitude: Annotated[float, Amount("number", -180, 180)] | None = Field(
        None, description="East is positive"
    )
    time_zone: Annotated[Words, AfterValidator(_zone)] = Field("Asia/Shanghai", description="IANA name")
    language: Literal["zh", "en"] = Field("zh", description="Language of alarms and reasons")


class DoorSettings(Settings):
    """OPC UA server."""

    endpoint: Words = Field(
        "opc.tcp://127.0.0.1:4840/heat-station",
        pattern=r"^opc\.tcp://[^/\s]+:\d+(/\S*)?$",
        description="Where it listens",
    )


class TcpBusSettings(Settings):
    """Modbus TCP, directly or through a gateway to RTU."""

    kind: Literal["modbus_tcp"] = Field(description="Protocol and wire")
    host: Words = Field(description="Address of the device or gateway")
    port: Whole = Field(502, ge=1, le=65535, description="TCP port")


class RtuBusSettings(Settings):
    """Modbus RTU on a serial line."""

    kind: Literal["modbus_rtu"] = Field(description="Protocol and wire")
    port: Words = Field(description="Serial device")
    baud: Whole = Field(9600, ge=1200, le=115200, description="Speed of the line")
    parity: Literal["none", "even", "odd"] = Field("none", description="As set in all devices of the line")
    stop_bits: Whole = Field(1, ge=1, le=2, description="As set in all devices of the line")


BusSettings = Annotated[TcpBusSettings | RtuBusSettings, Field(discriminator="kind")]


class DeviceSettings(Settings):
    """A field device: its type, its wire, its address."""

    profile: Words = Field(description="maker/model of the library, or a path to a profile")
    bus: Name = Field(description="One of buses")
    address: Whole = Field(ge=1, le=247, description="Modbus address (unit)")


class PointSettings(Settings):
    """Where a measured point comes from and how its signal becomes a value."""

    source: Reference = Field(alias="from", description="device.point")
    second: Reference | None = Field(None, description="device.point of an independent second sensor")
    third: Reference | None = Field(
        None, description="device.point of a third one: two that agree outvote the one that lies"
    )
    signal: Annotated[Literal["4…20 mA", "0…20 mA"], one_of("4…20 mA", "0…20 mA")] | None = Field(
        None, description="Signal of the transmitter"
    )
    range: Words | None = Field(None, description="Measuring range of the transmitter")
    add: Words | None = Field(None, description="Correction, added to the value")
    invert: Flag = Field(False, description="A contact that opens when it means yes")
    stale_after: Annotated[float, Amount("time", 2, 3600)] | None = Field(
        None, description="Older values are bad"
    )
    good_after: Annotated[float, Amount("time", 0, 3600)] | None = Field(
        None, description="After a bad time it must be good for so long; by its kind without it"
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """All its sensors."""
        return tuple(one for one in (self.source, self.second, self.third) if one is not None)


class StarterSettings(Settings):
    """Pump without a drive: contactor or soft starter (软启动器), by relay and contacts, at mains speed."""

    run: Reference = Field(description="Relay that starts it")
    running: Reference | None = Field(None, description="Contact that says it runs")
    fault: Reference | None = Field(None, description="Contact of its fault or motor protection")
    remote: Reference | None = Field(None, description="Contact of the cabinet switch in remote (远程)")


class TankSettings(Settings):
    """Makeup tank (补水箱)."""

    inlet: Reference | None = Field(None, description="Output that opens the inlet valve")
    fill_below: Annotated[float, Amount("length", 0.05, 20)] = Field(
        description="Inlet opens below this level"
    )
    stop_above: Annotated[float, Amount("length", 0.05, 20)] = Field(
        description="Inlet closes above this level"
    )
    low: Annotated[float, Amount("length", 0.05, 20)] = Field(
        description="Makeup pumps stop below this level"
    )
    high: Annotated[float, Amount("length", 0.05, 20)] | None = Field(
        None, description="Alarm above this level"
    )


class RecordSettings(Settings):
    """What the history keeps."""

    period: Annotated[float, Amount("time", 1, 600)] = Field(10.0, description="Time between samples")
    keep: Annotated[float, Amount("time", 86400, 20 * 366 * 86400)] = Field(
        400 * 86400.0, description="Older samples go"
    )


class BlackboxSettings(Settings):
    """The last minutes of every point second by second, written to the state folder at every trip."""

    before: Annotated[float, Amount("time", 60, 3600)] = Field(
        600.0, description="Kept before the trip; a point takes 9 bytes of memory a second"
    )
    after: Annotated[float, Amount("time", 10, 600)] = Field(120.0, description="Kept after it")
    pause: Annotated[float, Amount("time", 60, 86400)] = Field(
        600.0, description="The same cause is kept again after this, then after twice, four times … this"
    )
    keep: Whole = Field(20, ge=1, le=200, description="So many trips; the oldest go")
    megabytes: Whole = Field(20, ge=1, le=1000, description="On the card at most, MB; the oldest go")


Circuit = Annotated[ExchangerSettings | MixingSettings, Field(discriminator="kind")]


class StationFile(Settings):
    """The whole file."""

    station: StationSettings
    door: DoorSettings = DoorSettings()
    buses: dict[Name, BusSettings] = Field(min_length=1)
    devices: dict[Name, DeviceSettings] = Field(min_length=1)
    starters: dict[Name, StarterSettings] = {}
    points: dict[Words, PointSettings] = Field(min_length=1)
    tank: TankSettings | None = None
    circuits: dict[Name, Circuit] = Field(min_length=1)
    season: SeasonSettings = SeasonSettings()
    alarms: list[FreeAlarmSettings] = Field([], max_length=200)
    outdoor: OutdoorSettings | None = None
    record: RecordSettings = RecordSettings()
    blackbox: BlackboxSettings = BlackboxSettings()
    plant: PlantSettings = PlantSettings()

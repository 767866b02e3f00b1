"""Device profiles: one declarative YAML file a device type.

A profile names the registers of a device, how raw words become values, and what the device does
with its outputs when its master dies. The same profile drives the bus master and, in `sim`, the
emulated device. It holds no logic: what needs logic is a driver.

Units are the controller's own (one unit a quantity: °C, kPa, m³/h, kW, GJ, %, Hz, A …);
`scale` and `offset` bring the raw value there: value = raw · scale + offset.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.readings import Fault
from drivers.scalars import Integer, Number, Seconds

RegisterType = Literal["bit", "uint16", "int16", "uint32", "int32", "float32", "uint64"]
WORDS: dict[str, int] = {
    "bit": 1, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "float32": 2, "uint64": 4,
}  # fmt: skip
Table = Literal["holding", "input", "coil", "discrete"]
OnLoss = Literal["hold", "keep_running", "safe_value", "off", "stop", "trip", "unknown"]


class ProfileModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(ProfileModel):
    """A text in both languages."""

    en: str
    zh: str


class Caveat(Bilingual):
    """Something that bites, and where it was seen."""

    seen: str


class Quality(ProfileModel):
    """How another point of the same device says that this one is not to be trusted.

    `bits`: bit number of that point's raw word → fault; `values`: whole raw value → fault.
    """

    point: str
    bits: dict[Integer, Fault] = {}
    values: dict[Integer, Fault] = {}


class Write(ProfileModel):
    """A point that can be written; with a poll period of its own it can be read back, and is.

    `refresh`: written again at least this often, so that the device notices our death;
    `on_loss`: what the DEVICE does with this output when nobody writes any more;
    `on_loss_configurable`: the installer can set that in the device (the file says what was set);
    `after`: the device's own communication time-out before it does so;
    `function`: 6 or 16 for registers, 5 for coils.
    """

    refresh: Seconds
    on_loss: OnLoss
    on_loss_configurable: bool = False
    after: Seconds | None = None
    function: Literal["5", "6", "16"] = "6"


class ProfilePoint(ProfileModel):
    """One value of the device. `register` is the wire address, counted from 0."""

    register_: Integer = Field(alias="register", ge=0, le=65535)
    table: Table = "holding"
    vendor: str
    type: RegisterType
    word_order: Literal["high_first", "low_first"] = "high_first"
    bit: Integer | None = Field(None, ge=0, le=15, description="flag inside a uint16 register")
    scale: Number = 1.0
    offset: Number = 0.0
    unit: str = ""
    range: tuple[Number, Number] | None = None
    codes: dict[Integer, Integer] = Field({}, description="value → raw word, for commands")
    not_available: list[Integer] = []
    quality: Quality | None = None
    poll: Seconds | None = None
    write: Write | None = None

    @property
    def words(self) -> int:
        """Registers (or bits) this point occupies on the wire."""
        return WORDS[self.type]

    @property
    def is_flag(self) -> bool:
        """True for a value that is only 0 or 1."""
        return self.type == "bit" or self.bit is not None or set(self.codes) == {0, 1}


class Line(ProfileModel):
    """Serial line as delivered by the maker (a hint for the technician)."""

    baud: Integer
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Integer = 1


class Timing(ProfileModel):
    """`reply`: how long the device may take to answer; `gap`: rest it needs between two requests."""

    reply: Seconds = 0.5
    gap: Seconds = 0.0


class Merge(ProfileModel):
    """What one read request may fetch: at most `registers`, over holes of at most `hole`."""

    registers: Integer = Field(100, ge=1, le=125)
    hole: Integer = Field(16, ge=0, le=125)


class Profile(ProfileModel):
    """A device type. `kind` says what part it can play in a circuit."""

    device: str = Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")
    title: Bilingual
    kind: Literal["io", "drive", "valve", "meter", "sensor", "controller"]
    protocol: Literal["modbus"] = "modbus"
    source: str
    verified: bool = Field(False, description="read in the maker's own document, not second hand")
    line: Line | None = None
    timing: Timing = Timing()
    merge: Merge = Merge()
    setup: list[Bilingual] = Field([], description="what the installer must set in the device")
    caveats: list[Caveat] = []
    points: dict[str, ProfilePoint]

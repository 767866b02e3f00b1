"""A Modbus bus: the one task that owns a line, polls its devices and writes their outputs.

Order on the wire: writes, then polls of devices that answer, then devices that are not known yet or
have failed. A dead device costs its reply time once per back-off step and at most a quarter of
the bus, so it cannot slow the others; it is tried for ever and comes back by itself.

Poll periods, back-off and refresh are plant time and pass through the Clock; deadlines and gaps on
the wire are real time, inside `clock.io()`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from drivers.health import Health
from drivers.modbus import Exchange, Line, LineDown, Master, ModbusFault, NoReply, Refused
from drivers.outputs import Outputs, OutputWord
from drivers.plan import Span
from drivers.polling import INSTANT_S, Group, Polling
from drivers.profile import Profile
from drivers.readings import NEVER, Fault, Key, Reading
from drivers.timing import Clock

_LONGEST_RECONNECT_S = 10.0
_RECYCLE_S = 5.0
_RECYCLE_FAILURES = 2
_LONGEST_RECYCLE_S = 60.0
_LONGEST_REST_S = 3600.0
_WRITES_IN_A_ROW = 8
_PROBE_SHARE = 3.0
_PATIENCE_S = 5.0
_ILLEGAL = (1, 2, 3)
_BEHIND_GATEWAY = (10, 11)


@dataclass(frozen=True, slots=True)
class BusDevice:
    """A device on the bus: its name in the station, its Modbus address and its type."""

    name: str
    address: int
    profile: Profile


@dataclass(slots=True)
class Statistics:
    """Counters of one device since the start, and its last round trip in real seconds."""

    ok: int = 0
    no_reply: int = 0
    refused: int = 0
    bad_reply: int = 0
    late: int = 0
    round_trip_s: float = math.nan


@dataclass(frozen=True, slots=True)
class LineState:
    """Whether the wire is open, since which plant time, and if not, why."""

    up: bool
    since: float
    why: str = ""


class _Device:
    """All that the bus keeps about one device."""

    def __init__(
        self,
        device: BusDevice,
        used: Collection[str] | None,
        confirm: Collection[str],
        line: Line,
        now: float,
    ) -> None:
        self.name, self.address = device.name, device.address
        self.exchange = Exchange(device.profile.timing.reply, device.profile.timing.gap)
        self.health = Health()
        self.polling = Polling(device.name, device.profile, used, line.cost, now, confirm)
        self.outputs = Outputs(device.name, device.profile)
        self.outputs.confirm(self.polling.cycles)
        self.statistics = Statistics()

    def next_due(self) -> float:
        """When the bus has next to look at this device."""
        if not self.health.good and not self.health.fresh:
            return self.health.retry_at
        return min(self.outputs.next_due(), self.polling.next_due())


class Bus:
    """The devices of one line. `run` is its task; everything else is called from the same loop."""

    def __init__(
        self,
        name: str,
        line: Line,
        devices: Sequence[BusDevice],
        clock: Clock,
        used: Mapping[str, Collection[str]] | None = None,
        confirm: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """`used`: device → the points to poll; without it, every point that has a poll period. `confirm`:
        device → its written points that are to be read back, where they can be."""
        self.name = name
        self._clock = clock
        self._wake = clock.wake()
        now = clock.now()
        back = confirm or {}
        self._devices = {
            device.name: _Device(
                device,
                None if used is None else used.get(device.name, ()),
                back.get(device.name, ()),
                line,
                now,
            )
            for device in devices
        }
        slowest = max((d.exchange.reply_s for d in self._devices.values()), default=0.5)
        self._master = Master(line, slowest, clock.now)
        self.readings: dict[Key, Reading] = {
            (device.name, point): NEVER
            for device in self._devices.values()
            for point in sorted(device.polling.polled)
        }
        self.statistics = {device.name: device.statistics for device in self._devices.values()}
        self.alive_at = now
        """Plant seconds of its last step, or of when it is due to take the next one."""
        self.state = LineState(False, now, "not connected yet")
        self._reconnect_at = now
        self._reconnect_step_s = 0.0
        self._alive_at = now
        self._failures = 0
        self._recycle_s = _RECYCLE_S
        self._writes_in_a_row = 0
        self._probe_after = -math.inf

    def write(self, device: str, point: str, value: float) -> None:
        """Set an output; the newest value wins, a change goes out at once. Never waits.

        Raises KeyError for what cannot be written, ValueError for a value that no register holds.
        """
        if self._devices[device].outputs.set(point, value):
            self._wake.set()

    def write_state(self, device: str, point: str) -> tuple[float | None, float, Fault]:
        """(value the device confirmed or None, plant time of that, fault of the last attempt)."""
        return self._devices[device].outputs.state(point)

    def read_back(self, device: str, point: str) -> Reading | None:
        """What the device shows of what was written to it: its value, with the fault NOT_CONFIRMED or
        OVERWRITTEN when that is something else and telling it again has not helped. None: it is not known."""
        return self._devices[device].outputs.shown(point)

    def refuses(self, device: str) -> Fault:
        """Why a device takes no writes: it refused the last ones, or they failed and it is not online. NONE
        otherwise: a single failure may be noise."""
        found = self._devices[device]
        fault = found.outputs.last_fault
        return Fault.NONE if found.health.online and fault is not Fault.REFUSED else fault

    @property
    def attempted(self) -> bool:
        """One attempt was finished, well or not, for every output given so far."""
        return all(device.outputs.attempted for device in self._devices.values())

    def online(self, device: str) -> bool:
        """The device has answered and is not offline (3 s and 2 cycles without an answer)."""
        return self._devices[device].health.online

    async def run(self) -> None:
        """Own the wire until cancelled; a request on the wire is finished first."""
        async with self._clock.part():
            try:
                while True:
                    await self._step()
            finally:
                await self._master.close()
                self.state = LineState(False, self._clock.now(), "stopped")

    async def _step(self) -> None:
        """One request, one connection attempt, or one rest."""
        now = self.alive_at = self._clock.now()
        self._mark_offline(now)
        if not self._master.up:
            if self.state.up:
                self._line_lost(self._master.why, now)
            if self._reconnect_at <= now + INSTANT_S:
                async with self._clock.io():
                    await self._connect()
            else:
                await self._rest(self._reconnect_at, now)
            return
        if self._stuck(now):
            self._recycle_s = min(2 * self._recycle_s, _LONGEST_RECYCLE_S)
            async with self._clock.io():
                await self._connect()
            return
        dues = {device.name: self._due(device) for device in self._devices.values()}
        choice = self._choose(dues, now)
        if choice is None:
            await self._rest(min(dues.values(), default=math.inf), now)
            return
        async with self._clock.io():
            await self._serve(*choice, now)

    async def _rest(self, until: float, now: float) -> None:
        """Sleep in plant time until then, a change of an output, or a device going offline."""
        offline = min((d.health.offline_at for d in self._devices.values()), default=math.inf)
        rest = min(max(min(until, offline) - now, 0.0), _LONGEST_REST_S)
        self.alive_at = now + rest
        await self._wake.wait(rest)

    def _due(self, device: _Device) -> float:
        """When the bus has next to do with this device."""
        if device.health.good or device.health.unknown:
            return device.next_due()
        return max(device.next_due(), self._probe_after)

    def _choose(self, dues: Mapping[str, float], now: float) -> tuple[_Device, bool] | None:
        """The device to serve now, and whether with a write; None when nothing is due."""
        soon = now + INSTANT_S
        ready = [self._devices[name] for name, due in dues.items() if due <= soon]
        if not ready:
            return None
        good = [device for device in ready if device.health.good]
        writers = [device for device in good if device.outputs.next_due() <= soon]
        pollers = [device for device in good if device.polling.next_due() <= soon]
        if writers and not (pollers and self._writes_in_a_row >= _WRITES_IN_A_ROW):
            return min(writers, key=lambda device: device.outputs.next_due()), True
        others = [device for device in ready if not device.health.good]
        starved = [device for device in others if dues[device.name] < now - _PATIENCE_S]
        if pollers and not starved:
            return min(pollers, key=lambda device: device.polling.next_due()), False
        unknown = [device for device in others if device.health.unknown]
        if not others:
            return None
        device = min(unknown or others, key=lambda device: dues[device.name])
        return device, device.health.fresh and device.outputs.next_due() <= soon

    async def _serve(self, device: _Device, write: bool, now: float) -> None:
        """One request to the device. A probe of a failed one is a read, if it has any."""
        self._writes_in_a_row = self._writes_in_a_row + 1 if write else 0
        health, polling = device.health, device.polling
        probe = not health.good and not health.fresh
        in_vain = probe and not health.unknown
        group = None if write else polling.probe(now) if probe else polling.due_group(now)
        request = group.left[0] if group is not None else None
        word = None
        if group is None:
            word = device.outputs.due(math.inf if probe else now + INSTANT_S)
        try:
            if group is not None and request is not None:
                await self._poll(device, group, request)
            elif word is not None:
                await self._write(device, word)
        except ModbusFault as error:
            self._failed(device, error)
            self._not_served(device, group, request, None if probe else word)
            if in_vain:
                later = self._clock.now()
                self._probe_after = later + _PROBE_SHARE * (later - now)
        except LineDown as error:
            device.health.failed(self._clock.now(), Fault.NO_REPLY)
            device.health.blamed = True
            self._not_served(device, group, request, None if probe else word)
            self._line_lost(str(error), self._clock.now())
        finally:
            device.statistics.late = self._master.late[device.address]

    def _not_served(
        self, device: _Device, group: Group | None, request: Span | None, word: OutputWord | None
    ) -> None:
        now, gone = self._clock.now(), not device.health.good
        device.outputs.failed(device.health.fault, word, now)
        if group is not None and request is not None:
            device.polling.failed(group, request, now, gone, self.readings)

    async def _poll(self, device: _Device, group: Group, request: Span) -> None:
        """The next read of a cycle. Raises ModbusFault and LineDown for no useful answer."""
        try:
            words = await self._master.read(
                device.address, request.table, request.first, request.count, device.exchange
            )
        except Refused as error:
            if error.code not in _ILLEGAL:
                raise
            device.statistics.refused += 1
            self._answered(device)
            device.polling.refused(group, request, self._clock.now(), self.readings)
        else:
            device.statistics.ok += 1
            self._answered(device)
            device.outputs.read_back(request, words, self._clock.now())
            device.polling.got(group, request, words, self._clock.now(), self.readings)

    async def _write(self, device: _Device, word: OutputWord) -> None:
        """Write one output. Raises as `_poll` does."""
        values, words = dict(word.values), word.words(device.polling.word)
        try:
            await self._master.write(device.address, word.register, words, word.function, device.exchange)
        except Refused as error:
            if error.code not in _ILLEGAL:
                raise
            device.statistics.refused += 1
            self._answered(device)
            device.outputs.refused(word, self._clock.now())
        else:
            device.statistics.ok += 1
            self._answered(device)
            device.outputs.confirmed(word, values, words, self._clock.now())

    def _answered(self, device: _Device) -> None:
        now = self._clock.now()
        device.statistics.round_trip_s = self._master.round_trip_s
        self._alive_at, self._failures = now, 0
        self._recycle_s, self._reconnect_step_s = _RECYCLE_S, 0.0
        if device.health.answered(now):
            device.outputs.all_due()
            device.polling.all_due(now)

    def _failed(self, device: _Device, error: ModbusFault) -> None:
        """A cycle of the device failed: nothing more is asked of it before its back-off is over."""
        count = device.statistics
        if isinstance(error, NoReply) or (isinstance(error, Refused) and error.code in _BEHIND_GATEWAY):
            count.no_reply += 1
            fault = Fault.NO_REPLY
        elif isinstance(error, Refused):
            count.refused += 1
            fault = Fault.REFUSED
        else:
            count.bad_reply += 1
            fault = Fault.BAD_REPLY
        self._failures += 1
        device.health.failed(self._clock.now(), fault)

    def _mark_offline(self, now: float) -> None:
        for device in self._devices.values():
            if device.health.goes_offline(now):
                device.polling.lost(device.health.fault, self.readings)
                device.outputs.gone()

    def _stuck(self, now: float) -> bool:
        """Nobody answers: over a gateway that looks the same as a dead link, so open it anew."""
        return self._failures >= _RECYCLE_FAILURES and now - self._alive_at >= self._recycle_s

    async def _connect(self) -> None:
        try:
            await self._master.connect()
        except LineDown as error:
            self._line_lost(str(error), self._clock.now())
            return
        now = self._clock.now()
        self._alive_at, self._failures = now, 0
        if not self.state.up:
            self.state = LineState(True, now)
            for device in self._devices.values():
                device.health.line_is_back()

    def _line_lost(self, why: str, now: float) -> None:
        """The wire is gone. Tried anew at once if it last worked, then after 1, 2, 4, 8, 10 s …"""
        self.state = LineState(False, now if self.state.up else self.state.since, why)
        self._reconnect_at = now + self._reconnect_step_s
        self._reconnect_step_s = min(max(2 * self._reconnect_step_s, 1.0), _LONGEST_RECONNECT_S)
        for device in self._devices.values():
            device.health.missed(Fault.NO_REPLY)
            device.outputs.failed(Fault.NO_REPLY, None, now)

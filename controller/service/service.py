"""The main thread of a running station: buses, scan, commands, watchdog.

Start: file → state → buses in parallel → first scan with what is there after 5 s at the latest →
one write attempt per output → `ready` → outside thread. Stop: outputs as the table says, state kept.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from controller.channels import Key, bus_part, read_back
from controller.clock import Clock
from controller.commands import Answer, Command, CommandKind
from controller.cycle import Scan, scan
from controller.points import Event, Quality, Term
from controller.service.boot import Boot, directory_made
from controller.service.clock_trust import ClockTrust
from controller.service.notify import Notifier
from controller.service.outside import Outside
from controller.service.starts import Level
from controller.service.store_alarms import StoreAlarms
from controller.service.supervise import keep_running
from controller.service.watchdog import OUTSIDE_TOLD_S, Watchdog
from controller.settings.check import Checked
from controller.station import Station, build
from controller.store.state import StateStore
from drivers.bus import Bus, BusDevice
from drivers.readings import NEVER, Fault, Reading
from drivers.wire import RtuLine, TcpLine

SCAN_PERIOD_S = 1.0
FIRST_SCAN_WITHIN_S = 5.0
FIRST_WRITES_WITHIN_S = 30.0
OUTSIDE_WITHIN_S = 30.0
LAST_WRITES_WITHIN_S = 3.0
BUS_SILENT_S = 8.0
"""Plant seconds without a sign of life of a bus's task, after which none of its values counts: before they
get stale one by one (10 s at the least), after the longest single exchange on a wire."""
MOST_COMMANDS = 100
"""Of one scan; a person makes one, a program that sets all there is makes some tens."""

log = logging.getLogger(__name__)


class Service:
    """One station on its wires. `run` returns after `stop`."""

    def __init__(
        self,
        checked: Checked,
        lines: Mapping[str, TcpLine | RtuLine],
        directory: Path,
        clock: Clock,
        *,
        endpoint: str | None = None,
        clock_trusted: bool | None = None,
        boot: Boot | None = None,
    ) -> None:
        """`directory` keeps state, history, users, token and certificate; control runs without it, too.

        `clock_trusted`: None judges by the clock itself; simulated times say True. `boot`: which file runs,
        and at which level; None: this one, and starts are not counted.
        """
        if checked.file is None:
            raise ValueError("the file has errors")
        file = checked.file
        self.file = file
        self.clock = clock
        self._boot = boot
        self.level = boot.level if boot is not None else Level.NORMAL
        self.station: Station = build(file, checked.profiles, safe_mode=self.level is Level.SAFE_MODE)
        self.buses = self._make_buses(checked, lines)
        self._bus_of = {device: self.buses[settings.bus] for device, settings in file.devices.items()}
        self._directory = directory
        self._state_store = StateStore(directory)
        self.outside = Outside(
            file,
            self.station.catalogue,
            directory,
            endpoint or file.door.endpoint,
            clock,
            self._state_store,
            self,
            self._report,
        )
        self.ready = False
        self._clock_trusted = clock_trusted
        self._clock_trust = ClockTrust()
        self._notifier = Notifier()
        self._watchdog = Watchdog(SCAN_PERIOD_S)
        self._store_alarms: StoreAlarms | None = None
        self._commands: list[Command] = []
        self._events: list[Event] = []
        self._asked = 0
        self._down: dict[str, str] = {}
        self._stopping = clock.wake()
        self._is_stopping = False
        self._worst_scan_ms = 0.0
        self._late = 0

    def _make_buses(self, checked: Checked, lines: Mapping[str, TcpLine | RtuLine]) -> dict[str, Bus]:
        file = self.file
        used = self.station.wiring.used()
        buses = {}
        for name, line in lines.items():
            devices = [
                BusDevice(device, settings.address, checked.profiles[device])
                for device, settings in file.devices.items()
                if settings.bus == name
            ]
            buses[name] = Bus(
                name,
                line,
                devices,
                self.clock,
                {d.name: used.get(d.name, set()) for d in devices},
                self.station.wiring.written(),
            )
        return buses

    # ---- life

    async def run(self) -> None:
        """Start, scan until `stop`, end in order."""
        made = directory_made(self._directory)
        self._report("state folder", made)
        self._restore()
        tasks = [
            asyncio.create_task(
                keep_running(bus_part(name), bus.run, self.clock, self._report, lambda bus=bus: bus.alive_at),  # type: ignore[misc]
                name=name,
            )
            for name, bus in self.buses.items()
        ]
        try:
            async with self.clock.part():
                await self._start()
                outside = asyncio.create_task(self._start_outside(), name="outside")
                await asyncio.sleep(0)  # noqa: TID251  # let it stop a stepped clock before time goes on
                await self._scan_for_ever()
                await self._end()
                await outside
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self.outside.stop)
            log.info("stopped")
        if self._boot is not None:
            await asyncio.to_thread(self._boot.ended)

    def stop(self) -> None:
        """Ask for a clean stop; safe from a signal handler of the loop."""
        self._is_stopping = True
        self._stopping.set()

    def _restore(self) -> None:
        """State, operators' settings and overrides of the last run; a broken state file starts afresh."""
        state, problem = self._state_store.load_state()
        if problem:
            log.error("state file: %s", problem)
        self._store_alarms = StoreAlarms(self.outside.store, problem, self.clock.now())
        if self.level < Level.WITHOUT_STATE:
            self.station.restore(state)
        else:
            self.station.restore_least(state)
            if state and self.level is Level.WITHOUT_STATE and self._boot is not None and self._boot.first:
                self._boot.put_aside(state)
        file_values = {name: setting.file_value for name, setting in self.station.adjustables.items()}
        # In place of a file that is broken another one says nothing against what people have set.
        substitute = self._boot is not None and self._boot.substitute
        for name, kept in self._state_store.load_settings(None if substitute else file_values).items():
            if isinstance(kept.value, int | float):
                self.station.restore_setting(name, float(kept.value))
        now, seen = self.clock.now(), state.get("time")
        last = float(seen) if isinstance(seen, int | float) else -math.inf
        self.station.restore_overrides(self._state_store.load_overrides(now, last), now)

    async def _start(self) -> None:
        begin = self.clock.now()
        while not self._all_read() and self.clock.now() - begin < FIRST_SCAN_WITHIN_S:
            await self.clock.sleep(0.1)
        self._scan()
        begin = self.clock.now()
        while not all(bus.attempted for bus in self.buses.values()):
            if self.clock.now() - begin >= FIRST_WRITES_WITHIN_S:
                break
            await self.clock.sleep(0.1)
        self.ready = True
        self._notifier.send("READY=1")
        log.info("ready")

    async def _start_outside(self) -> None:
        """Beside the scans: what is outside may take its time, or never come."""
        async with self.clock.io():
            self.outside.start(asyncio.get_running_loop())
            await asyncio.to_thread(self.outside.started.wait, OUTSIDE_WITHIN_S)

    def _all_read(self) -> bool:
        return all(reading is not NEVER for bus in self.buses.values() for reading in bus.readings.values())

    async def _scan_for_ever(self) -> None:
        due = self.clock.now() + SCAN_PERIOD_S
        while not self._is_stopping:
            if await self._stopping.wait(due - self.clock.now()):
                return
            self._scan()
            due += SCAN_PERIOD_S
            late = math.floor((self.clock.now() - due) / SCAN_PERIOD_S) + 1
            if late > 0:
                self._late += late
                due += late * SCAN_PERIOD_S

    def _scan(self) -> None:
        """One scan, its writes and its records. Whatever it throws, the loop goes on; the watchdog is
        fed only after a good one (`watchdog`)."""
        begin = time.perf_counter()
        station, now, wall = self.station, self.clock.now(), self.clock.wall()
        commands, self._commands = self._commands, []
        self._asked = 0
        try:
            station.guard.run("service", self._report_parts)
            trusted = self._clock_trusted
            if trusted is None:
                trusted = station.guard.run("clock", partial(self._clock_trust.step, now, wall))
                trusted = trusted and not self._clock_trust.why
            done = scan(station, now, wall, self._readings(), commands, clock_trusted=trusted)
            self._dispatch(done)
        except Exception:
            log.exception("scan failed")
            self._judge(now, scanned=False)
            return
        duration_ms = (time.perf_counter() - begin) * 1000
        self._worst_scan_ms = max(self._worst_scan_ms, duration_ms)
        station.scan_time.put(duration_ms, now)
        station.scan_time_worst.put(self._worst_scan_ms, now)
        station.late_scans.put(self._late, now)
        station.level.put(self.level, now)
        events, self._events = [*self._events, *done.events], []
        self.outside.offer(station.snapshot(wall), events)
        self._events += self.outside.blackbox.take_notes()
        self._judge(now, scanned=True)

    def _judge(self, now: float, *, scanned: bool) -> None:
        """Feed the watchdog or not, and count what tells a good start from a bad one."""
        buses = {name: now - bus.alive_at for name, bus in self.buses.items()}
        before = self._watchdog.why
        fed = scanned and self._watchdog.may_feed(now, buses, self.outside.silent_s)
        if fed:
            self._notifier.send("WATCHDOG=1")
        elif self._watchdog.why != before:
            log.error("the watchdog is not fed: %s", self._watchdog.why)
        if self._boot is not None:
            self._boot.scanned(fed=fed, sound=self.station.sound)

    def _is_silent(self, bus: Bus) -> bool:
        return self.clock.now() - bus.alive_at > BUS_SILENT_S

    def _readings(self) -> Mapping[Key, Reading]:
        """Of all buses. A bus whose task is gone has no answer for anything: its old values are not left to
        grow stale one by one."""
        now = self.clock.now()
        silent = {bus for bus in self.buses.values() if self._is_silent(bus)}
        readings: dict[Key, Reading] = {}
        for bus in self.buses.values():
            if bus in silent:
                readings.update(
                    (key, replace(last, fault=Fault.NO_REPLY)) for key, last in bus.readings.items()
                )
            else:
                readings.update(bus.readings)
        for key in self.station.inputs.mute:
            bus = self._bus_of[key[0]]
            readings[key] = Reading(math.nan, now, Fault.NO_REPLY if bus in silent else bus.refuses(key[0]))
        for channel in self.station.wiring.outputs:
            bus = self._bus_of[channel.target[0]]
            shown = None if bus in silent else bus.read_back(*channel.target)
            if shown is not None:
                readings[read_back(channel.target)] = shown
        return readings

    def _dispatch(self, done: Scan) -> None:
        """Hand the writes to the buses. A value that a device cannot hold keeps back no other."""
        for (device, point), value in done.writes:
            part = f"{device}.{point}"
            try:
                self._bus_of[device].write(device, point, value)
            except (KeyError, ValueError) as problem:
                self._report(part, f"{value:g}: {problem}")
            else:
                if self._down.get(part):
                    self._report(part, "")

    async def _end(self) -> None:
        """A clean stop: what has a fail-safe takes it (makeup stops, relief and inlet close, exchangers in
        parallel open); valve and circulation stay as they are."""
        self._notifier.send("STOPPING=1")
        channels = {channel.output: channel for channel in self.station.wiring.outputs}
        wanted = {}
        for name, output in self.station.image.outputs.items():
            if output.failsafe is not None and output.quality is not Quality.BAD:
                channel = channels[name]
                wanted[channel.target] = channel.raw(output.failsafe)
        for (device, point), value in wanted.items():
            self._bus_of[device].write(device, point, value)
        begin = self.clock.now()
        while self.clock.now() - begin < LAST_WRITES_WITHIN_S:
            states = {key: self._bus_of[key[0]].write_state(*key)[0] for key in wanted}
            if all(state is not None and abs(state - wanted[key]) < 0.01 for key, state in states.items()):
                break
            await self.clock.sleep(0.1)

    # ---- parts and their alarms

    def _report(self, part: str, why: str) -> None:
        """Called from either thread."""
        self._down[part] = why

    def _report_parts(self) -> None:
        silent = self.outside.silent_s > OUTSIDE_TOLD_S
        if silent or self._down.get("outside"):
            self._report("outside", "it does not answer" if silent else "")
        down = dict(self._down)
        for name, bus in self.buses.items():
            if self._is_silent(bus) and not down.get(bus_part(name)):
                down[bus_part(name)] = f"no sign of life for {BUS_SILENT_S:g} s"
        for part, why in down.items():
            values = (("why", why, "text"),) if why else ()
            self.station.alarms.report("part_down", part, bool(why), "high", values)
        if self._store_alarms is not None:
            self._store_alarms.report(self.station.alarms, self.clock.now())
        box = self.outside.blackbox
        said = ("why", f"{box.health.code} {box.health.detail}", "text")
        counted = (said, ("lost", float(box.dropped), "count"))
        self.station.alarms.report("blackbox_failing", "blackbox", not box.health.ok, "warning", counted)
        if self._clock_trusted is None:
            self._clock_trust.report(self.station.alarms, self.clock.now())
        if self._boot is not None:
            self._boot.report(self.station.alarms, self.file.station.language)

    # ---- what the outside asks (on this loop)

    async def check(self, command: Command) -> Answer:
        """Judge a command and write it into the audit trail, taken or not. Of a flood only the first ones of
        a scan are looked at; the others are refused, and the first of those stands in the trail."""
        self._asked += 1
        if self._asked > MOST_COMMANDS + 1:
            return Answer(False, "queue_full", (("most", MOST_COMMANDS, "count"),))
        answer = self.station.check(command)
        if self._asked > MOST_COMMANDS:
            answer = Answer(False, "queue_full", (("most", MOST_COMMANDS, "count"),))
        quantity = (
            self.station.image.points[command.subject].quantity
            if answer.accepted and command.subject in self.station.image.points
            else "number"
        )
        self._events.append(
            Event(
                self.clock.now(),
                self.clock.wall(),
                "command",
                command.subject,
                f"{command.kind}_{'taken' if answer.accepted else 'refused'}",
                command.user,
                command.source,
                (("value", command.value, quantity), ("why", answer.code, "text")),
            )
        )
        return answer

    async def enqueue(self, command: Command) -> None:
        """For the next scan."""
        self._commands.append(command)

    async def explain(self, point: str) -> Term:
        """KeyError for an unknown point."""
        return self.station.explain(point)

    async def state(self) -> dict[str, Any]:
        """What must survive a restart."""
        return self.station.state()

    async def file_value(self, setting: str) -> float | None:
        """What the file says of an adjustable setting; None for a request that is not remembered."""
        known = self.station.adjustables.get(setting)
        return None if known is None else known.file_value

    async def lasts_s(self, command: Command) -> float | None:
        """How long what it sets lasts, plant seconds; None for what does not end by itself."""
        wish = self.station.wish(command.subject)
        if wish is not None:
            return wish.lasts_s(command)
        return command.lasts_s if command.kind is CommandKind.OVERRIDE else None

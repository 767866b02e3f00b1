"""`build(settings)` → Station: image, inputs, circuits, safety, outputs. No I/O.

The service, the season runner and the tests use the same object: they hand readings and commands to
`cycle.scan` and get writes, events and a snapshot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from controller.adjustables import Adjustable, adjustables
from controller.alarms import AlarmBook
from controller.channels import Key, OutputChannel, Reading, Wiring
from controller.circuit_holder import CircuitHolder, make_circuit, protected, watched
from controller.commands import Answer, Command, CommandKind
from controller.control.blocks.season.season import SeasonPlan
from controller.control.blocks.water.exchanger_settings import leaves_none, out_switches
from controller.control.blocks.water.tank import TankInlet
from controller.control.circuits.exchanger import ExchangerSettings
from controller.control.circuits.heating import HeatingCircuit
from controller.control.circuits.mixing import MixingSettings
from controller.control.circuits.outdoor_written import OutdoorWritten
from controller.control.circuits.season_of_station import StationSeason
from controller.control.circuits.setpoint_shares import room_points
from controller.control.circuits.wishes import WishPoint
from controller.control.tick import Tick
from controller.equipment.equipment import Equipment
from controller.points import (
    Event,
    Image,
    Output,
    Override,
    Point,
    PointInfo,
    Quality,
    Snapshot,
    Term,
    catalogue,
)
from controller.safety.causes import CAUSES, feeds_by
from controller.safety.confirmation import Confirmation
from controller.safety.free_alarms import FreeAlarms
from controller.safety.inputs import Inputs
from controller.safety.outputs import Outputs
from controller.safety.part_guard import PartGuard
from controller.safety.rows.circuit_rules import circuit_rules, station_rules
from controller.safety.rows.tells import low_pressure_rule
from controller.safety.rules import Rule, SafetyTable
from controller.safety.shelving import apply_shelf, check_shelf
from controller.safety.witnesses.crossed_pressures import CrossedPressures
from controller.safety.witnesses.outdoor_pair import PAIR_REASONS
from controller.safety.witnesses.outdoor_witness import OUTDOOR, OutdoorSettings, OutdoorWitness
from controller.safety.witnesses.plausibility import Plausibility
from controller.safety.witnesses.pressure_witnesses import PressureWitnesses
from controller.safety.witnesses.proof import CirculationProof
from controller.safety.witnesses.substitutes import OutdoorSubstitute, ReturnPressureSubstitute
from controller.settings.free_alarms import free_alarm
from controller.settings.station import StationFile
from controller.settings.wiring import wire
from controller.why import Why
from drivers.profile import Profile

LONGEST_OVERRIDE_S = 86400.0
START_LEVELS = ("normal", "last_good", "without_state", "safe_mode")
"""What a start may leave out: nothing, the newest file, the blocks' memory, the circuits' own control."""

Substitute = (
    OutdoorWitness
    | OutdoorSubstitute
    | CrossedPressures
    | PressureWitnesses
    | ReturnPressureSubstitute
    | Plausibility
)
"""What stands between the inputs and those who use them; each has `step(now, dt)`."""


class Station:
    """A running station without its wires. Built by `build`.

    `safe_mode`: circuits in least control, nothing learned or watched."""

    def __init__(
        self, file: StationFile, profiles: Mapping[str, Profile], *, safe_mode: bool = False
    ) -> None:
        self.file = file
        self.safe_mode = safe_mode
        self.zone = ZoneInfo(file.station.time_zone)
        self.wiring: Wiring = wire(file, profiles)
        self.image = Image()
        bus_of = {name: device.bus for name, device in file.devices.items()}
        self.alarms = AlarmBook(CAUSES, feeds_by(self.wiring, bus_of))
        self.guard = PartGuard(self.alarms)
        self.inputs = Inputs(self.wiring, self.image)
        self.outdoor = OutdoorSubstitute(self.image["station.outdoor_temperature"])
        self.substitutes: list[Substitute] = [self.outdoor]
        self.witness = self._outdoor_witness(file.outdoor)
        if self.witness is not None:
            self.substitutes.insert(0, self.witness)
        self.plausible: list[Plausibility] = []
        self.pressure_witnesses: dict[str, PressureWitnesses] = {}
        self.season = StationSeason(file.season, file.station.name, self.image)
        self.proofs: list[CirculationProof] = []
        self.circuits: list[CircuitHolder] = []
        for name, settings in file.circuits.items():
            self._add_circuit(name, settings)
        self.tank: TankInlet | None = None
        if file.tank is not None and file.tank.inlet is not None:
            self.tank = TankInlet(file.tank.fill_below, file.tank.stop_above, self.image)
        all_watched = [watched(holder) for holder in self.circuits]
        self.equipment = Equipment(self.image, all_watched, self.wiring.redundant)
        self.table = SafetyTable(self._rules())
        self._add_outputs()
        self.adjustables: dict[str, Adjustable] = {}
        self._add_settings()
        self._service_points()
        self._channels: list[tuple[OutputChannel, Output]] = [
            (channel, self.image.outputs[channel.output]) for channel in self.wiring.outputs
        ]
        own = [free_alarm(settings, self.image.points) for settings in file.alarms]
        self.free_alarms = FreeAlarms(own, self.image, self.alarms) if own else None
        self.confirmation = Confirmation(self.wiring, self.image)
        self._points = list(self.image.points.values())
        self.tunings = {h.circuit.care.request.name: h for h in self.circuits if not safe_mode}
        writable = [*self.adjustables, *self.tunings, *self.wishes]
        writable += [*(n for n in self.image.outputs if n not in self.carried_out)]
        self.catalogue: tuple[PointInfo, ...] = catalogue(self._points, writable)
        self._not_run: dict[str, Any] = {}
        self._why = Why(
            self.image,
            self.circuits,
            self.season,
            self.tank,
            self.adjustables,
            self.inputs,
            self.equipment,
            frozenset(self.wiring.redundant),
        )
        self.scans = 0
        self.last_scan: float | None = None

    def _add_circuit(self, name: str, settings: ExchangerSettings | MixingSettings) -> None:
        group, alone = settings.circulation, len(self.file.circuits) == 1
        makeups = len(settings.makeup.pumps) if settings.makeup is not None else 0
        self.plausible.append(Plausibility(self.image, name, len(group.pumps), makeups))
        self.pressure_witnesses[name] = PressureWitnesses(self.image, name, len(group.pumps), makeups)
        self.substitutes += [
            CrossedPressures(self.image, name, len(group.pumps)),
            self.pressure_witnesses[name],
            ReturnPressureSubstitute(self.image, name, len(group.pumps)),
            self.plausible[-1],
        ]
        self.proofs.append(CirculationProof(self.image, name, len(group.pumps), group.proof))
        station = self.file.station.name

        def make() -> HeatingCircuit:
            return make_circuit(name, settings, self.image, alone, station)

        holder = CircuitHolder(name, make, self.alarms, self.image, only_least=self.safe_mode)
        self.circuits.append(holder)

    def _add_outputs(self) -> None:
        """Those that people and the table command, and those of the elements that carry them out."""
        final = [o for h in self.circuits for element in h.circuit.elements for o in element.outputs]
        self.final_outputs = Outputs(final, self.image, self.table.codes)
        self.carried_out = frozenset(output.name for output in final)
        led = [output for output in self.image.outputs.values() if output.name not in self.carried_out]
        self.outputs = Outputs(led, self.image, self.table.codes)

    def _outdoor_witness(self, settings: OutdoorSettings | None) -> OutdoorWitness | None:
        """None where the station knows its outdoor temperature by one sensor alone."""
        if settings is None and OUTDOOR not in self.wiring.redundant:
            return None
        written = OutdoorWritten(self.image) if settings is not None else None
        rooms = [room for name in self.file.circuits for room in room_points(self.image, name)]
        return OutdoorWitness(settings or OutdoorSettings(), self.image, written, rooms)

    def _add_settings(self) -> None:
        """What may be changed while the station runs."""
        for name, settings in self.file.circuits.items():
            for setting in adjustables(settings, name):
                self._add_setting(setting)
            if isinstance(settings, ExchangerSettings) and settings.exchangers is not None:
                for setting in out_switches(name, settings.exchangers):
                    self._add_setting(setting)
        season = self.season.season.adjustable()
        self.adjustables[season.point.name] = season

    def _add_setting(self, setting: Adjustable) -> None:
        self.image.add(setting.point)
        self.adjustables[setting.point.name] = setting
        setting.put(setting.file_value, 0.0)

    def _last_exchanger(self, setting: Adjustable, value: float) -> bool:
        """This write would leave a circuit without an exchanger."""
        several = [c.exchangers for c in self.file.circuits.values() if isinstance(c, ExchangerSettings)]
        return any(leaves_none(one, setting, value) for one in several if one is not None)

    def _service_points(self) -> None:
        """Points that the service writes about itself."""
        self.scan_time = self.image.add(Point("station.scan_time", "duration", role="service"))
        self.scan_time_worst = self.image.add(Point("station.scan_time_worst", "duration", role="service"))
        self.late_scans = self.image.add(Point("station.late_scans", "count", role="service"))
        self.level = self.image.add(
            Point("station.start_level", "choice", choices=START_LEVELS, role="service")
        )

    def _rules(self) -> list[Rule]:
        guarded = [protected(holder) for holder in self.circuits]
        makeup_runs = [run for circuit in guarded for run in circuit.makeup_runs]
        rules: list[Rule] = [row for circuit in guarded for row in circuit_rules(circuit, self.image)]
        tank = self.file.tank
        low = tank.low if tank is not None else math.nan
        high = tank.high if tank is not None and tank.high is not None else math.inf
        full = tank.stop_above if tank is not None else math.nan
        rules += station_rules(self.image, makeup_runs, low, high, full, lambda: self.season.plan)
        # Weaker than an empty tank.
        rules += [row for circuit in guarded for row in low_pressure_rule(circuit, self.image)]
        rules += [row for part in self.plausible for row in part.rules()]
        rules += [row for part in self.pressure_witnesses.values() for row in part.rules()]
        rules += self.witness.rules() if self.witness is not None else ()
        return rules if self.safe_mode else [*rules, *self.equipment.rules()]

    def step_season(self, tick: Tick) -> None:
        """What the season, and a power cut that has just ended, allow in this scan."""
        self.season.step(tick, self.outdoor.mean, self._working(), self.alarms)

    def plan_of(self, holder: CircuitHolder) -> SeasonPlan:
        """What they allow a circuit."""
        return self.season.plan_of(holder.circuit, self._working())

    def _working(self) -> list[HeatingCircuit]:
        return [holder.circuit for holder in self.circuits if holder.works]

    @property
    def sound(self) -> bool:
        """No part of the program is broken, and every circuit has its own control."""
        return all(holder.works for holder in self.circuits) and not self.guard.broken

    def failed_outputs(self) -> set[str]:
        """Outputs of which nobody demands anything in this scan."""
        return {
            output.name for holder in self.circuits if holder.abandoned for output in holder.circuit.outputs
        }

    def writes(self) -> tuple[tuple[Key, float], ...]:
        """What the wires shall carry now."""
        return tuple(
            (channel.target, channel.raw(output.value))
            for channel, output in self._channels
            if output.quality is not Quality.BAD
        )

    def report_inputs(self, readings: Mapping[Key, Reading]) -> None:
        """Alarms of loops and inputs: one for a dead device, one for each point that is bad by itself."""
        for holder in self.circuits:
            holder.circuit.control.monitor.report(self.alarms, holder.circuit.valve.name)
        self.confirmation.report(self.alarms)
        if self.inputs.quiet:
            return
        silent, repeating = self.inputs.silent_devices(readings), self.inputs.repeating_devices()
        for device in self.file.devices:
            self.alarms.report("device_silent", device, device in silent, "high")
            self.alarms.report("device_repeats", device, device in repeating, "high")
        for point, device, fault in self.inputs.complaints():
            bad = bool(fault) and device not in silent
            values = (("why", f"quality_{fault}", "text"),) if bad else ()
            self.alarms.report("input_bad", point.name, bad, "warning", values)
        for name in self.wiring.redundant:
            differs = self.image[name].reason in PAIR_REASONS
            self.alarms.report("sensors_disagree", name, differs, "high")

    def snapshot(self, wall: float) -> Snapshot:
        """The newest values of all points, for other threads."""
        points = self._points
        return Snapshot(
            self.scans,
            self.last_scan or 0.0,
            wall,
            tuple([point.value for point in points]),
            bytes([point.quality for point in points]),
            tuple([point.reason for point in points]),
            tuple([point.time for point in points]),
            self.alarms.view(),
        )

    # ---- commands

    def check(self, command: Command) -> Answer:
        """May this command be taken? Rights were checked at the door; this is meaning and range."""
        subject = (("subject", command.subject, "text"),)
        if command.kind is CommandKind.ACKNOWLEDGE:
            return Answer(True, "taken", subject)
        if command.kind in (CommandKind.SHELVE, CommandKind.UNSHELVE):
            return check_shelf(self.alarms, command)
        wish = self.wish(command.subject)
        if wish is not None:
            return wish.check(command)
        if command.kind is CommandKind.WRITE and command.subject in self.tunings:
            circuit = self.tunings[command.subject].circuit
            why = circuit.care.refuses(command.value, circuit.control)
            if why == "tuning_busy":
                return Answer(False, "tuning_busy", subject)
            if why == "tuning_no_loop":
                return Answer(False, "tuning_no_loop", subject)
            if why == "nothing_proposed":
                return Answer(False, "nothing_proposed", subject)
            if why:
                bounds = (("low", 0.0, "number"), ("high", circuit.care.request.high, "number"))
                return Answer(False, "outside_range", (("value", command.value, "number"), *bounds))
            return Answer(True, "taken", subject)
        if command.kind is CommandKind.WRITE:
            setting = self.adjustables.get(command.subject)
            if setting is None:
                return Answer(False, "not_adjustable", subject)
            section = setting.lacks(command.value)
            if section:
                return Answer(False, "section_missing", (*subject, ("section", section, "text")))
            if setting.refuses(command.value):
                quantity, amount = setting.amount.quantity, setting.amount
                bounds = (("low", amount.low, quantity), ("high", amount.high, quantity))
                return Answer(False, "outside_range", (("value", command.value, quantity), *bounds))
            if self._last_exchanger(setting, command.value):
                return Answer(False, "last_exchanger", subject)
            return Answer(True, "taken", subject)
        output = self.image.outputs.get(command.subject)
        if output is None:
            return Answer(False, "not_an_output", subject)
        if output.name in self.carried_out:
            return Answer(False, "carried_out", subject)
        if command.kind is CommandKind.RELEASE:
            return Answer(True, "taken", subject)
        if not output.low <= command.value <= output.high:
            bounds = (("low", output.low, output.quantity), ("high", output.high, output.quantity))
            return Answer(False, "outside_range", (("value", command.value, output.quantity), *bounds))
        if not 0 < command.lasts_s <= LONGEST_OVERRIDE_S:
            return Answer(False, "override_too_long", (("longest", LONGEST_OVERRIDE_S / 3600, "number"),))
        return Answer(True, "taken", subject)

    @property
    def wishes(self) -> dict[str, WishPoint]:
        """All that is written and ends by itself, by name; a rebuilt circuit has new ones. None in safe mode,
        which follows the curve: one of before waits on disk as long as it lasts."""
        found: dict[str, WishPoint] = {}
        if self.safe_mode:
            return found
        if self.witness is not None and self.witness.written is not None:
            found |= self.witness.written.wishes
        for holder in self.circuits:
            found |= holder.circuit.setpoint.wishes
        return found

    def wish(self, name: str) -> WishPoint | None:
        """The wish point of that name, or None."""
        return self.wishes.get(name)

    def apply(self, command: Command, now: float, wall: float) -> Event:
        """Carry out a checked command at the start of a scan; the event says its effect."""
        old, quantity, code = math.nan, "number", "done"
        if command.kind is CommandKind.ACKNOWLEDGE:
            code_name, _, subject = command.subject.partition("@")
            found = self.alarms.acknowledge(code_name, subject, command.user, command.source)
            if code_name in ("pump_failed", "pump_locked_out", "exchanger_stuck", "exchanger_no_heat"):
                for holder in self.circuits:
                    holder.circuit.forgive(subject)
            code = "done" if found else "no_such_alarm"
        elif command.kind in (CommandKind.SHELVE, CommandKind.UNSHELVE):
            apply_shelf(self.alarms, command)
        elif (wish := self.wish(command.subject)) is not None:
            old, quantity = wish.point.value, wish.point.quantity
            wish.apply(command, now)
        elif command.kind is CommandKind.WRITE and command.subject in self.tunings:
            circuit = self.tunings[command.subject].circuit
            old = circuit.care.request.value
            circuit.care.take(command.value, circuit.control, now)
        elif command.kind is CommandKind.WRITE:
            setting = self.adjustables[command.subject]
            old, quantity = setting.point.value, setting.amount.quantity
            setting.put(command.value, now)
            if setting.point is self.season.point:
                self.season.season.wrote(command.value)
        else:
            output = self.image.outputs[command.subject]
            old, quantity = output.value, output.quantity
            if command.kind is CommandKind.RELEASE:
                output.override = None
            else:
                until = now + command.lasts_s
                output.override = Override(command.value, command.user, command.source, until, command.reason)
        return Event(
            now,
            wall,
            "effect",
            command.subject,
            f"{command.kind}_{code}",
            command.user,
            command.source,
            (("old", old, quantity), ("new", command.value, quantity), ("reason", command.reason, "text")),
        )

    # ---- state

    def state(self) -> dict[str, Any]:
        """What must survive a restart, as plain JSON values. What safe mode does not run stays as it was."""
        return {
            "time": self.last_scan,
            "outdoor": self.outdoor.state(),
            "outdoor_witness": self.witness.state() if self.witness is not None else None,
            "pressures": {name: part.state() for name, part in self.pressure_witnesses.items()},
            "season": self.season.state(),
            **(self._not_run if self.safe_mode else self._learned()),
            "alarms": self.alarms.state(),
            "free_alarms": self.free_alarms.state() if self.free_alarms is not None else [],
            "outputs": {
                name: output.value
                for name, output in self.image.outputs.items()
                if output.quality is not Quality.BAD
            },
        }

    def _learned(self) -> dict[str, Any]:
        """What safe mode does not run."""
        circuits = {holder.name: holder.circuit.state() for holder in self.circuits}
        return {"circuits": circuits, "equipment": self.equipment.state()}

    def restore_least(self, state: Mapping[str, Any]) -> None:
        """Of a remembered state only what says how the plant stands: season, outputs, shelves of alarms. What
        the blocks remember is left out; safe mode keeps it for a later start."""
        if self.safe_mode:
            self._not_run = {key: state[key] for key in ("circuits", "equipment") if key in state}
        season = state.get("season")
        if isinstance(season, dict):
            self.season.restore(season)
        self.alarms.restore(state.get("alarms"))
        self._restore_outputs(state.get("outputs"))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a remembered state; what is missing or odd is left out."""
        for part, key in ((self.outdoor, "outdoor"), (self.season, "season")):
            remembered = state.get(key)
            if isinstance(remembered, dict):
                part.restore(remembered)
        if self.witness is not None:
            self.witness.restore(state.get("outdoor_witness"))
        pressures = state.get("pressures")
        for name, witnesses in self.pressure_witnesses.items():
            witnesses.restore(pressures.get(name) if isinstance(pressures, dict) else None)
        circuits = state.get("circuits")
        for holder in self.circuits:
            if isinstance(circuits, dict) and isinstance(circuits.get(holder.name), dict):
                holder.circuit.restore(circuits[holder.name])
        self.equipment.restore(state.get("equipment"))
        self.alarms.restore(state.get("alarms"))
        if self.free_alarms is not None:
            self.free_alarms.restore(state.get("free_alarms"))
        self._restore_outputs(state.get("outputs"))

    def restore_setting(self, name: str, value: float) -> None:
        """A value that an operator set before the restart; one that is out of range by now is left out."""
        setting = self.adjustables.get(name)
        if setting is not None and setting.point is self.season.point and self.season.is_old(value):
            return  # a date, or the end of heating up, has gone on from there
        if setting is not None and not setting.refuses(value) and not self._last_exchanger(setting, value):
            setting.put(value, 0.0)
            if setting.point is self.season.point:
                self.season.season.wrote(value)

    def restore_overrides(self, kept: Mapping[str, Override], now: float) -> None:
        """Hands on outputs, and wishes, that were there before the restart; no others."""
        for name, wish in self.wishes.items():
            wish.remember(kept.get(name), now)
        for name, override in kept.items():
            output = self.image.outputs.get(name)
            if output is not None and output.low <= override.value <= output.high:
                output.override = override

    def _restore_outputs(self, outputs: object) -> None:
        """Outputs go on from where they were; a real feedback wins in the first scan."""
        for name, value in outputs.items() if isinstance(outputs, dict) else ():
            output = self.image.outputs.get(name)
            if output is not None and isinstance(value, int | float) and output.low <= value <= output.high:
                output.put(float(value), -math.inf)

    def explain(self, name: str) -> Term:
        """Why a point has its value: a tree of codes, values and units. KeyError for an unknown point."""
        return self._why.explain(name, self.last_scan or 0.0)


def build(file: StationFile, profiles: Mapping[str, Profile], *, safe_mode: bool = False) -> Station:
    """A station from a checked file."""
    return Station(file, profiles, safe_mode=safe_mode)

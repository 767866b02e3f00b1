"""The door: what a person or machine does to the running station goes through this OPC UA server.

It shows the newest snapshot and turns writes and method calls into commands. It runs in the outside
thread's loop; `take` and `explain` reach the main loop and are given by the service.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import math
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlparse

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes as Codes

from controller.clock import Clock
from controller.commands import Answer, Command, CommandKind
from controller.points import AlarmView, PointInfo, Quality, Snapshot, Term
from controller.upstream import certificates, wire
from controller.upstream.guard import GuardedServer
from controller.upstream.nodes import (
    ALARMS,
    METHODS,
    NAMESPACE,
    REASONS,
    STATION,
    AddressSpace,
    moment,
    standard,
    variant_of,
    variant_type,
)
from controller.upstream.sessions import Person
from controller.upstream.status import SEVERITY, refusal, status_of
from controller.upstream.users import Users

SOURCE = "opcua"
ANSWER_WITHIN_S = 5.0
"""Wire time for the main loop to answer a command or a question."""

_TIME_TOLD_S = 10.0
"""Subscribers who ask for source times alone are told them this often (plant seconds)."""
_LONGEST_REASON = 200
_CURRENT_TIME = standard(ObjectIds.Server_ServerStatus_CurrentTime)

log = logging.getLogger(__name__)

Row = tuple[float, int, str, float]


class Door:
    """OPC UA server of one station.

    `anonymous`: guests may read; only from the board itself, whatever the endpoint listens on.
    `say`: text of an alarm for the message of its event; without it the message is code and subject.
    """

    def __init__(
        self,
        endpoint: str,
        station_name: str,
        catalogue: Sequence[PointInfo],
        directory: Path,
        users: Users,
        take: Callable[[Command], Awaitable[Answer]],
        explain: Callable[[str], Awaitable[Term]],
        clock: Clock,
        *,
        anonymous: bool = True,
        say: Callable[[AlarmView], str] | None = None,
    ) -> None:
        self._url = urlparse(endpoint)
        self._station_name = station_name
        self._catalogue = tuple(catalogue)
        self._directory = directory
        self._users = users
        self._take = take
        self._explain = explain
        self._clock = clock
        self._anonymous = anonymous
        self._say = say or (lambda alarm: f"{alarm.code} {alarm.subject}")
        self._uri = certificates.application_uri(station_name)
        self._types = [variant_type(info) for info in self._catalogue]
        self._by_name = {info.name: index for index, info in enumerate(self._catalogue)}
        self._taking: set[asyncio.Future[Answer]] = set()
        self._forget()

    def _forget(self) -> None:
        self._server: GuardedServer | None = None
        self._space = AddressSpace(2)
        self._nodes: list[ua.NodeId] = []
        self._shown: list[Row | None] = [None] * len(self._catalogue)
        self._told: list[float] = [-math.inf] * len(self._catalogue)
        self._held: dict[int, int] = {}
        self._scan = 0
        self._shift = 0.0
        self._now: ua.DateTime | None = None
        self._reasons = ""
        self._alarms: tuple[AlarmView, ...] | None = None
        self._alarms_shift = 0.0
        self._explained: dict[str, str] = {}
        self._certificate_seen = -math.inf

    @property
    def endpoint(self) -> str:
        """Where it listens; the port is the real one after `start`."""
        return self._url.geturl()

    async def start(self) -> None:
        """Build the address space and open the port. OSError: port taken, or directory not writable."""
        server = GuardedServer(self._users, self, self._anonymous)
        self._server = server
        try:
            await self._build(server)
            port = await server.listen()
        except BaseException:
            await server.iserver.stop()
            self._forget()
            raise
        self._url = self._url._replace(netloc=f"{_bracketed(self._url.hostname)}:{port}")
        log.info("door_open: %s", self.endpoint)

    async def _build(self, server: GuardedServer) -> None:
        server.set_endpoint(self.endpoint)
        server.set_server_name(self._station_name)
        server.product_uri, server.manufacturer_name = NAMESPACE, "heat-station"
        await server.init()
        await server.set_application_uri(self._uri)
        self._space = AddressSpace(await server.register_namespace(NAMESPACE))
        await self._look_at_certificate(self._clock.wall())
        for result in await server.iserver.isession.add_nodes(
            self._space.items(self._station_name, self._catalogue)
        ):
            result.StatusCode.check()
        self._nodes = [self._space.node(info.name) for info in self._catalogue]
        for index, info in enumerate(self._catalogue):
            await self._show(index, (math.nan, Quality.BAD, "no_reading", -math.inf), info, tell=True)
        self._events = await server.get_event_generator(ObjectIds.BaseEventType, ObjectIds.Server)

    async def stop(self) -> None:
        """Close the port and all sessions."""
        server = self._server
        if server is not None:
            self._server = None
            await server.stop()
            self._forget()

    async def publish(self, snapshot: Snapshot) -> None:
        """Show a snapshot; subscribers are told what changed. The catalogue's order is the snapshot's."""
        server = self._server
        if server is None:
            return
        shift = snapshot.wall - snapshot.time
        # The board learned what time it is: what stands still needs its new source time as well.
        is_shifted = abs(shift - self._shift) > 1.0
        self._scan, self._shift = snapshot.scan, shift
        self._now = moment(snapshot.wall)
        self._explained.clear()
        await self._publish_reasons(server, snapshot)
        rows = zip(snapshot.values, snapshot.qualities, snapshot.reasons, snapshot.times, strict=True)
        for index, row in enumerate(rows):
            if index in self._held:
                if snapshot.scan < self._held[index]:
                    continue
                del self._held[index]
            last = self._shown[index]
            if last is not None and not is_shifted and _same(row, last):
                if row[3] == last[3]:
                    continue
                tell = row[3] - self._told[index] >= _TIME_TOLD_S
            else:
                tell = True
            await self._show(index, row, self._catalogue[index], tell)
        await self._publish_alarms(server, snapshot, shift)
        server.place(_CURRENT_TIME, ua.DataValue(ua.Variant(self._now, ua.VariantType.DateTime)))
        if snapshot.wall - self._certificate_seen >= certificates.DAY_S:
            await self._look_at_certificate(snapshot.wall)

    async def _show(self, index: int, row: Row, info: PointInfo, tell: bool) -> None:
        server = self._server
        if server is None:
            return
        value, quality, reason, time = row
        status = status_of(Quality(quality), reason)
        variant = variant_of(value, self._types[index]) if quality != Quality.BAD else None
        if variant is None:
            variant = ua.Variant(None, ua.VariantType.Null)
            if quality != Quality.BAD:  # a value that is none: control says good, the type says no
                status = Codes.BadNoData
        data = ua.DataValue(
            variant,
            StatusCode=ua.StatusCode(ua.UInt32(status)),
            SourceTimestamp=moment(time + self._shift),
            ServerTimestamp=self._now,
        )
        self._shown[index] = row
        if tell:
            self._told[index] = time
            await server.write_attribute_value(self._nodes[index], data)
        else:
            server.place(self._nodes[index], data)

    async def _publish_reasons(self, server: GuardedServer, snapshot: Snapshot) -> None:
        """Before the values, so that a subscriber knows the reason when the value comes."""
        reasons = json.dumps(
            {info.name: r for info, r in zip(self._catalogue, snapshot.reasons, strict=True) if r}
        )
        if reasons != self._reasons:
            self._reasons = reasons
            await self._write_text(server, REASONS, reasons, snapshot.wall)

    async def _publish_alarms(self, server: GuardedServer, snapshot: Snapshot, shift: float) -> None:
        """Alarms leave in wall time; an alarm is the same one whatever the board learns of the time."""
        if snapshot.alarms == self._alarms and abs(shift - self._alarms_shift) <= 1.0:
            return
        before, self._alarms, self._alarms_shift = self._alarms or (), snapshot.alarms, shift
        shown = [
            dataclasses.replace(
                a,
                since=a.since + shift,
                ended=None if a.ended is None else a.ended + shift,
                shelved_until=None if a.shelved_until is None else a.shelved_until + shift,
            )
            for a in snapshot.alarms
        ]
        await self._write_text(server, ALARMS, wire.alarms_to_json(shown), snapshot.wall)
        await self._tell_alarms(before, snapshot)

    async def _write_text(self, server: GuardedServer, name: str, text: str, wall: float) -> None:
        data = ua.DataValue(ua.Variant(text, ua.VariantType.String), SourceTimestamp=moment(wall))
        await server.write_attribute_value(self._space.node(name), data)

    async def _tell_alarms(self, before: tuple[AlarmView, ...], snapshot: Snapshot) -> None:
        """One event for each alarm that came or went."""
        old = {_key(alarm): alarm for alarm in before if alarm.ended is None and not alarm.hidden_by}
        new = {_key(a): a for a in snapshot.alarms if a.ended is None and not a.hidden_by}
        for key, alarm in new.items():
            if key not in old:
                await self._tell(alarm, self._say(alarm), SEVERITY.get(alarm.priority, 500), alarm.since)
        for key, alarm in old.items():
            if key not in new:
                await self._tell(alarm, f"✓ {self._say(alarm)}", 1, snapshot.time)

    async def _tell(self, alarm: AlarmView, message: str, severity: int, time: float) -> None:
        event = self._events.event
        known = alarm.subject in self._by_name
        event.SourceNode = self._space.node(alarm.subject if known else STATION)
        event.SourceName = alarm.subject
        event.Severity = severity
        await self._events.trigger(time_attr=moment(time + self._shift), message=message)

    async def _look_at_certificate(self, wall: float) -> None:
        """Renew the certificate where that is due; clients that connect from then on see the new one."""
        self._certificate_seen = wall
        own = self._url.hostname
        hosts = (socket.gethostname(), "localhost", "127.0.0.1", *([own] if own else []))
        identity = await asyncio.to_thread(certificates.ensure, self._directory, self._uri, hosts, wall)
        if self._server is not None and self._server.iserver.certificate != identity.certificate:
            await self._server.use(identity.certificate, identity.key)

    # What clients do: the desk that the guard's sessions ask.

    def writable(self, node: ua.NodeId) -> bool:
        """True for settings and for methods that only an operator may call."""
        if node.NamespaceIndex != self._space.ns or not isinstance(node.Identifier, str):
            return False
        index = self._by_name.get(node.Identifier)
        if index is not None:
            return self._catalogue[index].writable
        method = METHODS.get(node.Identifier.removeprefix(f"{STATION}."))
        return method is not None and method.operator

    async def write(self, person: Person, item: ua.WriteValue) -> ua.StatusCode:
        """A client's write as a command. Only an accepted one changes what the address space shows."""
        index = None
        if item.NodeId.NamespaceIndex == self._space.ns:
            index = self._by_name.get(str(item.NodeId.Identifier))
        if index is None or item.AttributeId != AttributeIds.Value or not self._catalogue[index].writable:
            known = self._server is not None and item.NodeId in self._server.iserver.aspace
            return _code(Codes.BadNotWritable if known else Codes.BadNodeIdUnknown)
        if not person.may_write:
            return _code(Codes.BadUserAccessDenied)
        if item.IndexRange:
            return _code(Codes.BadWriteNotSupported)
        variant = item.Value.Value
        if variant is None or variant.VariantType != self._types[index] or variant.is_array:
            return _code(Codes.BadTypeMismatch)
        value = float(variant.Value)
        name = self._catalogue[index].name
        answer = await self._ask(Command(CommandKind.WRITE, name, value, person.name, SOURCE))
        if answer.is_good():
            # Until a scan has surely seen it: the next one may be under way in the other thread.
            self._held[index] = self._scan + 2
            row = (value, Quality.GOOD, "", self._clock.wall() - self._shift)
            await self._show(index, row, self._catalogue[index], tell=True)
        return answer

    async def call(self, person: Person, request: ua.CallMethodRequest) -> ua.CallMethodResult:
        """A client's method call."""
        name = str(request.MethodId.Identifier)
        method = METHODS.get(name.removeprefix(f"{STATION}."))
        if method is None or request.MethodId != self._space.node(f"{STATION}.{method.name}"):
            return _result(Codes.BadMethodInvalid)
        if request.ObjectId != self._space.node(STATION):
            return _result(Codes.BadNodeIdInvalid)
        if method.operator and not person.may_write:
            return _result(Codes.BadUserAccessDenied)
        given = request.InputArguments or []
        if len(given) != len(method.inputs):
            few = len(given) < len(method.inputs)
            return _result(Codes.BadArgumentsMissing if few else Codes.BadTooManyArguments)
        fits = [
            v.VariantType == kind and not v.is_array
            for v, (_, kind, _) in zip(given, method.inputs, strict=True)
        ]
        if not all(fits):
            result = _result(Codes.BadInvalidArgument)
            result.InputArgumentResults = [_code(0 if fit else Codes.BadTypeMismatch) for fit in fits]
            return result
        arguments = [argument.Value for argument in given]
        if method.name == "Explain":
            return await self._call_explain(str(arguments[0]))
        if method.name == "Catalogue":
            return _result(Codes.Good, wire.catalogue_to_json(self._catalogue))
        command = _command(method.name, arguments, person.name)
        return _result((await self._ask(command)).value)

    async def _call_explain(self, name: str) -> ua.CallMethodResult:
        if name not in self._by_name:
            return _result(Codes.BadNodeIdUnknown)
        # Kept until the next snapshot: a guest who keeps asking costs the main loop one walk a scan.
        text = self._explained.get(name)
        if text is None:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    text = wire.term_to_json(await self._explain(name))
            except TimeoutError:
                return _result(Codes.BadTimeout)
            except Exception:
                log.exception("explain_failed: %s", name)
                return _result(Codes.BadInternalError)
            self._explained[name] = text
        return _result(Codes.Good, text)

    async def _ask(self, command: Command) -> ua.StatusCode:
        if not math.isfinite(command.value) or not math.isfinite(command.lasts_s):
            return _code(Codes.BadOutOfRange)
        # Its own task, so that a client who hangs up or a late answer never leaves a command half taken.
        task = asyncio.ensure_future(self._take(command))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)
        done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN_S)
        if not done:
            return _code(Codes.BadTimeout)
        problem = task.exception()
        if problem is not None:
            log.error("command_failed: %s %s", command.kind, command.subject, exc_info=problem)
            return _code(Codes.BadInternalError)
        answer = task.result()
        return _code(Codes.Good if answer.accepted else refusal(answer.code))


def _command(method: str, arguments: list[object], user: str) -> Command:
    """The command of a method that only an operator may call; its arguments have the right types."""
    first = str(arguments[0] or "")
    if method == "Override":
        value, minutes = float(str(arguments[1])), float(str(arguments[2]))
        reason = str(arguments[3] or "")[:_LONGEST_REASON]
        return Command(CommandKind.OVERRIDE, first, value, user, SOURCE, minutes * 60.0, reason)
    if method == "Release":
        return Command(CommandKind.RELEASE, first, 0.0, user, SOURCE)
    # An alarm's name is its code and what it is about.
    name = f"{first}@{arguments[1] or ''}"
    if method == "Shelve":
        reason = str(arguments[3] or "")[:_LONGEST_REASON]
        lasts_s = float(str(arguments[2])) * 60.0
        return Command(CommandKind.SHELVE, name, 0.0, user, SOURCE, lasts_s, reason)
    if method == "Unshelve":
        return Command(CommandKind.UNSHELVE, name, 0.0, user, SOURCE)
    return Command(CommandKind.ACKNOWLEDGE, name, 0.0, user, SOURCE)


def _same(one: Row, other: Row) -> bool:
    """True when nothing but the time differs."""
    value = one[0] == other[0] or (math.isnan(one[0]) and math.isnan(other[0]))
    return value and one[1] == other[1] and one[2] == other[2]


def _key(alarm: AlarmView) -> tuple[str, str, float]:
    return (alarm.code, alarm.subject, alarm.since)


def _code(value: int) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(value))


def _result(status: int, text: str | None = None) -> ua.CallMethodResult:
    result = ua.CallMethodResult()
    result.StatusCode = _code(status)
    if text is not None:
        result.OutputArguments = [ua.Variant(text, ua.VariantType.String)]
    return result


def _bracketed(host: str | None) -> str:
    return f"[{host}]" if host and ":" in host else host or ""

"""Client of the door, for the panel, the tools and whoever writes a script.

    async with DoorClient("opc.tcp://127.0.0.1:4840/heat-station", Path("/run/heat-station")) as door:
        print(await door.read(["low.supply_temperature"]))

With `directory` it is the operator on the board: it takes the token that the service laid there and
accepts no other server than the one whose certificate lies beside it. With a name and a password it
is that person. Without either it is a guest, who may read.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import math
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes as Codes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from cryptography import x509

from controller.points import AlarmView, PointInfo, Quality, Term
from controller.upstream import certificates, wire
from controller.upstream.nodes import ALARMS, NAMESPACE, REASONS, STATION, standard, variant_type
from controller.upstream.sentences import DoorError, plain, refused
from controller.upstream.users import LOCAL, read_token

__all__ = ["ENDPOINT", "DoorClient", "DoorError", "Value"]

ENDPOINT = "opc.tcp://127.0.0.1:4840/heat-station"
_REQUEST_WITHIN_S = 6.0
_SESSION_MS = 60_000


class Value(NamedTuple):
    """What the door says of a point.

    `value` in the quantity's unit, NaN where there is none; `quality` is `good`, `uncertain: <reason>`
    or `bad: <reason>`; `time` in Unix seconds, NaN when it was never read.
    """

    value: float
    quality: str
    time: float

    @property
    def grade(self) -> Quality:
        """The quality without its reason."""
        return Quality[self.quality.partition(":")[0].upper()]

    @property
    def reason(self) -> str:
        """Code of what is wrong or special; empty when nothing is."""
        return self.quality.partition(": ")[2]


class DoorClient:
    """One connection to the door. `directory`: where the service laid its token and certificate."""

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        directory: Path | None = None,
        *,
        user: str = "",
        password: str = "",
    ) -> None:
        self.endpoint = endpoint
        self._directory = directory
        self._user = user
        self._password = password
        self._client: Client | None = None
        self._ns = 2
        self._catalogue: tuple[PointInfo, ...] = ()

    async def __aenter__(self) -> DoorClient:
        await self.connect()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Come in. DoorError: not_reachable, no_token, wrong_login, no_guests, busy."""
        client = Client(self.endpoint, timeout=_REQUEST_WITHIN_S)
        client.session_timeout = _SESSION_MS
        async with self._sentences("", coming_in=True):
            user, password = self._user, self._password
            if self._directory is not None:
                token = await asyncio.to_thread(read_token, self._directory)
                if token is None:
                    raise DoorError(
                        "no_token",
                        f"No readable token in {self._directory}: the service is not running, "
                        "or you are not in its group (heat-station).",
                        directory=str(self._directory),
                    )
                user, password = LOCAL, token
            if user:
                await self._encrypt(client)
                client.set_user(user)
                client.set_password(password)
            await client.connect()
            self._client = client
            self._ns = await client.get_namespace_index(NAMESPACE)

    async def close(self) -> None:
        """Leave; a door that is gone already is no error."""
        client, self._client = self._client, None
        if client is not None:
            try:
                async with asyncio.timeout(_REQUEST_WITHIN_S):
                    await client.disconnect()
            except (OSError, TimeoutError, UaError):
                client.disconnect_socket()

    async def station_name(self) -> str:
        """The station's name for people."""
        node = self._node(STATION)
        async with self._sentences(STATION):
            data = await self._open().uaclient.read_attributes([node], AttributeIds.DisplayName)
            return str(data[0].Value.Value.Text) if data[0].Value else ""

    async def read(self, names: Iterable[str]) -> dict[str, Value]:
        """Newest values. DoorError: no_such_point, not_reachable."""
        wanted = list(names)
        async with self._sentences("values"):
            nodes = [self._node(name) for name in [*wanted, REASONS]]
            data = await self._open().uaclient.read_attributes(nodes, AttributeIds.Value)
        reasons = _reasons(data.pop())
        values: dict[str, Value] = {}
        for name, one in zip(wanted, data, strict=True):
            if _status(one) in (Codes.BadNodeIdUnknown, Codes.BadNodeIdInvalid):
                raise await self._no_such_point(name)
            values[name] = _value(one, reasons.get(name, ""))
        return values

    async def time(self) -> float:
        """The station's own time (Unix seconds)."""
        async with self._sentences("time"):
            node = standard(ObjectIds.Server_ServerStatus_CurrentTime)
            data = await self._open().uaclient.read_attributes([node], AttributeIds.Value)
            moment = data[0].Value.Value if data[0].Value else None
            return math.nan if moment is None else float(moment.timestamp())

    async def catalogue(self) -> tuple[PointInfo, ...]:
        """All points; asked once a connection, for it does not change while the service runs."""
        if not self._catalogue:
            self._catalogue = wire.catalogue_from_json(await self._call("Catalogue", "catalogue"))
        return self._catalogue

    async def alarms(self) -> tuple[AlarmView, ...]:
        """Alarms that stand or wait for an acknowledgement."""
        async with self._sentences("alarms"):
            data = await self._open().uaclient.read_attributes([self._node(ALARMS)], AttributeIds.Value)
        return wire.alarms_from_json(str(data[0].Value.Value or "[]")) if data[0].Value else ()

    async def explain(self, point: str) -> Term:
        """Why a point has its value. DoorError: no_such_point."""
        return wire.term_from_json(await self._call("Explain", point, _text(point)))

    async def write(self, name: str, value: float) -> None:
        """Change a setting, in its unit. DoorError: not_allowed, not_writable, out_of_range, refused …"""
        info = await self._info(name)
        kind = variant_type(info)
        plain = {ua.VariantType.Boolean: bool, ua.VariantType.Int32: int}.get(kind, float)(value)
        async with self._sentences(name, info=info, value=value):
            data = ua.DataValue(ua.Variant(plain, kind))
            status = await self._open().uaclient.write_attributes(
                [self._node(name)], [data], AttributeIds.Value
            )
            status[0].check()

    async def override(self, point: str, value: float, minutes: float, reason: str) -> None:
        """Take an output by hand until the time is over. DoorError: not_allowed, out_of_range, refused …"""
        info = await self._info(point)
        number = [ua.Variant(float(n), ua.VariantType.Double) for n in (value, minutes)]
        await self._call("Override", point, _text(point), *number, _text(reason), info=info, value=value)

    async def release(self, point: str) -> None:
        """Give an output back. DoorError: not_allowed, nothing_to_do …"""
        await self._call("Release", point, _text(point))

    async def acknowledge(self, code: str, subject: str) -> None:
        """Acknowledge an alarm. DoorError: not_allowed, no_such_alarm …"""
        await self._call("Acknowledge", f"{code} {subject}", _text(code), _text(subject))

    async def shelve(self, code: str, subject: str, minutes: float, reason: str) -> None:
        """Do not announce an alarm for so long. DoorError: not_allowed, no_such_alarm, out_of_range …"""
        minute = ua.Variant(float(minutes), ua.VariantType.Double)
        await self._call("Shelve", f"{code} {subject}", _text(code), _text(subject), minute, _text(reason))

    async def unshelve(self, code: str, subject: str) -> None:
        """Announce it again. DoorError: not_allowed, nothing_to_do …"""
        await self._call("Unshelve", f"{code} {subject}", _text(code), _text(subject))

    async def subscribe(
        self,
        callback: Callable[[str, Value], None],
        names: Iterable[str] | None = None,
        period_s: float = 1.0,
    ) -> None:
        """Call back with each change of value or quality, of all points or of `names`, until `close`.

        The callback runs in the loop and must not wait. It hears nothing when the door goes away: that
        shows in the next request, so ask for `time` now and then.
        """
        wanted = [info.name for info in await self.catalogue()] if names is None else list(names)
        async with self._sentences("values"):
            client = self._open()
            handler = _Handler(callback, {self._node(name): name for name in wanted})
            subscription = await client.create_subscription(period_s * 1000.0, handler)
            # The reasons first, so that they are known when the values come.
            nodes = [client.get_node(self._node(name)) for name in [REASONS, *wanted]]
            await subscription.subscribe_data_change(nodes, queuesize=1)

    async def _encrypt(self, client: Client) -> None:
        """Basic256Sha256 with a key of this connection's own; the server's certificate is pinned if known."""
        identity = await asyncio.to_thread(certificates.make, client.application_uri, ("localhost",), 0.0)
        if self._directory is not None:
            path = self._directory / certificates.CERTIFICATE_FILE
            server = x509.load_der_x509_certificate(await asyncio.to_thread(path.read_bytes))
        else:
            # Nobody vouches for it: over a network that is not yours, give the certificate a way around.
            endpoints = await client.connect_and_get_server_endpoints()
            mode = ua.MessageSecurityMode.SignAndEncrypt
            found = Client.find_endpoint(endpoints, mode, SecurityPolicyBasic256Sha256.URI)
            server = x509.load_der_x509_certificate(found.ServerCertificate)
        policy: Any = SecurityPolicyBasic256Sha256(  # type: ignore[no-untyped-call]
            server, identity.certificate, identity.key, ua.MessageSecurityMode.SignAndEncrypt
        )
        client.security_policy = policy
        client.uaclient.set_security(policy)

    async def _call(
        self,
        method: str,
        subject: str,
        *arguments: ua.Variant,
        info: PointInfo | None = None,
        value: float = math.nan,
    ) -> str:
        async with self._sentences(subject, info=info, value=value):
            request = ua.CallMethodRequest()
            request.ObjectId = self._node(STATION)
            request.MethodId = self._node(f"{STATION}.{method}")
            request.InputArguments = list(arguments)
            result = (await self._open().uaclient.call([request]))[0]
            result.StatusCode.check()
            return str(result.OutputArguments[0].Value) if result.OutputArguments else ""

    async def _info(self, name: str) -> PointInfo:
        for info in await self.catalogue():
            if info.name == name:
                return info
        raise await self._no_such_point(name)

    async def _no_such_point(self, name: str) -> DoorError:
        names = [info.name for info in await self.catalogue()]
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        return DoorError(
            "no_such_point", f"There is no point {name}.{hint}", point=name, near=", ".join(near)
        )

    def _node(self, name: str) -> ua.NodeId:
        return ua.NodeId(ua.String(name), ua.Int16(self._ns))

    def _open(self) -> Client:
        if self._client is None:
            raise DoorError(
                "not_reachable", f"The door at {self.endpoint} is not open.", endpoint=self.endpoint
            )
        return self._client

    @asynccontextmanager
    async def _sentences(
        self, subject: str, *, coming_in: bool = False, info: PointInfo | None = None, value: float = math.nan
    ) -> AsyncIterator[None]:
        """Turn whatever the library raises into one DoorError."""
        unknown = False
        try:
            yield
        except UaStatusCodeError as problem:
            unknown = problem.code in (Codes.BadNodeIdUnknown, Codes.BadNodeIdInvalid)
            if not unknown:
                raise refused(problem.code, subject, coming_in, info, value) from problem
        except (OSError, TimeoutError, asyncio.CancelledError, UaError, ValueError) as problem:
            if isinstance(problem, asyncio.CancelledError) and _is_ours(problem):
                raise
            raise DoorError(
                "not_reachable",
                f"The door at {self.endpoint} cannot be reached ({plain(problem)}).",
                endpoint=self.endpoint,
            ) from problem
        if unknown:
            raise await self._no_such_point(subject)


class _Handler:
    """Turns asyncua's notifications into values."""

    def __init__(self, callback: Callable[[str, Value], None], names: dict[ua.NodeId, str]) -> None:
        self._callback = callback
        self._names = names
        self._reasons: dict[str, str] = {}

    def datachange_notification(self, node: Any, _: Any, data: Any) -> None:
        value = data.monitored_item.Value
        name = self._names.get(node.nodeid)
        if name is None:
            self._reasons = _reasons(value)
        else:
            self._callback(name, _value(value, self._reasons.get(name, "")))


def _text(text: str) -> ua.Variant:
    return ua.Variant(text, ua.VariantType.String)


def _status(data: ua.DataValue) -> int:
    return 0 if data.StatusCode is None else int(data.StatusCode.value)


def _value(data: ua.DataValue, reason: str) -> Value:
    status = _status(data)
    time = math.nan if data.SourceTimestamp is None else data.SourceTimestamp.timestamp()
    raw = None if data.Value is None else data.Value.Value
    value = math.nan if raw is None else float(raw)
    grade = ("good", "uncertain", "bad", "bad")[status >> 30]
    if grade == "good":
        return Value(value, "good", time)
    if not reason:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", ua.StatusCode(ua.UInt32(status)).name).lower()
        reason = words.partition("_")[2] or "unknown"
    return Value(value if grade == "uncertain" else math.nan, f"{grade}: {reason}", time)


def _reasons(data: ua.DataValue) -> dict[str, str]:
    if data.Value is None or not data.Value.Value:
        return {}
    return {str(name): str(reason) for name, reason in json.loads(str(data.Value.Value)).items()}


def _is_ours(problem: asyncio.CancelledError) -> bool:
    """True when this task is being cancelled, and not a future of asyncua that lost its connection."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

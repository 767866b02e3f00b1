"""asyncua behind a guard: who comes in, what a client may hold, who is writing.

asyncua serves whoever asks. What has to be closed (seen in 2.1.0) and is closed here:

- it takes passwords over an open channel, and asks the user manager on the event loop;
- it lets any client move a session to its own channel, and session tokens are consecutive numbers:
  a guest could take over an operator's session. Here a session lives and dies with its connection;
- subscriptions outlive a session that is closed without deleting them (FreeOpcUa#1982), any client
  may change or delete those of others, intervals and modified queues have no bounds;
- a second CreateSession on a channel forgets the first for ever; anybody may register servers;
- a client may announce a message of 4 GB, and one that vanishes keeps its connection for ever.

This file and `sessions` are the only ones that know asyncua's inside.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from typing import Any

from asyncua import ua
from asyncua.common.connection import TransportLimits
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.server import Server
from asyncua.server.uaprocessor import UaProcessor
from asyncua.server.user_managers import UserManager
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes as Codes

from controller.upstream.sessions import GUEST, QUEUE, Desk, GuardedSession, Person
from controller.upstream.users import Users

CONNECTIONS = 40
SUBSCRIPTIONS = 80
UNACKNOWLEDGED = 20
LONGEST_SESSION_MS = 600_000.0
LARGEST_MESSAGE = 1024 * 1024
ACTIVATED_WITHIN_S = 15.0

_CREATE = ObjectIds.CreateSessionRequest_Encoding_DefaultBinary
_ACTIVATE = ObjectIds.ActivateSessionRequest_Encoding_DefaultBinary
_REFUSED = (
    ObjectIds.RegisterServerRequest_Encoding_DefaultBinary,
    ObjectIds.RegisterServer2Request_Encoding_DefaultBinary,
    # Subscriptions end with their connection, so there is never one to take over.
    ObjectIds.TransferSubscriptionsRequest_Encoding_DefaultBinary,
)

_KEEP_ALIVE = (
    ((socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1),
    ((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 60),
    ((socket.IPPROTO_TCP, socket.TCP_KEEPINTVL), 15),
    ((socket.IPPROTO_TCP, socket.TCP_KEEPCNT), 4),
)

log = logging.getLogger(__name__)


class _EverybodyIsAUser(UserManager):
    """Nobody is asyncua's Admin, who passes every check of its; rights are decided by the desk."""

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User:
        return User(role=UserRole.User, name=username)


class GuardedInternalServer(InternalServer):
    """asyncua's server core with our limits, users and desk."""

    def __init__(self, users: Users, desk: Desk, anonymous: bool) -> None:
        super().__init__(user_manager=_EverybodyIsAUser())
        self.users = users
        self.desk = desk
        self.anonymous = anonymous
        self.max_connections = CONNECTIONS
        self.max_pending_activation_seconds = ACTIVATED_WITHIN_S
        self.max_session_timeout_ms = LONGEST_SESSION_MS
        self.max_subscriptions = SUBSCRIPTIONS
        self.max_monitored_item_queue_size = QUEUE
        self.max_unacked_messages_per_subscription = UNACKNOWLEDGED
        self.max_pending_messages_per_connection = 100

    def create_session(self, name: str, user: Any = None, external: bool = False) -> InternalSession:
        return GuardedSession(self, self.desk, name)

    def lookup_external_session(self, auth_token: ua.NodeId) -> InternalSession | None:
        """None: a session cannot be moved to another connection."""
        return None


class _Processor(UaProcessor):
    """One client's requests: knows the channel, and lets in who may come in over it."""

    iserver: GuardedInternalServer

    async def _process_message(self, typeid: ua.NodeId, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        if typeid.NamespaceIndex == 0:
            if typeid.Identifier in _REFUSED:
                raise ServiceError(Codes.BadServiceUnsupported)
            if typeid.Identifier == _CREATE and self._has_session():
                raise ServiceError(Codes.BadTooManySessions)
            if typeid.Identifier == _ACTIVATE and isinstance(self.session, GuardedSession):
                params = ua.ua_binary.struct_from_binary(ua.ActivateSessionParameters, body.copy())
                self.session.applicant = await self._admit(self.session, params.UserIdentityToken)
        return await super()._process_message(typeid, requesthdr, seqhdr, body)  # type: ignore[no-untyped-call]

    def _has_session(self) -> bool:
        session = self.session
        return (
            session is not None and session._external_is_open()
            if False
            else (session is not None and session.auth_token in self.iserver._external_sessions)
        )

    async def _admit(self, session: GuardedSession, token: Any) -> Person:
        """Who the token says it is. ServiceError for whom does not come in."""
        address = str(self.name[0]) if self.name else ""
        if not isinstance(token, ua.UserNameIdentityToken):
            if self.iserver.anonymous and _on_this_board(address):
                return GUEST
            raise ServiceError(Codes.BadIdentityTokenRejected)
        if self._connection.security_policy.Mode != ua.MessageSecurityMode.SignAndEncrypt:
            log.warning("password_over_open_channel: %s", address)
            raise ServiceError(Codes.BadSecurityModeInsufficient)
        try:
            name, password = self.iserver.decrypt_user_token(session, token)
        except Exception as problem:  # whatever the bytes break: asyncua has no error of its own here
            raise ServiceError(Codes.BadIdentityTokenInvalid) from problem
        role = await self.iserver.users.verify(name or "", password or "", address)
        if role is None:
            log.warning("login_refused: %s from %s", (name or "")[:40], address)
            raise ServiceError(Codes.BadUserAccessDenied)
        return Person(name, role)

    def _should_close_session_on_transport_loss(self) -> bool:
        return True

    async def close(self) -> None:
        """End the session and the connection with it: a session that timed out leaves no open socket."""
        await super().close()  # type: ignore[no-untyped-call]
        self._transport.close()


class _Protocol(OPCUAProtocol):
    """One connection, with our processor and a bound on what is buffered."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self.processor is not None:
            self.processor = _Processor(self.iserver, transport, self.limits)
            self.processor.set_policies(self.policies)  # type: ignore[no-untyped-call]
            # A client whose power went says no goodbye and would keep its place for ever.
            wire = transport.get_extra_info("socket")
            for option, value in _KEEP_ALIVE:
                wire.setsockopt(*option, value)

    async def _process_one_msg(self, header: Any, buf: Any) -> bool:
        """A message that cannot be read (wrong key, not OPC UA) ends the connection."""
        try:
            return await super()._process_one_msg(header, buf)
        except Exception as problem:  # noqa: BLE001 — whatever a stranger's bytes break
            log.warning("unreadable_message: %s (%r)", self.peer_name, problem)
            if self.transport is not None:
                self.transport.close()
            return False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if len(self._buffer) > LARGEST_MESSAGE and self.transport is not None:
            log.warning("message_too_large: %s", self.peer_name)
            self.transport.abort()


class _BinaryServer(BinaryServer):
    def _make_protocol(self) -> OPCUAProtocol:
        return _Protocol(
            iserver=self.iserver,
            policies=self._policies,
            clients=self.clients,
            closing_tasks=self.closing_tasks,
            limits=self.limits,
        )


class GuardedServer(Server):
    """asyncua's server with two endpoints: open for guests, encrypted for users (and guests)."""

    iserver: GuardedInternalServer

    def __init__(self, users: Users, desk: Desk, anonymous: bool) -> None:
        super().__init__(iserver=GuardedInternalServer(users, desk, anonymous))
        self.application_type = ua.ApplicationType.Server
        self.limits = TransportLimits(
            max_recv_buffer=65535,
            max_send_buffer=65535,
            max_chunk_count=LARGEST_MESSAGE // 65535 + 1,
            max_message_size=LARGEST_MESSAGE,
        )
        self.set_security_policy(
            [ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
        )
        tokens: list[type] = [ua.UserNameIdentityToken]
        if anonymous:
            tokens.append(ua.AnonymousIdentityToken)
        self.set_identity_tokens(tokens)
        # asyncua's own clock writes a node a second and holds up `stop` for one; the door does it.
        self.disable_clock(True)

    async def listen(self) -> int:
        """Open the port and return it. OSError when it is taken."""
        await self._setup_server_nodes()
        await self.iserver.start()
        host, port = self.endpoint.hostname, self.endpoint.port
        self.bserver = _BinaryServer(self.iserver, host or "", port or 0, self.limits)
        self.bserver.set_policies(self._policies)
        try:
            await self.bserver.start()
        except OSError:
            self.bserver = None
            raise
        return self.bserver.port

    async def use(self, certificate: Any, key: Any) -> None:
        """Show this certificate to all who connect from now on."""
        self.iserver.certificate, self.iserver.private_key = certificate, key
        if self.bserver is not None:
            self._policies.clear()
            self.iserver.endpoints.clear()
            await self._setup_server_nodes()

    def place(self, node: ua.NodeId, value: ua.DataValue) -> None:
        """Put a value where the next read finds it, without telling subscribers: only its time is new."""
        self.iserver.aspace[node].attributes[AttributeIds.Value].value = value

    def _set_endpoints(self, policy: Any, mode: ua.MessageSecurityMode, level: int) -> None:
        super()._set_endpoints(policy, mode, level)
        endpoint = self.iserver.endpoints[-1]
        if mode == ua.MessageSecurityMode.None_:
            endpoint.UserIdentityTokens = [
                token for token in endpoint.UserIdentityTokens if token.TokenType != ua.UserTokenType.UserName
            ]


def _on_this_board(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback

"""One client's session with the door: who he is, what he may hold, what he asks of the desk.

asyncua knows neither rights of single nodes nor owners of subscriptions; see `guard` for the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes as Codes

from controller.upstream.users import Role

SUBSCRIPTIONS_A_SESSION = 10
ITEMS = 20_000
"""Monitored items of all clients together."""
QUEUE = 20
FASTEST_PUBLISHING_MS = 200.0
SLOWEST_PUBLISHING_MS = 60_000.0

# Made here so that it is a logger and no mere name: see `create_subscription`.
logging.getLogger("asyncua.server.monitored_item_service")


@dataclass(frozen=True)
class Person:
    """Who is at the other end of a session; a guest has neither name nor role."""

    name: str = ""
    role: Role | None = None

    @property
    def may_write(self) -> bool:
        """True for an operator."""
        return self.role is Role.OPERATOR


GUEST = Person()


class Desk(Protocol):
    """What the door does for a client that has come in."""

    async def write(self, person: Person, item: ua.WriteValue) -> ua.StatusCode:
        """One write of a client."""

    async def call(self, person: Person, request: ua.CallMethodRequest) -> ua.CallMethodResult:
        """One method call of a client."""

    def writable(self, node: ua.NodeId) -> bool:
        """True for nodes that an operator may write or call."""


class GuardedSession(InternalSession):
    """A client's session: knows its person, asks the desk, keeps its hands off others' subscriptions."""

    iserver: InternalServer

    def __init__(self, iserver: InternalServer, desk: Desk, name: str) -> None:
        super().__init__(iserver, iserver.aspace, iserver.subscription_service, name, external=True)
        self.desk = desk
        self.person = GUEST
        self.applicant = GUEST

    def activate_session(self, params: Any, peer_certificate: bytes | None) -> ua.ActivateSessionResult:
        result = super().activate_session(params, peer_certificate)
        self.person = self.applicant
        return result

    async def close_session(self, delete_subs: bool = True) -> None:
        await super().close_session(True)

    async def read(self, params: ua.ReadParameters) -> list[ua.DataValue]:
        results = await super().read(params)
        if self.person.may_write:
            return results
        for index, wanted in enumerate(params.NodesToRead):
            if wanted.AttributeId == AttributeIds.UserAccessLevel and self.desk.writable(wanted.NodeId):
                level = ua.Variant(ua.AccessLevel.CurrentRead.mask, ua.VariantType.Byte)
                results[index] = ua.DataValue(level)
            elif wanted.AttributeId == AttributeIds.UserExecutable and self.desk.writable(wanted.NodeId):
                results[index] = ua.DataValue(ua.Variant(False, ua.VariantType.Boolean))
        return results

    async def write(self, params: ua.WriteParameters) -> list[ua.StatusCode]:
        return [await self.desk.write(self.person, item) for item in params.NodesToWrite]

    async def call(self, params: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
        return [await self.desk.call(self.person, request) for request in params]

    async def create_subscription(self, params: Any, callback: Any, request_callback: Any = None) -> Any:
        if sum(1 for _ in self._own()) >= SUBSCRIPTIONS_A_SESSION:
            raise ServiceError(Codes.BadTooManySubscriptions)
        interval = float(params.RequestedPublishingInterval)
        # Also catches NaN and 0, which asyncua would serve as fast as it can.
        if not interval >= FASTEST_PUBLISHING_MS:
            interval = FASTEST_PUBLISHING_MS
        params.RequestedPublishingInterval = min(interval, SLOWEST_PUBLISHING_MS)
        result = await super().create_subscription(params, callback, request_callback)
        # asyncua names a logger after each subscription, and `logging` keeps loggers for ever: in its
        # table, and, as long as their common parent is only a name, there as well.
        logger = self.subscription_service.subscriptions[result.SubscriptionId].monitored_item_srv.logger
        logging.Logger.manager.loggerDict.pop(logger.name, None)
        return result

    async def create_monitored_items(self, params: ua.CreateMonitoredItemsParameters) -> Any:
        self._check_own(params.SubscriptionId)
        held = sum(
            len(sub.monitored_item_srv._monitored_items)
            for sub in self.subscription_service.subscriptions.values()
        )
        if held + len(params.ItemsToCreate) > ITEMS:
            raise ServiceError(Codes.BadTooManyMonitoredItems)
        return await super().create_monitored_items(params)

    async def modify_monitored_items(self, params: ua.ModifyMonitoredItemsParameters) -> Any:
        self._check_own(params.SubscriptionId)
        for item in params.ItemsToModify:
            item.RequestedParameters.QueueSize = min(max(item.RequestedParameters.QueueSize, 1), QUEUE)
        return await super().modify_monitored_items(params)

    async def delete_monitored_items(self, params: ua.DeleteMonitoredItemsParameters) -> Any:
        self._check_own(params.SubscriptionId)
        return await super().delete_monitored_items(params)

    async def set_monitoring_mode(self, params: ua.SetMonitoringModeParameters) -> Any:
        self._check_own(params.SubscriptionId)
        return await super().set_monitoring_mode(params)

    async def set_publishing_mode(self, params: ua.SetPublishingModeParameters) -> Any:
        for number in params.SubscriptionIds:
            self._check_own(number)
        return await super().set_publishing_mode(params)

    async def delete_subscriptions(self, ids: list[int]) -> list[ua.StatusCode]:
        for number in ids:
            if number in self.subscription_service.subscriptions:
                self._check_own(number)
        return await super().delete_subscriptions(ids)

    def modify_subscription(self, params: Any) -> Any:
        self._check_own(params.SubscriptionId)
        return super().modify_subscription(params)

    def republish(self, params: ua.RepublishParameters) -> ua.NotificationMessage:
        self._check_own(params.SubscriptionId)
        return super().republish(params)

    def publish(self, acks: Iterable[Any] | None = None) -> tuple[int, list[ua.StatusCode]]:
        own = set(self._own())
        return super().publish([ack for ack in acks or () if ack.SubscriptionId in own])

    def _own(self) -> Iterable[int]:
        for number, sub in self.subscription_service.subscriptions.items():
            if sub.session_id == self.session_id:
                yield number

    def _check_own(self, number: int) -> None:
        sub = self.subscription_service.subscriptions.get(number)
        if sub is None or sub.session_id != self.session_id:
            raise ServiceError(Codes.BadSubscriptionIdInvalid)

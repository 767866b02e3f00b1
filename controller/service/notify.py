"""Messages to systemd (sd_notify(3)): ready, watchdog, status. Nothing happens without systemd."""

from __future__ import annotations

import os
import socket


class Notifier:
    """Sends datagrams to $NOTIFY_SOCKET."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def send(self, message: str) -> None:
        """One message, such as `READY=1`. A supervisor that is gone must not stop the station."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
                wire.sendto(message.encode(), self._address)
        except OSError:
            self._address = ""

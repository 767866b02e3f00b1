"""The log of a running station: plain lines on stderr, written by a thread of its own.

Behind stderr stands a pipe to the journal, and behind that a disk. When it hangs the pipe fills up, and a
line from the scan would wait for it. So lines wait in a bounded queue, and those that do not fit are counted.
"""

from __future__ import annotations

import atexit
import logging
import queue
import sys
import threading
from logging.handlers import QueueHandler
from typing import TextIO

MOST_LINES = 2000
LAST_LINES_WITHIN_S = 2.0
"""At the end of the process: so long the last lines are waited for, and no longer."""


class LineQueue(QueueHandler):
    """A handler that never waits. `dropped`: lines that did not fit since the last one that did."""

    def __init__(self, most: int = MOST_LINES) -> None:
        self.lines: queue.Queue[logging.LogRecord | None] = queue.Queue(most)
        super().__init__(self.lines)
        self.dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        try:
            self.lines.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def take_dropped(self) -> int:
        """How many are missing before the next line; counts anew from here."""
        with self.lock:  # type: ignore[union-attr]  # made by the base class
            dropped, self.dropped = self.dropped, 0
        return dropped


class Writer:
    """The thread that writes the lines of `lines` to `stream`."""

    def __init__(self, lines: LineQueue, stream: TextIO, form: logging.Formatter) -> None:
        self._lines = lines
        self._out = logging.StreamHandler(stream)
        self._out.setFormatter(form)
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, within LAST_LINES_WITHIN_S."""
        try:
            self._lines.lines.put(None, timeout=LAST_LINES_WITHIN_S)
        except queue.Full:
            return
        self._thread.join(LAST_LINES_WITHIN_S)

    def _run(self) -> None:
        while (record := self._lines.lines.get()) is not None:
            self._out.handle(record)
            dropped = self._lines.take_dropped()
            if dropped:
                text = f"{dropped} lines of the log were dropped: they were not taken in time"
                self._out.handle(logging.makeLogRecord({"name": __name__, "levelno": logging.ERROR,
                    "levelname": "ERROR", "msg": text}))  # fmt: skip


def start_log(form: str) -> None:
    """From now on all that is logged goes to stderr, from a thread of its own; once a process."""
    root = logging.getLogger()
    if root.handlers:
        return
    lines = LineQueue()
    root.addHandler(lines)
    root.setLevel(logging.INFO)
    atexit.register(Writer(lines, sys.stderr, logging.Formatter(form)).stop)

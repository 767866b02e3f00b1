"""The log of a running station: nobody waits for it, and what it drops is told."""

import io
import logging
import threading

from controller.cli.log import LineQueue, Writer


class Stuck(io.StringIO):
    """A pipe that nobody reads, until the test does."""

    def __init__(self) -> None:
        super().__init__()
        self.read_on, self.met = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.met.set()
        assert self.read_on.wait(20)
        return super().write(text)


def logger(lines: LineQueue) -> logging.Logger:
    found = logging.Logger("test", logging.INFO)
    found.addHandler(lines)
    return found


def test_lines_come_out_in_order_with_their_traceback() -> None:
    stream, lines = io.StringIO(), LineQueue()
    writer, log = (
        Writer(lines, stream, logging.Formatter("%(levelname)s %(name)s: %(message)s")),
        logger(lines),
    )
    for n in range(100):
        log.info("line %d", n)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        log.exception("failed")
    writer.stop()
    written = stream.getvalue().splitlines()
    assert written[:100] == [f"INFO test: line {n}" for n in range(100)]
    assert written[100] == "ERROR test: failed"
    assert written[-1] == "ZeroDivisionError"


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_what_is_missing_is_counted() -> None:
    stream, lines = Stuck(), LineQueue(50)
    writer, log = Writer(lines, stream, logging.Formatter("%(message)s")), logger(lines)
    log.info("first")
    assert stream.met.wait(20)
    for n in range(200):
        log.info("line %d", n)
    stream.read_on.set()
    writer.stop()
    written = stream.getvalue().splitlines()
    assert written[0] == "first"
    assert "150 lines of the log were dropped: they were not taken in time" in written
    assert [line for line in written if line.startswith("line")] == [f"line {n}" for n in range(50)]


def test_the_end_does_not_wait_for_ever(monkeypatch) -> None:
    monkeypatch.setattr("controller.cli.log.LAST_LINES_WITHIN_S", 0.05)
    stream, lines = Stuck(), LineQueue(5)
    writer, log = Writer(lines, stream, logging.Formatter("%(message)s")), logger(lines)
    for n in range(20):
        log.info("line %d", n)
    writer.stop()
    assert stream.getvalue() == ""
    stream.read_on.set()

"""Poll plan: which read requests fetch a set of points at the least wire time.

A request costs a fixed part (its frame, the head of the reply, two silent gaps, the device's
turn-around) and a part for every register it carries, wanted or not. So neighbours are read
together, and a hole is bridged when it is cheaper than one request more. Over the points sorted by
register this is a shortest path, hence an exact optimum, found in n·k steps.

Frame lengths: Modbus over Serial Line V1.02 §2.5.1; limits: Modbus Application Protocol V1.1b3 §6.
Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from drivers.profile import Merge, ProfilePoint, Table

Parity = Literal["N", "E", "O"]

MOST_REGISTERS = 125
MOST_BITS = 2000
BITS_A_REGISTER = 16
_READ_REQUEST_BYTES = 8
_READ_REPLY_BYTES = 5
_USUAL_TURNAROUND_S = 0.02
_TCP_ROUND_TRIP_S = 0.002
_TCP_REGISTER_S = 2e-6


def character_s(baud: int, parity: Parity = "E", stop_bits: int = 1) -> float:
    """Seconds a character takes: start bit, eight data bits, parity bit if any, stop bits.

    11 bits for 8E1, 8O1 and 8N2 (what the standard asks for), 10 for 8N1.
    """
    return (1 + 8 + (parity != "N") + stop_bits) / baud


def silent_gap_s(baud: int, parity: Parity = "E", stop_bits: int = 1) -> float:
    """Silence between two frames: 3.5 characters, and 1.75 ms above 19200 baud (§2.5.1.1)."""
    return 3.5 * character_s(baud, parity, stop_bits) if baud <= 19200 else 0.00175


def least_read_s(
    count: int, baud: int, parity: Parity = "E", stop_bits: int = 1, turnaround_s: float = 0.0
) -> float:
    """Seconds that reading `count` registers takes at the least: no legal master is faster."""
    return serial_cost(baud, parity, stop_bits, turnaround_s).of(count, bits=False)


def least_write_s(
    count: int, baud: int, parity: Parity = "E", stop_bits: int = 1, turnaround_s: float = 0.0
) -> float:
    """The same for writing: function 6 for one register, function 16 for more."""
    frames = 8 + 8 if count == 1 else (9 + 2 * count) + 8
    character, gap = character_s(baud, parity, stop_bits), silent_gap_s(baud, parity, stop_bits)
    return frames * character + 2 * gap + turnaround_s


@dataclass(frozen=True, slots=True)
class Cost:
    """What a read request costs on a wire, in seconds: once, and for each register carried."""

    request_s: float
    register_s: float

    def of(self, count: int, bits: bool) -> float:
        """Seconds to read `count` registers or bits; eight bits travel in a byte."""
        return self.request_s + self.register_s * ((count + 7) // 8 / 2 if bits else count)


def serial_cost(
    baud: int, parity: Parity = "E", stop_bits: int = 1, turnaround_s: float = _USUAL_TURNAROUND_S
) -> Cost:
    """Cost on a serial line; devices answer after 5–45 ms, hence the usual turn-around."""
    character, gap = character_s(baud, parity, stop_bits), silent_gap_s(baud, parity, stop_bits)
    frames = (_READ_REQUEST_BYTES + _READ_REPLY_BYTES) * character
    return Cost(frames + 2 * gap + turnaround_s, 2 * character)


def tcp_cost() -> Cost:
    """Cost over Ethernet: the round trip is everything, so holes are worth bridging."""
    return Cost(_TCP_ROUND_TRIP_S, _TCP_REGISTER_S)


@dataclass(frozen=True, slots=True)
class Span:
    """Registers `first` … `first + count - 1` of one table: a point's own, or a request's."""

    table: Table
    first: int
    count: int

    @property
    def end(self) -> int:
        """The first register behind it."""
        return self.first + self.count

    @property
    def bits(self) -> bool:
        return self.table in ("coil", "discrete")

    def covers(self, other: Span) -> bool:
        return self.table == other.table and self.first <= other.first and other.end <= self.end


def span_of(point: ProfilePoint) -> Span:
    """Where the point lies."""
    return Span(point.table, point.register_, point.words)


def plan_reads(spans: Iterable[Span], merge: Merge, cost: Cost) -> list[Span]:
    """The cheapest requests that cover every span, by table and register.

    A span is never split (a two-register value must be read in one go) and tables are never
    mixed. `merge` bounds what one request carries and bridges, in registers; in bit tables a
    register stands for 16 bits.
    """
    tables: dict[Table, set[Span]] = {}
    for span in spans:
        tables.setdefault(span.table, set()).add(span)
    requests: list[Span] = []
    for table in sorted(tables):
        bits = table in ("coil", "discrete")
        unit = BITS_A_REGISTER if bits else 1
        most = min(merge.registers * unit, MOST_BITS if bits else MOST_REGISTERS)
        requests += _shortest_path(_joined(tables[table]), most, merge.hole * unit, cost)
    return requests


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Sorted, without those that lie inside another one (flags of one word, for instance)."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.first, -s.count)):
        if not kept or span.end > kept[-1].end:
            kept.append(span)
    return kept


def _shortest_path(spans: Sequence[Span], most: int, hole: int, cost: Cost) -> list[Span]:
    """Cut the sorted spans into runs of least total cost.

    `best[i]` is the cost of covering the first i spans, `cut[i]` where their last run begins. Starts
    and ends both rise along `spans`, so an optimal cover is always made of runs. Among equals
    the fewest requests win.
    """
    best: list[tuple[float, int]] = [(0.0, 0)]
    cut: list[int] = [0]
    for i in range(1, len(spans) + 1):
        options: list[tuple[float, int, int]] = []
        for j in range(i - 1, -1, -1):  # the run spans[j:i]
            if j < i - 1 and spans[j + 1].first - spans[j].end > hole:
                break
            count = spans[i - 1].end - spans[j].first
            if count > most and j < i - 1:
                break
            seconds, requests = best[j]
            options.append((seconds + cost.of(count, spans[j].bits), requests + 1, j))
        seconds, requests, j = min(options)
        best.append((seconds, requests))
        cut.append(j)
    runs: list[Span] = []
    i = len(spans)
    while i:
        j = cut[i]
        runs.append(Span(spans[j].table, spans[j].first, spans[i - 1].end - spans[j].first))
        i = j
    return runs[::-1]


def rate_groups(
    points: Mapping[str, ProfilePoint], polled: Iterable[str], default_s: float
) -> dict[float, set[str]]:
    """Poll period → points read at it.

    A point that another one names as its quality is read along with it, so that a value and its
    witness are of the same cycle; its own slower period is then dropped. `default_s` is for
    points that are wanted but have no period of their own.
    """
    periods: dict[str, set[float]] = {}
    for name in polled:
        periods.setdefault(name, set()).add(points[name].poll or default_s)
    for name in list(periods):
        quality = points[name].quality
        if quality is not None and quality.point != name:
            periods.setdefault(quality.point, set()).update(periods[name])
    groups: dict[float, set[str]] = {}
    for name, seen in periods.items():
        own = points[name].poll
        if own is not None and own > min(seen):
            seen.discard(own)
        for period in seen:
            groups.setdefault(period, set()).add(name)
    return groups

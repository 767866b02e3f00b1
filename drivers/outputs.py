"""The written side of one device: the newest value of every output, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from drivers.confirm import ReadBack
from drivers.plan import Span
from drivers.profile import Profile, ProfilePoint
from drivers.readings import Fault, Reading
from drivers.registers import decode, encode

_LONGEST_BACK_OFF_S = 60.0
_AFTER_READING_S = 0.001
"""A refresh waits so long for a read-back that is due with it."""
WordRead = Callable[[str, int], int | None]


@dataclass(slots=True)
class OutputWord:
    """What one write request writes: one point, or all flags that share a register.

    `due`: plant time of the next write, -inf for at once. `values`: newest of each point;
    `confirmed`: what the device has acknowledged.
    """

    table: str
    register: int
    refresh_s: float
    function: int
    points: dict[str, ProfilePoint] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    confirmed: dict[str, float] = field(default_factory=dict)
    written: list[int] = field(default_factory=list)
    due: float = math.inf
    step_s: float = 0.0
    time: float = -math.inf
    fault: Fault = Fault.NEVER_READ
    attempted: bool = False
    back: ReadBack | None = None

    @property
    def size(self) -> int:
        """Registers (or bits) that it takes."""
        return max(point.words for point in self.points.values())

    def words(self, word_read: WordRead) -> list[int]:
        """Words to send. Flags that nobody commands keep what the register was last read to hold."""
        if len(self.points) == 1:
            (point,) = self.points.values()
            if point.bit is None:
                return encode(point, self.values[next(iter(self.points))])
        word = self.written[0] if self.written else word_read(self.table, self.register) or 0
        for name, value in self.values.items():
            bit = self.points[name].bit or 0
            word = word | 1 << bit if value >= 0.5 else word & ~(1 << bit)
        return [word]


class Outputs:
    """The outputs of one device. Nothing is queued: an output has one newest value."""

    def __init__(self, device: str, profile: Profile) -> None:
        self.device = device
        self._of: dict[str, OutputWord] = {}
        shared: dict[tuple[str, int], OutputWord] = {}
        for name, point in profile.points.items():
            if point.write is None:
                continue
            place = (point.table, point.register_)
            function = 16 if point.words > 1 else int(point.write.function)
            word = OutputWord(point.table, point.register_, point.write.refresh, function)
            if point.bit is not None:
                word = shared.setdefault(place, word)
                word.refresh_s = min(word.refresh_s, point.write.refresh)
            word.points[name] = point
            self._of[name] = word
        self._words = tuple({id(word): word for word in self._of.values()}.values())

    def confirm(self, cycles: Mapping[str, float]) -> None:
        """These points are read back, so often."""
        for word in self._words:
            read = [name for name in word.points if name in cycles]
            if read:
                points = [word.points[name] for name in read]
                word.back = ReadBack(points, max(cycles[name] for name in read))

    def read_back(self, request: Span, words: Sequence[int], now: float) -> None:
        """A read has brought these words: compare them with what was written there."""
        for word in self._words:
            first = word.register - request.first
            if word.back is None or word.table != request.table or not 0 <= first < len(words):
                continue
            again = word.back.saw(words[first : first + word.size], now)
            if word.step_s == 0.0 and word.values and again:
                word.due = -math.inf
            elif word.step_s == 0.0 and word.values and word.back.cycle_s >= word.refresh_s:
                # The refresh follows the reading: a read that always came just after one would never see
                # what another master has left.
                word.due = min(word.due, now)

    def shown(self, name: str) -> Reading | None:
        """What the device shows of a written point; NOT_CONFIRMED or OVERWRITTEN once that counts. None while
        it cannot be told."""
        word = self._of[name]
        back = word.back
        if back is None or not back.found:
            return None
        value, _ = decode(word.points[name], back.found)
        wrong = Fault.OVERWRITTEN if back.overwritten else Fault.NOT_CONFIRMED
        return Reading(value, back.seen_at, Fault.NONE if back.confirmed else wrong)

    def gone(self) -> None:
        """The device is offline."""
        for word in self._words:
            if word.back is not None:
                word.back.forget()

    def set(self, name: str, value: float) -> bool:
        """Take the newest value; True when it is a change, to be written at once.

        Raises KeyError for a point that is not writable, ValueError for a value that no register
        holds (not finite, no code).
        """
        if name not in self._of:
            raise KeyError(f"{self.device}.{name} cannot be written")
        word = self._of[name]
        if word.points[name].bit is None:
            encode(word.points[name], value)
        elif not math.isfinite(value):
            raise ValueError(f"{value} cannot be written")
        changed = word.values.get(name) != value
        word.values[name] = value
        if changed and word.step_s == 0.0:  # one that is never answered keeps its back-off
            word.due = -math.inf
        return changed

    def due(self, now: float) -> OutputWord | None:
        """The output to write now, changes first."""
        ready = [word for word in self._words if word.due <= now]
        return min(ready, key=lambda word: word.due) if ready else None

    def next_due(self) -> float:
        """When the next write is due; inf when nothing was ever given."""
        return min((word.due for word in self._words), default=math.inf)

    def confirmed(self, word: OutputWord, values: dict[str, float], words: list[int], now: float) -> None:
        """The device has acknowledged `words`, which stood for `values`."""
        word.confirmed, word.written, word.time = values, words, now
        word.fault, word.attempted, word.step_s = Fault.NONE, True, 0.0
        word.due = now + word.refresh_s if word.values == values else -math.inf
        word.due += _AFTER_READING_S if word.back is not None else 0.0
        if word.back is not None:
            word.back.told(words, now)

    def refused(self, word: OutputWord, now: float) -> None:
        """The device will not take it: tried again at the next refresh or change."""
        word.fault, word.attempted, word.due = Fault.REFUSED, True, now + word.refresh_s

    def failed(self, fault: Fault, word: OutputWord | None, now: float) -> None:
        """The device does not answer: every output given so far has had its attempt.

        The `word` that was being written is written again at once, then after 1, 2, 4 … s: one
        that the device never answers must not keep the others and the polls from the wire.
        """
        for given in self._words:
            if given.values:
                given.fault, given.attempted = fault, True
        if word is not None:
            word.due = now + word.step_s
            word.step_s = min(max(2 * word.step_s, 1.0), _LONGEST_BACK_OFF_S)

    def all_due(self) -> None:
        """The device is back and may have forgotten its outputs: write them all at once.

        One that has a back-off of its own waits for that.
        """
        for word in self._words:
            if word.values and word.step_s == 0.0:
                word.due = -math.inf

    @property
    def attempted(self) -> bool:
        """Every output given so far was tried, with or without success."""
        return all(word.attempted for word in self._words if word.values)

    @property
    def last_fault(self) -> Fault:
        """Fault of the last attempts when none of them went well; NONE while one did, or none was made."""
        faults = [word.fault for word in self._words if word.attempted]
        return Fault.NONE if Fault.NONE in faults else next(iter(faults), Fault.NONE)

    def state(self, name: str) -> tuple[float | None, float, Fault]:
        """(value the device confirmed or None, plant time of that, fault of the last attempt)."""
        word = self._of[name]
        return word.confirmed.get(name), word.time, word.fault

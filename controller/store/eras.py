"""Putting records right once the time is known: which wall time belongs to which plant time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.store.pending import Batch, SampleRow

YEAR_MS = 365 * 86_400_000
STEP_MS = 2_000
"""A smaller change of wall against plant time is the jitter of two readings, not a set clock."""
SETTLING_MS = 3_600_000
"""A clock set within the first hour of a run was wrong before: a clock that the system saved when it
went down, put right as soon as the network was there."""
PLAUSIBLE_MS = 1_735_689_600_000
"""2025-01-01: no station of ours ran before; an earlier start means that the board did not know."""


@dataclass(slots=True)
class Timeline:
    """Keys and eras of one run in one file.

    `shift_ms` is added to the run's plant time to get the file's; `eras` are (file time, offset) pairs
    of this run, `saved` says whether the file has them, `seen_ms` how far `follow` has looked.
    """

    shift_ms: int
    eras: list[tuple[int, int]] = field(default_factory=list)
    trusted: bool = True
    saved: bool = False
    seen_ms: int = -(1 << 62)

    @classmethod
    def begin(cls, first: tuple[int, int], newest: tuple[int, int] | None) -> Timeline:
        """A run whose first record is `first` (plant, wall) behind a file that ends at `newest` (file
        time, wall put right)."""
        time_ms, wall_ms = first
        shift = 0
        if newest is not None and not newest[0] < time_ms <= newest[0] + YEAR_MS:
            # Continuing right behind the last record keeps the order. The far future is refused as
            # well: one start with a clock set to 2099 would make the rest look ripe for deletion.
            shift = newest[0] + 1 - time_ms
        known = wall_ms >= PLAUSIBLE_MS and shift == 0 and (newest is None or wall_ms >= newest[1])
        return cls(shift, [(time_ms + shift, wall_ms - time_ms - shift)], known)

    def follow(self, samples: Sequence[SampleRow]) -> None:
        """Notice where the wall clock was set."""
        for row in samples:
            if row.time_ms <= self.seen_ms:
                continue  # a batch that comes again after a failed write
            self.seen_ms = row.time_ms
            began, offset = self.eras[-1]
            now = row.wall_ms - row.time_ms - self.shift_ms
            if abs(now - offset) <= STEP_MS:
                continue
            time_ms = row.time_ms + self.shift_ms
            self.saved = False
            if len(self.eras) == 1 and (not self.trusted or time_ms - began <= SETTLING_MS):
                self.eras[-1] = (began, now)
                self.trusted = True
            else:
                # A clock that was right for long and is set now: leave the past alone, it may be a mistake.
                self.eras.append((time_ms, now))


def first_record(batch: Batch) -> tuple[int, int]:
    """Plant and wall time of the earliest row of a batch that is not empty."""
    rows = [(row.time_ms, row.wall_ms) for row in batch.samples[:1]]
    rows += [(row.time_ms, row.wall_ms) for row in batch.events]
    return min(rows)

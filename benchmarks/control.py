"""How good the supply-temperature loop is: against panel controllers, against bounds, in the worst weeks.

    python benchmarks/control.py [week|steps|worst|three_point] [--quick] [--days 7] [--seeds 3] [--step 1]

`week`   a disturbed week, our loop beside five factory-tuned panels on the same plant (FACTS §6): error,
         travel, starts of the motor
`steps`  set-point and load steps at 30, 60, 100 % load against the linear programme of the identified
         loop; what remains at 10 % load; also with what the station's own tuning proposes
`worst`  cold snap, thaw, primary ± 10 K in an hour, pump change-over, a stiff stem; start tuning wrong by 2
         and by 4: does it swing
`three_point`  30 days of a valve on two relays, without feedback, closing 1 % slower, beside the analogue
         valve: error, and how often the estimate's doubt covers the truth

Without a part the first three run, quickly. Targets stand beside every figure; nothing is asserted here.
"""

from __future__ import annotations

import argparse

from supply_loop.relays import three_point
from supply_loop.steps import LOADS, steps
from supply_loop.tuned import TIGHT_TOLERANCE_K, tuned
from supply_loop.week import OWN, week
from supply_loop.worst import WRONG, worst


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description="Quality of the supply-temperature loop.")
    parser.add_argument("part", nargs="?", choices=("week", "steps", "worst", "three_point"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, one seed")
    parser.add_argument("--days", type=float, help="default 7; worst 2, three_point 30")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--step", type=float, default=1.0, help="seconds a scan")
    options = parser.parse_args()
    quick = options.quick or options.part is None
    days = 0.25 if quick else options.days
    if options.part in (None, "week"):
        week(days or 7.0, 1 if quick else options.seeds, options.step)
    sets = {own.name: own.settings for own in OWN}
    if options.part in (None, "steps"):
        after = tuned()
        tight = {**after, "loop.tolerance": TIGHT_TOLERANCE_K}
        more = {"after station tune": after, "after station tune, tight": tight}
        steps({**sets, **more}, (0.6,) if quick else LOADS)
    if options.part in (None, "worst"):
        worst(sets, days or 2.0, (1.0, 4.0) if quick else WRONG)
    if options.part == "three_point":
        three_point(1.0 if quick else days or 30.0, 1 if quick else options.seeds, options.step)


if __name__ == "__main__":
    main()

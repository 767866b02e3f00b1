"""How good the supply-temperature loop is: against panel controllers, against bounds, in the worst weeks.

    python benchmarks/control.py [week|steps|worst] [--quick] [--days 7] [--seeds 3] [--step 1]

`week`   a disturbed week, our loop beside five factory-tuned panels on the same plant (FACTS §6): error,
         travel, starts of the motor
`steps`  set-point and load steps at 30, 60, 100 % load against the linear programme of the identified
         loop; what remains at 10 % load
`worst`  cold snap, thaw, primary ± 10 K in an hour, pump change-over, a stiff stem; start tuning wrong by 2
         and by 4: does it swing

Without a part all three run, quickly. Targets stand beside every figure; nothing is asserted here.
"""

from __future__ import annotations

import argparse

from supply_loop.steps import LOADS, steps
from supply_loop.week import OWN, week
from supply_loop.worst import WRONG, worst


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description="Quality of the supply-temperature loop.")
    parser.add_argument("part", nargs="?", choices=("week", "steps", "worst"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, one seed")
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--step", type=float, default=1.0, help="seconds a scan")
    options = parser.parse_args()
    quick = options.quick or options.part is None
    if options.part in (None, "week"):
        week(0.25 if quick else options.days, 1 if quick else options.seeds, options.step)
    sets = {own.name: own.settings for own in OWN}
    if options.part in (None, "steps"):
        steps(sets, (0.6,) if quick else LOADS)
    if options.part in (None, "worst"):
        worst(sets, 0.25 if quick else min(options.days, 2.0), (1.0, 4.0) if quick else WRONG)


if __name__ == "__main__":
    main()

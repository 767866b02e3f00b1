"""Hold the simulated plant against its references; write docs/plant.md and its plots.

    python benchmarks/validation.py           run all, print the table, draw the plots, renew the page
    python benchmarks/validation.py --check   run all, print the table, only compare with the committed page

Exit code 1 when a comparison is missed without a reason (or has become worse than the tests hold), when the
reference files are absent, and with --check when the page is not that of a fresh run within its tolerance.
A page that is the same within the tolerance is left as it is: machines differ in the last digits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.plant_page.page import PAGE, differences, figure, page, page_without_run, reached  # noqa: E402
from tests.sim.validation_cases import Comparison, failures  # noqa: E402


def every_comparison() -> list[Callable[[], list[Comparison]]]:
    """The functions that compare, in the order of the page's table."""
    from tests.sim import validation_contacts as contacts
    from tests.sim import validation_dymola as dymola
    from tests.sim import validation_exchanger as exchanger
    from tests.sim import validation_floors as floors
    from tests.sim import validation_heat as heat
    from tests.sim import validation_hot_water as hot_water
    from tests.sim import validation_hydraulics as hydraulics
    from tests.sim import validation_mixing as mixing
    from tests.sim import validation_plant as plant
    from tests.sim import validation_pongau as pongau
    from tests.sim import validation_primary as primary
    from tests.sim import validation_sensors as sensors
    from tests.sim import validation_vdi6007 as vdi6007
    from tests.sim import validation_vdi6007_inputs as vdi6007_inputs

    return [
        hydraulics.water_against_iapws,
        exchanger.effectiveness_table,
        exchanger.design_points,
        exchanger.dynamic_model_at_rest,
        exchanger.against_ht,
        exchanger.chain_up_to_ntu_8,
        dymola.station_day,
        hydraulics.installed_characteristics,
        hydraulics.flow_coefficient,
        hydraulics.choking,
        hydraulics.affinity_laws,
        hydraulics.elasticity,
        hydraulics.leaks,
        pongau.with_the_references_assumptions,
        pongau.with_the_written_geometry,
        vdi6007.building_cases,
        vdi6007_inputs.input_cases,
        heat.cool_down,
        heat.time_constants,
        heat.held_valve,
        heat.heating_surfaces,
        floors.floors,
        heat.riser_freezing,
        primary.network_follows_late,
        primary.shortage_and_outage,
        primary.branch_flows,
        mixing.branches_in_parallel,
        mixing.mixing_flows,
        mixing.mixing_moves,
        sensors.lags,
        sensors.steps,
        sensors.meter,
        contacts.contacts,
        hot_water.instantaneous,
        hot_water.storage,
        hot_water.draw_off,
        plant.balances,
        plant.halved_step,
    ]


def reference_files() -> list[Path]:
    """What must be there."""
    from tests.sim import validation_dymola, validation_pongau, validation_vdi6007

    return [module.FILE for module in (validation_vdi6007, validation_dymola, validation_pongau)]


def run() -> list[Comparison]:
    """Every comparison, printed as it comes."""
    found = []
    for compare in every_comparison():
        for one in compare():
            found.append(one)
            verdict = "passed" if one.passed else "MISSED"
            print(
                f"{verdict}  {one.name:<72} {reached(one):>14} of {figure(one.limit)} {one.unit}", flush=True
            )
    return found


def current(fresh: str) -> list[str]:
    """What of the page on disk is not `fresh`."""
    if not PAGE.exists():
        return [f"{PAGE.name} is not there"]
    committed = PAGE.read_text(encoding="utf-8")
    lines = set(committed.splitlines())
    wanted = [line for piece in page_without_run() for line in piece.splitlines()]
    # Text and parameters to the letter, the rest within its tolerance.
    return [f"not in the page: {line}" for line in wanted if line not in lines] or differences(
        committed, fresh
    )


def main() -> int:
    """Run, compare, write; returns the exit code."""
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print("usage: python benchmarks/validation.py [--check]", file=sys.stderr)
        return 2
    absent = [file.name for file in reference_files() if not file.exists()]
    if absent:
        print(f"no validation without references: ../shared/data lacks {', '.join(absent)}", file=sys.stderr)
        return 1
    comparisons = run()
    missed = sum(not one.passed for one in comparisons)
    print(f"{len(comparisons)} comparisons, {missed} limits missed")
    bad = failures(comparisons)
    for one in bad:
        reason = (
            "is no longer missed: take its reason away"
            if one.passed and one.missed_because
            else "does not hold"
        )
        print(
            f"{one.name}: {one.reached:.4g}, limit {one.limit:g}, held {one.held:g}: {reason}",
            file=sys.stderr,
        )
    fresh = page(comparisons)
    stale = current(fresh)
    if check:
        for line in stale:
            print(line, file=sys.stderr)
        if stale:
            print("docs/plant.md is not current: run `make validation` and look at its diff", file=sys.stderr)
        return 1 if bad or stale else 0
    if bad:
        print("docs/plant.md and its plots are left as they were", file=sys.stderr)
        return 1
    from benchmarks.plant_page.plots import draw

    draw(PAGE.parent / "plant")
    if stale:
        PAGE.write_text(fresh, encoding="utf-8")
        print(f"docs/plant.md is renewed: {len(stale)} differences")
    return 0


if __name__ == "__main__":
    sys.exit(main())

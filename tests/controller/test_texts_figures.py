"""Figures that stand in the texts of the rules are those that the rules go by."""

from __future__ import annotations

from controller.control.blocks.water import makeup_guard
from controller.safety.rows import flood_rules, frost_rules, makeup_tells, water_rules
from controller.safety.rows.dry_makeup import DryMakeup
from controller.safety.witnesses import difference_witness, plausibility, return_witness
from controller.safety.witnesses.outdoor_witness import OutdoorSettings
from controller.texts import catalogue


def test_figures_in_the_rules_texts_are_the_rules_own() -> None:
    english = catalogue("en")
    for key, figure in {
        "supply_above_primary_when": f"{plausibility.ABOVE_PRIMARY_K:g} K",
        "return_above_supply_when": f"{plausibility.ABOVE_SUPPLY_K:g} K",
        "flow_without_pump_when": f"{plausibility.WITHOUT_PUMP_S:g} s",
        "pressure_without_pump_when": f"{plausibility.HEAD_LEFT_KPA:g} kPa",
        "pressure_without_pump_clears": f"{plausibility.GOOD_S:g} s",
        "return_pressure_outvoted_when": f"more than {return_witness.DIFFERS_KPA:g} kPa",
        "return_pressure_outvoted_clears": f"{plausibility.GOOD_S:g} s",
        "differential_pressure_outvoted_when": f"within {difference_witness.AGREE_KPA:g} kPa",
        "over_pressure_does": f"{water_rules.LINGERS_S / 60:g} min",
        "suction_low_when": f"{water_rules.SUCTION_KPA:g} kPa",
        "suction_low_clears": f"{water_rules.SUCTION_CONTRADICTED_KPA:g} kPa",
        "frost_when": f"{frost_rules.FROST_C:g} °C",
        "frost_clears": f"{frost_rules.FROST_ENDS_C:g} °C",
        "frost_does": f"{frost_rules.FROST_OPENING:g} %",
        "return_cool_when": f"{frost_rules.COOL_C:g} °C",
        "return_cool_does": f"{frost_rules.COOL_OPENING:g} %",
        "outdoor_frost_when": f"{frost_rules.OUTDOOR_FROST_C:g} °C",
        "standing_cold_when": f"{frost_rules.STANDING_C:g} °C",
        "flood_makeup_when": f"{flood_rules.REMEMBERED_S / 60:g} min",
        "flood_makeup_does": f"{flood_rules.PORTION_S:g} s in every {flood_rules.PORTION_OF_S:g} s",
        "flood_makeup_clears": f"{flood_rules.DRY_S:g} s",
        "flood_primary_when": f"{flood_rules.PRIMARY_FALL_KPA:g} kPa within {flood_rules.PRIMARY_FALL_S:g} s",
        "makeup_dry_when": f"{DryMakeup.SUSPECT_S:g} s",
        "makeup_dry_clears": f"{DryMakeup.REST_S / 60:g} min",
        "pressure_drops_clears": f"{makeup_tells.DROPS_CLEAR_S / 60:g} min",
        "makeup_warning_when": f"{makeup_guard.STAGES[0]:g} %",
        "leak_alarm_when": f"{makeup_guard.STAGES[1]:g} %",
        "leak_urgent_when": f"{makeup_guard.STAGES[2]:g} %",
        "outdoor_doubtful_when": f"{OutdoorSettings().differ:g} K",
        "outdoor_doubtful_does": f"{OutdoorSettings().most:g} K",
    }.items():
        assert figure in english[f"rule.{key}"], key
    for key, figure in {
        "frost_when": f"{frost_rules.LAID_UP_FROST_C:g} °C",
        "frost_clears": f"{frost_rules.LAID_UP_FROST_ENDS_C:g} °C",
    }.items():
        assert figure in english[f"rule.{key}"], key


# ---- sentences

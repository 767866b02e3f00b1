"""The safety table and the outputs' fail-safe as a page, made from the table itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controller.points import Output
from controller.quantities import QUANTITIES
from controller.safety.rules import Rule
from controller.texts import fill

_HEAD = {
    "en": (
        "# Fail-safe table",
        "Made by `station show failsafe` from the rules of the demo station; the stronger row comes first.",
        "| rule | when | after | what happens | clears | a person may override | alarm |",
        "## What an output does when its circuit breaks, and at a clean stop",
        "| output | does |",
        "no",
        "holds",
    ),
    "zh": (
        "# 故障安全表",
        "由 `station show failsafe` 从示范站的规则生成；越靠上越强。",
        "| 规则 | 条件 | 延时 | 动作 | 解除 | 可否人工越过 | 报警 |",
        "## 回路出错时和正常停机时各输出的动作",
        "| 输出 | 动作 |",
        "否",
        "保持",
    ),
}


def failsafe_page(rules: Sequence[Rule], outputs: Iterable[Output], language: str) -> str:
    """Markdown in `en` or `zh`; a rule that stands for several subjects has one row."""
    title, intro, head, second, outputs_head, no, holds = _HEAD[language]
    rows = [title, "", intro, "", head, "|" + " --- |" * 7]
    seen = set()
    for rule in rules:
        if rule.code in seen:
            continue
        seen.add(rule.code)
        cells = [fill(f"rule.{rule.code}_{part}", language, {}) for part in ("when", "does", "clears")]
        after = QUANTITIES["time"].show(rule.after_s)
        acts = no if rule.act is not None else "–"
        row = (f"`{rule.code}`", cells[0], after, *cells[1:], acts, rule.priority or "–")
        rows.append(f"| {' | '.join(row)} |")
    rows += ["", second, "", outputs_head, "| --- | --- |"]
    for output in outputs:
        does = holds if output.failsafe is None else QUANTITIES[output.quantity].show(output.failsafe)
        rows.append(f"| `{output.name}` | {does} |")
    return "\n".join(rows) + "\n"

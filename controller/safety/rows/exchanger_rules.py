"""Rows for exchangers in parallel: one must stay open, frost opens all, and what fails is told."""

from __future__ import annotations

from collections.abc import Iterator

from controller.points import Image, Output
from controller.safety.rows.parts import on
from controller.safety.rows.protected import Protected
from controller.safety.rules import Rule


def exchanger_rules(circuit: Protected, image: Image) -> Iterator[Rule]:
    """A control valve that opens onto shut exchangers brings no heat, whoever has shut them."""
    outputs = [output for output, _ in circuit.exchangers]
    if not outputs:
        return
    name = circuit.name

    def all_shut() -> bool:
        return circuit.plan().heat and all(_asked(output) < 0.5 for output in outputs)

    yield Rule(
        "exchangers_shut",
        name,
        all_shut,
        act=lambda code: open_all(circuit, code),
        priority="high",
    )
    for output in outputs:
        exchanger = output.name.removesuffix("_open")
        failure = image[f"{exchanger}_failure"]
        yield Rule(
            "exchanger_stuck",
            exchanger,
            lambda failure=failure: failure.usable and failure.value > 0,  # type: ignore[misc]
            priority="high",
            shows=lambda failure=failure: (("why", f"failure_{failure.show()}", "text"),),  # type: ignore[misc]
        )
    missing = image[f"{name}.exchanger_heat_missing"]
    yield Rule("exchanger_no_heat", name, on(missing), priority="high")


def open_all(circuit: Protected, code: str) -> None:
    """All that are not out for cleaning."""
    for output, is_out in circuit.exchangers:
        if not is_out():
            output.limit.at_least(1.0, code)


def _asked(output: Output) -> float:
    """What a person or the circuit wants of it; not what a row makes of that."""
    return output.override.value if output.override is not None else output.demand

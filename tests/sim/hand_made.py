"""A zone with two groups of buildings described by hand: sizes that hit the design point exactly."""

from dataclasses import replace

from sim.plant import GroupParameters, RoomParameters, ZoneParameters

GROUPS = (
    GroupParameters("near", load_share=0.45, flow_share=0.45, pipe_volume_m3=3.0),
    GroupParameters("far", load_share=0.55, flow_share=0.55, pipe_volume_m3=8.0, pipe_loss_w_per_k=150.0),
)
ROOMS = (RoomParameters(0), RoomParameters(1, 0.3), RoomParameters(1, -0.5))
TWO_GROUPS = replace(ZoneParameters(), groups=GROUPS, rooms=ROOMS)

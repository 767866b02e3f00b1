"""The `plant` section of a station's file: what stands behind the field devices. Only the simulator, season
runs and reports read it.

The defaults are those of the simulated plant (`sim.physics.parameters`); a test keeps both alike. What a zone
does not say here follows from its circuit (`sim.sizing`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.fields import Amount, Name, Settings, Whole, Words

# What more than one section gives: range and meaning once.
Gains = Annotated[
    float,
    Amount("irradiance", 0, 50),
    Field(description="Heat of people and appliances a square metre, beyond what the design load counts"),
]
Scaling = Annotated[
    float,
    Amount("percent", 0, 100),
    Field(description="Fouling that grows a day, as a part of the clean resistance, up to 50 %"),
]
Share = Annotated[float, Amount("percent", 0.01, 100)]
Play = Annotated[float, Amount("percent", 0, 20)]
CityWater = Annotated[float, Amount("flow", 0, 500)]


class PlantGroupSettings(Settings):
    """Buildings on one branch, described by hand."""

    name: Name = Field(description="Name in points, faults and reports")
    load_share: Share = Field(description="Part of the circuit's heat; 100 % with the other groups")
    flow_share: Share = Field(description="Part of the circuit's water; 100 % with the other groups")
    pipe_volume: Annotated[float, Amount("volume", 0.01, 200)] = Field(
        description="Water in its supply pipe; the return pipe is its twin"
    )
    time_constant: Annotated[float, Amount("time", 36000, 1.8e6)] = Field(
        360000.0, description="In which the buildings cool, by their insulation and mass"
    )
    radiator_size: Annotated[float, Amount("percent", 30, 300)] = Field(
        100.0, description="Heating surface as a part of what the design day takes"
    )
    solar_aperture: Annotated[float, Amount("percent", 0, 20)] = Field(
        2.0, description="Window that lets the sun in, as a part of the floor"
    )
    internal_gains: Gains = 0.0


class PlantZoneSettings(Settings):
    """A circuit's plant, for the simulator."""

    power: Annotated[float, Amount("power", 20, 50000)] = Field(2000.0, description="Heat on the design day")
    loop_volume: Annotated[float, Amount("volume", 0.5, 2000)] = Field(40.0, description="Water in the loop")
    vessel_gas: Annotated[float, Amount("volume", 0.01, 100)] = Field(
        0.75, description="Gas in the expansion vessel"
    )
    vessel_precharge: Annotated[float, Amount("pressure", 0, 1500)] | None = Field(
        None, description="Precharge of the vessel; without it as the makeup's set-point asks"
    )
    air_share: Annotated[float, Amount("percent", 0, 5)] = Field(
        0.0, description="Free air in the loop at 350 kPa, as a part of its volume"
    )
    leak: Annotated[float, Amount("flow", 0, 100)] = Field(
        0.02, description="What a sound loop loses all the time, at 300 kPa"
    )
    valve_kvs: Annotated[float, Amount("number", 1, 2000)] = Field(
        80.0, description="Kvs of the primary valve"
    )
    valve_leakage: Annotated[float, Amount("percent", 0, 10)] = Field(
        0.01, description="Part of Kvs that the closed valve lets through"
    )
    valve_dead_band: Play = Field(1.0, description="Of the stroke: the actuator starts beyond it")
    valve_stiction: Play = Field(0.5, description="Of the stroke: the stem sticks and jumps by it")
    valve_asymmetry: Annotated[float, Amount("percent", -50, 200)] = Field(
        0.0, description="By so much closing takes longer than opening"
    )
    conductance: Annotated[float, Amount("conductance", 1, 3000)] = Field(
        69.0, description="UA of the exchanger, new"
    )
    oversizing: Annotated[float, Amount("percent", 50, 500)] = Field(
        100.0,
        description="What was bought, as a part of `conductance`; its plates and water too",
    )
    scaling: Scaling = 0.0
    booster_head: Annotated[float, Amount("pressure", 1, 1000)] = Field(
        150.0, description="Of the circuit's primary pump, at design flow and nominal speed"
    )
    pump_ramp: Annotated[float, Amount("time", 1, 300)] = Field(
        20.0, description="In which a drive brings a circulation pump to nominal speed"
    )
    pump_min_speed: Annotated[float, Amount("frequency", 0, 50)] = Field(
        15.0, description="Of a circulation pump's drive: told less, it turns no slower"
    )
    buildings: Whole = Field(8, ge=1, le=200, description="Different houses along the street")
    buildings_seed: Words | None = Field(None, description="Another street of houses for every text")
    internal_gains: Gains = 0.0
    balancing: list[Annotated[float, Amount("percent", 0, 100)]] = Field(
        [],
        max_length=200,
        description="Strokes of the buildings' balancing valves; without: 70 % each, as sized",
    )
    groups: list[PlantGroupSettings] = Field(
        [], max_length=50, description="Buildings by hand, in place of the street of houses and its gains"
    )


class PlantPrimarySettings(Settings):
    """The primary network as the station sees it."""

    cold_outdoor: Annotated[float, Amount("temperature", -60, 20)] = Field(
        -24.2, description="Cold end of the source's own curve"
    )
    cold_supply: Annotated[float, Amount("temperature", 40, 150)] = Field(
        110.0, description="What it supplies there"
    )
    mild_outdoor: Annotated[float, Amount("temperature", -40, 30)] = Field(
        5.0, description="Mild end of the source's own curve"
    )
    mild_supply: Annotated[float, Amount("temperature", 30, 150)] = Field(
        70.0, description="What it supplies there"
    )
    delay: Annotated[float, Amount("time", 60, 2 * 86400)] = Field(
        10800.0, description="By which the source follows the weather late (first order)"
    )
    disturbance: Annotated[float, Amount("number", 0, 5)] = Field(
        1.0, description="Scale of its steps, swings and noise; 0 is a steady network"
    )
    differential_pressure: Annotated[float, Amount("pressure", 0, 1000)] | None = Field(
        None, description="At no flow; without it 110 kPa, or none where circuits have pumps alone"
    )
    network_drop: Annotated[float, Amount("pressure", 0, 500)] = Field(
        10.0, description="Of it lost in the network at the circuits' design flow"
    )
    return_pressure: Annotated[float, Amount("pressure", 10, 2000)] | None = Field(
        None, description="Without it 600 kPa, or the lowest set-point of the mixing circuits"
    )


class PlantSensorSettings(Settings):
    """Sensors, transmitters and heat meter of the simulated field."""

    noise: Annotated[float, Amount("number", 0, 20)] = Field(1.0, description="Scale of all noise")
    bits: Whole = Field(12, ge=0, le=24, description="Pressure and level in steps of range/2^bits; 0: fine")
    meter_interval: Annotated[float, Amount("time", 0, 3600)] = Field(
        2.0, description="Between samples of the heat meter: on mains 1…2 s, on battery 30…60 s"
    )


class PlantTankSettings(Settings):
    """The makeup tank and the floor below it."""

    area: Annotated[float, Amount("area", 0.1, 200)] = Field(4.0, description="Of the water's surface")
    overflow: Annotated[float, Amount("length", 0.2, 20)] = Field(
        2.0, description="Level at which it runs over"
    )
    start: Annotated[float, Amount("length", 0, 20)] = Field(
        1.5, description="Level when the run begins; at most the overflow"
    )
    inlet: CityWater = Field(10.0, description="What the city gives it")
    floor_drain: CityWater = Field(2.9, description="What the gully in the station's floor takes")


class PlantHotWaterSettings(Settings):
    """Domestic hot water on the same primary network, with a plain regulator of its own."""

    kind: Literal["instantaneous", "storage"] = Field(
        "instantaneous", description="Exchanger alone, or a store"
    )
    power: Annotated[float, Amount("power", 5, 20000)] = Field(
        350.0, description="Of the exchanger, at 70 °C of the primary and 60 °C at the taps"
    )
    setpoint: Annotated[float, Amount("temperature", 30, 80)] = Field(55.0, description="At the taps")
    flats: Whole = Field(200, ge=0, le=20000, description="That draw from it")
    daily: Annotated[float, Amount("volume", 0, 2)] = Field(0.0875, description="Hot water a flat and day")
    hours: list[Annotated[float, Amount("number", 0, 1000)]] | None = Field(
        None, min_length=24, max_length=24, description="Weights of the day's hours from midnight; housing"
    )
    storage: Annotated[float, Amount("volume", 0.05, 200)] = Field(2.0, description="Water in the store")
    circulation: Annotated[float, Amount("flow", 0, 100)] = Field(
        1.08, description="Through the circulation line; 0: none"
    )
    circulation_loss: Annotated[float, Amount("conductance", 0, 20)] = Field(
        0.3, description="Of the line to its surroundings"
    )
    scaling: Scaling = 0.0


class PlantSettings(Settings):
    """The plant behind the field devices: only simulator, season and reports read it."""

    heated_area: Annotated[float, Amount("area", 100, 5e6)] = Field(50000.0, description="Heated floor area")
    weather: Words = Field("shenyang_2013_01", description="Weather that the simulator plays: name or file")
    wind_loss: Annotated[float, Amount("percent", 0, 20)] = Field(
        2.0, description="Growth of the air-change loss with each m/s of wind"
    )
    co2_factor: Annotated[float, Amount("number", 0, 500)] = Field(
        110.0, description="kg of CO₂ a GJ of heat (110: China's default for heat that is bought)"
    )
    heat_fee: Annotated[float, Amount("number", 0, 1000)] = Field(
        35.0, description="What a square metre pays for a heating season, in money"
    )
    zones: dict[Name, PlantZoneSettings] = {}
    primary: PlantPrimarySettings = PlantPrimarySettings()
    sensors: PlantSensorSettings = PlantSensorSettings()
    tank: PlantTankSettings = PlantTankSettings()
    hot_water: dict[Name, PlantHotWaterSettings] = {}

"""HYDRA from two cameras for making coffee: waypoints far from contact, dense actions near it.

Learns from a dataset that `muse relabel` made: one with a `mode` and a waypoint for every row.
"""

from dataclasses import replace
from pathlib import Path

from muse_core.configs import HydraConfig, load_config

bc_rnn = load_config(Path(__file__).with_name("vis_bc_rnn.py"))

export = replace(
    bc_rnn,
    exp_name="{dataset}_vis_hydra_b{batch_size}_h{horizon}_s{seed}",
    model=HydraConfig(encoder=bc_rnn.model.encoder, head=bc_rnn.model.head, hidden_size=1000, layers=2, memory="flush"),
)

"""Configs of the authors' code, of the kinds that an import must take."""

from __future__ import annotations

from paper_networks import Params, blocks, climate_model, image_model

BANDS = {"env_model": 3, "sat_model": 4}

CHAIN: Params = {
    "model_name": "MultiResolutionModel", "covariates": ["sat"], "patch_size": 40, "backbone": "CNN",
    "backbone_params": {"n_filters": [4, 6, 5], "kernel_sizes": [3, 5, 2], "paddings": [1, 0, 0],
                        "pooling_sizes": [2, 1, 1]},
    "spatial_block_params": blocks([[3, 2], [1]], [[2, 1], [1]], strides=[[2, 1], [1]], n_linear_layers=3),
}  # fmt: skip
CONFIGS: dict[str, Params] = {
    "climate 1": {"env_model": climate_model([[1]], 1), "sat_model": ""},
    "climate 1-5": {"env_model": climate_model([[1], [5]], 5), "sat_model": ""},
    "climate 9-1, out of order": {
        "env_model": climate_model([[3, 7], [1]], 9, "spatial_block_params", n_linear_layers=2)
    },
    "satellite 25": {"env_model": "", "sat_model": image_model((25,))},
    "satellite 59": {"env_model": None, "sat_model": image_model((59,), "spatial_block_params")},
    "satellite 115": {"sat_model": image_model((115,))},
    "satellite 25-59-115": {"sat_model": image_model((25, 59, 115))},
    "any convolutions": {"sat_model": CHAIN},
    "bimodal": {
        "env_model": climate_model([[1], [5]], 5, "spatial_block_params"),
        "sat_model": image_model((25, 59, 115), "spatial_block_params"),
    },
    "bimodal, small": {"env_model": climate_model([[1]], 1), "sat_model": image_model((25,))},
    "bimodal, convolutions": {"env_model": climate_model([[1]], 1), "sat_model": CHAIN},
}

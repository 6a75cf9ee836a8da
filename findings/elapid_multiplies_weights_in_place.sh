#!/usr/bin/env bash
# One would guess: MaxentModel.fit(x, y, sample_weight=w) of elapid reads the weights and leaves the caller's array alone.
# What happens: weights of the background are multiplied by 100 in the caller's own array, at every fit.
# Why it matters: who fits several species or folds with one array of weights weighs the background 100, 10,000,
# 1,000,000 times; later models are other models than the first, in silence. Give each fit a copy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check elapid==1.0.4 geopandas==1.2.0 rtree==1.4.1 numpy==2.4.6 \
    scikit-learn==1.9.1 pandas==3.1.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import elapid
import numpy as np

draw = np.random.default_rng(0)
x = draw.normal(size=(400, 2))
y = (draw.random(400) < 1 / (1 + np.exp(-x[:, 0]))).astype(int)
weights = np.ones(400)
print(f"elapid {elapid.__version__}; weights before: {np.unique(weights)}")
for number in (1, 2):
    elapid.MaxentModel().fit(x, y, sample_weight=weights)
    print(f"after fit {number}: {np.unique(weights)}")
    expected = {1.0, 100.0**number}
    assert set(np.unique(weights)) == expected, "the finding no longer holds"
assert (weights[y == 0] == 10_000).all() and (weights[y == 1] == 1).all(), "other rows are multiplied now"
PY

#!/usr/bin/env bash
# One would guess: safetensors.numpy.save stores the values of any array, whatever its layout in memory, or refuses.
# What happens: a transposed array is saved with its own shape and the bytes of the array it is a view of, so that other
# values come back, without an error or a warning. torch tensors that are not contiguous are refused instead.
# Why it matters: weights imported from another framework are often transposed on the way (Keras, JAX, MATLAB); the file
# loads, has all the right names and shapes, and gives other predictions. numpy.ascontiguousarray before saving helps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import safetensors
from safetensors.numpy import load, save

array = np.arange(6, dtype=np.float32).reshape(2, 3)
back = load(save({"weight": array.T}))["weight"]
whole = load(save({"weight": np.ascontiguousarray(array.T)}))["weight"]
print(f"safetensors {safetensors.__version__}, numpy {np.__version__}")
print(f"saved:  {array.T.tolist()}")
print(f"loaded: {back.tolist()}")
assert back.shape == array.T.shape, "the shape is no longer kept: look again"
assert not (back == array.T).all(), "transposed arrays come back right now: the finding no longer holds"
assert (back.ravel() == array.ravel()).all(), "other values come back than the underlying bytes: look again"
assert (whole == array.T).all(), "a contiguous copy no longer helps: look again"
PY

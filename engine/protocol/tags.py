"""Names of the tags by which a map says what it is. Standard library alone."""

from __future__ import annotations

RUN_TAG = "SCALESCAPE_RUN"  # the record of the run, as JSON
PRODUCTS_TAG = "SCALESCAPE_PRODUCTS"  # the record of what was made of finished maps, as JSON
SCENARIO, DATE, HELD = "SCENARIO", "DATE", "HELD"  # which state of the world a map shows
PRODUCT, SPECIES, QUANTITY, MEANING = "PRODUCT", "SPECIES", "QUANTITY", "MEANING"
THRESHOLDS, CALIBRATION = "THRESHOLDS", "CALIBRATION"
NO_OCCURRENCE, NO_THRESHOLDS = "NO_OCCURRENCE", "NO_THRESHOLDS"  # why there are none
FLAG = "FLAG"  # why tests prove little or nothing for a species (models/flags.py)
LEFT_OUT, UNPROVEN = "LEFT_OUT", "UNPROVEN"  # which unproven species a sum leaves out, or counts
SPECIES_COUNT = "SPECIES_COUNT"  # how many it counts
BIAS, SCALE_DROPOUT = "BIAS", "SCALE_DROPOUT"  # of maps of effects

"""What commands share: the options of a map, and the job that they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..protocol import (
    DEFAULT_MEMORY,
    DEVICES,
    EDGES,
    ENCODINGS,
    LAYOUTS,
    METHODS,
    PRECISIONS,
    PRODUCTS,
    USUAL_PRODUCTS,
    MapJob,
)
from ..words.values import (
    extent_of,
    file_crs_of,
    input_of,
    memory_of,
    nodata_of,
    products_of,
    scales_of,
    species_in,
)

Command = Callable[..., Any]
Job = TypeVar("Job", bound=MapJob)


def with_options(options: list[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    """Return a decorator that gives a command ``options``, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


# fmt: off
INPUTS = click.option(
    "--input", "inputs", multiple=True, metavar="MODALITY=FILE",
    help="A raster of a modality; once a file, in the order of the card's bands. FILE#2,3 takes bands 2 and 3.",
)
EXTENT = [
    click.option("--extent", metavar="XMIN,YMIN,XMAX,YMAX", help="Area; the whole raster by default."),
    click.option("--extent-crs", metavar="CRS", help="CRS of --extent; the finest raster's by default."),
]
SCALES = click.option(
    "--scales", multiple=True, metavar="MODALITY=SCALES",
    help="Scales that stay on, as satellite=25,59; bioclim=none switches a modality off.",
)
NODATA = click.option(
    "--nodata", multiple=True, metavar="FILE=VALUE",
    help="What means NoData in FILE beside what it says itself, as it is stored: a number or a range "
    "(249..255). Repeat for more; they add up.",
)
FILE_CRS = click.option(
    "--file-crs", "file_crs", multiple=True, metavar="FILE=CRS",
    help="The CRS of FILE, in place of its own or where it has none.",
)
EDGE = click.option("--edge", type=click.Choice(EDGES), default="nodata", show_default=True,
                    help="What a window that leaves the raster gives.")
OUT = click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the maps.")
OUT_UNLESS_ESTIMATED = click.option("--out", type=click.Path(path_type=Path),
                                    help="Folder for the maps; not needed with --estimate.")
STEP = click.option("--step", type=int, default=1, show_default=True, help="Output pixel / input pixel.")
VERIFY = click.option("--verify", type=click.IntRange(min=0), default=0, metavar="N",
                      help="Compute N random pixels again window by window; write nothing if they differ.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output.")
THRESHOLD = click.option(
    "--threshold", default="largest-tss", show_default=True, metavar="RULE|NUMBER",
    help="From where on a species counts: largest-tss, equal-sensitivity-and-specificity, "
    "tenth-percentile-presence or minimum-presence of the card, or a number. For binary, and for richness "
    "where there is no occurrence.",
)
INCLUDE_UNPROVEN = click.option(
    "--include-unproven", is_flag=True,
    help="Let species for which tests prove nothing (few presences or blocks, or no better than chance) count "
    "in richness and top, too.",
)
FORMATS: list[Callable[[Command], Command]] = [
    click.option("--products", default=",".join(USUAL_PRODUCTS), show_default=True, metavar="LIST",
                 help=f"What to write, with commas between: {', '.join(PRODUCTS)}."),
    THRESHOLD,
    INCLUDE_UNPROVEN,
    click.option("--cut-novel", is_flag=True, help="Leave out pixels unlike what the model was trained on."),
    click.option("--encoding", type=click.Choice(ENCODINGS), default=ENCODINGS[0], show_default=True),
    click.option("--layout", type=click.Choice(LAYOUTS), default=LAYOUTS[0], show_default=True),
]
PLACE = [*EXTENT, click.option("--mask", metavar="POLYGONS",
                               help="A vector file; its polygons are mapped alone.")]
SPECIES = [
    click.option("--species", multiple=True, help="A species; repeat for more. All by default."),
    click.option("--species-file", type=click.Path(path_type=Path), help="A file of species, one a line."),
]
COMPUTING = [
    SCALES,
    NODATA,
    FILE_CRS,
    EDGE,
    click.option("--clamp", is_flag=True, help="Pull predictors into the training's range first."),
    click.option("--blend", is_flag=True,
                 help="Interpolate what coarse modalities contribute, so that their cells do not show."),
    click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True),
    click.option("--precision", type=click.Choice(PRECISIONS), default="auto", show_default=True),
    click.option("--memory", default=f"{DEFAULT_MEMORY // 1024**3}GiB", show_default=True,
                 help="Memory budget, such as 2GiB or 500MiB."),
    click.option("--method", type=click.Choice(METHODS), default="auto", show_default=True,
                 help="dense shares work between neighbours; patch goes window by window."),
]
MAPPING = [*PLACE, STEP, *SPECIES, *COMPUTING, VERIFY]
# fmt: on


def demand_out(out: Path | None) -> None:
    """Raise the usage error of a missing option where there is no folder for a run."""
    if out is None:
        context = click.get_current_context()
        raise click.MissingParameter(ctx=context, param_hint="'--out'", param_type="option")


def map_job(kind: type[Job], model: Path, options: dict[str, Any], **fields: Any) -> Job:
    """Return the job of class ``kind`` that a command's options name; ``fields`` are those of it alone.

    Options that a command does not have keep the job's own defaults.
    """
    values: dict[str, Any] = {
        "model": str(model),
        "inputs": tuple(input_of(text) for text in options["inputs"]),
        "extent": extent_of(options["extent"]),
        "scales": scales_of(options["scales"]),
        "nodata": nodata_of(options["nodata"]),
        "file_crs": file_crs_of(options["file_crs"]),
        "memory": memory_of(options["memory"]),
        "species": (*options["species"], *species_in(options["species_file"])),
    }
    if "out" in options:
        values["out"] = str(options["out"] or "")
    if "products" in options:
        values["products"] = products_of(options["products"])
    taken = (
        "extent_crs", "step", "edge", "device", "precision", "method", "verify", "blend", "mask", "clamp",
        "threshold", "cut_novel", "encoding", "layout", "include_unproven",
    )  # fmt: skip
    values |= {name: options[name] for name in taken if name in options}
    return kind(**values, **fields)

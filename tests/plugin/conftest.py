"""Register the repository root as the package ``scalescape``, as the engine does, whatever its name."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE_ENGINE = Path(__file__).with_name("fake_engine.py")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent))  # for plugin_stand_ins


def _register(root: Path) -> None:
    spec = importlib.util.spec_from_file_location("engine_main", root / "engine" / "__main__.py")
    main = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(main)


_register(ROOT)

from plugin_stand_ins import add_raster, card_values, wait_until, write_card, write_raster  # noqa: E402
from scalescape.plugin.core.engine_client import EngineClient, Patience  # noqa: E402
from scalescape.plugin.core.engine_launch import EngineLaunch, clean_environment  # noqa: E402

PATIENT = Patience(grace=0.5, silence=30, hang=30, tick=0.02)  # an engine may start late on a busy machine


@pytest.fixture
def fake_launch():
    """Return a function that gives the launch of the fake engine, with its behaviour as arguments."""

    def launch(*arguments: str) -> EngineLaunch:
        return EngineLaunch((sys.executable, str(FAKE_ENGINE), *arguments), clean_environment(os.environ))

    return launch


@pytest.fixture
def make_client(fake_launch, tmp_path):
    """Return a function that gives a client of the fake engine; all are closed at the end."""
    clients = []

    def make(*arguments: str, patience: Patience = PATIENT) -> EngineClient:
        client = EngineClient(fake_launch(*arguments), tmp_path / "logs" / "engine.log", patience)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def model_file(tmp_path) -> Path:
    """Return a model file with a card and no weights, enough for all but mapping."""
    return write_card(tmp_path / "test model.safetensors", card_values())


@pytest.fixture
def card(model_file):
    """Return the card of ``model_file``."""
    from scalescape.models.card import read_card

    return read_card(model_file)


@pytest.fixture
def rasters(tmp_path) -> dict:
    """Return files of the two modalities of ``model_file``."""
    scene = {"red": 0.2, "green": 0.2, "blue": 0.2, "nir": 0.2}
    return {
        "satellite": write_raster(tmp_path / "scene.tif", scene),
        "bioclim": write_raster(tmp_path / "climate.tif", {"bio1": 11.0, "bio12": 800.0}, pixel=1000),
    }


@pytest.fixture
def write_maps(card):
    """Return a function that writes maps as the engine does: a file a species, named in its description."""

    def write(folder: Path) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for i, species in enumerate(card.species):
            name = species.name.lower().replace(" ", "_")
            files.append(str(write_raster(folder / f"{name}.tif", {species.name: 0.2 * (i + 1)})))
        return files

    return write


@pytest.fixture
def bridge(qgis_app, fake_launch, tmp_path, monkeypatch):
    """Return a bridge to the fake engine; ``bridge.behaviour`` is what the engine does wrong."""
    from scalescape.plugin.core import engine_bridge

    behaviour: list = []

    def client() -> EngineClient:
        return EngineClient(fake_launch(*behaviour), tmp_path / "engine.log", Patience(grace=0.5, tick=0.02))

    monkeypatch.setattr(engine_bridge, "new_client", client)
    made = engine_bridge.EngineBridge()
    made.behaviour = behaviour
    yield made
    made.close()


@pytest.fixture
def engine(fake_launch, tmp_path, monkeypatch):
    """Have algorithms run the fake engine; the list is what it does wrong."""
    from scalescape.plugin.processing import engine_run

    behaviour: list = []

    def client() -> EngineClient:
        return EngineClient(fake_launch(*behaviour), tmp_path / "log", Patience(grace=0.5))

    monkeypatch.setattr(engine_run, "new_client", client)
    return behaviour


@pytest.fixture
def map_parameters(model_file, rasters) -> dict:
    """Return model and rasters as the algorithms that map take them."""
    inputs = f"satellite={rasters['satellite']}\nbioclim={rasters['bioclim']}#1,2"
    return {"MODEL": str(model_file), "INPUTS": inputs}


@pytest.fixture
def project(qgis_app):
    """Return the project, empty, with no settings of ours from before."""
    from qgis.core import QgsProject, QgsSettings

    def clear() -> None:
        project.clear()
        QgsSettings().remove("scalescape")

    project = QgsProject.instance()
    clear()
    yield project
    clear()


@pytest.fixture
def context(project):
    """Return a context of Processing in the project."""
    from qgis.core import QgsProcessingContext
    from qgis.PyQt import sip

    context = QgsProcessingContext()
    context.setProject(project)
    yield context
    sip.delete(context)  # pytest holds it longer than QGIS lives, where the test is the last one


@pytest.fixture
def canvas(qgis_app):
    """Return a map canvas over the scene of ``rasters``, at the scene's own scale."""
    from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle
    from qgis.gui import QgsMapCanvas

    canvas = QgsMapCanvas()
    canvas.resize(400, 400)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32631"))
    canvas.setExtent(QgsRectangle(500000, 4799920, 500080, 4800000))
    yield canvas
    canvas.deleteLater()


@pytest.fixture
def dock(project, bridge, canvas, monkeypatch):
    """Return a dock without a model, not shown yet."""
    from scalescape.plugin.gui.dock import ScalescapeDock

    monkeypatch.setattr("scalescape.plugin.gui.model_panel.known_models", list)
    dock = ScalescapeDock(bridge, project, canvas)
    yield dock
    dock.desk.cancel()
    dock.close()
    dock.deleteLater()


@pytest.fixture
def ready(dock, project, rasters, model_file, tmp_path):
    """Return a dock with model, inputs and output chosen, once Run is enabled."""
    for name, file in rasters.items():
        add_raster(project, file, name)
    dock.show()
    dock.model.choose(str(model_file))
    dock.output.set_folder(str(tmp_path / "maps"))
    assert wait_until(dock.run_bar.run.isEnabled), dock.run_bar.hint.text()
    return dock

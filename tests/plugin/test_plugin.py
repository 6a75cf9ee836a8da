"""The plugin takes away all that it brought."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
import scalescape
from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtWidgets import QDockWidget

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def iface(qgis_iface, monkeypatch):
    from qgis.core import QgsLayerTreeModel
    from qgis.gui import QgsLayerTreeView

    view = QgsLayerTreeView()
    view.setModel(QgsLayerTreeModel(QgsProject.instance().layerTreeRoot(), view))
    monkeypatch.setattr(qgis_iface, "layerTreeView", lambda: view, raising=False)
    return qgis_iface


def provider():
    return QgsApplication.processingRegistry().providerById("scalescape")


def test_unload_removes_all_that_init_added(iface):
    docks = len(iface.mainWindow().findChildren(QDockWidget))
    plugin = scalescape.classFactory(iface)
    plugin.initGui()
    assert provider() is not None
    assert plugin.dock.objectName() == "ScalescapeDock" and not plugin.dock.isVisible()
    assert len(iface.mainWindow().findChildren(QDockWidget)) == docks + 2
    plugin.unload()
    QgsApplication.sendPostedEvents(None, 52)  # QEvent.Type.DeferredDelete
    QgsApplication.processEvents()
    assert provider() is None and plugin.dock is None
    assert len(iface.mainWindow().findChildren(QDockWidget)) == docks


def test_it_can_be_loaded_again(iface):
    for _ in range(2):
        plugin = scalescape.classFactory(iface)
        plugin.initGui()
        plugin.unload()
    assert provider() is None


def test_in_qgis_process_there_is_no_interface(qgis_app):
    plugin = scalescape.classFactory(None)
    plugin.initProcessing()
    assert provider() is not None
    plugin.unload()
    assert provider() is None


def test_a_group_of_maps_is_marked_with_its_run(iface):
    from scalescape.plugin.core.result_layers import SUMMARY_PROPERTY

    plugin = scalescape.classFactory(iface)
    plugin.initGui()
    view, root = iface.layerTreeView(), QgsProject.instance().layerTreeRoot()
    group = root.addGroup("maps")
    group.setCustomProperty(SUMMARY_PROPERTY, "demo\nStep: 4")
    QgsApplication.processEvents()
    (mark,) = view.indicators(group)
    assert mark.toolTip() == "demo<br>Step: 4"
    plugin.unload()
    assert view.indicators(group) == []
    QgsProject.instance().clear()


def test_the_end_of_a_run_is_one_message_with_the_folder_at_hand(iface, monkeypatch, tmp_path):
    from qgis.core import Qgis
    from qgis.gui import QgsMessageBar
    from qgis.PyQt.QtGui import QDesktopServices
    from qgis.PyQt.QtWidgets import QPushButton

    bar = QgsMessageBar()
    monkeypatch.setattr(iface, "messageBar", lambda: bar)
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    plugin = scalescape.classFactory(iface)
    plugin.initGui()
    bar.pushMessage("Task failed", "Scalescape: 12 species with demo", Qgis.MessageLevel.Info, 0)
    bar.pushMessage("Saved", "somebody else's", Qgis.MessageLevel.Info, 0)
    plugin._say_end("info", "Map cancelled", "Nothing was written.", "")
    assert sorted(item.title() for item in bar.items()) == ["Map cancelled", "Saved"]
    plugin._say_end("success", "Map finished", "12 species", str(tmp_path))
    (button,) = bar.currentItem().findChildren(QPushButton)
    button.click()
    assert opened == [str(tmp_path)]
    plugin.unload()


def test_metadata_is_complete_for_the_repository():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "metadata.txt", encoding="utf-8")
    general = parser["general"]
    for key in ("name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker",
                "repository", "homepage", "icon"):  # fmt: skip
        assert general[key].strip(), key
    assert general["hasProcessingProvider"] == "yes" and general["qgisMaximumVersion"] == "4.99"
    assert all(part.isdigit() for part in general["version"].split("."))
    assert "plugin" not in general["name"].lower() and "supportsQt6" not in general
    assert (ROOT / general["icon"]).is_file()

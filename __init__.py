"""Scalescape: maps of where species can live, at several scales at once.

QGIS loads this package as a plugin through :func:`classFactory`; the engine registers the same folder
under the name ``scalescape`` (see ``engine/__main__.py``). Nothing is imported at module level.
"""


def classFactory(iface):
    """Return the plugin object; QGIS calls this once at start, with ``iface`` None in ``qgis_process``."""
    from .plugin.plugin import ScalescapePlugin

    return ScalescapePlugin(iface)

"""What algorithms have in common that read layers: parameters are read in the main thread, used in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingException

from ...models.card import CardError
from ..core.translation import tr
from .engine_algorithm import EngineAlgorithm
from .text_options import OptionError


class PreparedAlgorithm(EngineAlgorithm):
    """Base of the algorithms; a subclass reads its parameters in ``_prepare``, which also judges them."""

    OUTPUT = "OUTPUT"

    def __init__(self) -> None:
        super().__init__()
        self._prepared: Any = None

    def fault(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        try:
            self._prepare(parameters, context)
        except (OptionError, CardError) as error:
            return str(error)
        return ""

    def prepareAlgorithm(self, parameters: dict[str, Any], context: QgsProcessingContext, _: Any) -> bool:
        try:
            prepared = self._prepare(parameters, context)
            self._prepared = self._with_files(prepared, parameters, context)
        except (OptionError, CardError) as error:
            raise QgsProcessingException(str(error)) from error
        return True

    def prepared(self) -> Any:
        """Return what ``prepareAlgorithm`` copied from the main thread."""
        if self._prepared is None:
            raise QgsProcessingException(tr("The algorithm was not prepared."))
        return self._prepared

    def folder(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return the output folder's whole path; empty where none is given."""
        out = self.parameterAsString(parameters, self.OUTPUT, context)
        return str(Path(out).absolute()) if out else ""

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Any:
        """Return all that is needed; raise OptionError or CardError in one sentence."""
        raise NotImplementedError

    def _with_files(self, prepared: Any, parameters: dict[str, Any], context: QgsProcessingContext) -> Any:
        """Return ``prepared`` with the files of vector layers, which are written only for a run."""
        return prepared

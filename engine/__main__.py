"""Start the engine: ``python engine/__main__.py COMMAND``.

The folder above this file becomes the package ``scalescape``, whatever the folder is called, so that
engine and plugin are always of one version and no other folder gets on ``sys.path``. It is done at module
level so that child processes, which import this file again, find the package too.
"""

import importlib.util
import sys
from pathlib import Path

PACKAGE = "scalescape"
EXIT_LACKS_PACKAGE = 3


def register_package(root: Path) -> None:
    """Register the folder ``root`` as the package ``scalescape``, unless it already is."""
    if PACKAGE in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        PACKAGE, root / "__init__.py", submodule_search_locations=[str(root)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {root}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


register_package(Path(__file__).resolve().parent.parent)

if __name__ == "__main__":
    # Run by file path, Python puts this folder first on the path, where `engine/training` and others would
    # shadow third-party packages; safe-path mode leaves it out already.
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if entry != here]
    try:
        from scalescape.engine.cli import main

        main()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == PACKAGE:
            raise
        sys.stderr.write(
            f"The Python {sys.executable} lacks the package {error.name}; build the engine's environment with "
            "'make setup' and choose its Python.\n"
        )
        sys.exit(EXIT_LACKS_PACKAGE)

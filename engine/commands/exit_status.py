"""How a command ends: one sentence on standard error, and an exit status that scripts may rely on."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ...models.errors import ModelError
from ..files.full_disk import full_disk_sentence
from ..protocol.kept_work import work_in
from ..running.errors import Cancelled, InputError

EXIT_DEFECT = 1
EXIT_INPUT = 2
EXIT_CANCELLED = 130


@contextmanager
def exit_status(kept: Path | None = None) -> Iterator[None]:
    """Turn what ends a job into the exit status that docs/command-line.md promises.

    ``kept`` is the folder in which a command with ``--resume`` keeps what is done.
    """
    try:
        yield
    except (InputError, ModelError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_INPUT)
    except (Cancelled, KeyboardInterrupt):
        goes_on = kept is not None and bool(work_in(kept))
        how = f"; what is done is kept in {kept}: go on with --resume." if goes_on else "."
        click.echo(f"Cancelled{how}", err=True)
        sys.exit(EXIT_CANCELLED)
    except click.exceptions.Exit:
        raise
    except click.ClickException:
        raise
    except Exception as error:
        if sentence := full_disk_sentence(error):
            click.echo(sentence, err=True)
            sys.exit(EXIT_INPUT)
        traceback.print_exc()
        click.echo("This is a defect of Scalescape; please report it with the lines above.", err=True)
        sys.exit(EXIT_DEFECT)

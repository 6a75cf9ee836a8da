"""An algorithm, checked and run as Processing does."""

from __future__ import annotations

import json

from feedback import Feedback


def run(algorithm, parameters, context):
    """Return the outputs of a run, and what it said."""
    algorithm, feedback = algorithm.create({}), Feedback()
    good, said = algorithm.checkParameterValues(parameters, context)
    assert good, said
    outputs, good = algorithm.run(parameters, context, feedback)
    assert good, feedback.said
    assert set(outputs) <= {one.name() for one in algorithm.outputDefinitions()}, "each output is declared"
    return outputs, feedback.said


def asked(said):
    """Return the params of the job, which the fake engine on finished maps tells first."""
    return json.loads(said[0])


def refusal(algorithm, parameters, context):
    """Return why parameters are refused before anything runs."""
    good, said = algorithm.create({}).checkParameterValues(parameters, context)
    assert not good
    return said


def opened(context):
    """Return by file the name of what is opened at the end."""
    return {file: one.name for file, one in context.layersToLoadOnCompletion().items()}


def finished(context, file, layer):
    """Let the finishing touch of what is opened at the end do its work on ``layer``, and return it."""
    context.layersToLoadOnCompletion()[str(file)].postProcessor().postProcessLayer(layer, context, Feedback())
    return layer

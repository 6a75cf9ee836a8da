"""What the dock and the algorithms share: engine client, task, layers, settings. No widgets."""

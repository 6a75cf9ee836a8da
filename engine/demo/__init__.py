"""The demo landscape: a made-up country whose species' true responses are known."""

"""One module a job: from a plain dataclass of the protocol to its result."""

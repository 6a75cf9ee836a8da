"""The command line: a command for each job, and what commands share."""

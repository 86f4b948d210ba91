"""Fixtures that tests of several rooms share."""

pytest_plugins = ["command_line", "data_fixtures"]

"""Search English documents in any language, from translated sentences alone."""

__version__ = "0.2.0"

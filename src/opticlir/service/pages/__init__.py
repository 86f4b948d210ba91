"""The page: search, explanations, comparisons and facts for people, in a browser."""

from opticlir.service.pages.page import add_pages

__all__ = ["add_pages"]

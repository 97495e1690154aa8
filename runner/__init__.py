"""Shipworthy: can this model build software that ships?"""

__version__ = "0.1.0"

"""Packages that a produced tree names, kept at run time so that it can be installed without a network."""

"""Gemfile, Dockerfile, compose, README and other files, parsed as data."""

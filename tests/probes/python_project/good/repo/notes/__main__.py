import argparse

from notes import store

argparse.ArgumentParser().parse_args()

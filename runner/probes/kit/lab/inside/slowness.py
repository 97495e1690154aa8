"""How much longer than usual everything takes where more wants to run than there are processors.

Whoever waits for an app multiplies the wait by it, so that what is found does not depend on what else runs.
Imported by the runner too: containers see the load of their host.
"""

from __future__ import annotations

import os

USUAL, MOST = 2.0, 10.0


def slowness() -> float:
    """1 up to the load that a grading of its own makes, then in proportion, up to 10."""
    return slowness_at(os.getloadavg()[0], os.cpu_count() or 1)


def slowness_at(load: float, processors: int) -> float:
    """By the number of what runs or wants to."""
    return min(MOST, max(1.0, load / processors / USUAL))

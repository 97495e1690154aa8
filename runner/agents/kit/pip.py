"""Install lines for agents in Python: a virtual environment of the image's own interpreter."""

from __future__ import annotations

from collections.abc import Sequence


def venv(agent: str, steps: Sequence[str]) -> str:
    """Dockerfile lines that make the environment /opt/<agent> and carry out `steps` in it.

    The environment is called by its full path, so nothing of it shows in the shells an agent opens. In a
    step, {install} is pip without dependencies, for what is pinned is the whole set, and {python} the
    interpreter. A step that runs the agent leaves the compiled form of what a start needs, and no more.
    """
    python = f"/opt/{agent}/bin/python"
    install = (
        f"pip --python {python} install --quiet --no-cache-dir --no-compile --no-deps --only-binary :all: "
        "--ignore-requires-python"
    )
    commands = [
        "apt-get update",
        "apt-get install -y --no-install-recommends python3-pip",
        "rm -rf /var/lib/apt/lists/*",
        f"python3 -m venv --without-pip /opt/{agent}",
        *(step.replace("{install}", install).replace("{python}", f"{python} -I") for step in steps),
    ]
    return "RUN " + " \\\n && ".join(commands)

"""litellm's proxy, installed into an environment of its own and started with one model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.gateway.upstream import MODEL

VERSION = "1.90.7"
KEY = "sk-peer-0123456789"
CONFIG = """\
model_list:
  - model_name: {model}
    litellm_params: {{ model: openai/{model}, api_base: "{upstream}", api_key: sk-none }}
general_settings: {{ master_key: {key} }}
litellm_settings: {{ telemetry: false, num_retries: 0 }}
"""


def installed(cache: Path) -> Path:
    """The environment's folder; made at the first call, which takes a minute or two."""
    place = cache / f"litellm-{VERSION}"
    if not (place / "ready").exists():
        print(f"installing litellm {VERSION} into {place} ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", f"litellm[proxy]=={VERSION}"]
        subprocess.run(pip, check=True)
        (place / "ready").touch()
    return place


def command(place: Path, upstream: str, port: int, folder: Path) -> list[str]:
    """What starts it."""
    config = folder / "litellm.yaml"
    config.write_text(CONFIG.format(model=MODEL, upstream=upstream, key=KEY))
    return [
        *(str(place / "bin/litellm"), "--config", str(config)),
        *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
    ]

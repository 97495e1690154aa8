"""Serve as the model provider until killed: `python3 -m inside.provider_stub FOLDER`.

The folder holds `server.pem` (certificate chain and key) and `scenario.json`:

    {"ports": [443, 11434], "replies": [{"to": "words of the user", "acts": [ACT, ...]}], "otherwise": [ACT]}

The reply is the one whose `to` stands last in the conversation, so that each turn gets its own however
often the app asks; the acts of a reply are used in order, one for each request, the last one for ever. What
an act can be: script.py. A line on standard input, `{"scenario": {...}}`, takes the place of the
replies and is answered by `{"switched": N}`. Standard output: `{"listening": [443, 11434]}`, then one JSON
line for each request as it comes and one when it is answered, see records.py. The size of the file
`requests` in the folder is their number, so that the page driver knows when to stop waiting.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from .records import Recorder
from .script import Script
from .server import serve


def main(folder: str) -> None:
    """Serve until killed; standard input may switch the scenario at any time."""
    home = Path(folder)
    document = json.loads((home / "scenario.json").read_text(encoding="utf-8"))
    script, recorder = Script(document), Recorder(home / "requests")
    servers = serve(document["ports"], home / "server.pem", script, recorder)
    recorder.say({"listening": [server.server_port for server in servers]})
    for line in sys.stdin:
        script.switch(json.loads(line)["scenario"])
        recorder.say({"switched": script.switched})
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])

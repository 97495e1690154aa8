"""The one error tree.

ShipworthyError
├── UserError            the caller's mistake: exit code 2
│   ├── SpecError        a task, rubric or model file is wrong; names file and field
│   └── SetupError       this machine lacks something: engine, image, disk, key
├── ArchiveError         an archived file is missing, changed or unreadable
├── AgentError           an agent is not installed or configured as asked: our bug, never the model's doing
├── SandboxError         the sandbox broke: the infrastructure is to blame, never the model
│   └── SandboxGone      its container ended while it was in use
├── UpstreamError        the model provider could not be reached or answered nonsense
├── UnpackError          a produced repository is too large or malicious to unpack
└── Interrupted          the user pressed Ctrl-C: exit code 130
"""

from __future__ import annotations


class ShipworthyError(Exception):
    """Anything this program raises on purpose."""


class UserError(ShipworthyError):
    """The caller's mistake; the message says what to do."""


class SpecError(UserError):
    """A task, rubric or model file is wrong; the message names file and field."""


class SetupError(UserError):
    """This machine lacks something a run needs; the message says how to get it."""


class ArchiveError(ShipworthyError):
    """An archived file is missing, changed or unreadable."""


class AgentError(ShipworthyError):
    """An agent is not what was asked for: not its pinned version, or not configured as resolved."""


class SandboxError(ShipworthyError):
    """The sandbox broke. Infrastructure is to blame, never the model."""


class SandboxGone(SandboxError):
    """The sandbox ended while it was in use."""


class UpstreamError(ShipworthyError):
    """The model provider could not be reached or broke off."""


class UnpackError(ShipworthyError):
    """A produced repository is too large or too malicious to unpack."""


class Interrupted(ShipworthyError):
    """The user interrupted the run."""

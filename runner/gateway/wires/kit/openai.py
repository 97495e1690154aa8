"""What OpenAI's two wire formats share: credentials, errors, the list of models."""

from __future__ import annotations

from collections.abc import Mapping

from runner.gateway.calls.faults import fault_of
from runner.gateway.wire import Fault
from runner.gateway.wires.kit.sse import dumps

ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}


class OpenAI:
    """The base of both formats."""

    models_path = "/v1/models"

    def upstream_path(self, path: str) -> str:
        """Base URLs of these formats end in the version: https://api.openai.com/v1."""
        return path.removeprefix("/v1/")

    def token(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """The bearer token."""
        return bearer(headers)

    def passed_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """None."""
        return {}

    def authorization(self, key: str, base_url: str) -> dict[str, str]:
        """The bearer header."""
        return {"Authorization": f"Bearer {key}"}

    def fault(self, status: int, body: bytes) -> Fault:
        """As everywhere."""
        return fault_of(status, body)

    def error(self, status: int, code: str, message: str) -> bytes:
        """An error body as OpenAI writes it."""
        kind = ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})

    def model_list(self, name: str, provider: str) -> bytes:
        """A list of one."""
        model = {"id": name, "object": "model", "created": 0, "owned_by": provider}
        return dumps({"object": "list", "data": [model]})


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of an Authorization header, if it is a bearer token."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None

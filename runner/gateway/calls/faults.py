"""What a provider's error means, in one place: providers share statuses and, roughly, words."""

from __future__ import annotations

from runner.gateway.wire import Fault

READ_BYTES = 20_000
BY_TEXT: tuple[tuple[Fault, tuple[int, ...], tuple[bytes, ...]], ...] = (
    (
        Fault.NO_CREDIT,
        (400, 403, 429),
        (
            b"insufficient_quota",
            b"credit balance",
            b"insufficient balance",
            b"insufficient credits",
            b"credits are depleted",
            b"used all available credits",
        ),
    ),
    (
        Fault.QUOTA,
        (400, 403, 429),
        (b"perday", b"per day", b"per-day", b"daily limit", b"daily quota", b"specified api usage limits"),
    ),
    (
        Fault.CONTEXT_OVERFLOW,
        (400, 413, 422),
        (
            b"context_length_exceeded",
            b"context length",
            b"context window",
            b"context limit",
            b"prompt is too long",
            b"input token count",
            b"too many tokens",
        ),
    ),
    (Fault.BAD_KEY, (400,), (b"api_key_invalid", b"api key not valid", b"api key expired")),
    (Fault.MODEL_NOT_FOUND, (400, 403), (b"model_not_found", b"is not a valid model id")),
)
BY_STATUS = {
    401: Fault.BAD_KEY,
    402: Fault.NO_CREDIT,
    403: Fault.BAD_KEY,
    404: Fault.MODEL_NOT_FOUND,
    408: Fault.PROVIDER_UNAVAILABLE,
    429: Fault.RATE_LIMITED,
}


def fault_of(status: int, body: bytes) -> Fault:
    """By status; some providers tell exhausted credit, a bad key or a full context only in the text."""
    text = body[:READ_BYTES].lower()
    for fault, statuses, markers in BY_TEXT:
        if status in statuses and any(marker in text for marker in markers):
            return fault
    return BY_STATUS.get(status) or (Fault.PROVIDER_UNAVAILABLE if status >= 500 else Fault.REQUEST_REFUSED)

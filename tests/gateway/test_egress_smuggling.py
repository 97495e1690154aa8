"""What a hostile client may not slip past the list of hosts."""

from __future__ import annotations

import pytest

from runner.gateway.downloads.egress import Refused, parsed_target


@pytest.mark.parametrize(
    "line",
    [
        b"X: a\n\nGET http://evil.example/ HTTP/1.1\nHost: evil.example",
        b"X: a\rY: b",
        b"X : a",
        b" folded",
        b"no colon",
        b"X: \x00",
        b"X: \x7f",
    ],
)
def test_a_malformed_header_is_refused(line: bytes) -> None:
    with pytest.raises(Refused) as caught:
        parsed_target(b"GET http://allowed.example/a HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n")
    assert caught.value.status == 400


def test_a_control_character_in_the_request_line_is_refused() -> None:
    with pytest.raises(Refused):
        parsed_target(b"GET http://allowed.example/a\nb HTTP/1.1\r\n\r\n")


def test_ordinary_headers_are_kept() -> None:
    target = parsed_target(
        b"GET http://a.example/x HTTP/1.1\r\nUser-Agent: apt/2 (x; y)\r\nRange: bytes=1-\r\n\r\n"
    )
    assert target.headers == ("User-Agent: apt/2 (x; y)", "Range: bytes=1-")

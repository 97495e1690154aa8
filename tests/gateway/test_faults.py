"""What providers' errors mean, by their own words."""

from __future__ import annotations

import json

import pytest
from wire_samples import SAMPLES

from runner.gateway.calls.faults import BY_STATUS, BY_TEXT
from runner.gateway.door import PROVIDER_FAULTS
from runner.gateway.wire import Fault
from runner.pipeline.trials.benchmark import FINAL_CODES


def google(code: int, status: str, message: str, quota: str = "") -> str:
    violation = {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaMetric": "generativelanguage.googleapis.com/x", "quotaId": quota}],
    }
    details = [violation] if quota else []
    return json.dumps({"error": {"code": code, "message": message, "status": status, "details": details}})


def anthropic(kind: str, message: str) -> str:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}})


def openai(code: str | None, message: str) -> str:
    return json.dumps({"error": {"message": message, "type": "x", "param": None, "code": code}})


EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
CASES = [
    (400, openai("context_length_exceeded", "Your input exceeds the context window"), Fault.CONTEXT_OVERFLOW),
    (400, "This model's maximum context length is 8192 tokens", Fault.CONTEXT_OVERFLOW),
    (400, openai(None, "temperature is not supported"), Fault.REQUEST_REFUSED),
    (401, openai("invalid_api_key", "Incorrect API key provided: sk-x"), Fault.BAD_KEY),
    (402, "Insufficient Balance", Fault.NO_CREDIT),
    (403, openai("model_not_found", "Project does not have access to model `x`"), Fault.MODEL_NOT_FOUND),
    (404, openai("model_not_found", "The model `x` does not exist"), Fault.MODEL_NOT_FOUND),
    (400, openai(None, "x/y is not a valid model ID"), Fault.MODEL_NOT_FOUND),
    (408, "", Fault.PROVIDER_UNAVAILABLE),
    (418, "", Fault.REQUEST_REFUSED),
    (429, openai("insufficient_quota", EXCEEDED), Fault.NO_CREDIT),
    (429, openai("rate_limit_exceeded", "Rate limit reached on tokens per min (TPM)"), Fault.RATE_LIMITED),
    (429, openai("rate_limit_exceeded", "Rate limit reached on requests per day (RPD)"), Fault.QUOTA),
    (429, "Rate limit exceeded: free-models-per-day. Add 10 credits", Fault.QUOTA),
    (403, "Your team has either used all available credits or reached its limit", Fault.NO_CREDIT),
    (500, "", Fault.PROVIDER_UNAVAILABLE),
    (503, "", Fault.PROVIDER_UNAVAILABLE),
    (400, anthropic("invalid_request_error", "prompt is too long: 2 tokens > 1"), Fault.CONTEXT_OVERFLOW),
    (
        400,
        anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 9 > 10"),
        Fault.CONTEXT_OVERFLOW,
    ),
    (400, anthropic("invalid_request_error", "Your credit balance is too low to access"), Fault.NO_CREDIT),
    (
        400,
        anthropic("invalid_request_error", "You have reached your specified API usage limits."),
        Fault.QUOTA,
    ),
    (400, anthropic("invalid_request_error", "max_tokens: Field required"), Fault.REQUEST_REFUSED),
    (401, anthropic("authentication_error", "invalid x-api-key"), Fault.BAD_KEY),
    (403, anthropic("permission_error", "Your API key may not use the resource"), Fault.BAD_KEY),
    (404, anthropic("not_found_error", "model: claude-x"), Fault.MODEL_NOT_FOUND),
    (413, anthropic("request_too_large", "Request exceeds the maximum size"), Fault.REQUEST_REFUSED),
    (429, anthropic("rate_limit_error", "would exceed 50,000 input tokens per minute"), Fault.RATE_LIMITED),
    (529, anthropic("overloaded_error", "Overloaded"), Fault.PROVIDER_UNAVAILABLE),
    (
        400,
        google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        Fault.BAD_KEY,
    ),
    (
        400,
        google(400, "INVALID_ARGUMENT", "The input token count (2) exceeds the maximum"),
        Fault.CONTEXT_OVERFLOW,
    ),
    (400, google(400, "FAILED_PRECONDITION", "User location is not supported"), Fault.REQUEST_REFUSED),
    (403, google(403, "PERMISSION_DENIED", "Your API key was reported as leaked."), Fault.BAD_KEY),
    (404, google(404, "NOT_FOUND", "models/x is not found for API version v1beta"), Fault.MODEL_NOT_FOUND),
    (
        429,
        google(429, "RESOURCE_EXHAUSTED", EXCEEDED, "GenerateRequestsPerMinutePerProjectPerModel"),
        Fault.RATE_LIMITED,
    ),
    (
        429,
        google(429, "RESOURCE_EXHAUSTED", EXCEEDED, "GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
        Fault.QUOTA,
    ),
    (
        429,
        google(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
        Fault.NO_CREDIT,
    ),
    (503, google(503, "UNAVAILABLE", "The model is overloaded."), Fault.PROVIDER_UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "body", "fault"), CASES)
def test_errors_are_understood_in_every_format(status: int, body: str, fault: Fault) -> None:
    assert {sample.speaker.fault(status, body.encode()) for sample in SAMPLES} == {fault}


def test_every_meaning_of_the_table_is_tried() -> None:
    assert {fault for fault, _, _ in BY_TEXT} | set(BY_STATUS.values()) <= {fault for _, _, fault in CASES}


def test_a_quota_ends_the_run_and_is_not_the_models_fault() -> None:
    assert Fault.QUOTA in PROVIDER_FAULTS
    assert Fault.QUOTA.value in FINAL_CODES

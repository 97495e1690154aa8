"""API manifests: which one stands in for a version, and that they say what is known of the gem by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.core.errors import ShipworthyError
from runner.probes.kit.manifests import Version, nearest_manifest

RAILS = Path(__file__).parents[2] / "sandboxes/rails/manifests"
EVERY = [(1, 9, 2), (1, 12, 1), (1, 13, 2), (1, 14, 1), (1, 15, 0), (1, 16, 0), (2, 0)]


@pytest.mark.parametrize(
    ("wanted", "used"),
    [
        ((1, 14, 1), (1, 14, 1)),
        ((1, 3, 0), (1, 9, 2)),
        ((1, 14, 0), (1, 14, 1)),
        ((1, 17, 0), (1, 16, 0)),
        ((2, 0), (2, 0)),
        ((2, 1), (1, 16, 0)),
        (None, (1, 16, 0)),
    ],
)
def test_the_nearest_later_release_stands_in(wanted: Version | None, used: Version) -> None:
    assert nearest_manifest(RAILS, "ruby_llm", wanted).version == used


def test_a_library_without_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShipworthyError, match="no manifest of ruby_llm; make one: shipworthy manifest build"):
        nearest_manifest(tmp_path, "ruby_llm", None)


@pytest.mark.parametrize("version", EVERY)
def test_nothing_is_invented_that_all_releases_have(version: Version) -> None:
    manifest = nearest_manifest(RAILS, "ruby_llm", version)
    assert manifest.version == version
    module = manifest.singleton_methods("RubyLLM")
    assert {"chat", "embed", "paint", "models", "configure", "config", "context"} <= module.keys()
    assert not {"client", "complete", "ask", "new", "conversation"} & module.keys()
    chat = manifest.instance_methods("RubyLLM::Chat")
    assert {"ask", "say", "complete", "add_message", "messages", "with_model", "each"} <= chat.keys()
    assert not {"user", "assistant", "system", "send_message", "with_history", "text"} & chat.keys()
    assert ("messages=" in chat) is (version >= (2, 0))
    assert (
        not {"text", "choices", "usage", "output_text"} & manifest.instance_methods("RubyLLM::Message").keys()
    )


@pytest.mark.parametrize("version", [(1, 14, 1), (1, 16, 0)])
def test_signatures_are_those_of_the_source(version: Version) -> None:
    manifest = nearest_manifest(RAILS, "ruby_llm", version)
    chat = manifest.singleton_methods("RubyLLM")["chat"]
    assert chat["parameters"] == ["key model", "key provider", "key assume_model_exists", "key context"]
    assert chat["block"] is False, "a block given to RubyLLM.chat is ignored"
    assert chat["returns"] == "RubyLLM::Chat"
    methods = manifest.instance_methods("RubyLLM::Chat")
    assert methods["say"]["alias_of"] == "ask"
    assert methods["complete"]["parameters"] == ["block &"]
    assert methods["with_instructions"]["parameters"] == ["req instructions", "key append", "key replace"]
    assert methods["with_temperature"]["returns"] == "self"
    assert ("concurrency" in methods) is (version == (1, 16, 0))


@pytest.mark.parametrize("version", [(1, 14, 1), (1, 16, 0)])
def test_the_error_tree_is_the_gems(version: Version) -> None:
    manifest = nearest_manifest(RAILS, "ruby_llm", version)
    for name in ("RateLimitError", "UnauthorizedError", "PaymentRequiredError", "OverloadedError"):
        assert manifest.descends(f"RubyLLM::{name}", "RubyLLM::Error")
    for name in ("ConfigurationError", "ModelNotFoundError", "UnsupportedAttachmentError"):
        assert not manifest.descends(f"RubyLLM::{name}", "RubyLLM::Error")
        assert manifest.descends(f"RubyLLM::{name}", "StandardError")
    options = manifest.instance_methods("RubyLLM::Configuration")
    assert {"openrouter_api_key=", "openrouter_api_base=", "request_timeout="} <= options.keys()
    assert not {"default_provider=", "api_key=", "temperature="} & options.keys()


@pytest.mark.parametrize("path", sorted(RAILS.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_is_named_after_what_it_holds(path: Path) -> None:
    document = json.loads(path.read_text())
    assert path.stem == f"{document['library']}-{document['version']}"

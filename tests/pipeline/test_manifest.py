"""Building API manifests by reflection, in the real images."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runner.core.errors import UserError
from runner.pipeline.manifest import ManifestRequest, build_manifest
from runner.pipeline.workbench import Workbench

pytestmark = pytest.mark.docker
SHIPPED = Path(__file__).parents[2] / "sandboxes/rails/manifests"


@pytest.fixture
def bench(bench: Workbench, tmp_path: Path) -> Workbench:
    """Writes below a root of its own."""
    for image in ("base", "rails"):
        (tmp_path / "own/sandboxes" / image).mkdir(parents=True)
    return replace(bench, settings=replace(bench.settings, root=tmp_path / "own"))


async def test_the_shipped_manifest_is_what_the_image_has(bench: Workbench) -> None:
    path = await build_manifest(bench, ManifestRequest("rails", "ruby_llm", root="RubyLLM"))
    assert path.read_text() == (SHIPPED / path.name).read_text(), "run: shipworthy manifest build"


async def test_a_version_that_is_not_installed_is_read_from_its_code(
    bench: Workbench, tmp_path: Path
) -> None:
    code = tmp_path / "code/lib"
    code.mkdir(parents=True)
    (code / "small_gem.rb").write_text(
        "module SmallGem\n  VERSION = '3.1'\n  class Error < StandardError; end\n"
        "  class Client\n    def initialize(key:, url: nil) = nil\n"
        "    def call(a, b = 1, *c, d:, e: 2, **f) = yield\n"
        "    def with(x) = self\n    alias also call\n    private def hidden = 1\n  end\n"
        "  def self.client(...)\n    Client.new(...)\n  end\nend\n"
    )
    request = ManifestRequest("rails", "small_gem", root="SmallGem", source=tmp_path / "code")
    document = json.loads((await build_manifest(bench, request)).read_text())
    assert document["version"] == "3.1"
    client = document["modules"]["SmallGem::Client"]
    parameters = ["req a", "opt b", "rest c", "keyreq d", "key e", "keyrest f"]
    assert client["instance"]["call"] == {"parameters": parameters, "block": True}
    assert client["instance"]["also"]["alias_of"] == "call"
    assert client["instance"]["with"]["returns"] == "self"
    assert "hidden" not in client["instance"]
    made = {"parameters": ["keyreq key", "key url"], "block": False, "returns": "SmallGem::Client"}
    assert document["modules"]["SmallGem"]["singleton"]["client"] == made
    assert document["modules"]["SmallGem::Error"]["ancestors"][0] == "StandardError"


async def test_a_python_package_has_the_same_kind_of_facts(bench: Workbench) -> None:
    path = await build_manifest(bench, ManifestRequest("base", "json", language="python"))
    document = json.loads(path.read_text())
    dumps = document["modules"]["json"]["singleton"]["dumps"]["parameters"]
    assert dumps[0] == "req obj"
    assert {"key indent", "key sort_keys", "keyrest kw"} <= set(dumps)
    assert "stringify" not in document["modules"]["json"]["singleton"]
    assert "builtins.ValueError" in document["modules"]["json.decoder.JSONDecodeError"]["ancestors"]
    assert "decode" in document["modules"]["json.decoder.JSONDecoder"]["instance"]


async def test_a_library_that_is_not_there_is_the_users_mistake(bench: Workbench) -> None:
    with pytest.raises(UserError, match="nope cannot be loaded in image base"):
        await build_manifest(bench, ManifestRequest("base", "nope", language="python"))

"""Images: tags follow from inputs, builds happen exactly when needed, failures say what to do."""

from __future__ import annotations

import fcntl
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient
from docker.credentials.errors import StoreError
from docker.errors import APIError

from runner.core.errors import SetupError, SpecError, UserError
from runner.sandbox.host import Host
from runner.sandbox.images import IMAGE_LABEL, INPUTS_LABEL, ensure_image
from runner.sandbox.recipes import ImageSettings, image_line, image_names, image_tag

PLAIN_USER = Host("Linux", ("fedora",), is_root=False, may_install=True, path="")


def ignore(line: str) -> None:
    """Progress nobody looks at."""


@pytest.fixture
def settings(tmp_path: Path) -> ImageSettings:
    """Two images: `tools`, with the CA bundle, and `app` built on it."""
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("one authority")
    write(tmp_path / "sandboxes/tools/Dockerfile", "FROM debian:forky-slim\nCOPY ca-bundle.crt /ca.crt\n")
    write(tmp_path / "sandboxes/app/Dockerfile", "ARG PARENT=tools\nFROM ${PARENT}\nCOPY lib /lib\n")
    write(tmp_path / "sandboxes/app/lib/start", "#!/bin/sh\n")
    return ImageSettings(
        sandboxes=tmp_path / "sandboxes",
        logs=tmp_path / "logs",
        ca_bundle=bundle,
        proxies=(),
        mirror="http://mirror.invalid/debian",
        host=PLAIN_USER,
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class FakeEngine:
    """Answers like the engine's client, remembers what it was asked."""

    def __init__(self, *tags: str, build_output: list[dict[str, Any]] | None = None) -> None:
        self.tags = set(tags)
        self.builds: list[dict[str, Any]] = []
        self.build_output = build_output
        self.pull_error: str | None = None

    def images(self, name: str, quiet: bool) -> list[str]:
        return ["id"] if name in self.tags else []

    def pull(self, repository: str, tag: str, **_: Any) -> Iterator[dict[str, str]]:
        if self.pull_error is not None:
            raise APIError("500 Server Error", explanation=self.pull_error)
        self.tags.add(f"{repository}:{tag}")
        return iter([{"status": "done"}])

    def build(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        self.builds.append(arguments)
        if self.build_output is not None:
            return iter(self.build_output)
        self.tags.add(arguments["tag"])
        return iter([{"stream": "Step 1/1 : FROM debian:forky-slim\n"}, {"stream": " ---> abc\n"}])

    @property
    def built(self) -> list[str]:
        return [arguments["tag"].partition(":")[0] for arguments in self.builds]


def test_names_are_folders_with_a_dockerfile(settings: ImageSettings) -> None:
    (settings.sandboxes / "notes").mkdir()
    assert image_names(settings) == ["app", "tools"]


def test_a_tag_is_the_same_for_the_same_inputs(settings: ImageSettings, tmp_path: Path) -> None:
    before = image_tag("app", settings)
    (settings.sandboxes / "app/lib/start").touch()
    (settings.sandboxes / "app/lib/start").chmod(0o664)  # another umask is not another image
    (settings.sandboxes / "app").rename(tmp_path / "moved")
    (tmp_path / "moved").rename(settings.sandboxes / "app")
    assert image_tag("app", settings) == before
    assert before.startswith("shipworthy/app:")
    assert len(before.rpartition(":")[2]) == 12


CHANGES: dict[str, Callable[[ImageSettings], object]] = {
    "a byte": lambda s: (s.sandboxes / "app/lib/start").write_text("#!/bin/bash\n"),
    "a mode": lambda s: (s.sandboxes / "app/lib/start").chmod(0o755),
    "a name": lambda s: (s.sandboxes / "app/lib/start").rename(s.sandboxes / "app/lib/begin"),
    "a new file": lambda s: write(s.sandboxes / "app/lib/more", ""),
    "a parent's file": lambda s: write(s.sandboxes / "tools/more", ""),
    "a parent's CA bundle": lambda s: write(s.ca_bundle or Path(), "two authorities"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_tag_changes_with(change: str, settings: ImageSettings) -> None:
    before = image_tag("app", settings)
    CHANGES[change](settings)
    assert image_tag("app", settings) != before


def test_a_tag_ignores_a_bundle_the_image_does_not_use(settings: ImageSettings) -> None:
    write(settings.sandboxes / "app/Dockerfile", "FROM debian:forky-slim\n")
    before = image_tag("app", settings)
    write(settings.ca_bundle or Path(), "two authorities")
    assert image_tag("app", settings) == before


def test_a_missing_ca_bundle_names_the_setting(settings: ImageSettings) -> None:
    with pytest.raises(SetupError, match=r"SHIPWORTHY_CA_BUNDLE.*/gone\.crt"):
        image_tag("tools", replace(settings, ca_bundle=Path("/gone.crt")))
    with pytest.raises(SetupError, match="SHIPWORTHY_CA_BUNDLE"):
        image_tag("tools", replace(settings, ca_bundle=None))


def with_toy(settings: ImageSettings, install: str = "RUN touch /opt/toy/toy") -> ImageSettings:
    write(settings.sandboxes / "base/Dockerfile", "FROM debian:forky-slim\n")
    return replace(settings, agents={"toy": install})


def test_an_agent_is_built_once_and_copied_on_top_of_any_sandbox(settings: ImageSettings) -> None:
    settings = with_toy(settings)
    engine = FakeEngine("debian:forky-slim")
    for name in ("base+toy", "app+toy"):
        ensure_image(engine, name, settings, ignore)  # type: ignore[arg-type]
    built = [build["labels"][IMAGE_LABEL] for build in engine.builds]
    assert built == ["base", "toy", "base+toy", "tools", "app", "app+toy"]
    last = image_line("app+toy", settings)[-1]
    assert f"FROM {image_tag('toy', settings)} AS agent" in last.recipe.dockerfile
    assert last.parent_tag == image_tag("app", settings)
    assert last.tag.startswith("shipworthy/app-toy:")


def test_another_version_of_an_agent_is_another_image(settings: ImageSettings) -> None:
    one = with_toy(settings)
    other = with_toy(settings, "RUN touch /opt/toy/newer")
    assert image_tag("app+toy", one) != image_tag("app+toy", other)
    assert image_tag("app", one) == image_tag("app", other)


def test_an_unknown_agent_lists_the_known_ones(settings: ImageSettings) -> None:
    with pytest.raises(UserError, match="unknown agent 'tou' in image 'app\\+tou'; known: toy"):
        image_line("app+tou", with_toy(settings))


def test_an_unknown_image_lists_the_known_ones(settings: ImageSettings) -> None:
    with pytest.raises(UserError, match="unknown image 'ap'; known: app, tools"):
        image_tag("ap", settings)


@pytest.mark.parametrize("name", ["../app", "", ".", "app/lib"])
def test_a_name_is_never_a_path(name: str, settings: ImageSettings) -> None:
    with pytest.raises(UserError, match="unknown image"):
        image_tag(name, settings)


def test_a_circle_of_parents_is_told(settings: ImageSettings) -> None:
    write(settings.sandboxes / "tools/Dockerfile", "ARG PARENT=app\nFROM ${PARENT}\n")
    with pytest.raises(SpecError, match="circle"):
        image_tag("app", settings)


def test_the_context_holds_the_files_and_the_bundle(settings: ImageSettings) -> None:
    (settings.sandboxes / "app/lib/start").chmod(0o700)
    tools, app = (image.recipe.context().read() for image in image_line("app", settings))
    with tarfile.open(fileobj=io.BytesIO(tools)) as tar:
        bundle = tar.extractfile("ca-bundle.crt")
        assert bundle is not None
        assert bundle.read() == b"one authority"
    with tarfile.open(fileobj=io.BytesIO(app)) as tar:
        assert {(member.name, member.mode) for member in tar} == {("Dockerfile", 0o644), ("lib/start", 0o755)}


def test_parents_are_built_first_and_nothing_twice(settings: ImageSettings) -> None:
    engine = FakeEngine()
    tag = ensure_image(engine, "app", settings, ignore)
    assert tag == image_tag("app", settings)
    assert engine.built == ["shipworthy/tools", "shipworthy/app"]
    assert engine.builds[1]["buildargs"] == {"PARENT": image_tag("tools", settings)}
    assert engine.builds[1]["labels"][IMAGE_LABEL] == "app"
    assert engine.builds[1]["labels"][INPUTS_LABEL].startswith(tag.rpartition(":")[2])
    ensure_image(engine, "app", settings, ignore)
    assert len(engine.builds) == 2


def test_only_the_changed_image_is_built_again(settings: ImageSettings) -> None:
    engine = FakeEngine()
    ensure_image(engine, "app", settings, ignore)
    write(settings.sandboxes / "app/lib/start", "#!/bin/bash\n")
    ensure_image(engine, "app", settings, ignore)
    assert engine.built == ["shipworthy/tools", "shipworthy/app", "shipworthy/app"]


def test_a_failed_build_shows_the_end_of_its_log(settings: ImageSettings) -> None:
    output = [{"stream": f"line {n}\n"} for n in range(100)] + [{"error": "The command returned code: 100"}]
    with pytest.raises(SetupError) as caught:
        ensure_image(FakeEngine("debian:forky-slim", build_output=output), "tools", settings, ignore)
    message = str(caught.value)
    assert "image tools could not be built: The command returned code: 100" in message
    assert "line 99" in message
    assert "line 50" not in message
    log = next(settings.logs.glob("tools-*.log"))
    assert str(log) in message
    assert log.read_text().startswith("line 0\n")


def test_a_missing_credential_helper_is_named(settings: ImageSettings) -> None:
    class Leftover(FakeEngine):
        def build(self, **_: Any) -> Iterator[dict[str, Any]]:
            raise StoreError("docker-credential-desktop not installed or not available in PATH")

    with pytest.raises(SetupError, match=r"docker-credential-desktop.*config\.json"):
        ensure_image(Leftover(), "tools", settings, ignore)


@pytest.mark.parametrize(
    ("proxy", "network"),
    [
        ("http://127.0.0.1:3128", "host"),
        ("localhost:3128", "host"),
        ("http://user:word@[::1]:3128", "host"),
        ("http://proxy.example:3128", None),
    ],
)
def test_proxies_reach_the_build(proxy: str, network: str | None, settings: ImageSettings) -> None:
    engine = FakeEngine()
    with_proxy = replace(settings, proxies=(("HTTP_PROXY", proxy), ("NO_PROXY", "localhost")))
    ensure_image(engine, "tools", with_proxy, ignore)
    assert engine.builds[0]["buildargs"] == {
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        "NO_PROXY": "localhost",
        "no_proxy": "localhost",
    }
    assert engine.builds[0]["network_mode"] == network


def test_without_registry_and_without_debian_it_says_what_to_do(settings: ImageSettings) -> None:
    engine = FakeEngine()
    engine.pull_error = "no such host"
    with pytest.raises(SetupError, match=r"could not be pulled \(no such host\).*registry"):
        ensure_image(engine, "tools", settings, ignore)
    assert engine.builds == []


def test_without_registry_debian_bootstraps(settings: ImageSettings, tmp_path: Path) -> None:
    engine = Importing()
    engine.pull_error = "no such host"
    fake = tmp_path / "bin/mmdebstrap"
    write(fake, '#!/bin/sh\nfor word; do case "$word" in *.tar) echo "$@" >"$word" ;; esac; done\n')
    fake.chmod(0o755)
    root = Host("Linux", ("debian",), is_root=True, may_install=True, path=f"{fake.parent}:/usr/bin:/bin")
    ensure_image(engine, "tools", replace(settings, host=root), ignore)
    assert engine.built == ["shipworthy/tools"]
    assert "forky" in engine.imported
    assert settings.mirror in engine.imported


class Importing(FakeEngine):
    """Keeps what it was given to import."""

    imported = ""

    def import_image(self, src: str, repository: str, tag: str, changes: list[str]) -> None:
        self.imported = Path(src).read_text()
        self.tags.add(f"{repository}:{tag}")


def test_one_builder_at_a_time(settings: ImageSettings) -> None:
    engine = FakeEngine()
    waiting = threading.Event()
    settings.logs.mkdir()
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        waiting.set()

    with (settings.logs / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        builder = threading.Thread(target=ensure_image, args=(engine, "tools", settings, progress))
        builder.start()
        assert waiting.wait(10)
        assert engine.builds == []
        engine.tags.add(image_tag("tools", settings))  # what the other process built meanwhile
    builder.join(10)
    assert not builder.is_alive()
    assert "another process" in lines[0]
    assert engine.builds == []


@pytest.mark.docker
class TestRealEngine:
    @pytest.fixture
    def name(self) -> str:
        return f"test-{os.getpid()}"

    @pytest.fixture
    def tiny(self, engine: APIClient, settings: ImageSettings, name: str) -> Iterator[ImageSettings]:
        """One image on the real base; what was built is removed again."""
        write(settings.sandboxes / name / "Dockerfile", "FROM debian:forky-slim\nCOPY word /word\n")
        write(settings.sandboxes / name / "word", "first")
        yield settings
        for image in engine.images(filters={"label": f"{IMAGE_LABEL}={name}"}):
            engine.remove_image(image["Id"], force=True)

    def test_a_build_is_done_once_and_again_after_a_change(
        self, engine: APIClient, tiny: ImageSettings, name: str
    ) -> None:
        lines: list[str] = []
        first = ensure_image(engine, name, tiny, lines.append)
        assert any(f"{name}: step 2/" in line for line in lines)
        assert engine.images(name=first)[0]["Labels"][IMAGE_LABEL] == name
        lines.clear()
        assert ensure_image(engine, name, tiny, lines.append) == first
        assert lines == []
        write(tiny.sandboxes / name / "word", "second")
        second = ensure_image(engine, name, tiny, lines.append)
        assert second != first
        assert lines
        assert engine.images(name=first, quiet=True)  # old ones stay

    def test_a_failing_step_says_why_and_leaves_no_tag(
        self, engine: APIClient, tiny: ImageSettings, name: str
    ) -> None:
        write(tiny.sandboxes / name / "Dockerfile", "FROM debian:forky-slim\nRUN echo on the rocks; exit 7\n")
        with pytest.raises(SetupError, match=r"(?s)returned a non-zero code: 7.*on the rocks"):
            ensure_image(engine, name, tiny, ignore)
        assert not engine.images(name=image_tag(name, tiny), quiet=True)

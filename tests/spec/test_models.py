from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import SetupError, SpecError, UserError
from runner.core.records import Model, Prices
from runner.spec.models import Catalogue, find_key, load_catalogue, resolve_model

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "runner/models.yaml"
TASK = ROOT / "tasks/rails_chat"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "models.yaml"
    path.write_text(
        "providers:\n  mine: { upstream: http://host:1/v1, params: { seed: 1 } }\n"
        "models:\n  careful:\n    provider: mine\n    name: big\n    params: { temperature: 0 }\n"
        "    prices: { input: 1, output: 2 }\n"
    )
    return path


@pytest.fixture
def catalogue(own: Path) -> Catalogue:
    return load_catalogue(SHIPPED, own)


@pytest.mark.parametrize(
    ("reference", "upstream", "name", "key"),
    [
        (
            "openrouter/anthropic/claude-opus-4.7",
            "https://openrouter.ai/api/v1",
            "anthropic/claude-opus-4.7",
            True,
        ),
        ("anthropic/claude-opus-4-7", "https://api.anthropic.com/v1", "claude-opus-4-7", True),
        ("openai/gpt-5.4", "https://api.openai.com/v1", "gpt-5.4", True),
        ("deepseek/deepseek-v4", "https://api.deepseek.com/v1", "deepseek-v4", True),
        ("ollama/qwen3-coder", "http://127.0.0.1:11434/v1", "qwen3-coder", False),
        ("qwen3:8b@http://10.0.0.1:8000/v1/", "http://10.0.0.1:8000/v1", "qwen3:8b", True),
        ("mine/small", "http://host:1/v1", "small", False),
    ],
)
def test_names_lead_to_providers(
    catalogue: Catalogue, reference: str, upstream: str, name: str, key: bool
) -> None:
    model = resolve_model(reference, catalogue, TASK)
    assert (model.upstream, model.name, model.key_env is not None) == (upstream, name, key)


def test_an_own_entry_adds_to_its_provider(catalogue: Catalogue) -> None:
    model = resolve_model("careful", catalogue, TASK)
    assert model.params == {"seed": 1, "temperature": 0}
    assert model.prices == Prices(input=1, output=2)


def test_demo_models_are_the_tasks_scripts(catalogue: Catalogue) -> None:
    model = resolve_model("demo/a", catalogue, TASK)
    assert model.script == str(TASK / "demos/a")
    with pytest.raises(UserError, match="task rails_chat has demo/a, demo/b, demo/c, demo/d"):
        resolve_model("demo/nope", catalogue, TASK)


@pytest.mark.parametrize("reference", ["nope/x", "openai", "openai/", "", "x@ftp://host"])
def test_an_unknown_model_lists_the_known(catalogue: Catalogue, reference: str) -> None:
    with pytest.raises(UserError, match=r"unknown model .*openrouter/<name>"):
        resolve_model(reference, catalogue, TASK)


def test_a_missing_key_names_its_variable(catalogue: Catalogue) -> None:
    model = resolve_model("openai/gpt-5.4", catalogue, TASK)
    assert find_key(model, {"OPENAI_API_KEY": " k "}) == "k"
    for environ in ({}, {"OPENAI_API_KEY": " "}):
        with pytest.raises(SetupError, match="set OPENAI_API_KEY"):
            find_key(model, environ)


def test_a_server_of_ones_own_may_need_no_key(catalogue: Catalogue) -> None:
    assert find_key(resolve_model("m@http://h/v1", catalogue, TASK), {}) is None


def test_an_entry_of_an_unknown_provider_is_named(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text("models: { x: { provider: nope, name: y } }")
    with pytest.raises(SpecError, match=r"models\.yaml: models\.x\.provider: unknown provider 'nope'"):
        load_catalogue(SHIPPED, path)


def test_identity_is_what_decides_the_answers(tmp_path: Path) -> None:
    model = Model(id="m", provider="p", name="n", wire="openai_chat", upstream="http://h")
    assert model.model_copy(update={"prices": Prices(input=1, output=1)}).identity() == model.identity()
    assert model.model_copy(update={"params": {"temperature": 0}}).identity() != model.identity()


def test_a_changed_script_is_another_model(tmp_path: Path, catalogue: Catalogue) -> None:
    demo = tmp_path / "task/demos/x"
    demo.mkdir(parents=True)
    (demo / "script.yaml").write_text("title: a")
    before = resolve_model("demo/x", catalogue, tmp_path / "task")
    (demo / "script.yaml").write_text("title: b")
    assert resolve_model("demo/x", catalogue, tmp_path / "task").identity() != before.identity()


def shared(tmp_path: Path, files: str) -> Path:
    """A task whose script shares the files of another task's."""
    theirs, mine = tmp_path / "tasks/other/demos/a/files", tmp_path / "tasks/mine/demos/x"
    for folder in (theirs, mine, tmp_path / "outside"):
        folder.mkdir(parents=True)
    (theirs / "app.py").write_text("1")
    (mine / "script.yaml").write_text(f"title: x\nfiles: {files}\nphases: {{build: [{{say: hi}}]}}")
    return tmp_path / "tasks/mine"


def test_files_of_another_script_are_part_of_what_a_model_is(tmp_path: Path, catalogue: Catalogue) -> None:
    task = shared(tmp_path, "../../../other/demos/a/files")
    before = resolve_model("demo/x", catalogue, task)
    assert before.script_files == str(tmp_path / "tasks/other/demos/a/files")
    (tmp_path / "tasks/other/demos/a/files/app.py").write_text("2")
    assert resolve_model("demo/x", catalogue, task).identity() != before.identity()
    moved = before.model_copy(update={"script_files": "/elsewhere"})
    assert moved.identity() == before.identity()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ("../../../../outside", "should lie below"),
        ("/etc", "should lie below"),
        ("../../../other/link", "should lie below"),
        ("../../../other/demos/a/none", "there is no folder"),
        ("../../../other/demos/a/files/app.py", "there is no folder"),
    ],
)
def test_shared_files_stay_among_the_tasks(
    tmp_path: Path, catalogue: Catalogue, files: str, said: str
) -> None:
    task = shared(tmp_path, files)
    (tmp_path / "tasks/other/link").symlink_to(tmp_path / "outside")
    with pytest.raises(SpecError, match=f"script.yaml: files: {files}: {said}"):
        resolve_model("demo/x", catalogue, task)

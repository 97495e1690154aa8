"""What compose files may ask for, however they say it; ENTRIES are lines of one service."""

from __future__ import annotations

import pytest

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.files.compose import compose_files
from runner.probes.kit.shipped.objections import Objection
from runner.probes.kit.shipped.policy import objections


def tree(files: dict[str, str], links: dict[str, str] | None = None) -> SourceTree:
    made = {path: SourceFile(path, 0o100644, text.encode()) for path, text in files.items()}
    made |= {path: SourceFile(path, 0o120000, text.encode()) for path, text in (links or {}).items()}
    return SourceTree("t", made)


def told(files: dict[str, str], links: dict[str, str] | None = None) -> list[Objection]:
    made = tree(files, links)
    return objections(made, compose_files(made, ("",))[0])


def of_service(*entries: str, more: str = "", **kwargs: dict[str, str]) -> list[Objection]:
    lines = "".join(f"    {entry}\n" for entry in entries)
    return told(
        {"compose.yaml": f"services:\n  web:\n    image: ruby:3\n{lines}{more}", **kwargs.get("files", {})},
        kwargs.get("links"),
    )


REFUSED = [
    ("privileged: true", "privileged"),
    ("privileged: 'true'", "privileged"),
    ("network_mode: host", "network_mode"),
    ("network_mode: container:other", "network_mode"),
    ("pid: host", "pid"),
    ("pid: container:x", "pid"),
    ("ipc: host", "ipc"),
    ("uts: host", "uts"),
    ("userns_mode: host", "userns_mode"),
    ("cgroup: host", "cgroup"),
    ("cgroup_parent: /", "cgroup_parent"),
    ("cap_add: [SYS_ADMIN]", "cap_add"),
    ("devices: [/dev/sda]", "devices"),
    ("device_cgroup_rules: ['a *:* rwm']", "device_cgroup_rules"),
    ("gpus: all", "gpus"),
    ("runtime: evil", "runtime"),
    ("credential_spec: {file: x}", "credential_spec"),
    ("use_api_socket: true", "use_api_socket"),
    ("provider: {type: ./evil}", "provider"),
    ("external_links: [db]", "external_links"),
    ("oom_kill_disable: true", "oom_kill_disable"),
    ("security_opt: [seccomp=unconfined]", "weakens its seal"),
    ("security_opt: ['no-new-privileges:false']", "weakens its seal"),
    ("security_opt: [apparmor:unconfined]", "weakens its seal"),
    ("post_start: [{command: x, privileged: true}]", "privileged for a command"),
    ("volumes: ['/:/host']", "mounts /"),
    ("volumes: ['~/.ssh:/s']", "mounts ~/.ssh"),
    ("volumes: ['../x:/s']", "mounts ../x"),
    ("volumes: ['./a/../../x:/s']", "of the host"),
    ("volumes: ['/run/containerd/containerd.sock:/s']", "engine's socket"),
    ("volumes: [{type: bind, source: /etc, target: /e}]", "mounts /etc"),
    ("volumes: ['C:\\\\:/c']", ""),
    ("volumes: ['${X:-${Y:-/etc}}:/e']", "mounts /etc"),
    ("volumes: ['${HOME}/.aws:/a']", "mounts /.aws"),
    ("volumes: ['$HOME/.aws:/a']", "mounts /.aws"),
    ("volumes_from: ['container:other']", "takes the volumes"),
    ("env_file: /etc/environment", "outside the repository"),
    ("env_file: [{path: ../x, required: false}]", "outside the repository"),
    ("label_file: /etc/passwd", "outside the repository"),
    ("extends: {file: /etc/x.yaml, service: a}", "outside the repository"),
    ("build: ..", "builds from .."),
    ("build: https://x.example/a.git", "builds from https"),
    ("build: git@x.example:a", "builds from git@"),
    ("build: {context: ., dockerfile: ../../etc/passwd}", "builds from ../../etc"),
    ("build: {context: ., network: host}", "builds with network"),
    ("build: {context: ., privileged: true}", "builds with privileged"),
    ("build: {context: ., ssh: [default]}", "builds with ssh"),
    ("build: {context: ., secrets: [x]}", "builds with secrets"),
    ("build: {context: ., entitlements: [security.insecure]}", "builds with entitlements"),
    ("build: {context: ., cache_to: ['type=local,dest=/etc/cron.d']}", "keeps its cache"),
]


@pytest.mark.parametrize(("entry", "reason"), REFUSED)
def test_what_is_taken_of_the_host_is_refused(entry: str, reason: str) -> None:
    found = of_service(entry)
    if reason:
        assert [reason in objection.reason for objection in found] == [True]
        assert found[0].is_fault
        assert found[0].line == 4 or "HOME" in entry or "${X" in entry or "dockerfile" in entry


ALLOWED = [
    *("privileged: false", "privileged: 'false'", "network_mode: none", "network_mode: bridge"),
    *(
        "network_mode: service:db",
        "pid: service:db",
        "ipc: shareable",
        "security_opt: ['no-new-privileges:true']",
    ),
    *(
        "cap_drop: [ALL]",
        "read_only: true",
        "ports: ['0.0.0.0:22:22', '2375:2375']",
        "volumes: ['data:/data']",
    ),
    *("volumes: ['.:/app', './log:/log', '/anonymous']", "volumes: ['${PWD}/storage:/storage']"),
    *("tmpfs: /tmp", "env_file: .env", "build: {context: ., dockerfile: docker/Dockerfile, network: none}"),
    *("build: {context: web, dockerfile: ../Dockerfile}", "build: {context: ., dockerfile_inline: FROM x}"),
    *("sysctls: {net.core.somaxconn: 1024}", "ulimits: {nofile: 65536}", "shm_size: 1g", "profiles: [debug]"),
    *(
        "extends: {service: db}",
        "deploy: {replicas: 1000}",
        "logging: {driver: syslog}",
        "oom_kill_disable: false",
    ),
]


@pytest.mark.parametrize("entry", ALLOWED)
def test_what_is_an_app_s_own_is_not_refused(entry: str) -> None:
    assert of_service(entry, more="  db: {image: ruby:3}\nvolumes: {data: }\n") == []


@pytest.mark.parametrize(
    ("more", "reason", "is_fault"),
    [
        ("include: [/etc/passwd]", "includes /etc/passwd", True),
        ("include: {path: [a.yaml, ../b.yaml]}", "includes ../b.yaml", True),
        ("include: [{path: a.yaml, env_file: /etc/environment}]", "env_file", True),
        ("include: [{path: a.yaml, project_directory: /}]", "project_directory", True),
        ("include: [oci://evil.example/x]", "includes oci:", True),
        ("volumes: {v: {driver_opts: {type: none, o: bind, device: /}}}", "device of the host", True),
        ("volumes: {v: {driver_opts: {type: ext4, device: ./dev}}}", "device of the host", True),
        ("volumes: {v: {driver: sshfs}}", "needs the driver", False),
        ("volumes: {v: {external: true}}", "is external", False),
        ("networks: {n: {driver: macvlan, driver_opts: {parent: eth0}}}", "network of the host", True),
        ("networks: {n: {driver: bridge, driver_opts: {parent: eth0}}}", "network of the host", True),
        ("networks: {n: {name: host, external: true}}", "is external", False),
        ("secrets: {s: {file: /etc/shadow}}", "/etc/shadow", True),
        ("configs: {c: {file: ~/.aws/credentials}}", "outside the repository", True),
        ("secrets: {s: {external: true}}", "is external", False),
    ],
)
def test_what_stands_beside_the_services(more: str, reason: str, is_fault: bool) -> None:
    found = of_service(more=f"{more}\n")
    assert reason in found[0].reason
    assert found[0].is_fault is is_fault


@pytest.mark.parametrize(
    "more",
    [
        *("volumes: {v: {driver: local}, w: {external: false}}", "networks: {n: {internal: true}}"),
        *(
            "volumes: {v: {driver_opts: {type: none, o: bind, device: ./data}}}",
            "secrets: {s: {file: ./s.txt}}",
        ),
        *(
            "secrets: {s: {environment: OPENROUTER_API_KEY}}",
            "configs: {c: {content: x}}",
            "include: [a.yaml]",
        ),
    ],
)
def test_what_may_stand_beside_them(more: str) -> None:
    assert of_service(more=f"{more}\n") == []


@pytest.mark.parametrize(
    ("links", "entry"),
    [
        ({"out": "/"}, "volumes: ['./out:/x']"),
        ({"out": "/"}, "volumes: ['./out/etc:/x']"),
        ({"a/out": "../../.."}, "volumes: ['./a/out:/x']"),
        ({"one": "two", "two": "/etc"}, "volumes: ['./one:/x']"),
        ({"one": "two", "two": "one"}, "volumes: ['./one:/x']"),
        ({"vars": "/etc/environment"}, "env_file: vars"),
        ({"ctx": "/root"}, "build: ./ctx"),
        ({"Dockerfile.x": "/etc/passwd"}, "build: {context: ., dockerfile: Dockerfile.x}"),
        ({"base.yaml": "/etc/x.yaml"}, "extends: {file: base.yaml, service: a}"),
    ],
)
def test_links_of_the_repository_that_lead_out_are_seen(links: dict[str, str], entry: str) -> None:
    (found,) = of_service(entry, links=links)
    assert found.is_fault


def test_links_that_stay_inside_are_no_matter() -> None:
    assert of_service("volumes: ['./in/x:/x']", links={"in": "app"}) == []


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("compose.override.yaml", {}),
        ("more.yaml", {"compose.yaml": "include: [more.yaml]\nservices: {web: {image: ruby}}\n"}),
        ("more.yaml", {"compose.yaml": "services: {web: {extends: {file: more.yaml, service: evil}}}\n"}),
    ],
)
def test_files_that_belong_to_it_are_vetted_too(name: str, files: dict[str, str]) -> None:
    evil = {name: "services:\n  evil:\n    privileged: true\n    image: ruby\n"}
    (found,) = told({"compose.yaml": "services: {web: {image: ruby}}\n", **files, **evil})
    assert (found.path, found.line, found.is_fault) == (name, 3, True)


def test_variables_of_the_repository_are_put_in() -> None:
    (found,) = of_service("volumes: ['${WHERE}:/x']", files={".env": "export WHERE='/root' # mine\n"})
    assert "mounts /root" in found.reason


def test_a_dollar_sign_can_stand_for_itself() -> None:
    assert of_service("command: echo $$HOME $${X:-/etc}", "volumes: ['./a$$b:/x']") == []


@pytest.mark.parametrize("name", ["'a b'", '"a\\nb"', "''", "'../x'", "-x"])
def test_a_service_is_called_as_compose_allows(name: str) -> None:
    (found,) = told({"compose.yaml": f"services:\n  ? {name}\n  : {{image: ruby}}\n"})
    assert found.is_fault


ODD = [
    "services: {a: {image: [1], build: [2], volumes: {a: 1}, ports: {b: 2}, env_file: {c: 3}}}",
    "services: {a: {image: x, healthcheck: [1], command: {a: b}, extends: [1], secrets: x, deploy: 3}}",
    "services: {2020-01-01: {image: 0x7f, volumes: [null, 1, [a], {type: bind, source: [1]}]}}",
    "services: {a: {image: x}}\nvolumes: [1]\nnetworks: x\nsecrets: 3\ninclude: {path: [1, {a: b}, null]}",
    "services: {a: {extends: a, image: x}, b: {extends: {service: c}}, c: {extends: b, image: x}}",
    "include: [compose.yaml]\nservices: {a: {extends: {file: compose.yaml, service: a}, image: x}}",
]


@pytest.mark.parametrize("text", ODD)
def test_shapes_that_make_no_sense_raise_nothing(text: str) -> None:
    told({"compose.yaml": text})

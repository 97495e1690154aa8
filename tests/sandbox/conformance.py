"""What any sandbox backend must do. A backend's test subclasses this and offers `backend` and `image`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.core.errors import SandboxError, SandboxGone, SetupError, UnpackError
from runner.core.protocols import ExecResult, Sandbox, SandboxBackend, SandboxSpec
from runner.core.records import Resources
from runner.core.tree import SourceFile, SourceTree

SMALL = Resources(cpus=1, memory_mb=128, disk_mb=64, pids=64)


async def sh(sandbox: Sandbox, script: str, timeout_s: float = 30) -> ExecResult:
    return await sandbox.exec(["sh", "-c", script], timeout_s=timeout_s)


async def out(sandbox: Sandbox, script: str) -> str:
    return (await sh(sandbox, script)).stdout.decode().strip()


class Seal:
    """What nothing inside gets past, with a door or without."""

    @pytest.fixture
    def entrance(self) -> set[str]:
        """What is mounted for the door."""
        return set()

    async def test_unprivileged_without_capabilities(self, sandbox: Sandbox) -> None:
        status = await out(sandbox, "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status | cut -f2")
        assert status.split() == ["1000", "0" * 16, "0" * 16, "1"]

    async def test_no_interface_but_loopback(self, sandbox: Sandbox) -> None:
        interfaces = await out(sandbox, "tail -n +3 /proc/net/dev | cut -d: -f1")
        assert interfaces.split() == ["lo"]
        assert await out(sandbox, "tail -n +2 /proc/net/route") == ""

    async def test_root_is_read_only_and_three_places_are_writable(self, sandbox: Sandbox) -> None:
        script = "for d in / /etc /usr /var /run /opt; do touch $d/x 2>/dev/null && echo $d; done; true"
        assert await out(sandbox, script) == ""
        assert await out(sandbox, "cd; pwd; touch /workspace/x ~/x /tmp/x && echo ok") == "/home/agent\nok"

    async def test_programs_may_run_from_every_writable_place(self, sandbox: Sandbox) -> None:
        script = "for d in /workspace ~ /tmp; do cp /bin/true $d/t && $d/t && echo $d; done"
        assert (await out(sandbox, script)).split() == ["/workspace", "/home/agent", "/tmp"]

    async def test_pid_1_cannot_be_killed_traced_or_read(self, sandbox: Sandbox) -> None:
        script = "kill -9 1; sleep 0.2; cat /proc/1/environ /proc/1/mem 2>&1 | head -c 10; ls /proc/1/fd"
        await sh(sandbox, script)
        assert (await sh(sandbox, "cat /proc/1/maps")).exit_code != 0
        assert await out(sandbox, "echo alive") == "alive"

    async def test_nothing_of_the_host_is_mounted(self, sandbox: Sandbox, entrance: set[str]) -> None:
        mounts = (await out(sandbox, "cut -d' ' -f5 /proc/self/mountinfo")).split()
        theirs = ("/proc", "/sys", "/dev", "/workspace", "/home/agent", "/tmp")
        engine_files = {"/", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}
        assert {m for m in mounts if m not in engine_files and not m.startswith(theirs)} == entrance


class Conformance(Seal):
    """The contract, one behaviour a test."""

    @pytest.fixture
    def image(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    async def sandbox(self, backend: SandboxBackend, image: str) -> AsyncIterator[Sandbox]:
        async with backend.open(SandboxSpec(image=image, run="conformance", resources=SMALL)) as sandbox:
            yield sandbox

    # --- commands

    async def test_exit_code_and_streams_are_kept_apart(self, sandbox: Sandbox) -> None:
        result = await sh(sandbox, "echo out; echo err >&2; exit 7")
        assert (result.exit_code, result.stdout, result.stderr) == (7, b"out\n", b"err\n")
        assert 0 < result.wall_s < 10
        assert not result.ok
        assert not result.timed_out

    async def test_input_environment_and_folder_reach_the_command(self, sandbox: Sandbox) -> None:
        result = await sandbox.exec(
            ["sh", "-c", "cat; echo $WORD; pwd"], stdin=b"fed\n", env={"WORD": "told"}, cwd="/tmp"
        )
        assert result.stdout == b"fed\ntold\n/tmp\n"

    async def test_large_input_and_output_do_not_block_each_other(self, sandbox: Sandbox) -> None:
        data = b"x" * 3_000_000
        result = await sandbox.exec(["cat"], stdin=data)
        assert result.ok
        assert result.truncated
        assert result.stdout == data[:1_000_000]

    async def test_output_streams_while_the_command_runs(self, sandbox: Sandbox) -> None:
        seen: list[tuple[float, bytes]] = []
        started = time.monotonic()
        await sandbox.exec(
            ["sh", "-c", "echo one; sleep 1; echo two"],
            on_output=lambda data: seen.append((time.monotonic() - started, data)),
        )
        assert [data for _, data in seen] == [b"one\n", b"two\n"]
        assert seen[1][0] - seen[0][0] > 0.8

    async def test_input_that_comes_piece_by_piece_is_a_conversation(self, sandbox: Sandbox) -> None:
        said: asyncio.Queue[bytes] = asyncio.Queue()

        async def words() -> AsyncIterator[bytes]:
            yield b"one\n"
            assert await asyncio.wait_for(said.get(), 10) == b"heard one\n"
            yield b"two\n"

        script = 'while read -r word; do echo "heard $word"; done; echo over'
        result = await sandbox.exec(["sh", "-c", script], stdin=words(), on_output=said.put_nowait)
        assert result.stdout == b"heard one\nheard two\nover\n"

    async def test_an_unread_input_is_no_failure(self, sandbox: Sandbox) -> None:
        assert (await sandbox.exec(["true"], stdin=b"x" * 2_000_000)).ok

    async def test_a_missing_program_is_a_result(self, sandbox: Sandbox) -> None:
        assert (await sandbox.exec(["no-such-program"])).exit_code in (126, 127)

    async def test_time_out_kills_the_whole_tree(self, sandbox: Sandbox) -> None:
        script = "sleep 1001 & (setsid sleep 1002 &) ; setsid sh -c 'sleep 1003 & sleep 1004' & sleep 1005"
        result = await sh(sandbox, script, timeout_s=1)
        assert result.timed_out
        assert result.exit_code is None
        assert await out(sandbox, "pgrep -a sleep") == ""

    async def test_time_out_leaves_other_commands_alone(self, sandbox: Sandbox) -> None:
        other = asyncio.create_task(sh(sandbox, "sleep 3; echo alive"))
        await asyncio.sleep(0.5)
        assert (await sh(sandbox, "sleep 100", timeout_s=0.5)).timed_out
        assert (await other).stdout == b"alive\n"

    async def test_time_out_stops_a_process_that_ignores_signals(self, sandbox: Sandbox) -> None:
        assert (await sh(sandbox, "trap '' TERM INT HUP; while :; do sleep 1; done", timeout_s=1)).timed_out
        assert await out(sandbox, "pgrep -c sleep") == "0"

    async def test_a_raising_listener_kills_the_command_and_is_passed_on(self, sandbox: Sandbox) -> None:
        def refuse(data: bytes) -> None:
            raise UnpackError("enough")

        with pytest.raises(UnpackError, match="enough"):
            await sandbox.exec(["sh", "-c", "echo x; sleep 1000"], on_output=refuse)
        assert await out(sandbox, "pgrep -a sleep") == ""

    async def test_cancelling_kills_the_command(self, sandbox: Sandbox) -> None:
        task = asyncio.create_task(sh(sandbox, "sleep 1000"))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await out(sandbox, "pgrep -a sleep") == ""

    async def test_orphans_are_reaped(self, sandbox: Sandbox) -> None:
        await sh(sandbox, "for i in 1 2 3 4 5; do (sleep 0.1 &) ; done; sleep 0.5")
        assert "Z" not in await out(sandbox, "ps -eo stat=")

    async def test_restart_kills_all_and_keeps_files(self, sandbox: Sandbox) -> None:
        await sh(sandbox, "echo kept > note; setsid sleep 1000 >/dev/null 2>&1 &")
        await sandbox.restart()
        assert await out(sandbox, "cat note; pgrep -a sleep") == "kept"

    # --- files

    async def test_files_come_back_as_they_went_in(self, sandbox: Sandbox, tmp_path: Path) -> None:
        content = bytes(range(256)) * 100
        await sandbox.put({"deep/er/data.bin": content}, "/workspace/new")
        await sandbox.get("/workspace/new/deep/er/data.bin", tmp_path / "back", 100_000)
        assert (tmp_path / "back").read_bytes() == content

    async def test_modes_and_links_are_kept(self, sandbox: Sandbox) -> None:
        files = [
            SourceFile("bin/tool", 0o100755, b"#!/bin/sh\necho ran\n"),
            SourceFile("link", 0o120000, b"bin/tool"),
        ]
        await sandbox.put(SourceTree("t", {f.path: f for f in files}))
        assert await out(sandbox, "./link; readlink link") == "ran\nbin/tool"

    async def test_a_file_too_large_is_refused_and_leaves_nothing(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        await sh(sandbox, "head -c 200000 /dev/zero > big")
        with pytest.raises(UnpackError):
            await sandbox.get("/workspace/big", tmp_path / "big", 100_000)
        assert list(tmp_path.iterdir()) == []

    async def test_a_missing_file_is_an_error(self, sandbox: Sandbox, tmp_path: Path) -> None:
        with pytest.raises(SandboxError, match="nothing-here"):
            await sandbox.get("/workspace/nothing-here", tmp_path / "x", 100)
        assert list(tmp_path.iterdir()) == []

    # --- limits

    async def test_disk_is_limited(self, sandbox: Sandbox) -> None:
        result = await sh(sandbox, "dd if=/dev/zero of=/workspace/big bs=1M count=200")
        assert b"No space left" in result.stderr
        assert await out(sandbox, "rm /workspace/big && echo usable") == "usable"

    async def test_memory_is_limited_and_only_the_hog_dies(self, sandbox: Sandbox) -> None:
        result = await sh(sandbox, "python3 -c 'x = bytearray(1 << 30); print(len(x))'")
        assert result.exit_code == 137
        assert await out(sandbox, "echo alive") == "alive"

    async def test_a_fork_bomb_is_contained_and_killed(self, sandbox: Sandbox) -> None:
        bomb = "import os\nwhile 1:\n try: os.fork()\n except OSError: pass"
        result = await sandbox.exec(["python3", "-c", bomb], timeout_s=2)
        assert result.timed_out
        assert int(await out(sandbox, "ps -e | wc -l")) < 10

    async def test_processor_time_is_limited(self, sandbox: Sandbox) -> None:
        spin = "import time\nt = time.process_time()\nend = time.monotonic() + 1\n"
        spin += "while time.monotonic() < end: pass\nprint(time.process_time() - t)"
        busy = ["python3", "-c", spin]
        used = await asyncio.gather(*(sandbox.exec(busy) for _ in range(2)))
        assert sum(float(r.stdout) for r in used) < 1.5

    # --- many and shared

    async def test_two_sandboxes_do_not_see_each_other(
        self, backend: SandboxBackend, sandbox: Sandbox, image: str
    ) -> None:
        async with backend.open(SandboxSpec(image=image, run="other", resources=SMALL)) as other:
            await sh(other, "echo secret > note; setsid python3 -m http.server 9999 >/dev/null 2>&1 &")
            assert await out(sandbox, "cat /workspace/note; pgrep -f '[h]ttp.server'") == ""
            assert (await sh(sandbox, "curl -s -m 2 http://127.0.0.1:9999/note")).exit_code == 7

    async def test_joined_sandboxes_share_the_network_and_nothing_else(
        self, backend: SandboxBackend, image: str
    ) -> None:
        app = SandboxSpec(image=image, run="app", resources=SMALL, local_hosts=("provider.example",))
        async with backend.open(app) as first:
            joined = SandboxSpec(image=image, run="app", resources=SMALL, joins=first.id)
            async with backend.open(joined) as second:
                server = asyncio.create_task(
                    second.exec(["python3", "-m", "http.server", "443", "--bind", "127.0.0.1"], cwd="/tmp")
                )
                await sh(second, "until curl -s http://127.0.0.1:443; do sleep 0.1; done")
                assert (await sh(first, "curl -s http://provider.example:443/")).ok
                assert await out(first, "pgrep -f '[h]ttp.server'") == ""
                server.cancel()

    # --- the end

    async def test_a_missing_image_is_a_set_up_error(self, backend: SandboxBackend) -> None:
        with pytest.raises(SetupError, match="shipworthy image build"):
            async with backend.open(SandboxSpec(image="shipworthy/none:0", run="x")):
                pass

    async def test_a_closed_sandbox_says_so(self, backend: SandboxBackend, image: str) -> None:
        async with backend.open(SandboxSpec(image=image, run="x", resources=SMALL)) as sandbox:
            pass
        with pytest.raises(SandboxGone):
            await sandbox.exec(["true"])

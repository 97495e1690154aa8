"""A registry of packages on loopback, and small packages made on the spot."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from runner.gateway.settings import GatewaySettings


class Registry:
    """Serves `files` by path below `url`; `moved` are redirects; `asked` are the paths asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://localhost:{port}"
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.asked: list[str] = []

    @property
    def settings(self) -> GatewaySettings:
        """Of a gateway that reaches it."""
        return GatewaySettings(private_egress=True, egress_ports=frozenset({self.port}))

    def page(self, project: str, *wheels: str) -> None:
        """List wheels that are among the files as the simple index does."""
        listed = [
            {
                "filename": wheel,
                "url": f"/files/{wheel}",
                "hashes": {"sha256": hashlib.sha256(self.files[f"/files/{wheel}"]).hexdigest()},
            }
            for wheel in wheels
        ]
        self.files[f"/simple/{project}/"] = json.dumps({"files": listed}).encode()


@asynccontextmanager
async def open_registry() -> AsyncIterator[Registry]:
    """A registry on a free port."""

    async def answer(request: web.Request) -> web.Response:
        registry.asked.append(request.path)
        if request.path in registry.moved:
            raise web.HTTPFound(registry.moved[request.path])
        body = registry.files.get(request.path)
        return web.Response(status=404) if body is None else web.Response(body=body)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0)
    await site.start()
    registry = Registry(runner.addresses[0][1])
    try:
        yield registry
    finally:
        await runner.cleanup()


def tarball(files: Mapping[str, bytes], compressed: bool = True) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if compressed else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def npm_package(name: str, version: str, code: str) -> bytes:
    manifest = json.dumps({"name": name, "version": version, "main": "index.js"}).encode()
    return tarball({"package/package.json": manifest, "package/index.js": code.encode()})


def npm_lock(name: str, version: str, url: str, data: bytes, **more: object) -> bytes:
    """A package-lock.json of an app that depends on one package."""
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"
    entry = {"version": version, "resolved": url, "integrity": integrity, **more}
    root = {"name": "small-talk", "dependencies": {name: version}}
    packages = {"": root, f"node_modules/{name}": entry}
    return json.dumps(
        {"name": "small-talk", "lockfileVersion": 3, "requires": True, "packages": packages}
    ).encode()


def wheel(name: str, version: str, code: str, *requires: str) -> bytes:
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def gem(name: str, version: str, code: str) -> bytes:
    specification = f"""\
--- !ruby/object:Gem::Specification
name: {name}
version: !ruby/object:Gem::Version
  version: {version}
platform: ruby
authors: [test]
summary: a test
files: [lib/{name}.rb]
require_paths: [lib]
rubygems_version: 3.6.0
specification_version: 4
"""
    return tarball(
        {
            "metadata.gz": gzip.compress(specification.encode()),
            "data.tar.gz": tarball({f"lib/{name}.rb": code.encode()}),
        },
        compressed=False,
    )

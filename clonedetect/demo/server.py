"""The rehearsal's servers: every made-up host on a loopback port of its own.

``python -m clonedetect.demo.server FOLDER`` serves FOLDER/routes.json, writes
FOLDER/ports.json once all ports listen, logs each request to
FOLDER/requests.jsonl, and ends when its standard input closes.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import msgspec
from aiohttp import web

from clonedetect.demo.routes import Route, Site, load

__all__ = ["serve"]


def _application(site: Site, folder: Path, log: Path) -> web.Application:
    routes = {route.target: route for route in site.routes}
    refused: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        line = msgspec.json.encode({"host": request.host, "target": request.path_qs})
        with log.open("ab") as lines:
            lines.write(line + b"\n")
        route = _find(routes, request)
        if route is None:
            return web.Response(status=404, text="nothing here")
        if refused[route.target] < route.refusals:
            refused[route.target] += 1
            return web.Response(status=429, headers={"Retry-After": "1"}, text="slow down")
        body = (folder / route.file).read_bytes()
        headers = {"Content-Type": route.content_type, **dict(site.headers)}
        return web.Response(status=route.status, body=body, headers=headers)

    application = web.Application()
    application.router.add_get("/{anything:.*}", answer)
    return application


def _find(routes: dict[str, Route], request: web.Request) -> Route | None:
    return routes.get(request.path_qs) or routes.get(request.raw_path) or routes.get(request.path)


async def serve(folder: Path) -> None:
    """Serve until standard input closes."""
    runners = []
    ports: dict[str, int] = {}
    log = folder / "requests.jsonl"
    for site in load(folder).sites:
        runner = web.AppRunner(_application(site, folder, log), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports[site.host] = runner.addresses[0][1]
        runners.append(runner)
    part = folder / "ports.part"
    part.write_bytes(msgspec.json.encode(ports))
    part.rename(folder / "ports.json")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for runner in runners:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))

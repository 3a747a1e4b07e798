"""pulumirpc.LanguageRuntime for Python programs."""
# ruff: noqa: N802, D102, ARG002 - method names, their meaning and their arguments are the protocol's (language.proto)

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from development.pulumi_stand_ins import LAUNCHERS
from development.pulumi_stand_ins.language_python.project import ProjectError, PythonProject, python_project
from development.pulumi_stand_ins.plugin.engine import Engine, Severity

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

# The official host has its engine's version. This is the version that the stand-in was compared with.
VERSION = "3.259.0"
_EXECUTOR = "pulumi-language-python-exec"
# The executor's exit status if it has already shown the program's error to the user.
_SHOWN_TO_USER = 32
SECONDS_TO_END = 5
"""The time that an interrupted program has to end."""
_NOTICE = "the lab's stand-ins replace Pulumi's language host and plugins: {plugins}"


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs the program with the project's Python, in a process of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cancelled = asyncio.Event()

    async def Handshake(self, request: object, context: Context) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    async def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    async def About(self, request: language_pb2.AboutRequest, context: Context) -> language_pb2.AboutResponse:
        project = await self._project(request.info, context)
        process = await asyncio.create_subprocess_exec(
            project.python, "--version", stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
        )
        version, _ = await process.communicate()
        return language_pb2.AboutResponse(
            executable=str(project.python),
            version=version.decode().removeprefix("Python ").strip(),
            metadata={"toolchain": "Pip", "typechecker": "None"},
        )

    async def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: Context
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Name the plugins of the installed SDKs that exist here. The engine would try to download any other.

        If the program uses another one, the engine still reports that it is missing.
        """
        packages = (await self._project(request.info, context)).packages()
        return language_pb2.GetRequiredPackagesResponse(packages=filter(_is_available, packages))

    async def Run(self, request: language_pb2.RunRequest, context: Context) -> language_pb2.RunResponse:
        project = await self._project(request.info, context)
        plugins = ", ".join(
            f"{package.name} {package.version}" for package in project.packages() if _is_available(package)
        )
        await self._engine.log(Severity.INFO, _NOTICE.format(plugins=plugins))
        executor = shutil.which(_EXECUTOR) or str(LAUNCHERS / _EXECUTOR)
        process = await asyncio.create_subprocess_exec(
            project.python, executor, *self._arguments(request), env=_environment(project, request)
        )
        status = await self._end_of(process)
        if status == _SHOWN_TO_USER:
            return language_pb2.RunResponse(bail=True)
        # A negative status is a signal. For Go, and so for the official host, that is -1.
        shown = max(status, -1)
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {shown}" if status else "")

    async def Cancel(self, request: Empty, context: Context) -> Empty:
        """The engine calls this after Ctrl-C and at the end of every run, also when a resource has failed."""
        self._cancelled.set()
        return Empty()

    async def _end_of(self, program: asyncio.subprocess.Process) -> int:
        """Wait for the program and return its exit status.

        Cancel, or the end of this call, interrupts the program like Ctrl-C, and kills it if it doesn't end in time.
        """
        ended, cancelled = asyncio.ensure_future(program.wait()), asyncio.ensure_future(self._cancelled.wait())
        # This call is cancelled if the engine is gone. Then the program must end, too.
        with suppress(asyncio.CancelledError):
            await asyncio.wait((ended, cancelled), return_when=asyncio.FIRST_COMPLETED)
        cancelled.cancel()
        if not ended.done():
            program.send_signal(signal.SIGINT)
            await asyncio.wait((ended,), timeout=SECONDS_TO_END)
        if not ended.done():
            program.kill()
        return await ended

    async def _project(self, info: language_pb2.ProgramInfo, context: Context) -> PythonProject:
        try:
            return python_project(info)
        except ProjectError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))

    def _arguments(self, request: language_pb2.RunRequest) -> list[str]:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine.address or "",
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        named = [part for name, value in options.items() if value for part in (f"--{name}", value)]
        return [*named, request.info.entry_point, *request.args]


def _environment(project: PythonProject, request: language_pb2.RunRequest) -> dict[str, str]:
    """Return the program's environment, with the stack's configuration, as the official host passes it on."""
    return project.environment(os.environ) | {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }


def _is_available(package: plugin_pb2.PackageDependency) -> bool:
    program = f"pulumi-{package.kind}-{package.name}"
    return shutil.which(program) is not None or (LAUNCHERS / program).exists()

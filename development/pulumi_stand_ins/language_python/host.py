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
from development.pulumi_stand_ins.language_python.project import Project, ProjectError, project
from development.pulumi_stand_ins.plugin.engine import Engine, Severity

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

# The official host has its engine's version; this is the engine that the answers were compared with.
VERSION = "3.259.0"
_EXECUTOR = "pulumi-language-python-exec"
# The executor's exit status when the program's error has already been shown to the user.
_SHOWN_TO_USER = 32
SECONDS_TO_END = 5
"""The time that an interrupted program has to end."""
_NOTICE = "the lab's stand-ins serve in place of Pulumi's own language host and plugins: {plugins}"


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs a program by the executor, in a process of its own with the project's interpreter."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cancelled = asyncio.Event()

    async def Handshake(self, request: object, context: Context) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    async def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    async def About(self, request: language_pb2.AboutRequest, context: Context) -> language_pb2.AboutResponse:
        interpreter = await self._project(request.info, context)
        process = await asyncio.create_subprocess_exec(
            interpreter.python, "--version", stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
        )
        version, _ = await process.communicate()
        return language_pb2.AboutResponse(
            executable=str(interpreter.python),
            version=version.decode().removeprefix("Python ").strip(),
            metadata={"toolchain": "Pip", "typechecker": "None"},
        )

    async def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: Context
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The installed SDKs' plugins, but for those that are nowhere: the engine would try to download them.

        A program that does use one of those still hears from the engine that it is missing.
        """
        packages = (await self._project(request.info, context)).packages()
        return language_pb2.GetRequiredPackagesResponse(packages=filter(_is_to_be_had, packages))

    async def Run(self, request: language_pb2.RunRequest, context: Context) -> language_pb2.RunResponse:
        interpreter = await self._project(request.info, context)
        plugins = ", ".join(
            f"{package.name} {package.version}" for package in interpreter.packages() if _is_to_be_had(package)
        )
        await self._engine.log(Severity.INFO, _NOTICE.format(plugins=plugins))
        executor = shutil.which(_EXECUTOR) or str(LAUNCHERS / _EXECUTOR)
        process = await asyncio.create_subprocess_exec(
            interpreter.python, executor, *self._arguments(request), env=_environment(interpreter, request)
        )
        status = await self._end_of(process)
        if status == _SHOWN_TO_USER:
            return language_pb2.RunResponse(bail=True)
        # A status below zero is a signal; Go, and so the official host, calls that -1.
        shown = max(status, -1)
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {shown}" if status else "")

    async def Cancel(self, request: Empty, context: Context) -> Empty:
        """The engine calls this after Ctrl-C and at the end of every run, also when a resource has failed."""
        self._cancelled.set()
        return Empty()

    async def _end_of(self, program: asyncio.subprocess.Process) -> int:
        """The program's exit status.

        Cancel, or the end of this call, interrupts the program like Ctrl-C and kills it if it doesn't end in time.
        """
        ended, cancelled = asyncio.ensure_future(program.wait()), asyncio.ensure_future(self._cancelled.wait())
        # The call is cancelled when the engine is gone; the program must end then, too.
        with suppress(asyncio.CancelledError):
            await asyncio.wait((ended, cancelled), return_when=asyncio.FIRST_COMPLETED)
        cancelled.cancel()
        if not ended.done():
            program.send_signal(signal.SIGINT)
            await asyncio.wait((ended,), timeout=SECONDS_TO_END)
        if not ended.done():
            program.kill()
        return await ended

    async def _project(self, info: language_pb2.ProgramInfo, context: Context) -> Project:
        try:
            return project(info)
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


def _environment(interpreter: Project, request: language_pb2.RunRequest) -> dict[str, str]:
    """The program's environment; the stack's configuration travels in it, as with the official host."""
    return interpreter.environment(os.environ) | {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }


def _is_to_be_had(package: plugin_pb2.PackageDependency) -> bool:
    program = f"pulumi-{package.kind}-{package.name}"
    return shutil.which(program) is not None or (LAUNCHERS / program).exists()

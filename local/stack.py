"""The whole bundle on one machine: what `template.yaml` declares, made of an embedded PostgreSQL, an emulated AWS and local processes.

with Stack(folder) as stack:           # database, emulator, resources, custom resources: `stack.environment` is complete
    os.environ.update(stack.environment)
    gateway = stack.gateway_in_process()   # handlers run in this process: for tests
    ...
    stack.serve()                      # or: real execution environments, event sources and an HTTP server
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

from local import files, ports, resources, variables
from local.cloudformation import named
from local.custom_resources import Mailbox, deploy
from local.emulator import ROOT, Emulator
from local.environments import Environments
from local.gateway import Gateway
from local.generated_secrets import MadeValues
from local.graph_api import GraphApi
from local.handlers import in_process
from local.http_api import Request, Response
from local.invocations import Invocations
from local.postgres import APPLICATION, OWNER, Postgres
from local.problems import Problem
from local.pump import Pump, event_sources
from local.resources import Clients
from local.server import Server
from local.template import Function, Template, load
from local.variables import CREDENTIALS

PORT = 3000
ENVIRONMENTS = 12
CARD = "stack.json"
SAM_VARIABLES = "sam.json"
LARGEST_LOG = 20 * 1024 * 1024  # bytes that a log may bring to the next start


class StackBusy(Problem):
    """Another stack runs in the same folder."""


class SettingProblem(Problem):
    """A setting is missing, or can't be what it says."""


class Stack:
    """Everything that is running. The folder keeps its data between starts."""

    def __init__(
        self,
        folder: Path = ROOT / ".local",
        template: Path = ROOT / "template.yaml",
        *,
        settings: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        port: int | None = None,
        durable: bool = True,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Raises TemplateProblem, SettingProblem or PortTaken, before anything is started.

        settings: DATABASE_URL, DATABASE_OWNER_URL and AWS_ENDPOINT_URL replace the embedded parts; any other name of a function's
        environment replaces the template's value. port: of the API, 0 takes a free one; without a port there is no HTTP.
        durable: see Postgres. say: called with each step that begins."""
        self.folder = folder.resolve()
        self.settings = dict(settings or {})
        if self.settings.get("DATABASE_URL") and not self.settings.get("DATABASE_OWNER_URL"):
            raise SettingProblem("DATABASE_URL is set and DATABASE_OWNER_URL is not: without the owner there are no migrations.")
        self.template: Template = load(template, parameters)
        self.server = None if port is None else Server(port, self._handle)
        self.port = self.server.port if self.server else PORT
        self.invocations: Invocations
        self.graph_api: GraphApi
        self.attributes: dict[str, Any] = {}
        self.environment: dict[str, str] = {}
        self.postgres = Postgres(self.folder / "postgres", self.folder / "logs" / "postgres.log", durable=durable)
        self.emulator = Emulator(self.folder / "aws", self.folder / "logs" / "aws.log")
        self.environments: Environments | None = None
        self.gateway: Gateway
        self._made = MadeValues(self.folder / "secrets.json")
        self._say = say
        self._lock: IO[str] | None = None
        self._closing = contextlib.ExitStack()
        self._stopping = threading.Lock()

    def __enter__(self) -> Self:
        try:
            self.prepare()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what is there without serving -------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Database, AWS, resources, custom resources. Afterwards `environment` and `attributes` are complete."""
        self._take_folder()
        self._start_parts()
        self.invocations = Invocations(self.template.functions, ports.choose(ports.of_folder(self.folder / "invocations")))
        self._closing.callback(self.invocations.stop)
        self.invocations.serve()
        self.graph_api = GraphApi(ports.choose(ports.of_folder(self.folder / "graph")))
        self._closing.callback(self.graph_api.stop)
        self.graph_api.serve()
        self._say("resources of the template")
        self.attributes = resources.create(self.template, self.clients, self._made, self.settings.get("MAIL_FROM") or variables.MAIL_FROM)
        if self.template.custom_resources:
            self._say("migrations and token keys")
            self._run_custom_resources()
        self.environment = self._variables(self.template.functions.values())
        self._write_card()

    @cached_property
    def clients(self) -> Clients:
        """boto3 clients of the stack's AWS; to be asked for when it runs."""
        return Clients(self.settings.get("AWS_ENDPOINT_URL") or self.emulator.endpoint, CREDENTIALS | self.settings)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def gateway_in_process(self) -> Gateway:
        """The API with handlers called in this process; `os.environ` must hold `environment` before."""
        return Gateway(self.template, in_process(self.template.functions))

    def mails(self) -> list[dict[str, Any]]:
        """What was sent through the embedded SES, oldest first: id, from, to, raw. Another AWS endpoint shows none."""
        return self.emulator.mails() if self.shows_mails else []

    @property
    def shows_mails(self) -> bool:
        return not self.settings.get("AWS_ENDPOINT_URL")

    def stop(self) -> None:
        """End everything, in the order in which it depends on each other. May be called more than once."""
        with self._stopping:
            self._closing.close()
            if self.server is not None:
                self.server.server_close()
            if self._lock is None:  # the folder is another stack's: nothing of ours runs, and its files are not ours
                return
            self.emulator.stop()
            self.postgres.stop()
            for name in (CARD, SAM_VARIABLES):
                (self.folder / name).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
            self._say("stopped")

    # --- serving -----------------------------------------------------------------------------------------------------------------------

    def serve(self, environments: int = ENVIRONMENTS, *, retry_seconds: int | None = None) -> None:
        """Real execution environments, event sources, and the API on the port if the stack has one.

        retry_seconds: after which a failed message comes again, instead of its queue's visibility timeout.
        """
        self._say(f"{len(self.template.functions)} functions")
        self.environments = Environments(self.template.functions, self.environment, self.folder / "logs", environments)
        self._closing.callback(self.environments.stop)
        self.environments.start()
        self.gateway = Gateway(self.template, self.environments.invoke)
        self.invocations.invoke = self.environments.invoke
        sources = event_sources(self.template, self.clients, self.attributes, self.environments.invoke, retry_seconds)
        pump = Pump(sources.values(), self.template.schedules, self.environments.invoke)
        self._closing.callback(pump.stop)
        pump.start()
        if self.server is not None:
            self._closing.callback(self.server.stop)
            self.server.serve()

    def _handle(self, request: Request) -> Response:
        return self.gateway.handle(request)

    # --- steps -------------------------------------------------------------------------------------------------------------------------

    def _take_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            with lock:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
            raise StackBusy(f"Another stack runs in {self.folder} (process {holder}). Stop it first.") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        for log in self.folder.glob("logs/*.log"):
            if log.stat().st_size > LARGEST_LOG:
                log.unlink()

    def _start_parts(self) -> None:
        if not self.settings.get("AWS_ENDPOINT_URL"):
            self._say("emulated AWS")
            self.emulator.launch()
        if not self.settings.get("DATABASE_URL"):
            self._say("PostgreSQL")
            self.postgres.start()
        if not self.settings.get("AWS_ENDPOINT_URL"):
            self.emulator.await_ready()

    def _run_custom_resources(self) -> None:
        """In their order, in environments of their own: what they give (keys) belongs to the environment of all the others."""
        wanted = self.template.custom_resources
        names = {name for resource in wanted if (name := named(resource.properties.get("ServiceToken")))}
        functions = {name: self.template.functions[name] for name in names}
        known_path = self.folder / "custom_resources.json"
        physical_ids = files.read(known_path, "Remove it: they are made again.")
        environments = Environments(functions, self._variables(functions.values(), complete=False), self.folder / "logs", 1)
        environments.start()
        try:
            with Mailbox() as mailbox:
                for resource in wanted:
                    added = deploy(resource, environments.invoke, self.attributes, mailbox, physical_ids.get(resource.name))
                    self.attributes |= added
                    physical_ids[resource.name] = str(added[resource.name])
        finally:
            environments.stop()
        files.write(known_path, json.dumps(physical_ids))

    def _variables(self, functions: Iterable[Function], *, complete: bool = True) -> dict[str, str]:
        settings = self.settings
        machine = variables.of_this_machine(
            settings,
            self.url,
            self.emulator.endpoint,
            self.invocations.url,
            self.graph_api.url,
            settings.get("DATABASE_URL") or self.postgres.url(APPLICATION),
            settings.get("DATABASE_OWNER_URL") or self.postgres.url(OWNER),
        )
        return variables.union(functions, self.attributes, self._made.referenced, settings, machine, complete=complete)

    def _write_card(self) -> None:
        """What others on this machine may want to know: `make doctor`, and a test's worker processes."""
        card = {"pid": os.getpid(), "url": self.url, "environment": self.environment, "attributes": self.attributes}
        files.write(self.folder / CARD, json.dumps(card, indent=1))
        # For `sam local invoke --env-vars`: the form that the SAM CLI reads.
        files.write(self.folder / SAM_VARIABLES, json.dumps({"Parameters": self.environment}, indent=1))

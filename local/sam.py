"""`make invoke` and `make api`: the SAM CLI's containers against the bundle that `make run` serves.

    python -m local.sam invoke InboxOnWebhookReceived --event tests/events/inbox_whatsapp_text_queue.json
    python -m local.sam start-api

A container has a loopback of its own, and the bundle listens on this machine's only. So while the SAM CLI runs, the ports of the database
and of the emulated AWS are open on the address of Docker's bridge too, which containers reach and the network does not.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from local import running_stack
from local.emulator import ROOT
from local.problems import Problem
from local.recorded_events import filled

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILD = ROOT / ".aws-sam" / "build"
PORT = 3001
DESKTOP = "host.docker.internal"  # Docker Desktop leads this name to the machine's loopback by itself
LOOPBACKS = ("127.0.0.1", "localhost")


class SamProblem(Problem):
    """What is missing, and how to get it."""


def architecture() -> str:
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def environment() -> dict[str, str]:
    """Of the bundle that runs."""
    card = running_stack.card_of(ROOT / ".local")
    if not card:
        raise SamProblem("No stack is running: start `make run` in another terminal.")
    return dict(card["environment"])


def look_for_build() -> None:
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture()]
    built = list((BUILD / "DependenciesLayer" / "python").glob("_cffi_backend.*.so"))
    if not SAM.exists() or not any(machine in path.name for path in built):
        raise SamProblem(f"There is no build for this machine: run `make build ARCHITECTURE={architecture()}`.")


def bridge() -> str:
    """The address under which containers reach this machine."""
    docker_command = ["docker", "network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"]
    try:
        network = json.loads(subprocess.run(docker_command, capture_output=True, text=True, check=True).stdout)[0]
    except (OSError, subprocess.CalledProcessError):
        raise SamProblem("The SAM CLI runs functions in containers, and Docker does not answer.") from None
    # Docker itself takes the first address of the subnet where no gateway is configured.
    address = network.get("Gateway") or str(ip_network(network["Subnet"])[1])
    return address if platform.system() == "Linux" else DESKTOP


def seen_from_container(variables: dict[str, str], address: str) -> tuple[dict[str, str], set[int]]:
    """The variables as a container needs them, and the ports of this machine's loopback that it has to reach.

    The database stays `localhost`, a name that leads to the bridge as well (see `command`): to any other address it must speak TLS. AWS
    gets the address itself: below a name, S3 would be asked for under `bucket.name`.
    """
    variables, ports = dict(variables), set[int]()
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        parts = urlsplit(variables.get(name, ""))
        if parts.hostname in LOOPBACKS:
            ports.add(parts.port or 5432)
            variables[name] = variables[name].replace(f"@{parts.hostname}", "@localhost", 1)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"):
        aws = urlsplit(variables.get(name, ""))
        if aws.hostname in LOOPBACKS:
            ports.add(aws.port or 80)
            variables = {name: value.replace(aws.netloc, f"{address}:{aws.port or 80}") for name, value in variables.items()}
    return variables, ports


def command(arguments: list[str], variables: Path, address: str) -> list[str]:
    """The SAM CLI's command line."""
    made = [str(SAM), "local", *arguments, "--env-vars", str(variables), "--parameter-overrides", f"Architecture={architecture()}"]
    if arguments[0] == "start-api":
        made += ["--warm-containers", "LAZY", *([] if "--port" in arguments else ["--port", str(PORT)])]
    return [*made, "--add-host", f"localhost:{'host-gateway' if address == DESKTOP else address}"]


def put_down(arguments: list[str], variables: dict[str, str], folder: Path) -> tuple[list[str], Path]:
    """Writes what the SAM CLI reads: the variables, and the event of the arguments as this stack would get it. Returns where they are."""
    file, event = folder / "variables.json", folder / "event.json"
    file.write_text(json.dumps({"Parameters": variables}))
    for option in {"--event", "-e"} & set(arguments[:-1]):
        at = arguments.index(option) + 1
        if arguments[at] != "-":
            if not Path(arguments[at]).is_file():
                raise SamProblem(f"There is no event {arguments[at]}.")
            event.write_text(json.dumps(filled(Path(arguments[at]).read_text(), variables)))
            arguments = [*arguments[:at], str(event), *arguments[at + 1 :]]
    return arguments, file


async def forward(address: str, port: int) -> asyncio.Server:
    """Whatever connects to the port at this address talks to the port on the loopback."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pipe(reader, back), pipe(upstream_reader, writer))

    return await asyncio.start_server(connected, address, port)


async def run(arguments: list[str]) -> int:
    look_for_build()
    address = bridge()
    variables, ports = seen_from_container(environment(), address)
    servers = []
    for port in ports if address != DESKTOP else ():
        try:
            servers.append(await forward(address, port))
        except OSError as problem:
            raise SamProblem(f"Port {port} can't be opened at {address}: {problem.strerror}.") from problem
    with tempfile.TemporaryDirectory() as folder:  # readable by its owner only
        arguments, file = put_down(arguments, variables, Path(folder))
        credentials = {
            name: value for name, value in variables.items() if name.startswith("AWS_") and not name.startswith("AWS_ENDPOINT_URL")
        }
        words = command(arguments, file, address)
        print("+", " ".join(words), file=sys.stderr, flush=True)
        surroundings = os.environ | credentials | {"SAM_CLI_TELEMETRY": "0"}
        # Apart from the terminal's signals, so that it hears of the end once, and has the time to remove its containers.
        process = await asyncio.create_subprocess_exec(*words, cwd=ROOT, env=surroundings, start_new_session=True)
        for wanted in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(wanted, process.terminate)
        status = await process.wait()
    for server in servers:
        server.close()
    return status


def main() -> int:
    if sys.argv[1:2] not in (["invoke"], ["start-api"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return asyncio.run(run(sys.argv[1:]))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

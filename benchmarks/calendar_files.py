"""The calendars that other projects test themselves with, read by ours: whole, in part, or refused; their times by another reader too.

`make calendars`. Takes the files from the packages that ship them, by the packages' names, with the registries' ordinary clients; one that
can't be had is said so and left out. Folders named after it are read too: `python -m benchmarks.calendar_files FOLDER…`.
"""

import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from parley.calendar_providers import icalendar_busy_times
from parley.calendar_providers.provider_protocol import ProviderError

INSTALLED = ("icalendar", "recurring_ical_events")
NPM = (
    "ical.js@0.0.3",
    "ical@0.8.0",
    "node-ical@0.9.0",
)  # the last ones with samples; node-ical was made from `ical`
PYPI = ("vobject==0.9.7",)
DEBIAN = ("libical3",)
_DATE = re.compile(r"DTSTART[^:\n]*:(\d{8})")
_WINDOW = timedelta(days=200)
_SECONDS = 300


def main() -> None:
    print(f"{'from':<28}{'files':>7}{'whole':>7}{'in part':>9}{'refused':>9}{'events':>8}{'unclear':>9}{'compared':>10}{'same':>6}")
    reasons, failures = Counter[str](), list[str]()
    differences: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, folder in [*_sources(Path(scratch)), *((Path(argument).name, Path(argument)) for argument in sys.argv[1:])]:
            counts = Counter[str]()
            for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".ics", ".ical", ".ifb") and path.is_file()):
                _count(name, file, counts, reasons, failures, differences)
            numbers = [counts[key] for key in ("files", "whole", "in part", "refused", "events", "unclear", "compared", "same")]
            print(f"{name:<28}" + "".join(f"{number:>{width}}" for number, width in zip(numbers, (7, 7, 9, 9, 8, 9, 10, 6), strict=True)))
    for reason, number in reasons.most_common():
        print(f"refused: {reason} ({number})")
    print("other times than the other reader's:", *differences or ["none"], sep="\n  ")
    print(f"{len(failures)} exceptions", *failures, sep="\n  ")
    sys.exit(bool(failures))


def _count(name: str, file: Path, counts: Counter[str], reasons: Counter[str], failures: list[str], differences: list[str]) -> None:
    counts["files"] += 1
    content = file.read_bytes()
    start = _window(content)
    try:
        calendars = icalendar_busy_times.parse_calendars(content)
        busy_events = icalendar_busy_times.busy(calendars, start, start + _WINDOW, "UTC")
    except ProviderError as met:
        counts["refused"] += 1
        reasons[met.trouble.message] += 1
        return
    except Exception as error:  # noqa: BLE001  # what this program looks for
        failures.append(f"{name}: {file.name}: {error!r}")
        return
    unclear = sum(not kept.is_clear for kept in busy_events.values())
    counts["events"] += len(busy_events)
    counts["unclear"] += unclear
    counts["in part" if unclear or not all(calendar.is_ended for calendar in calendars) else "whole"] += 1
    other = _other(content, start)
    if other is not None:
        counts["compared"] += 1
        intervals = {times for kept in busy_events.values() for times in kept.times}
        counts["same"] += intervals == other
        if intervals != other:
            more, less = len(intervals - other), len(other - intervals)
            differences.append(f"{name}: {file.name}: {more} more, {less} fewer{'' if not unclear else ', unclear'}")


def _window(content: bytes) -> datetime:
    """From two days before the first event that is not the beginning of a zone."""
    years = [day for day in _DATE.findall(content.decode("utf-8", "replace")) if day >= "1990"]
    try:
        return datetime.strptime(min(years, default="20270101"), "%Y%m%d").replace(tzinfo=UTC) - timedelta(days=2)
    except ValueError:
        return datetime(2027, 1, 1, tzinfo=UTC)


def _other(content: bytes, start: datetime) -> set[tuple[datetime, datetime]] | None:
    """The same by `icalendar` and `recurring-ical-events`, in a process of its own mind; None where they can't."""
    import recurring_ical_events  # type: ignore[import-untyped]  # it has no types
    from icalendar import Calendar
    from icalendar.timezone import tzp

    tzp.use_default()  # it keeps the zones of the calendar before
    try:
        (calendar,) = Calendar.from_ical(content, multiple=True)
        expanded = recurring_ical_events.of(calendar).between(start - timedelta(days=1), start + _WINDOW + timedelta(days=1))
        zone = str(calendar.get("X-WR-TIMEZONE") or "UTC")
        times = {times for event in expanded if (times := _times(event, zone)) is not None}
    except Exception:  # noqa: BLE001  # it raises whatever it stumbles over
        return None
    return {(begins, ends) for begins, ends in times if begins < ends and begins < start + _WINDOW and ends > start}


def _times(event: Any, zone: str) -> tuple[datetime, datetime] | None:
    from parley.calendar_providers.icalendar_reader.calendar_timezones import zone_by_name

    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT" or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    at: list[datetime] = []
    for moment in (event["DTSTART"].dt, event["DTEND"].dt):
        wall = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  # of `zone`
        at.append((wall if wall.tzinfo else wall.replace(tzinfo=zone_by_name(zone) or UTC)).astimezone(UTC))
    return at[0], at[1]


def _sources(scratch: Path) -> Iterator[tuple[str, Path]]:
    for name in INSTALLED:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            yield name, Path(spec.origin).parent
    for name in NPM:
        folder = scratch / name.replace("@", "-")
        if _has_run(["npm", "pack", "--silent", name], folder):
            yield name, _unpacked(folder)
    for name in PYPI:
        folder = scratch / name
        if _has_run([sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps", name], folder):
            yield name, _unpacked(folder)
    lists = _debian(scratch)
    for name in DEBIAN:
        folder = scratch / name
        if lists:  # the mirror may lack one of a source's files: what came is read
            _has_run(["apt-get", *lists, "-qq", "source", "--download-only", name], folder)
        if any(tarfile.is_tarfile(file) for file in folder.glob("*")):
            yield name, _unpacked(folder)
        else:
            print(f"{name:<28} can't be had")


def _has_run(command: list[str], folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return (
            subprocess.run(  # noqa: S603  # our own words
                command, cwd=folder, capture_output=True, timeout=_SECONDS, check=False
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _unpacked(folder: Path) -> Path:
    for file in list(folder.iterdir()):
        if tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                archive.extractall(folder / "unpacked", filter="data")
    return folder


def _debian(scratch: Path) -> list[str]:
    """Options of apt-get, with lists of sources made of this machine's own lists of packages; empty where there is no apt."""
    parts, lists, cache = (scratch / "apt" / name for name in ("parts", "lists/partial", "cache/archives/partial"))
    for folder in (parts, lists, cache):
        folder.mkdir(parents=True, exist_ok=True)
    for file in Path("/etc/apt/sources.list.d").glob("*.sources"):
        (parts / file.name).write_text(re.sub(r"(?m)^Types:.*$", "Types: deb-src", file.read_text()))
    options = {
        "Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": str(parts), "Dir::State::lists": str(lists.parent),
        "Dir::Cache": str(scratch / "apt" / "cache"), "APT::Sandbox::User": "root",
    }  # fmt: skip
    arguments = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return arguments if _has_run(["apt-get", *arguments, "-qq", "update"], scratch) else []


if __name__ == "__main__":
    main()

"""A recording is uploaded: past the functions, straight into the storage, and the storage's notification tells the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from local.demo import Played, PlayFailed, Scene, expect, wait_for

BYTES = b"\x1aE\xdf\xa3" + b"This would be a recording. " * 4000
LARGE = 3 * 1024**3


def play(scene: Scene) -> Played:
    played = Played()
    meeting = _meeting(scene, played)
    path = f"/v1/recordings/meetings/{meeting['id']}"
    _large_upload(scene, played, path)
    upload = expect(scene.owner.post(f"{path}/uploads", {"size_bytes": len(BYTES), "content_type": "video/webm"}), 201)
    played.add_row("POST …/uploads", f"201: a presigned PUT for exactly {len(BYTES):,} bytes of video/webm")
    expect(scene.stranger.request("PUT", upload["put"]["url"], BYTES, upload["put"]["headers"]), 200)
    played.add_row("PUT to the storage", "200: no byte passed through a function")
    expect(scene.stranger.request("PUT", upload["put"]["url"], BYTES, upload["put"]["headers"]), 412)
    played.add_row("the same PUT again", "412: what has arrived is not replaced")
    arrived = wait_for("the storage's notification", lambda: _processing(scene, path))
    played.add_row("notification → queue → worker", f"RECORDING → {arrived['status']}, {arrived['recording']['raw_size_bytes']:,} bytes")
    _download(scene, played, arrived["recording"]["id"])
    played.curl = [
        'curl -s {url}/v1/recordings/meetings -H "Authorization: Bearer $TOKEN"',
        f'curl -s -X POST {{url}}/v1/recordings/{arrived["recording"]["id"]}/downloads -H "Authorization: Bearer $TOKEN"',
    ]
    return played


def _meeting(scene: Scene, played: Played) -> Any:
    begins = datetime.now(UTC).replace(microsecond=0)
    wanted = {
        "platform": "TEAMS",
        "url": "https://teams.microsoft.com/l/meetup-join/19%3ameeting_demo%40thread.v2/0",
        "scheduled_start": begins.isoformat(),
        "scheduled_end": (begins + timedelta(minutes=45)).isoformat(),
    }
    meeting = expect(scene.owner.post("/v1/recordings/meetings", wanted), 201)
    played.add_row("POST /v1/recordings/meetings", f"201: a {meeting['platform']} meeting, {meeting['status']}, with its recording")
    return meeting


def _large_upload(scene: Scene, played: Played, path: str) -> None:
    """Asked for and given up again: moving the bytes would show nothing more."""
    upload = expect(scene.owner.post(f"{path}/uploads", {"size_bytes": LARGE, "content_type": "video/mp4"}), 201)
    parts = upload["multipart"]
    outcome = f"201: {parts['part_count']} parts of {parts['part_size_bytes'] // 1024**2} MiB, each with its own presigned PUT"
    played.add_row(f"POST …/uploads, {LARGE // 1024**3} GiB", outcome)
    expect(scene.owner.request("DELETE", f"{path}/uploads/{upload['id']}"), 204)
    played.add_row("DELETE …/uploads/{id}", "204: given up")


def _processing(scene: Scene, path: str) -> Any:
    meeting = expect(scene.owner.get(path), 200)
    return meeting if meeting["status"] == "PROCESSING" else None


def _download(scene: Scene, played: Played, recording_id: str) -> None:
    download = expect(scene.owner.post(f"/v1/recordings/{recording_id}/downloads"), 201)
    answer = scene.stranger.get(download["url"])
    if answer.raw != BYTES:
        raise PlayFailed(f"the download has {len(answer.raw)} bytes, and not those that were uploaded")
    played.add_row(
        "POST …/downloads, then GET", f"the same {len(answer.raw):,} bytes as {answer.headers['content-disposition'].split('=')[-1]}"
    )

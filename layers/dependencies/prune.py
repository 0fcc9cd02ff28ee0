"""Takes out of a layer what no function reads, and puts Amazon's own root certificates beside botocore's layer.

botocore describes 440 services; it lists and reads their folders for every client, and `endpoints.json` is 1.2 MB of JSON at the first one.
With the few services in use a first client costs 16 ms instead of 63.
"""

import json
import re
import shutil
import sys
from pathlib import Path

# A service that a function calls through boto3 (`kernel.aws`) has to stand here; `sts` belongs to boto3's own credentials.
SERVICES = frozenset({"kms", "s3", "secretsmanager", "sesv2", "sns", "sqs", "events", "lambda", "sts"})
ENDPOINTS = SERVICES | {"email", "monitoring"}  # `email` is what sesv2 is called there
LANGUAGES = ("en", "de", "fr", "es")  # parley.notifications.localization.languages.OFFERED
UNREAD = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "py.typed", "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED")
# Amazon's roots and the Starfield root behind the oldest of them: what AWS's services and the proxies of RDS show certificates of.
ROOTS = re.compile(r"^# Issuer: .*(?:O=Amazon\b|Starfield Services Root Certificate Authority - G2).*$")


def botocore(packages: Path) -> None:
    folder = packages / "botocore" / "data"
    for service in folder.iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    path = folder / "endpoints.json"
    document = json.loads(path.read_text())
    for partition in document["partitions"]:
        partition["services"] = {name: said for name, said in partition["services"].items() if name in ENDPOINTS}
    path.write_text(json.dumps(document, separators=(",", ":")))


def babel(packages: Path) -> None:
    """Only the locales of languages that are offered, and nothing that makes catalogues: 36 MB become 2."""
    for file in (packages / "babel" / "locale-data").glob("*.dat"):
        if not re.match(rf"(?:root|{'|'.join(LANGUAGES)})[._]", file.name):
            file.unlink()
    shutil.rmtree(packages / "babel" / "messages")


def strays(packages: Path) -> None:
    """Tests, type stubs, sources of C extensions, command line programs."""
    for name in ("bin", "share", "include"):
        shutil.rmtree(packages / name, ignore_errors=True)
    for folder in [*packages.rglob("tests"), *packages.rglob("test"), *packages.rglob("__pycache__")]:
        # SQLAlchemy and others have importable packages of that name only under `testing`; a folder `tests` is never part of the API.
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in UNREAD:
        for file in packages.rglob(pattern):
            file.unlink()


def certificates(root: Path) -> None:
    text = (root / "python" / "botocore" / "cacert.pem").read_text()
    chosen = [block for block in re.split(r"(?m)^(?=# Issuer: )", text) if ROOTS.match(block.splitlines()[0])]
    if len(chosen) < 5:
        sys.exit(f"prune.py: {len(chosen)} of Amazon's root certificates found in botocore's bundle, expected 5.")
    path = root / "certificates" / "amazon.pem"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(block.strip() + "\n" for block in chosen))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if (target / "python" / "botocore").is_dir():
        certificates(target)
        botocore(target / "python")
    if (target / "python" / "babel").is_dir():
        babel(target / "python")
    strays(target / "python")

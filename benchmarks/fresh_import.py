"""Run in a fresh interpreter: imports one module, and says as JSON what that cost. `python fresh_import.py module [traced]`

Nothing is imported before that the module might need. Traced, the import system is asked what each module costs without those that it
imports itself: like `-X importtime`, in CPU time instead of time on the clock, which is somebody else's too on a busy machine.
"""

import sys
import time
from types import ModuleType

IMPORTING: ModuleType = sys.modules["_frozen_importlib"]
FIND = "_find_and_load"

WATCHED = {
    "sqlalchemy": "sqlalchemy",
    "pydantic": "pydantic",
    "cryptography": "cryptography",
    "jinja2": "jinja2",
    "botocore.session": "boto3",
}

own: dict[str, float] = {}
inside = [0.0]
find_and_load = getattr(IMPORTING, FIND)


def traced(name: str, import_: object) -> object:
    begun = time.process_time()
    inside.append(0.0)
    try:
        return find_and_load(name, import_)
    finally:
        whole = time.process_time() - begun
        package = name.partition(".")[0]
        own[package] = own.get(package, 0.0) + whole - inside.pop()
        inside[-1] += whole


if len(sys.argv) > 2:
    setattr(IMPORTING, FIND, traced)
if sys.argv[1]:
    __import__(sys.argv[1])
cpu = time.process_time()
setattr(IMPORTING, FIND, find_and_load)

if __name__ == "__main__":
    import json

    loaded = [shown for name, shown in WATCHED.items() if name in sys.modules]
    print(json.dumps({"cpu": cpu, "loaded": loaded, "own": own}))

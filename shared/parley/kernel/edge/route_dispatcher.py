"""A function that is deployed for several routes: the module of the route that is asked is imported when it is asked first.

Handlers that do this are written by `local/merging.py`, where stacks are made of the template; none stands in functions/.
"""

from collections.abc import Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from sys import modules
from typing import Any

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def dispatcher(file: str, routes: Mapping[str, str]) -> Handler:
    """The handler of a function. `routes`: by route key (`GET /v1/things/{thing_id}`) the module beside `file` that answers it."""
    folder, handlers = Path(file).parent, dict[str, Handler]()

    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        route = event["routeKey"]
        if route.startswith("HEAD "):  # what answers GET
            route = f"GET {route.removeprefix('HEAD ')}"
        handler = handlers.get(route)
        if handler is None:
            handler = handlers[route] = _handler_of(folder, routes[route])
        return handler(event, context)

    return lambda_handler


def _handler_of(folder: Path, name: str) -> Handler:
    """By its file, for on one machine two domains may have a module of the same name."""
    spec = spec_from_file_location(f"functions.{folder.name}.{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = modules[spec.name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del modules[spec.name]
        raise
    handler: Handler = module.lambda_handler
    return handler

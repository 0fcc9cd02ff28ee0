"""Handlers loaded from their files, as Lambda does it: the code folder and the shared layer are importable."""

from __future__ import annotations

import importlib.util
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from local.cloudformation import TemplateProblem
from local.invocation import LARGEST_PAYLOAD, FunctionFailed, Invoke, PayloadTooLarge, context_of, decode, encode
from local.template import Function

Handler = Callable[[Any, Any], Any]
SHARED = Path(__file__).resolve().parents[1] / "shared"
_ONE_AT_A_TIME = threading.RLock()
_OF_ONE_REQUEST = ("current_event", "lambda_context")


def load(function: Function) -> Handler:
    """Import the module of a handler under a name of its own: two folders may have a file of the same name.

    Raises TemplateProblem when file or handler is missing, and whatever the module raises.
    """
    with _ONE_AT_A_TIME:  # a module that another thread has half imported has no handler yet
        return _load(function)


def _load(function: Function) -> Handler:
    if str(SHARED) not in sys.path:
        sys.path.insert(0, str(SHARED))
    unique = f"functions.{function.folder.name}.{function.module}"
    module = sys.modules.get(unique)
    if module is None:
        path = function.folder / f"{function.module}.py"
        spec = importlib.util.spec_from_file_location(unique, path)
        if not path.exists() or spec is None or spec.loader is None:
            raise TemplateProblem(f"there is no {function.folder.name}/{path.name}")
        module = importlib.util.module_from_spec(spec)
        before = set(sys.modules)
        sys.modules[unique] = module
        sys.path.insert(0, str(function.folder))
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[unique]
            raise
        finally:
            sys.path.remove(str(function.folder))
            _forget_siblings(function.folder, set(sys.modules) - before - {unique})
    handler: Handler | None = getattr(module, function.attribute, None)
    if handler is None:
        raise TemplateProblem(f"{function.folder.name}/{function.module}.py has no {function.attribute}")
    if not callable(handler):
        raise TemplateProblem(f"{function.folder.name}/{function.module}.py: its {function.attribute} is no function")
    return handler


def _forget_siblings(folder: Path, names: set[str]) -> None:
    """A module beside the handler stays with its importer; the next folder may have another of that name."""
    for name in names:
        path = getattr(sys.modules[name], "__file__", None)
        if path and Path(path).parent == folder:
            del sys.modules[name]


@cache
def _keep_threads_apart() -> None:
    """Let each thread see its own request. Powertools keeps the running one on a class, for all threads: Lambda sends one at a time."""
    from aws_lambda_powertools.event_handler import api_gateway

    router: Any = api_gateway.BaseRouter
    running = threading.local()

    class Apart(type(router)):  # type: ignore[misc]  # the class of a class
        def __setattr__(cls, name: str, value: Any) -> None:
            if name in _OF_ONE_REQUEST:
                setattr(running, name, value)
            else:
                super().__setattr__(name, value)

    def context(app: Any) -> dict[str, Any]:
        made: dict[str, Any] = running.__dict__.setdefault(f"context of {id(app)}", {})
        return made

    for name in _OF_ONE_REQUEST:
        setattr(router, name, property(lambda _, name=name: getattr(running, name)))  # type: ignore[misc]  # for its instances
    router.__class__ = Apart
    api_gateway.ApiGatewayResolver.context = property(context, lambda *_: None)  # type: ignore[assignment]  # it was the instance's


def in_process(functions: Mapping[str, Function]) -> Invoke:
    """Call handlers in this very process: for tests, which then see them in the debugger and in coverage. Many threads may call at once."""
    _keep_threads_apart()

    def invoke(name: str, event: Any) -> Any:
        function = functions[name]
        payload = encode(event)
        if len(payload) > LARGEST_PAYLOAD:
            raise PayloadTooLarge(name)
        return decode(answer_of(load(function), function, payload))

    return invoke


def answer_of(handler: Handler, function: Function, payload: bytes) -> bytes:
    """One invocation, payload to payload. Raises FunctionFailed with the error's text and trace."""
    try:
        answer = encode(handler(decode(payload), context_of(function)))
    except Exception as problem:
        raise FunctionFailed("".join(traceback.format_exception(problem))) from problem
    if len(answer) > LARGEST_PAYLOAD:
        raise FunctionFailed(f"{function.name}: the answer has {len(answer)} bytes, more than a synchronous call may carry")
    return answer

"""Run in a fresh interpreter: imports the files that it is given, each under a name of its own, so that bytecode is written for all."""

import importlib.util
import sys

for number, path in enumerate(sys.argv[1:]):
    spec = importlib.util.spec_from_file_location(f"handler_{number}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)

# What the Makefiles of layers with third-party packages share: locked wheels for the runtime's platform, without what no function reads,
# with bytecode (a factor of three on every cold start). `sam build` calls them with ARTIFACTS_DIR, in a copy of their folder.
#   ARCHITECTURE  arm64 (default) or x86_64: of the functions, not of this machine
#   PYTHON        an interpreter of the runtime's own minor version; its bytecode is what ships

ARCHITECTURE ?= arm64
PYTHON ?= python3.13
MACHINE_arm64 := aarch64
MACHINE_x86_64 := x86_64
MACHINE := $(MACHINE_$(ARCHITECTURE))
PACKAGES = $(ARTIFACTS_DIR)/python
# Not the copy that `make` runs in: its neighbours are not there.
LAYERS := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))

# $(call install,requirements.txt): Amazon Linux 2023 has glibc 2.34, so wheels up to manylinux_2_34 run there.
define install
	@test -n "$(MACHINE)" || { echo "ARCHITECTURE is arm64 or x86_64, not $(ARCHITECTURE)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { \
	  echo "The layers need Python 3.13, the runtime's own: bytecode of another version would be ignored. Say PYTHON=/path/to/python3.13." >&2; exit 1; }
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps --no-compile \
	  --only-binary=:all: --implementation cp --python-version 3.13 --abi cp313 --abi abi3 --abi none \
	  --platform manylinux2014_$(MACHINE) --platform manylinux_2_17_$(MACHINE) --platform manylinux_2_28_$(MACHINE) \
	  --platform manylinux_2_34_$(MACHINE) --target "$(PACKAGES)" -r $(1)
	@$(PYTHON) "$(LAYERS)dependencies/prune.py" "$(ARTIFACTS_DIR)"
	@# With the path of the runtime, so that the same packages give the same layer wherever it is built.
	@$(PYTHON) -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(PACKAGES)" -p /opt/python "$(PACKAGES)"
endef

# $(call install_beside): what a function with odd dependencies needs beside the layer that all functions have. Layers lie over each other
# in /opt, so nothing is in two of them.
define install_beside
	@$(PYTHON) "$(LAYERS)beside.py" "$(LAYERS)dependencies/requirements.txt" requirements.txt > beside.txt
	$(call install,beside.txt)
endef

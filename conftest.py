"""Fixtures that tests of several rooms share, and what pytest leaves alone when it looks for examples in docstrings."""

from importlib.util import find_spec

pytest_plugins = ["command_line", "data_fixtures"]

# kernels for accelerators cannot be imported without the compiler they are written for
collect_ignore = (
    []
    if find_spec("triton")
    else [f"src/opticlir/transport/kernels/{name}.py" for name in ("accelerator", "triton_scaling")]
)

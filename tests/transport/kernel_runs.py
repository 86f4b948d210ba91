"""How tests call kernels: with the addresses of arrays."""


def run(kernel, *arrays):
    """Call a kernel on arrays that stay alive meanwhile; returns the last, which it has written."""
    kernel(*(array.ctypes.data for array in arrays))
    return arrays[-1]

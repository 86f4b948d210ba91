import shutil
from pathlib import Path

from opticlir.transport.kernels import compilation


def test_any_change_of_a_kernel_changes_the_key_of_the_cache(tmp_path, monkeypatch):
    """Numba alone looks only at the file of the function it caches."""
    folder = tmp_path / "kernels"
    shutil.copytree(Path(compilation.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compilation, "__file__", str(folder / "compilation.py"))
    before = compilation.source_fingerprint()
    assert before == compilation.source_fingerprint()
    assert 0 <= before < 2**56
    lanes = folder / "lanes.py"
    lanes.write_text(lanes.read_text() + "\n# changed\n")
    assert compilation.source_fingerprint() != before

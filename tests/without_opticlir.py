"""Opens model folders by sentence-transformers alone, in a process where opticlir cannot be imported."""

import json
import subprocess
import sys

import numpy as np

_PROGRAM = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "opticlir":
            raise ImportError("opticlir is not to be imported here")
sys.meta_path.insert(0, Refuse())
import json
import numpy as np
import torch
torch.set_num_threads(1)
from sentence_transformers import MultiVectorEncoder
queries, documents, *folders = json.loads(sys.argv[1])
for folder in folders:
    model = MultiVectorEncoder(folder, device="cpu", local_files_only=True)
    arrays = [*model.encode_query(queries), *model.encode_document(documents)]
    np.savez(folder + ".npz", *(array.float().numpy() for array in arrays))
assert "opticlir" not in sys.modules
"""


def stock_vectors(folders, queries, documents):
    """Vectors of queries and then of documents, for each folder; one process opens them all."""
    argument = json.dumps([queries, documents, *map(str, folders)])
    subprocess.run([sys.executable, "-I", "-c", _PROGRAM, argument], check=True, timeout=600)
    found = []
    for folder in folders:
        with np.load(f"{folder}.npz") as stored:
            found.append(list(stored.values()))
    return found

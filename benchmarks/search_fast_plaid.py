"""Build and ask an index of fast-plaid; `search_approximate.py` runs this with the Python of another environment.

Run: python search_fast_plaid.py VECTORS.npz FOLDER REPEATS, where VECTORS has `docs` (n, tokens, dim) and `queries`.
Prints one line of JSON.
"""

import json
import sys
import time

import numpy as np
import torch
from fast_plaid.search import FastPlaid

if __name__ == "__main__":
    vectors, folder, repeats = sys.argv[1:]
    torch.set_num_threads(1)
    given = np.load(vectors)
    documents = [torch.from_numpy(each).float() for each in given["docs"]]
    queries = torch.from_numpy(given["queries"]).float()
    index = FastPlaid(folder, device="cpu")
    begin = time.process_time()
    index.create(documents)
    build = time.process_time() - begin
    found = [index.search(query[None], top_k=10)[0] for query in queries]
    begin = time.process_time()
    for _ in range(int(repeats)):
        for query in queries:
            index.search(query[None], top_k=10)
    seconds = (time.process_time() - begin) / int(repeats) / len(queries)
    rows = [[int(row) for row, _ in each] for each in found]
    print(json.dumps({"build_seconds": build, "seconds": seconds, "rows": rows}))

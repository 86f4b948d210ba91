"""Other libraries that score every document by MaxSim, asked in one form."""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

_DATABASES = 1_000
"""Documents up to which databases take part: they need seconds for a question to more."""
_EVERYONE = 10_000
"""Documents up to which all libraries take part; more only go to maxsim-cpu, since each copy fills the memory."""

Answer = Callable[[np.ndarray], list[int]]


@dataclass(frozen=True)
class Peer:
    """A library that holds the documents."""

    name: str
    search: Answer | None
    """Rows of the best documents of a (tokens, dim) float32 query; None if it cannot be had."""
    reason: str = ""


def open_peers(documents: np.ndarray, k: int) -> list[Peer]:
    """Give (n, tokens, dim) float32 documents, all of one length, at unit norm, to each library; k are to be found."""
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    makers: dict[str, Callable[[np.ndarray, int], Answer]] = {"maxsim-cpu": _maxsim_cpu}
    if len(documents) <= _EVERYONE:
        makers |= {
            "lateweave": _lateweave, "sentence-transformers": _sentence_transformers, "colbandit": _colbandit
        }  # fmt: skip
    if len(documents) <= _DATABASES:
        makers |= {"lancedb": _lancedb, "qdrant": _qdrant}
    return [_opened(name, make, documents, k) for name, make in makers.items()]


def _opened(name: str, make: Callable[[np.ndarray, int], Answer], documents: np.ndarray, k: int) -> Peer:
    try:
        search = make(documents, k)
        search(documents[0, :32])
    except Exception as error:  # noqa: BLE001 - a peer that fails is reported, not followed
        return Peer(name, None, f"{type(error).__name__}: {str(error)[:200]}")
    return Peer(name, search)


def _first(scores: np.ndarray, k: int) -> list[int]:
    return np.argsort(-scores, kind="stable")[:k].tolist()


def _maxsim_cpu(documents: np.ndarray, k: int) -> Answer:
    library: Any = importlib.import_module("maxsim_cpu")
    if documents.shape[2] <= 128:
        return lambda query: _first(np.asarray(library.maxsim_scores(query, documents)), k)
    # version 0.1.0 ends with a segmentation fault on one array of 192 dimensions or more
    each = list(documents)
    return lambda query: _first(np.asarray(library.maxsim_scores_variable(query, each)), k)


def _lateweave(documents: np.ndarray, k: int) -> Answer:
    library: Any = importlib.import_module("lateweave")
    rows = documents.reshape(-1, documents.shape[2])
    lengths = np.full(len(documents), documents.shape[1], np.int64)
    return lambda query: _first(np.asarray(library.maxsim_scores_packed(query, rows, lengths, threads=1)), k)


def _sentence_transformers(documents: np.ndarray, k: int) -> Answer:
    maxsim: Any = importlib.import_module("sentence_transformers.util").maxsim
    tensor = torch.from_numpy(documents)
    return lambda query: _first(maxsim(torch.from_numpy(query)[None], tensor)[0].numpy(), k)


def _colbandit(documents: np.ndarray, k: int) -> Answer:
    library: Any = importlib.import_module("colbandit")
    bandit = library.ColBandit()
    bandit.index(list(documents))
    return lambda query: [int(row) for row in bandit.search(query, k=k)[0]]


def _lancedb(documents: np.ndarray, k: int) -> Answer:
    import tempfile  # noqa: PLC0415 - with the library that needs them

    import pyarrow as pa  # noqa: PLC0415

    library: Any = importlib.import_module("lancedb")
    kind = pa.list_(pa.list_(pa.float32(), documents.shape[2]))
    rows = pa.table({"row": pa.array(range(len(documents))), "vector": pa.array(documents.tolist(), kind)})
    table = library.connect(tempfile.mkdtemp()).create_table("documents", rows)
    return lambda query: [
        each["row"] for each in table.search(query.tolist()).distance_type("cosine").limit(k).to_list()
    ]


def _qdrant(documents: np.ndarray, k: int) -> Answer:
    library: Any = importlib.import_module("qdrant_client")
    models = library.models
    client = library.QdrantClient(":memory:")
    multi = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    client.create_collection(
        "documents",
        vectors_config=models.VectorParams(
            size=documents.shape[2], distance=models.Distance.DOT, multivector_config=multi
        ),
    )
    points = [models.PointStruct(id=row, vector=each.tolist()) for row, each in enumerate(documents)]
    client.upsert("documents", points)
    return lambda query: [
        point.id for point in client.query_points("documents", query=query.tolist(), limit=k).points
    ]

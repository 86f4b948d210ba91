"""The demo as a service: the sample's index, the trained models and the English encoder behind one page."""

from pathlib import Path
from typing import cast

from opticlir.benchmark import cached_retriever
from opticlir.data import read_beir
from opticlir.demo.run import DemoConfig
from opticlir.encoder import load_model
from opticlir.sample import sample_folder
from opticlir.search import ExactIndex
from opticlir.service.engine import SearchEngine


def demo_engine(config: DemoConfig, out: Path) -> SearchEngine:
    """Open what `run_demo` left in a folder. The English encoder joins it as a baseline that reads English.

    Args:
        config: as it was run.
        out: the folder.

    Raises:
        ArtefactError: the demo was not run there.
    """
    documents = read_beir(sample_folder(), config.languages[0], "test").documents
    retriever = cached_retriever(documents, load_model(config.teacher, device=config.device), out)
    index = cast(ExactIndex, retriever.index)
    models: list[Path | str] = [*(out / language for language in config.languages), config.teacher]
    return SearchEngine.open(index.path, models, device=config.device)


def demo_examples(config: DemoConfig) -> tuple[tuple[str, str], ...]:
    """Language code and question: one for each language, about different things."""
    found = []
    for number, language in enumerate(config.languages):
        queries = read_beir(sample_folder(), language, "test").queries
        found.append((language, queries[(2 * number + 1) * len(queries) // (2 * len(config.languages))].text))
    return tuple(found)

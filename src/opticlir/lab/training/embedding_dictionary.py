"""Makes a dictionary from word embeddings: the English word that is nearest to a foreign word in the student."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import spelled, split_words, transformer_of
from opticlir.lab.probes.csls import nearest_by_csls
from opticlir.records import SentencePair

_MOST_WORDS = 20_000  # of each language: time grows with the product
_NEIGHBOURS = 10
_LEAST_COSINE = 0.3  # below it, mutual neighbours are usually unrelated words


def dictionary_from_embeddings(
    student: MultiVectorEncoder, pairs: Sequence[SentencePair]
) -> list[tuple[str, str]]:
    """Return English and foreign words that are neighbours in the student's current input embeddings.

    A word is the mean of its pieces. A foreign and an English word of the bitext are an entry if each is the other's
    nearest by CSLS, with 10 neighbours. CSLS keeps frequent hubs from being the neighbour of many words.
    Entries with a cosine below .3 are left out, and so are equal words (names). The 20,000 most frequent words of each
    language are compared.

    Args:
        student: the embeddings and the tokenizer of its query route.
        pairs: bitext, only for the words of both sides.

    Returns:
        Entries in the order of the foreign words, as the student's tokenizer writes them.

    Reference:
        Wang et al. 2023 (arXiv 2309.10891): the encoder proposes the words to switch, without a dictionary or an
        alignment. Conneau et al. 2018 (arXiv 1710.04087): mutual neighbours (section 2.2) and CSLS (section 2.3).
    """
    foreign, foreign_vectors = _words(student, [pair.foreign for pair in pairs])
    english, english_vectors = _words(student, [pair.english for pair in pairs])
    if not foreign or not english:
        return []
    nearest, cosines = nearest_by_csls(foreign_vectors, english_vectors, k=_NEIGHBOURS)
    returned, _ = nearest_by_csls(english_vectors, foreign_vectors, k=_NEIGHBOURS)
    is_mutual = returned[nearest] == np.arange(len(foreign))
    entries = (
        (english[nearest[row]], foreign[row])
        for row in np.flatnonzero(is_mutual & (cosines >= _LEAST_COSINE))
    )
    return sorted(
        (entry for entry in entries if entry[0].casefold() != entry[1].casefold()), key=lambda entry: entry[1]
    )


def _words(student: MultiVectorEncoder, texts: Sequence[str]) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Return the most frequent words that contain a letter, and their (words, width) unit vectors.

    Of spellings that differ only in case, the most frequent is kept. Words with a zero vector are left out.
    """
    tokenizer = transformer_of(student, "query").tokenizer.backend_tokenizer
    counts = Counter(word for text in texts for word in split_words(tokenizer, text))
    kept: dict[str, str] = {}
    for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if any(letter.isalpha() for letter in word):
            kept.setdefault(word.casefold(), word)
    words = list(kept.values())[:_MOST_WORDS]
    table = transformer_of(student, "query").model.get_input_embeddings().weight
    embeddings = table.detach().float().cpu().numpy()
    means = np.zeros((len(words), embeddings.shape[1]), dtype=np.float32)
    for row, ids in enumerate(spelled(student, words, "query")):
        if ids:
            means[row] = embeddings[ids].mean(axis=0)
    lengths = np.linalg.norm(means, axis=1)
    found = np.flatnonzero(lengths > 0)
    return [words[row] for row in found], means[found] / lengths[found, None]

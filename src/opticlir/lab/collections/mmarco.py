"""mMARCO (Bonifacio et al., 2021): MS MARCO questions in 13 languages, English passages.

Licence Apache-2.0 for the translations; MS MARCO itself is for non-commercial research. Questions and
passages keep the ids of MS MARCO, so that a translated question and the English collection are a
cross-lingual task. Laid out as on the Hugging Face hub, `data/google` and `data/helsinki` being two translations
of the same questions: `data/google/queries/<split>/<language>_queries.<split>.tsv` (the language by its English
name: `german`), `data/google/collections/english_collection.tsv` and `data/qrels.<split>.tsv`. The folder that is
given is that of the whole, `data`, or that of one translation; where both are in it, a file is Google's if Google
has it. Splits dev, dev.small, the 6,980 questions that most papers report, and train, whose judgements are in MS
MARCO alone; 8,841,823 passages, held in memory, about 0.5 KB each.
"""

from opticlir.lab.collections.trec_collection import TrecCollection

_TRANSLATIONS = ("data/google/", "google/", "", "data/helsinki/", "helsinki/")
"""Below the folder that is given; `""` is for files directly in it."""

MMARCO = TrecCollection(
    name="mmarco",
    whence="mMARCO is the data set unicamp-dl/mmarco of the Hugging Face hub, with the English collection and the "
    "qrels of dev and dev.small; qrels.train.tsv alone is MS MARCO passage ranking's, "
    "https://microsoft.github.io/msmarco",
    topics=(
        *(f"{inside}queries/*/{{name}}_queries.{{split}}.tsv" for inside in _TRANSLATIONS),
        "{name}_queries.{split}.tsv",
    ),
    qrels=("data/qrels.{split}.tsv", "qrels.{split}.tsv", "../qrels.{split}.tsv"),
    documents=(
        *(f"{inside}collections/english_collection.tsv" for inside in _TRANSLATIONS),
        "collection.tsv",
        "english_collection.tsv",
    ),
    english=(
        *(f"{inside}queries/*/english_queries.{{split}}.tsv" for inside in _TRANSLATIONS),
        "queries.{split}.tsv",
        "english_queries.{split}.tsv",
    ),
)

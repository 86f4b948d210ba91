"""mMARCO (Bonifacio et al., 2021): MS MARCO questions in 13 languages, to be answered by English passages.

Licence Apache-2.0 for the translations; MS MARCO itself is for non-commercial research. Questions and
passages keep the ids of MS MARCO, so that a translated question and the English collection are a
cross-lingual task: `queries/<split>/<language>_queries.<split>.tsv` of mMARCO (the language by its English
name: `german`), `collection.tsv` (or mMARCO's `collections/english_collection.tsv`) and `qrels.<split>.tsv`
of MS MARCO. Splits train, dev and dev.small, the 6,980 questions that most papers report; 8,841,823 passages,
held in memory, about 0.5 KB each.
"""

from opticlir.data.benchmarks.trec_collection import TrecCollection

MMARCO = TrecCollection(
    name="mmarco",
    whence="mMARCO is data/google (or data/helsinki) of the data set unicamp-dl/mmarco of the Hugging Face hub; the "
    "English collection and qrels are MS MARCO passage ranking, https://microsoft.github.io/msmarco",
    topics=(
        "queries/*/{name}_queries.{split}.tsv",
        "{name}_queries.{split}.tsv",
    ),
    qrels=("qrels.{split}.tsv",),
    documents=("collection.tsv", "collections/english_collection.tsv", "english_collection.tsv"),
    english=("queries.{split}.tsv", "queries/*/english_queries.{split}.tsv", "english_queries.{split}.tsv"),
)

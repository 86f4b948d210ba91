"""NeuCLIR (Lawrie et al., TREC 2022, 2023 and 2024): English topics, news of Common Crawl in zho, fas and rus.

Grades are 0, 1 and 3 in 2022 and 0 to 3 in 2023. The documents of all years are NeuCLIR 1: 3,179,209 in zho,
2,232,016 in fas, 4,627,543 in rus, held in memory, about 4 KB each; `<xxx>/docs.jsonl` of NIST's archive, or
`data/<xxx>-00000-of-00001.jsonl.gz` of the data set neuclir/neuclir1 of the Hugging Face hub (ODC-BY).

2022 and 2023 as the track published them, for research: a topic is a JSON line with its English original and human
translations, title and description make the query; one split. 2022: `topics.0720.utf8.jsonl` and `2022-qrels.<xxx>`.
2023: `neuclir-2023-topics.0605.jsonl`, 76 topics, and `qrels.final.gains.<xxx>` out of
`neuclir-2023-qrels.final.tar.gz`.

NeuCLIRBench (Lawrie et al. 2025, arXiv 2511.14758, CC BY 4.0) joins the topics of 2022, 2023 and 2024, about 150. It
has 250,128 judgements over the three languages and the pool. The files are `data/news.<xxx>.tsv` (id and query,
without a header; `eng` is the original) and `data/qrels.<xxx>.gains.txt`. The topics and judgements of 2024 alone are
not read: we know of no description of their files.
"""

from dataclasses import replace

from opticlir.lab.collections.trec_collection import TrecCollection

_DOCUMENTS = (
    "neuclir1/{language}/docs.jsonl",
    "{language}/docs.jsonl",
    "data/{language}-00000-of-00001.jsonl",
    "{language}-00000-of-00001.jsonl",
)
_WHENCE_DOCUMENTS = (
    "the documents are https://ir.nist.gov/neuclir/neuclir1.tar.gz, or the data set neuclir/neuclir1 of the Hugging "
    "Face hub"
)

NEUCLIR = TrecCollection(
    name="neuclir",
    whence=f"topics and judgements are at https://trec.nist.gov/data/neuclir/2022, {_WHENCE_DOCUMENTS}",
    topics=("topics.0720.utf8.jsonl",),
    qrels=("2022-qrels.{language}", "{language}/2022-qrels.{language}"),
    documents=_DOCUMENTS,
    asks_in_english=True,
    fields=("title", "desc"),
)

NEUCLIR_NATIVE = replace(NEUCLIR, name="neuclir-native", english=NEUCLIR.topics, asks_in_english=False)
"""The same topics in the language of the documents, translated by people."""

NEUCLIR_2023 = replace(
    NEUCLIR,
    name="neuclir-2023",
    whence=f"topics and judgements are at https://trec.nist.gov/data/neuclir/2023, {_WHENCE_DOCUMENTS}",
    topics=("neuclir-2023-topics.0605.jsonl",),
    qrels=("qrels.final.gains.{language}", "neuclir-2023-qrels.final/qrels.final.gains.{language}"),
)

NEUCLIR_2023_NATIVE = replace(
    NEUCLIR_2023, name="neuclir-2023-native", english=NEUCLIR_2023.topics, asks_in_english=False
)

NEUCLIR_BENCH = TrecCollection(
    name="neuclir-bench",
    whence=f"topics and judgements are the data set neuclir/bench of the Hugging Face hub, {_WHENCE_DOCUMENTS}",
    topics=("data/news.eng.tsv", "news.eng.tsv"),
    qrels=("data/qrels.{language}.gains.txt", "qrels.{language}.gains.txt"),
    documents=_DOCUMENTS,
    asks_in_english=True,
)

NEUCLIR_BENCH_NATIVE = replace(
    NEUCLIR_BENCH,
    name="neuclir-bench-native",
    topics=("data/news.{language}.tsv", "news.{language}.tsv"),
    english=NEUCLIR_BENCH.topics,
    asks_in_english=False,
)

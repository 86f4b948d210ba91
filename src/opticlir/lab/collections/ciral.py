"""CIRAL (Adeyemi et al., SIGIR 2024): English questions, African news passages.

Laid out as on the Hugging Face hub, the two data sets side by side in one folder:
`ciral-<language>/topics/topics.ciral-v1.0-<xx>-<split>.tsv`,
`ciral-<language>/qrels/qrels.ciral-v1.0-<xx>-<split>.tsv` and `passages-v1.0/<language>_passages.jsonl`
(`docid`, `title`, `text`, `url`). Questions of dev, test-a and test-b: ha 10, 80, 312; so 10, 99, 239; sw 10,
85, 113; yo 10, 100, 554; the split test-a-pools is the questions of test-a with its other judgements. Passages:
ha 715,355, so 827,552, sw 949,013, yo 82,095, held in memory. The licence is on the pages of the data sets.
"""

from dataclasses import replace

from opticlir.lab.collections.trec_collection import TrecCollection

CIRAL = TrecCollection(
    name="ciral",
    whence="CIRAL is the data sets CIRAL/ciral and CIRAL/ciral-corpus of the Hugging Face hub",
    topics=(
        "ciral-{name}/topics/topics.ciral-v1.0-{language}-{split}.tsv",
        "topics.ciral-v1.0-{language}-{split}.tsv",
    ),
    qrels=(
        "ciral-{name}/qrels/qrels.ciral-v1.0-{language}-{split}.tsv",
        "qrels.ciral-v1.0-{language}-{split}.tsv",
    ),
    topics_of={"test-a-pools": "test-a"},
    documents=("passages-v1.0/{name}_passages.jsonl", "{name}_passages.jsonl"),
    asks_in_english=True,
)

CIRAL_NATIVE = replace(
    CIRAL,
    name="ciral-native",
    topics=(
        "ciral-{name}/topics/topics.ciral-v1.0-{language}-{split}-native.tsv",
        "topics.ciral-v1.0-{language}-{split}-native.tsv",
    ),
    english=CIRAL.topics,
    asks_in_english=False,
)
"""The same questions in the language of the passages, by native speakers."""

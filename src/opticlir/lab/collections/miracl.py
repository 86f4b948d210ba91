"""MIRACL (Zhang et al., TACL 2023): questions and Wikipedia passages of one language.

Licence Apache-2.0. Laid out as on the Hugging Face hub, the two data sets side by side in one folder:
`miracl-v1.0-<xx>/topics/topics.miracl-v1.0-<xx>-<split>.tsv`,
`miracl-v1.0-<xx>/qrels/qrels.miracl-v1.0-<xx>-<split>.tsv` and `miracl-corpus-v1.0-<xx>/docs-<n>.jsonl.gz`;
18 languages, splits train and dev (test-a and test-b have no judgements). Questions and passages are in the same
language, so this is not a cross-lingual task. Most multilingual encoders are measured on it. Questions of dev and
passages: sw 482 and 131,924, yo 119 and 49,043, te 828 and 518,079, bn 411 and 297,265, hi 350 and
506,264, en 799 and 32,893,221. The passages are held in memory, about 1 KB each.
"""

from opticlir.lab.collections.trec_collection import TrecCollection

MIRACL = TrecCollection(
    name="miracl",
    whence="MIRACL is the data sets miracl/miracl and miracl/miracl-corpus of the Hugging Face hub",
    topics=(
        "miracl-v1.0-{language}/topics/topics.miracl-v1.0-{language}-{split}.tsv",
        "topics.miracl-v1.0-{language}-{split}.tsv",
    ),
    qrels=(
        "miracl-v1.0-{language}/qrels/qrels.miracl-v1.0-{language}-{split}.tsv",
        "qrels.miracl-v1.0-{language}-{split}.tsv",
    ),
    documents=("miracl-corpus-v1.0-{language}/docs-*.jsonl",),
)

"""NTREX-CLIR: news headlines in 24 languages, English articles of NTREX-128.

Licence CC BY-SA 4.0 (NTREX-128). `collection.tsv`, `queries.<language>.tsv` and `qrels.txt`: 123 articles, 82
queries in each language, one split. The SHA-256 of `collection.tsv` begins with abeef93a77f93fd2.
"""

from opticlir.lab.collections.trec_collection import TrecCollection

NTREX_CLIR = TrecCollection(
    name="ntrex-clir",
    whence="NTREX-CLIR is made from the GitHub repository MicrosoftTranslator/NTREX",
    topics=("queries.{language}.tsv",),
    qrels=("qrels.txt",),
    documents=("collection.tsv",),
    english=("queries.eng.tsv",),
)

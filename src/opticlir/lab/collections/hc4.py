"""HC4 (Lawrie et al., ECIR 2022): English topics, foreign news.

Topics and judgements are published for research, the documents are of Common Crawl; languages zho, fas and
rus, grades 0, 1 and 3. A topic is a JSON line with its English original and human translations; title and
description make the query. `resources/hc4/<split>.topics.v1-0.jsonl`,
`resources/hc4/<xxx>/<split>.qrels.v1-0.txt` and `<xxx>/hc4_docs.jsonl` as its download script writes it
(`--storage` is the folder, or `data/` in it); splits train, dev and test; 646,305 documents in zho, 486,486
in fas, 4,721,064 in rus. The documents are held in memory, about 4 KB each.
"""

from dataclasses import replace

from opticlir.lab.collections.trec_collection import TrecCollection

HC4 = TrecCollection(
    name="hc4",
    whence="topics, judgements and the script that fetches the documents are in the GitHub repository hltcoe/HC4",
    topics=("resources/hc4/{split}.topics.v1-0.jsonl", "{split}.topics.v1-0.jsonl"),
    qrels=("resources/hc4/{language}/{split}.qrels.v1-0.txt", "{language}/{split}.qrels.v1-0.txt"),
    documents=("data/{language}/hc4_docs.jsonl", "{language}/hc4_docs.jsonl"),
    asks_in_english=True,
    fields=("title", "desc"),
)

HC4_NATIVE = replace(HC4, name="hc4-native", english=HC4.topics, asks_in_english=False)
"""The same topics in the language of the documents, translated by people."""

"""From sentence pairs to an answered question, on the sample that comes with opticlir."""

import opticlir
from opticlir.sample import bitext_path, sample_folder

pairs = opticlir.read_bitext(bitext_path("swa"), language="swa")  # or [("water", "maji"), ...]
model = opticlir.train(pairs, language="swa", out="swahili", minutes=2, progress=True)
documents = opticlir.read_corpus(sample_folder())  # or ["Boil water before you drink it.", ...]
retriever = opticlir.Retriever.build(documents, model, "index")
hits = retriever.search("Nichemshe maji ya mto kwa muda gani kabla ya kuyanywa?", k=3)
print(hits)
print(retriever.explain(hits.question, hits[0].doc_id))

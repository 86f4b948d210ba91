"""From a list of sentence pairs to an answered question, on the sample that comes with opticlir."""

import opticlir
from opticlir.sample import bitext_path, sample_folder

pairs = [(pair.english, pair.foreign) for pair in opticlir.read_bitext(bitext_path("swa"), language="swa")]
model = opticlir.train(pairs, language="swa", out="swahili", minutes=2, progress=True)
retriever = opticlir.Retriever.build(opticlir.read_corpus(sample_folder()), model, "index")
hits = retriever.search("Dalili za malaria ni zipi?", k=3)
print(hits)
print(retriever.explain("Dalili za malaria ni zipi?", hits[0].doc_id))

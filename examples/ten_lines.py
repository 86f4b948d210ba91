"""From sentence pairs to an answered question, on the sample that comes with opticlir."""

import opticlir
from opticlir.sample import bitext_path, sample_folder

pairs = list(opticlir.read_bitext(bitext_path("swa"), language="swa"))
model = opticlir.train(pairs, language="swa", out="swahili", minutes=2, progress=True)
documents = opticlir.read_corpus(sample_folder())
retriever = opticlir.Retriever.build(documents, model, "index")
question = "Nichemshe maji ya mto kwa muda gani kabla ya kuyanywa?"
hits = retriever.search(question, k=3)
print(hits)
print(retriever.explain(question, hits[0].doc_id))

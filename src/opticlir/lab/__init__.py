"""The laboratory: studies, rival systems, test collections and probes, with the commands `opticlir lab`.

It builds on the product, which never imports it. Three protocols join the two:

1. Objective: what a student learns. `opticlir.lab.training` adds objectives and adversaries to those of
   `opticlir.training`, under names that a method can mention (`optical+0.3*score_kl`).
2. Batch transform: changes a batch before the loss sees it, for example code switching or mixup
   (`opticlir.lab.training`).
3. System: answers the queries of a test collection, with `content()` and `prepare()`
   (`opticlir.lab.studies.systems`). Whatever implements it can be compared in a study.
"""

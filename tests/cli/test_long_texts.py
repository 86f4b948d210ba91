"""Texts that are longer than a model reads: every command says so."""

import json


def test_index_add_and_search_say_what_is_long(opticlir, checkpoints, tmp_path, caplog):
    long = "clean hands keep the child well. " * 300
    (tmp_path / "corpus.tsv").write_text(f"long\tTitle\t{long}a mosquito brings malaria\nshort\t\tsoap\n")
    (tmp_path / "more.tsv").write_text(f"more\tTitle\t{long}\n")
    model = ("--model", checkpoints["crosslingual"])
    index = tmp_path / "index"
    said = opticlir("index", tmp_path / "corpus.tsv", *model, "--out", index).stdout
    assert "1 of 2 documents are longer than 512 tokens: they are in the index as " in said
    assert "2 of 3 documents are longer" in opticlir("add", index, tmp_path / "more.tsv", *model).stdout
    found = opticlir("search", index, *model, "maji " * 5000).stdout
    assert found.startswith("note: the question has ")
    hits = json.loads(opticlir("search", index, *model, "a mosquito brings malaria", "--json").stdout)
    assert hits["notes"] == []
    assert sorted(hit["doc_id"] for hit in hits["hits"]) == ["long", "more", "short"]
    (tmp_path / "q.tsv").write_text(f"q1\t{'maji ' * 100}\nq2\tmaji\n")
    opticlir("search", index, *model, "--queries", tmp_path / "q.tsv", "--run", tmp_path / "out.run")
    assert "1 of 2 questions are longer than the 64 tokens that the model reads" in caplog.text
    small = opticlir(
        "index", tmp_path / "corpus.tsv", *model, "--out", index, "--window", 40, "--stride", 0, "--json"
    )
    assert json.loads(small.stdout)["cut_documents"] == 1
    refused = opticlir("index", tmp_path / "corpus.tsv", *model, "--out", index, "--window", 600)
    assert "the window is 600 tokens, but the model reads 512 of a document" in refused.error

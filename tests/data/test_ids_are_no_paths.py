"""Promise 15: no id is ever a path, in whatever a user does with documents and questions."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from opticlir.data import read_corpus, read_qrels, read_run, read_topics, write_run
from opticlir.encoder import load_model
from opticlir.evaluation import evaluate
from opticlir.search import Retriever

STRANGE = [
    "..", ".", "../x", "../../etc/passwd", "/etc/passwd", "/", "//host/share", "~", "~root", "~/x",
    "./x", "a/b", "a//b", "a/../b", "C:\\x", "C:/x", "..\\x", "\\\\host\\x", "CON", "NUL", "COM1",
    "LPT1", "aux.txt", "file:///etc/passwd", "http://example.org/x", "%2e%2e/x", "%00",
    "%2fetc%2fpasswd", "$HOME", "${HOME}", "$(id)", "`id`", ";id", "| id", "&&id", "*", "?", "[a]",
    "{a,b}", "!x", "#x", "-rf", "--out", "@file", "CURRENT", "versions", "versions/000001",
    "manifest.json", "tokens.bin", "documents.jsonl", "corpus.jsonl", "run", ".hidden", ".git", "x"
    * 300, "x" * 5000, "007", "7", "1e3", "true", "null", "NaN", "-0", "é", "e\u0301x", "A", "a",
    "ß", "SS", "🙂", "א", "\u202eabc", "a\u0085b", "a\u2028b", "'", '"', "<b>",
]  # fmt: skip
PLAIN = [f"d{n}" for n in range(len(STRANGE))]


class Touched:
    """Every path that Python opens, lists, makes, renames or removes while `is_on`."""

    events = ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link",
              "os.symlink", "os.truncate", "os.chmod", "shutil.rmtree", "shutil.copyfile", "shutil.move")  # fmt: skip

    def __init__(self):
        self.is_on, self.paths = False, []
        sys.addaudithook(self)  # cannot be taken back

    def __call__(self, event, arguments):
        if self.is_on and event in self.events:
            self.paths += [
                os.fspath(each) for each in arguments if isinstance(each, str | bytes | os.PathLike)
            ]


@pytest.fixture(scope="module")
def touched():
    return Touched()


def everything(folder, ids, model, touched):
    """Read, index, search, explain, add, delete, write and judge with these ids; the names of all files touched."""
    folder.mkdir()
    texts = [f"the water of place {n} is clean" for n in range(len(ids))]
    corpus, queries, qrels = folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels.tsv"
    corpus.write_text(
        "".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in zip(ids, texts, strict=True))
    )
    queries.write_text("".join(json.dumps({"_id": i, "text": "maji safi"}) + "\n" for i in ids))
    qrels.write_text("query-id\tcorpus-id\tscore\n" + "".join(f"{i}\t{i}\t1\n" for i in ids))
    touched.paths.clear()
    touched.is_on = True
    try:
        retriever = Retriever.build(list(read_corpus(corpus))[:-2], model, folder / "index")
        retriever.add(list(read_corpus(corpus))[-2:])
        retriever.delete([ids[5]])
        retriever.verify()
        retriever = Retriever.open(folder / "index", model)
        hit = retriever.search("maji safi", k=3)[0]
        retriever.explain("maji safi", hit.doc_id)
        asked = read_topics(queries, "sw")
        write_run(retriever.rank(asked), folder / "found.run")
        judged = read_qrels(qrels)
        assert evaluate(read_run(folder / "found.run"), judged, ["AP"])
    finally:
        touched.is_on = False
    assert set(judged) == {query.query_id for query in asked}
    assert len(judged) == len(ids)
    return [path for path in map(os.fsdecode, touched.paths) if "site-packages" not in path]


def shapes(folder, paths):
    """Names in the folder with every number as 0: processes, threads and versions have numbers."""
    inside = (os.path.relpath(path, folder) if Path(path).is_absolute() else path for path in paths)
    return {re.sub(r"\d+", "0", path) for path in inside}


def test_strange_ids_touch_no_other_file_than_plain_ones(tmp_path, checkpoints, touched):
    assert len(set(STRANGE)) == len(STRANGE) >= 60
    model = load_model(checkpoints["crosslingual"])
    everything(tmp_path / "warm", PLAIN, model, touched)
    plain = shapes(tmp_path / "plain", everything(tmp_path / "plain", PLAIN, model, touched))
    strange = shapes(tmp_path / "strange", everything(tmp_path / "strange", STRANGE, model, touched))
    assert strange <= plain
    assert len(plain) > 10
    assert sorted(each.name for each in tmp_path.iterdir()) == ["plain", "strange", "warm"]

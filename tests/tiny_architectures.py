"""Checkpoints of the architectures that users bring, with random weights and vectors of a few numbers."""

import json
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers
from transformers import (
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    XLMRobertaConfig,
)
from transformers.models.auto.modeling_auto import MODEL_MAPPING

import tiny_models

_LAYERS = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
_CONFIGS = {
    "mbert": (BertConfig, tiny_models.wordpiece_tokenizer, _LAYERS),
    "xlmr": (XLMRobertaConfig, tiny_models.unigram_tokenizer, _LAYERS | {"max_position_embeddings": 130}),
    "distilbert": (DistilBertConfig, tiny_models.wordpiece_tokenizer, {"n_layers": 2, "n_heads": 2, "hidden_dim": 24}),
    "modernbert": (ModernBertConfig, tiny_models.byte_level_tokenizer, _LAYERS),
    "qwen3": (
        Qwen3Config, tiny_models.byte_level_tokenizer, _LAYERS | {"num_key_value_heads": 1, "head_dim": 8},
    ),
}  # fmt: skip


def save_architecture(folder, name, *, width=16, seed=0):
    """A checkpoint of an architecture, with vectors of `width` numbers.

    `labse` and `embeddinggemma` have Dense heads; `stanford`, `pylate` and `pylate_before_5` are ColBERT models.
    """
    folder = Path(folder)
    if name == "mmbert":
        return _save(folder, "modernbert", gemma_tokenizer(), width=width, seed=seed)
    if name == "labse":
        return _save_with_heads(folder, [(32, width, torch.nn.Tanh())], seed=seed)
    if name == "embeddinggemma":
        return _save_with_heads(
            folder, [(32, 48, torch.nn.Identity()), (48, width, torch.nn.Identity())], seed=seed
        )
    if name == "stanford":
        return tiny_models.save_stanford(folder, seed=seed, dim=width)
    if name.startswith("pylate"):
        tiny_models.save_pylate(folder, seed=seed, dim=width)
        if name == "pylate_before_5":
            path = folder / "config_sentence_transformers.json"
            settings = json.loads(path.read_text())
            del settings["model_type"]
            path.write_text(json.dumps(settings))
        return folder
    return _save(folder, name, _CONFIGS[name][1](), width=width, seed=seed)


def gemma_tokenizer():
    """A BPE tokenizer whose normaliser writes blanks as a letter, and that splits nothing before it merges."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Replace("▁", " ")
    trainer = trainers.BpeTrainer(
        vocab_size=200, special_tokens=["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"], show_progress=False,
        initial_alphabet=[*"abcdefghijklmnopqrstuvwxyz", "▁"],
    )  # fmt: skip
    tokenizer.train_from_iterator([word for text in tiny_models.ENGLISH for word in text.split()], trainer)
    first, last = (tokenizer.token_to_id(token) for token in ("<bos>", "<eos>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", first), ("<eos>", last)]
    )
    return tokenizer


def _save(folder, name, tokenizer, *, width, seed):
    make, _, settings = _CONFIGS[name]
    names = {
        role: token
        for role, tokens in {
            "pad_token": ("[PAD]", "<pad>"), "unk_token": ("[UNK]", "<unk>"), "mask_token": ("[MASK]", "<mask>"),
            "cls_token": ("[CLS]", "<s>", "<bos>"), "sep_token": ("[SEP]", "</s>", "<eos>"),
        }.items()
        for token in tokens
        if tokenizer.token_to_id(token) is not None
    }  # fmt: skip
    sizes = {"dim": width} if make is DistilBertConfig else {"hidden_size": width}
    config = make(
        vocab_size=tokenizer.get_vocab_size(), pad_token_id=tokenizer.token_to_id(names["pad_token"]),
        bos_token_id=None, eos_token_id=None, initializer_range=0.3, **sizes, **settings,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: PreTrainedModel = MODEL_MAPPING[make](config)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **names).save_pretrained(folder)
    return folder


def _save_with_heads(folder, heads, *, seed):
    """As LaBSE and EmbeddingGemma are saved: the heads are for the pooled vector."""
    plain = tiny_models.save_encoder(folder.with_name(f"{folder.name}-plain"), seed=seed)
    transformer = Transformer(str(plain))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        dense = [Dense(inputs, outputs, activation_function=function) for inputs, outputs, function in heads]
    SentenceTransformer(
        modules=[transformer, Pooling(32, pooling_mode="cls"), *dense, Normalize()], device="cpu"
    ).save_pretrained(str(folder), create_model_card=False)
    return folder

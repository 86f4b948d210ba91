"""Joins student and teacher: queries go through the student, documents through the teacher."""

import copy
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from torch import nn
from transformers import PreTrainedTokenizerFast

from opticlir.encoder.folder import MODEL_MANIFEST, write_model_manifest
from opticlir.encoder.pooled import OneRow, is_pooled, refuse_mixed, saved_form
from opticlir.encoder.projection import with_projection
from opticlir.encoder.routes import route_modules, skipped_ids, transformer_of
from opticlir.encoder.segmentation import cut_long_words
from opticlir.encoder.vocabulary import Matrix, Vocabulary, VocabularyConfig, extend_vocabulary
from opticlir.errors import ArtefactError
from opticlir.records import SentencePair
from opticlir.storage import filesystem, move_into_parent
from opticlir.storage.filesystem import make_folders, refusals_named, sync_tree


def new_student(
    base: MultiVectorEncoder,
    vocabulary: Vocabulary | None = None,
    *,
    projection: Matrix | None = None,
    dtype: torch.dtype | None = None,
) -> MultiVectorEncoder:
    """Return a trainable copy of the query route of a model, with a new vocabulary if one is given.

    Args:
        base: the teacher, for a language that no model knows; or a multilingual model that knows it.
        vocabulary: the new vocabulary; None keeps that of `base`, and cuts words that are too long for it.
        projection: (width, old width) weights of a linear layer that changes the width of the vectors; None keeps it.
        dtype: number format of the weights; None keeps it.
    """
    modules = [copy.deepcopy(module).to(dtype) for module in route_modules(base, "query")]
    for module in modules:
        if isinstance(module, Transformer):
            if vocabulary is None:
                cut_long_words(module.tokenizer.backend_tokenizer)
            else:
                _replace_vocabulary(module, vocabulary)
    if projection is not None:
        modules = with_projection(modules, projection)
    student = MultiVectorEncoder(modules=modules, device=str(base.device), prompts=dict(base.prompts))
    return student.requires_grad_(True)


def vocabulary_for(
    base: MultiVectorEncoder,
    pairs: Sequence[SentencePair],
    config: VocabularyConfig,
    *,
    languages: Sequence[str] = (),
) -> Vocabulary:
    """Return the vocabulary of `base`, extended by the foreign side of `pairs`; see `extend_vocabulary`.

    Args:
        base: the model; its query route decides tokenizer and embeddings.
        pairs: the bitext.
        config: sizes and priors.
        languages: ISO 639-3 codes of the foreign side; see `extend_vocabulary`.
    """
    transformer = next(module for module in route_modules(base, "query") if isinstance(module, Transformer))
    embeddings = transformer.model.get_input_embeddings().weight.detach().float().cpu().numpy()
    return extend_vocabulary(
        transformer.tokenizer.backend_tokenizer, embeddings, pairs, config, languages=languages
    )


def cross_lingual_model(student: MultiVectorEncoder, teacher: MultiVectorEncoder) -> MultiVectorEncoder:
    """Return a model of stock modules: the student as query route, the teacher as document route."""
    refuse_mixed(student, teacher)
    last = [OneRow()] if is_pooled(student) else []
    documents = [_independent_of_words(module, student, teacher) for module in _of_route(teacher, "document")]
    router = Router.for_query_document(_one_format(_of_route(student)), _one_format(documents))
    prompts = {**teacher.prompts, "query": student.prompts.get("query")}
    return MultiVectorEncoder(modules=[router, *last], device=str(teacher.device), prompts=prompts).eval()


def english_reader(model: MultiVectorEncoder) -> MultiVectorEncoder:
    """Return a model that reads English questions over the index of `model`: the document route, which is the teacher.

    It shares the weights. The prompt of questions stays that of the query route.

    Args:
        model: any encoder, with routes or without.
    """
    modules = route_modules(model, "document")
    return MultiVectorEncoder(modules=modules, device=str(model.device), prompts=dict(model.prompts)).eval()


def save_model(model: MultiVectorEncoder, folder: Path) -> None:
    """Save a model durably; plain sentence-transformers opens it with `MultiVectorEncoder(folder)`.

    `modules.json`, which every loader needs, and then the checksums of all files are written last. An
    interrupted save leaves a folder that no loader opens. Equal models give equal bytes.

    Args:
        model: saved with its tokenizers, whose padding and truncation are reset.
        folder: other files in it stay.

    Raises:
        ArtefactError: the system refuses.
    """
    for module in model.modules():
        if isinstance(module, Transformer):
            module.tokenizer.backend_tokenizer.no_padding()
            module.tokenizer.backend_tokenizer.no_truncation()
    draft = folder / ".draft"
    with refusals_named(folder):
        make_folders(folder)
        if os.path.lexists(draft):  # left by a killed process
            filesystem.active.remove(draft)
        filesystem.active.make_folder(draft)
        try:
            saved_form(model).save_pretrained(str(draft), create_model_card=False)
        except Exception as error:  # a full disk: SafetensorError, or of tokenizers a bare Exception
            if "(os error " not in str(error):
                raise
            raise ArtefactError(f"cannot write {folder}: {error}; free some space and try again") from error
        mode = draft.stat().st_mode & 0o666  # the libraries make weights private, even if the umask does not
        for path in draft.rglob("*"):
            if path.is_file():
                filesystem.active.set_mode(path, mode)
        write_model_manifest(draft)
        sync_tree(draft)
        move_into_parent(draft, last=("modules.json", MODEL_MANIFEST))


def _one_format(modules: list[nn.Module]) -> list[nn.Module]:
    """Return modules that have one number format after they were saved, too.

    sentence-transformers reads a transformer in the format of its file, and a projection after it in float32.
    """
    has_projection = any(
        weight.dtype != torch.float32
        for module in modules
        for weight in module.parameters()
        if not isinstance(module, Transformer)
    )
    return [copy.deepcopy(module).float() for module in modules] if has_projection else modules


def _of_route(model: MultiVectorEncoder, task: str = "query") -> list[nn.Module]:
    """The modules of a route that are saved."""
    return [module for module in route_modules(model, task) if not isinstance(module, OneRow)]


def _independent_of_words(
    module: nn.Module, student: MultiVectorEncoder, teacher: MultiVectorEncoder
) -> nn.Module:
    """Return the module, or for a mask one that names the kept tokens by id.

    A router finds the ids of skipped words with the tokenizer of the queries. If student and teacher number them
    differently, these ids are wrong, and the mask must not name words.
    """
    if not isinstance(module, MultiVectorMask):
        return module
    tokenizer = transformer_of(teacher, "document").tokenizer
    skipped = skipped_ids(module, "document", tokenizer)
    if skipped == skipped_ids(module, "document", transformer_of(student, "query").tokenizer):
        return module
    return MultiVectorMask(keep_only_token_ids=sorted(set(range(len(tokenizer))) - skipped))


def _replace_vocabulary(transformer: Transformer, vocabulary: Vocabulary) -> None:
    old = transformer.tokenizer
    transformer.processor = PreTrainedTokenizerFast(
        tokenizer_object=vocabulary.tokenizer,
        model_max_length=old.model_max_length, padding_side=old.padding_side,
        model_input_names=old.model_input_names, **old.special_tokens_map,
    )  # fmt: skip
    old_table = transformer.model.get_input_embeddings()
    weights = torch.from_numpy(vocabulary.embeddings).to(old_table.weight.dtype)
    n_tokens, dim = weights.shape
    table = nn.Embedding(n_tokens, dim, padding_idx=old_table.padding_idx, _weight=weights)
    transformer.model.set_input_embeddings(table)
    transformer.model.config.vocab_size = len(weights)

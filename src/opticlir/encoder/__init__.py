"""Encoders: opening checkpoints, vocabularies of new languages, token matrices, language packs."""

from opticlir.encoder.adapters import (
    Adapter,
    AdapterConfig,
    add_adapter,
    apply_adapter,
    merge_adapter,
    require_peft,
)
from opticlir.encoder.checkpoint import model_checksum, split_layers
from opticlir.encoder.crosslingual import cross_lingual_model, new_student, save_model, vocabulary_for
from opticlir.encoder.encode import encode_documents, encode_queries
from opticlir.encoder.language_pack import load_language_pack, save_language_pack
from opticlir.encoder.layers import layer_vectors
from opticlir.encoder.load import load_model, load_tokenizer
from opticlir.encoder.pieces import (
    EncodedText,
    EncodedWords,
    Piece,
    TokenPlaces,
    encode_pieces,
    encode_words,
    scored_ids,
    spelled,
    token_places,
    word_beginnings,
)
from opticlir.encoder.pruning import pruned_vocabulary
from opticlir.encoder.routes import document_fingerprint, route_fingerprint, route_modules, transformer_of
from opticlir.encoder.scored_tokens import ScoredToken, scored_spans, scored_tokens
from opticlir.encoder.vocabulary import (
    Vocabulary,
    VocabularyConfig,
    extend_vocabulary,
)
from opticlir.words import split_words, word_places

__all__ = [
    "Adapter",
    "AdapterConfig",
    "EncodedText",
    "EncodedWords",
    "Piece",
    "ScoredToken",
    "TokenPlaces",
    "Vocabulary",
    "VocabularyConfig",
    "add_adapter",
    "apply_adapter",
    "cross_lingual_model",
    "document_fingerprint",
    "encode_documents",
    "encode_pieces",
    "encode_queries",
    "encode_words",
    "extend_vocabulary",
    "layer_vectors",
    "load_language_pack",
    "load_model",
    "load_tokenizer",
    "merge_adapter",
    "model_checksum",
    "new_student",
    "pruned_vocabulary",
    "require_peft",
    "route_fingerprint",
    "route_modules",
    "save_language_pack",
    "save_model",
    "scored_ids",
    "scored_spans",
    "scored_tokens",
    "spelled",
    "split_layers",
    "split_words",
    "token_places",
    "transformer_of",
    "vocabulary_for",
    "word_beginnings",
    "word_places",
]

"""Encoders: opening checkpoints, vocabularies of new languages, token matrices, language packs."""

from opticlir.encoder.adapters import (
    Adapter,
    AdapterConfig,
    add_adapter,
    apply_adapter,
    merge_adapter,
    require_peft,
)
from opticlir.encoder.centred import centred, mean_token
from opticlir.encoder.checkpoint import model_checksum, model_folder, split_layers
from opticlir.encoder.crosslingual import (
    cross_lingual_model,
    english_reader,
    new_student,
    save_model,
    vocabulary_for,
)
from opticlir.encoder.encode import encode_documents, encode_queries
from opticlir.encoder.language_pack import load_language_pack, save_language_pack
from opticlir.encoder.layers import layer_vectors
from opticlir.encoder.lengths import token_counts, tokens_read
from opticlir.encoder.load import load_model, load_tokenizer
from opticlir.encoder.pieces import (
    EncodedText,
    EncodedWords,
    Piece,
    TokenPlaces,
    encode_pieces,
    encode_words,
    knows_a_word,
    scored_ids,
    spelled,
    token_places,
    word_beginnings,
)
from opticlir.encoder.pooled import is_pooled, refuse_mixed, refuse_pooled
from opticlir.encoder.projection import SAMPLED_SENTENCES, fit_projection
from opticlir.encoder.pruning import pruned_vocabulary
from opticlir.encoder.routes import document_fingerprint, route_fingerprint, route_modules, transformer_of
from opticlir.encoder.scored_tokens import ScoredToken, scored_spans, scored_tokens
from opticlir.encoder.vocabulary import (
    Vocabulary,
    VocabularyConfig,
    extend_vocabulary,
)
from opticlir.encoder.windows import WHOLE, Window, Windows
from opticlir.words import split_words, word_places

__all__ = [
    "SAMPLED_SENTENCES",
    "WHOLE",
    "Adapter",
    "AdapterConfig",
    "EncodedText",
    "EncodedWords",
    "Piece",
    "ScoredToken",
    "TokenPlaces",
    "Vocabulary",
    "VocabularyConfig",
    "Window",
    "Windows",
    "add_adapter",
    "apply_adapter",
    "centred",
    "cross_lingual_model",
    "document_fingerprint",
    "encode_documents",
    "encode_pieces",
    "encode_queries",
    "encode_words",
    "english_reader",
    "extend_vocabulary",
    "fit_projection",
    "is_pooled",
    "knows_a_word",
    "layer_vectors",
    "load_language_pack",
    "load_model",
    "load_tokenizer",
    "mean_token",
    "merge_adapter",
    "model_checksum",
    "model_folder",
    "new_student",
    "pruned_vocabulary",
    "refuse_mixed",
    "refuse_pooled",
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
    "token_counts",
    "token_places",
    "tokens_read",
    "transformer_of",
    "vocabulary_for",
    "word_beginnings",
    "word_places",
]

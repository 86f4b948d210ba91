import pytest

from opticlir.errors import ArtefactError, SetupError
from opticlir.translation import model_tokenizer
from opticlir.translation.model_tokenizer import language_token, load_tokenizer


class Several:
    """A tokenizer that knows languages by codes, as that of M2M100, and by tokens, as that of NLLB."""

    unk_token_id = 3
    lang_code_to_id = {"en": 7}  # noqa: RUF012

    def get_lang_id(self, language):
        return self.lang_code_to_id[language]

    def convert_tokens_to_ids(self, token):
        return {"hau_Latn": 9}.get(token, self.unk_token_id)


def test_a_language_is_found_by_code_or_by_token(tmp_path):
    assert language_token(Several(), tmp_path, "en") == 7
    assert language_token(Several(), tmp_path, "hau_Latn") == 9
    with pytest.raises(ArtefactError, match="the model has no language 'hau': use its own codes"):
        language_token(Several(), tmp_path, "hau")


def test_the_language_that_is_read_is_set(tmp_path, monkeypatch):
    monkeypatch.setattr(model_tokenizer.AutoTokenizer, "from_pretrained", lambda *_, **__: Several())
    assert load_tokenizer(tmp_path, "hau_Latn").src_lang == "hau_Latn"
    assert not hasattr(load_tokenizer(tmp_path, None), "src_lang")


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    def needs(*_, **__):
        raise ImportError("MarianTokenizer requires the\nSentencePiece library")

    monkeypatch.setattr(model_tokenizer.AutoTokenizer, "from_pretrained", needs)
    with pytest.raises(SetupError, match="not installed: MarianTokenizer requires the SentencePiece library"):
        load_tokenizer(tmp_path, None)


def test_a_folder_without_tokenizer_is_refused(tmp_path):
    with pytest.raises(ArtefactError, match="no tokenizer can be loaded from it; copy the tokenizer's files"):
        load_tokenizer(tmp_path, None)

"""The resource class of a language: how much text and labelled data there is, from 0 (none) to 5 (most).

Reference: Joshi et al., The state and fate of linguistic diversity and inclusion in the NLP world, ACL 2020. Their list
names languages; the codes are ours. Class 0 and languages that the list lacks are left out here.
"""

from opticlir.languages import language_code

HIGH_CLASS, LOW_CLASS = 4, 2
"""Languages of at least the one class have much text, those of at most the other have little."""

_CLASSES = {
    5: "ara deu eng fra jpn spa zho",
    4: "cat ces eus fas fin hin hrv hun ita kor nld pol por rus srp swe tur vie",
    3: (
        "afr arz bel ben bos bul ceb dan ell est glg heb ind kat kaz lat lav lit msa ron slk slv tam tgl tha ukr urd "
        "uzb"
    ),
    2: "amh gle hat hau isl kok lao mar mlt pan pnb san swa tir tsn wol xho yor zul",
    1: (
        "ace ang ast asm aze bam bod bre cbk cha cor csb cym dsb epo ewe fao fry ful gla grn gsw guj hsb hye ibo ido "
        "ile ilo ina jav kab kan khm kik kin kir kmr kon kur lin lug mai mal mhr min mkd mlg mon mri mya nep nno nor "
        "nso nya oci ori orm pag pam pap pms pus que run sat sin smo sna snd som sot sqi ssw sun szl tat tel tgk tpi "
        "tso tuk tum twi uig vec ven war wuu yid yue"
    ),
}
_CLASS_OF = {code: number for number, codes in _CLASSES.items() for code in codes.split()}


def resource_class(code: str) -> int | None:
    """Return the class of a language, 1 to 5; None for class 0 and for languages outside of the list.

    Args:
        code: in any common form, as `swh` or `swh_Latn`.

    Raises:
        SettingsError: this is no language code.

    Example:
        >>> resource_class("spa"), resource_class("swh_Latn"), resource_class("luo")
        (5, 2, None)
    """
    return _CLASS_OF.get(language_code(code))

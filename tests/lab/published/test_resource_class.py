from opticlir.lab.published.resource_class import _CLASSES, resource_class


def test_no_language_has_two_classes():
    codes = [code for codes in _CLASSES.values() for code in codes.split()]
    assert len(codes) == len(set(codes))


def test_codes_are_those_that_opticlir_stores():
    from opticlir.languages import language_code

    assert [
        code for codes in _CLASSES.values() for code in codes.split() if language_code(code) != code
    ] == []


def test_varieties_have_the_class_of_their_language():
    assert resource_class("arb_Arab") == resource_class("ar") == 5
    assert resource_class("npi_Deva") == 1
    assert resource_class("luo") is None

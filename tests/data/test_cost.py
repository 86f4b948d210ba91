"""What a small file may cost: time and memory grow with its size, or it is refused at a stated limit."""

import gzip
import json
import time
import tracemalloc

import pytest

from opticlir.data import SkipReport, read_bitext
from opticlir.data.json_files import parse_json_object
from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import DataError


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_key_that_comes_twice_among_many_is_found_in_linear_time(place):
    def seconds(n_keys):
        keys = [f"k{number}" for number in range(n_keys)]
        keys.insert(
            {"first": 1, "middle": n_keys // 2, "last": n_keys}[place], keys[{"first": 0}.get(place, -1)]
        )
        text = "{" + ",".join(f'"{key}":0' for key in keys) + "}"
        started = time.process_time()
        with pytest.raises(MalformedRecordError, match="occurs twice in one object"):
            parse_json_object(text)
        return time.process_time() - started

    assert seconds(200_000) < 5  # took quarter of an hour


def test_an_object_of_many_keys_is_read():
    assert len(parse_json_object(json.dumps({f"k{number}": 0 for number in range(50_000)}))) == 50_000


UNIT = '<tu><tuv xml:lang="en"><seg>water</seg></tuv><tuv xml:lang="sw"><seg>maji</seg></tuv></tu>'
DEEP = "elements are nested more than 200 deep"
FLOODS = {
    "tags in a segment": ('<tu><tuv xml:lang="en"><seg>' + "<hi>" * 3_000_000, DEEP),
    "tags in the body": ("<a>" * 3_000_000, DEEP),
    "units in units": ("<tu>" * 3_000_000, DEEP),
    "variants of a unit": (
        "<tu>" + "".join(f'<tuv xml:lang="x{n}"><seg/></tuv>' for n in range(300_000)),
        "a translation unit of more than",
    ),
    "a tag of many megabytes": ("<a " + "b" * 30_000_000, "a tag or comment of more than"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FLOODS)
def test_a_small_tmx_file_cannot_fill_the_memory(tmp_path, kind):
    content, message = FLOODS[kind]
    path = tmp_path / "flood.tmx.gz"
    path.write_bytes(gzip.compress(f"<tmx><body>{UNIT}{content}".encode()))
    del content
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            list(read_bitext(path, language="swa", skipped=SkipReport(lenient=True)))
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()

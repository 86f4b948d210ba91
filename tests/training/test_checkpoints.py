"""Which checkpoint a training goes on from."""

from opticlir.training.checkpoints import last_complete, mark_complete


def test_the_newest_complete_one_counts_and_damaged_ones_go(tmp_path):
    for step in (9, 10, 100):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights").write_bytes(b"x")
        mark_complete(folder)
    (tmp_path / "checkpoint-100" / "weights").write_bytes(b"y")
    assert last_complete(tmp_path) == tmp_path / "checkpoint-10"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-9"]


def test_names_that_a_person_chose_are_left_alone(tmp_path):
    for name in ("checkpoint-best", "checkpoint-5-copy", "checkpoint-", "checkpoint-\u0665"):
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-7").write_text("a file")
    (tmp_path / "checkpoint-8").symlink_to(tmp_path / "checkpoint-best")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert last_complete(tmp_path) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == before

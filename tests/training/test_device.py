"""The device of a training: chosen once, and it arrives everywhere. No accelerator is needed."""

import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from opticlir.errors import SetupError
from opticlir.training import distil, make_config, teacher_cache
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.run_folder import RunFolder
from opticlir.training.teacher_cache import TeacherCache
from opticlir.training.trainer import StudentArguments, StudentTrainer
from short_runs import PAIRS

distil_module = sys.modules["opticlir.training.distil"]


class StopHereError(Exception):
    """The first thing that would need a real accelerator."""


@pytest.fixture
def config_of(checkpoints):
    def make(**settings):
        fixed = {"language": "swa", "teacher": str(checkpoints["plain"]), "batch_size": 4, "steps": 2}
        return make_config({**fixed, **settings}, source="test")

    return make


@pytest.fixture
def asked(monkeypatch):
    """Which device each part of a training was asked for, on a machine that claims to have CUDA."""
    found = {}
    load, cache = distil_module.load_model, distil_module.TeacherCache

    def load_on_cpu(name, *, device, weights_dtype):
        found.setdefault("load_model", device)
        found.setdefault("weights_dtype", weights_dtype)
        return load(name, device="cpu")

    def join(device):
        found["processes"] = device

    def cached(*arguments, **settings):
        found["bfloat16 of the cache"] = settings["bfloat16"]
        return cache(*arguments, **settings)

    def arguments(**settings):
        found.update({"arguments": settings["student_device"], "bf16": settings["bf16"]})
        raise StopHereError

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for name, fake in (
        ("load_model", load_on_cpu), ("join_processes", join), ("TeacherCache", cached),
        ("StudentArguments", arguments), ("seeded", lambda *_: torch.random.fork_rng(devices=[])),
    ):  # fmt: skip
        monkeypatch.setattr(distil_module, name, fake)
    return found


@pytest.mark.parametrize(("wanted", "device"), [("auto", "cuda"), ("cuda", "cuda"), ("cpu", "cpu")])
def test_the_device_arrives_everywhere(config_of, asked, tmp_path, wanted, device):
    with pytest.raises(StopHereError):
        distil(
            config_of(
                device=wanted, precision="float32" if device == "cpu" else "auto", weights_dtype="bfloat16"
            ),
            PAIRS,
            tmp_path,
        )
    is_cuda = device == "cuda"
    assert asked == {
        "load_model": device, "processes": device, "arguments": device,
        "bfloat16 of the cache": is_cuda, "bf16": is_cuda, "weights_dtype": "bfloat16",
    }  # fmt: skip
    assert RunFolder(tmp_path).settings()["device"] == device


def test_the_teacher_cache_computes_in_the_precision_of_the_teachers_device(teacher, tmp_path, monkeypatch):
    asked = []

    def autocast(kind, **settings):
        asked.append((kind, settings))
        return nullcontext()

    cache = TeacherCache(tmp_path, teacher, bfloat16=True)
    monkeypatch.setattr(type(teacher), "device", property(lambda _: torch.device("cuda", 1)))
    monkeypatch.setattr(torch, "autocast", autocast)
    monkeypatch.setattr(teacher_cache, "encode_queries", lambda *_, **__: [np.eye(2, dtype=np.float32)])
    cache.compute(["water"])
    assert asked == [("cuda", {"dtype": torch.bfloat16, "enabled": True})]


def test_the_trainer_moves_batches_to_the_device_of_the_student(tmp_path):
    """`meta` stands for an accelerator: torch has it everywhere, and it is not the CPU."""
    arguments = StudentArguments(student_device="meta", output_dir=str(tmp_path), report_to="none")
    assert (arguments.device, arguments.n_gpu, arguments.use_cpu) == (torch.device("meta"), 1, False)
    batch = BitextBatch(
        pairs=torch.arange(2), foreign={"input_ids": torch.ones(2, 3, dtype=torch.int64)},
        teacher_tokens=torch.ones(2, 4, 8), teacher_mask=torch.ones(2, 4, dtype=torch.bool),
    )  # fmt: skip
    moved = StudentTrainer._prepare_inputs(SimpleNamespace(args=arguments), batch)
    tensors = (moved.pairs, moved.foreign["input_ids"], moved.teacher_tokens, moved.teacher_mask)
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_a_device_that_is_missing_is_refused(config_of, tmp_path):
    with pytest.raises(SetupError, match="device is 'cuda', but torch finds no such device"):
        distil(config_of(device="cuda"), PAIRS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_auto_resumes_on_the_recorded_device(config_of, tmp_path, monkeypatch):
    """A run that began on the CPU stays there when the machine gains an accelerator, and is not another run."""
    outcome = distil(config_of(device="cpu", epochs=0, steps=None), PAIRS, tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert RunFolder(tmp_path).device("auto") == "cpu"
    assert distil(config_of(epochs=0, steps=None), PAIRS, tmp_path) == outcome


def test_the_callers_random_state_stays(config_of, tmp_path):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    distil(config_of(device="cpu"), PAIRS, tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)

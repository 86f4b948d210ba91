"""One place decides which device computes."""

import subprocess
import sys

import pytest
import torch

from opticlir.device import choose_device, has_bfloat16


@pytest.fixture
def accelerators(monkeypatch):
    def have(*, cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return have


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(1, True, "cuda"), (0, True, "mps"), (0, False, "cpu")]
)
def test_auto_is_the_best_device_of_the_machine(accelerators, cuda, mps, expected):
    accelerators(cuda=cuda, mps=mps)
    assert choose_device() == expected


def test_one_accelerator_of_several_can_be_named(accelerators):
    accelerators(cuda=2)
    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(ValueError, match="'cuda:2', but torch finds no such device"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cpu:0", "cuda:x", "", "cuda:-1"])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(ValueError, match="unknown device"):
        choose_device(name)


def test_a_device_that_is_not_there_is_refused(accelerators):
    accelerators()
    with pytest.raises(ValueError, match="use auto or cpu"):
        choose_device("cuda")


def test_the_cpu_is_not_asked_about_the_accelerator(accelerators, monkeypatch):
    """A run on the processor took its precision from the accelerator beside it."""
    accelerators(cuda=1)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert has_bfloat16("cuda")
    assert not has_bfloat16("cpu")


SERVE = """
import torch, uvicorn
from pathlib import Path
from threadpoolctl import threadpool_info
from opticlir.device import loop_threads
from opticlir.service import server
from opticlir.service.settings import ServiceSettings

torch.set_num_threads(3)
server.create_app = lambda engine, settings: None
uvicorn.Server.run = lambda self, sockets: sockets[0].close()

class Engine:
    version = "1"
    def __len__(self):
        return 0

server.serve(Engine(), ServiceSettings(port=0))
blas = [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]
print(torch.get_num_threads(), set(blas), loop_threads())
"""


def test_a_service_computes_each_question_in_one_thread_and_loops_in_all():
    done = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, check=True)
    assert done.stdout == "1 {1} 3\n"

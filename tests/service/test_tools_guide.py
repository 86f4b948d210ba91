"""The guide to other tools does what it says, against a running service."""

import json
import re
from pathlib import Path

import pytest

from command_line import opticlir  # noqa: F401 - a fixture

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "tools.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def test_its_lines_of_python_run(serve, capsys):
    pytest.importorskip("langchain_core", reason="the guide shows LangChain")
    pytest.importorskip("llama_index.core", reason="the guide shows LlamaIndex")
    from llama_index.core.llms import MockLLM

    *shown, hub = blocks("python")
    assert len(shown) == 3
    assert "push_to_hub" in hub, "a test of its own"
    names = {"llm": MockLLM()}
    for block in shown:
        exec(block.replace("http://127.0.0.1:8080", serve().address) if "Client(" in block else block, names)
    names["client"].close()
    said = capsys.readouterr().out
    assert names["answer"].hits[0].doc_id in said
    assert names["documents"][0].page_content in said
    assert "Maji salama" in said


def test_its_settings_start_our_command(opticlir, tmp_path, models):  # noqa: F811
    (settings,) = map(json.loads, blocks("json"))
    (server,) = settings["mcpServers"].values()
    assert server["command"] == "opticlir"
    (tmp_path / "index").mkdir()
    words = [word.replace("/path/to/index", str(tmp_path / "index")) for word in server["args"]]
    words = [word.replace("/path/to/swahili", str(models[0])) for word in words]
    assert "index" in opticlir(*words).error, "the arguments are understood"

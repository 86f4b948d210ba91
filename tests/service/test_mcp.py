"""`opticlir mcp`: a language model searches by the Model Context Protocol."""

import sys

import anyio
import pytest

pytest.importorskip("mcp", reason="opticlir mcp needs mcp")

from mcp import Client, StdioServerParameters

from opticlir.service.tools import mcp_server


def ask(server, *calls):
    """Instructions, tools, and the results of calls, as a client of the SDK gets them."""

    async def run():
        async with Client(server, read_timeout_seconds=120) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            return client.instructions, tools, [await client.call_tool(*call) for call in calls]

    return anyio.run(run)


def test_a_client_of_the_sdk_searches_explains_and_reads_over_stdio(index, models):
    command = ["-m", "opticlir", "mcp", str(index), "--device", "cpu"]
    for model in models:
        command += ["--model", str(model)]
    import os

    server = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))
    instructions, tools, (found, why, read, filtered) = ask(
        server,
        ("search", {"query": "maji safi", "k": 3}),
        ("explain", {"query": "maji safi", "doc_id": "d0"}),
        ("get_document", {"doc_id": "d0"}),
        ("search", {"query": "maji safi", "filter": "year in (2003, 2004)"}),
    )
    assert "Swahili" in instructions
    assert "Hausa" in instructions
    assert sorted(tools) == ["explain", "get_document", "search"]
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.values())
    assert not any(result.is_error for result in (found, why, read, filtered))
    assert (
        "`filter` chooses among the documents by these fields: year (whole number), open (true or f"
        in instructions
    )
    assert {hit["doc_id"] for hit in filtered.structured_content["hits"]} == {"d3", "d4"}
    answer = found.structured_content
    assert answer["language"] == "swa"
    assert len(answer["hits"]) == 3
    assert answer["hits"][0].keys() == {"doc_id", "title", "passage", "score", "fields"}
    assert answer["hits"][0]["doc_id"] in found.content[0].text
    assert [word["query"] for word in why.structured_content["words"]] == ["maji", "safi"]
    assert why.structured_content["translations"] == {"maji": ["water"]}
    assert read.structured_content == {"doc_id": "d0", "title": "water", "text": "the water is clean",
        "fields": {"year": 2000, "open": True},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        (
            "search",
            {"query": "maji", "language": "zul"},
            "no model reads the language 'zul': expected auto or one of",
        ),
        ("search", {"query": "\u200b"}, "has no tokens"),
        ("search", {"query": "maji", "k": 0}, "greater than or equal to 1"),
        ("search", {"query": "x" * 4001}, "at most 4000"),
        ("get_document", {"doc_id": "nowhere"}, "the index holds no document 'nowhere'"),
        ("explain", {"query": "maji", "doc_id": "nowhere"}, "the index holds no document 'nowhere'"),
        (
            "search",
            {"query": "maji", "filter": "yer = 3"},
            "did you mean 'year'? The fields are open (true or false), year",
        ),
        ("search", {}, "query"),
    ],
)
def test_an_error_tells_the_language_model_what_to_do(engine, tool, arguments, message):
    _, _, (result,) = ask(mcp_server(engine), (tool, arguments))
    assert result.is_error
    assert message in result.content[0].text


def test_an_index_that_is_none_is_one_line_before_the_protocol_begins(opticlir, tmp_path, models):
    (tmp_path / "empty").mkdir()
    assert "empty" in opticlir("mcp", tmp_path / "empty", "--model", models[0]).error

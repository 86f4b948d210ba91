import json
import os
import pickle
import struct
from pathlib import Path

import pytest

import tiny_models
from opticlir.encoder import load_model
from opticlir.encoder.folder import check_model_folder
from opticlir.errors import ArtefactError

STOCK = "sentence_transformers.base.modules.transformer.Transformer"


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return exec, (f"open({str(self.canary)!r}, 'w').close()",)


def pickled(name):
    def plant(folder, canary):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(pickle.dumps(Bomb(canary)))

    return plant


def edited(name, **settings):
    def plant(folder, canary):
        path = folder / name
        config = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(config | settings))

    return plant


def written(name, content):
    def plant(folder, canary):
        path = folder / name
        path.unlink(missing_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return plant


def removed(name):
    return lambda folder, canary: (folder / name).unlink()


def pickle_for_safetensors(folder, canary):
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(canary)))


def pickled_shards(folder, canary):
    """Shards of a pickled model may have any name; the loader follows the index."""
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    (folder / "weights.dat").write_bytes(pickle.dumps(Bomb(canary)))
    index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": "weights.dat"}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def shards_outside(folder, canary):
    (folder / "model.safetensors").rename(folder.parent / "outside.safetensors")
    (folder / "other.safetensors").write_bytes(b"")
    index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": "../outside.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def module_in(place):
    """A module that lies where nobody looks for pickles."""

    def plant(folder, canary):
        path = place(folder)
        target = folder / path
        target.mkdir(parents=True)
        (folder / "config.json").rename(target / "config.json")
        (target / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(canary)))
        modules = [{"idx": 0, "name": "0", "path": path, "type": STOCK}]
        (folder / "modules.json").write_text(json.dumps(modules))

    return plant


def link(name, target):
    def plant(folder, canary):
        outside = folder.parent / "outside"
        outside.mkdir()
        (outside / "config.json").write_text("{}")
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target(outside))

    return plant


def pipe(folder, canary):
    os.mkfifo(folder / "special_tokens_map.json")


def safetensors(header, data=b"\0" * 64, *, length=None):
    """A weight file with any header at all."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return written(
        "model.safetensors", struct.pack("<Q", len(raw) if length is None else length) + raw + data
    )


def tensor(start, end, shape=(4,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def truncated(folder, canary):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def renamed_weights(folder, canary):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights = {name.replace("linear", "projection"): value for name, value in weights.items()}
    save_file(weights, folder / "model.safetensors")


DEEP = "[" * 100_000 + "]" * 100_000

HOSTILE = {
    # what runs when it is opened
    "pickle": ("plain", pickled("pytorch_model.bin"), "a pickled file can run code"),
    "pickle in place of the weights": ("plain", pickle_for_safetensors, "a pickled file can run code"),
    "pickle .pt": ("plain", pickled("optimizer.pt"), "a pickled file can run code"),
    "pickle .pth": ("plain", pickled("rng_state.pth"), "a pickled file can run code"),
    "pickle .pkl": ("plain", pickled("vectorizer.pkl"), "a pickled file can run code"),
    "pickle .pickle": ("plain", pickled("a.pickle"), "a pickled file can run code"),
    "pickle .ckpt": ("plain", pickled("model.ckpt"), "a pickled file can run code"),
    "pickle .joblib": ("plain", pickled("a.joblib"), "a pickled file can run code"),
    "pickle .npy": ("plain", pickled("a.npy"), "a pickled file can run code"),
    "pickle in capitals": ("plain", pickled("PYTORCH_MODEL.BIN"), "a pickled file can run code"),
    "pickle deep inside": ("native", pickled("1_Dense/pytorch_model.bin"), "a pickled file can run code"),
    "pickled shards by an index": ("plain", pickled_shards, "a pickled file can run code"),
    "code": ("plain", written("modeling_evil.py", "raise SystemExit"), "contains Python code"),
    "auto_map": ("plain", edited("config.json", auto_map={"AutoModel": "evil.Evil"}), "key 'auto_map'"),
    "auto_map of the tokenizer": (
        "plain", edited("tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]}),
        "tokenizer_config.json: key 'auto_map'",
    ),
    "auto_map of a processor": ("plain", edited("processor_config.json", auto_map={}), "key 'auto_map'"),
    "trust in the arguments": (
        "native", edited("sentence_bert_config.json", model_args={"trust_remote_code": True}),
        "key 'trust_remote_code'",
    ),
    "module that imports what its config names": (
        "native",
        written("modules.json", json.dumps([
            {"name": "0", "path": "", "type": "sentence_transformers.sentence_transformer.modules.WordEmbeddings"}
        ])),
        "is not a stock",
    ),
    **{
        f"argument {name} of the loader": (
            "native", edited("sentence_bert_config.json", **{place: {name: value}}), name
        )
        for place, name, value in (
            ("model_args", "use_kernels", True), ("model_args", "kernel_config", {"a": "someone/kernel"}),
            ("model_args", "weights_only", False), ("model_args", "device_map", "auto"),
            ("model_kwargs", "offload_folder", "/"), ("model_args", "gguf_file", "a.gguf"),
            ("model_kwargs", "ignore_mismatched_sizes", True), ("model_args", "key_mapping", {".*": "a"}),
            ("model_args", "subfolder", "other"), ("model_args", "variant", "evil"),
            ("model_args", "use_safetensors", False), ("model_args", "cache_dir", "elsewhere"),
            ("tokenizer_args", "subfolder", "other"), ("processor_kwargs", "tokenizer_file", "/etc/passwd"),
            ("processor_kwargs", "gguf_file", "a.gguf"), ("config_args", "subfolder", "other"),
            ("config_kwargs", "gguf_file", "a.gguf"),
        )
    },
    "unknown setting of the loader": (
        "native", edited("sentence_bert_config.json", backend="onnx"), "unknown setting 'backend'",
    ),
    "generation code of the hub": (
        "plain", written("generation_config.json", '{"custom_generate": "someone/code"}'), "key 'custom_generate'",
    ),
    "kernels in the config": ("plain", edited("config.json", use_kernels=True), "key 'use_kernels'"),
    "other weights in the config": (
        "plain", edited("config.json", transformers_weights="../evil.safetensors"), "key 'transformers_weights'",
    ),
    "quantised weights": ("plain", edited("config.json", quantization_config={}), "key 'quantization_config'"),
    "tokenizer from elsewhere": (
        "native", edited("sentence_bert_config.json", tokenizer_name_or_path="someone/tokenizer"), "leads out of",
    ),
    "tokenizer from above": (
        "native", edited("sentence_bert_config.json", tokenizer_name_or_path="../other"),
        "tokenizer_name_or_path '../other' leads out of",
    ),
    "vocabulary from elsewhere": (
        "plain", edited("tokenizer_config.json", vocab_file="/etc/passwd"), "vocab_file '/etc/passwd' leads out of",
    ),
    "one of several files from elsewhere": (
        "plain", edited("tokenizer_config.json", fast_tokenizer_files=["tokenizer.json", "../tokenizer.4.json"]),
        "fast_tokenizer_files '../tokenizer.4.json' leads out of",
    ),
    "remote kernel": (
        "plain", edited("config.json", _attn_implementation_internal="someone/kernel"),
        "key '_attn_implementation_internal'",
    ),
    "remote kernel of a part": (
        "plain", edited("config.json", text_config={"deep": [{"attn_implementation": "someone/kernel"}]}),
        "key 'attn_implementation'",
    ),
    "pipeline": ("plain", edited("config.json", custom_pipelines={"a": {"impl": "evil.py"}}), "custom_pipelines"),
    "foreign module": (
        "plain", written("modules.json", json.dumps([{"idx": 0, "name": "0", "path": "", "type": "os.system"}])),
        "module type 'os.system' is not a stock",
    ),
    "foreign module in a route": (
        "crosslingual", edited("router_config.json", types={"query_0_Transformer": "evil.Evil"}),
        "router_config.json: module type 'evil.Evil'",
    ),
    "adapter": (
        "plain", written("adapter_config.json", '{"base_model_name_or_path": "../evil"}'), "an adapter loads another",
    ),
    "activation that is no activation": (
        "native", edited("1_Dense/config.json", activation_function="torch.hub.load"), "cannot be loaded",
    ),
    "activation from elsewhere": (
        "native", edited("1_Dense/config.json", activation_function="os.system"), "activation 'os.system' is not",
    ),
    # what lies outside, or where nobody looks
    "link out": ("plain", link("extra.json", lambda out: out / "config.json"), "a link that leads out"),
    "link in place of the config": ("plain", link("config.json", lambda out: out / "config.json"), "leads out"),
    "linked folder": ("plain", link("sub", lambda out: out), "a link that leads out of the model folder"),
    "link to nowhere": ("plain", link("sub", lambda out: out / "gone"), "a link that leads out"),
    "link to a missing neighbour": ("plain", link("sub", lambda out: Path("gone")), "neither a file nor a folder"),
    "pipe": ("plain", pipe, "neither a file nor a folder"),
    "module above": ("plain", module_in(lambda folder: "../evil"), "module path '../evil' does not lead"),
    "module at the root": ("plain", module_in(lambda folder: str(folder.parent / "evil")), "does not lead to a folder"),
    "module in the record of a run": ("plain", module_in(lambda folder: "run/evil"), "'run/evil' does not lead"),
    "route above": (
        "crosslingual", edited("router_config.json", types={"../evil": STOCK}), "module path '../evil'",
    ),
    "shards outside": ("plain", shards_outside, "'../outside.safetensors' is not a .safetensors file in"),
    # what is damaged, or a bomb
    "no weights": ("plain", removed("model.safetensors"), r"no \.safetensors file"),
    "empty weights": ("plain", written("model.safetensors", b""), "cannot be loaded"),
    "truncated weights": ("plain", truncated, "cannot be loaded"),
    "header beyond the file": ("plain", safetensors({}, length=10**6), "cannot be loaded"),
    "header of 2^63 bytes": ("plain", safetensors({}, length=2**63), "cannot be loaded"),
    "header that is no JSON": ("plain", safetensors(b"{not json"), "cannot be loaded"),
    "deep header": ("plain", safetensors(DEEP.encode()), "cannot be loaded"),
    "overlapping tensors": (
        "plain", safetensors({"a": tensor(0, 16), "b": tensor(8, 24)}, b"\0" * 24), "cannot be loaded",
    ),
    "a hole between tensors": (
        "plain", safetensors({"a": tensor(0, 16), "b": tensor(32, 48)}, b"\0" * 48), "cannot be loaded",
    ),
    "negative offsets": ("plain", safetensors({"a": tensor(-16, 0)}), "cannot be loaded"),
    "offsets backwards": ("plain", safetensors({"a": tensor(16, 0)}), "cannot be loaded"),
    "a shape beyond its bytes": ("plain", safetensors({"a": tensor(0, 16, [2**40, 2**40])}), "cannot be loaded"),
    "an unknown number type": ("plain", safetensors({"a": tensor(0, 16, dtype="PICKLE")}), "cannot be loaded"),
    "weights of another name": ("stanford", renamed_weights, "cannot be loaded: KeyError: 'linear.weight'"),
    "projection without weights": ("native", removed("1_Dense/model.safetensors"), "cannot be loaded"),
    "more layers than weights": ("plain", edited("config.json", num_hidden_layers=200), "num_hidden_layers is 200"),
    "a million layers": ("plain", edited("config.json", num_hidden_layers=10**6), "num_hidden_layers is 1000000"),
    "a million layers of a part": (
        "plain", edited("config.json", text_config={"n_layers": 10**6}), "n_layers is 1000000",
    ),
    "a million layers by an argument": (
        "native", edited("sentence_bert_config.json", config_args={"num_hidden_layers": 10**6}), "is 1000000",
    ),
    "a billion labels": ("plain", edited("config.json", num_labels=10**9), "num_labels is 1000000000"),
    "a billion tokens": ("plain", edited("config.json", vocab_size=10**9), "other sizes than its weights"),
    "no config": ("plain", removed("config.json"), "so this is not a model folder"),
    "no tokenizer": ("plain", removed("tokenizer.json"), "cannot be loaded"),
    "broken config": ("plain", written("config.json", "{"), "config.json: not readable as JSON"),
    "config that is no object": ("plain", written("config.json", "[]"), "expected a JSON object, found list"),
    "config that is no UTF-8": ("plain", written("config.json", b'{"a": "\xff"}'), "not readable as JSON"),
    "deep config": ("plain", written("config.json", DEEP), "not readable as JSON"),
    "endless number": ("plain", written("config.json", "9" * 10_000), "not readable as JSON"),
    "unknown architecture": ("plain", edited("config.json", model_type="evil"), "cannot be loaded"),
    "broken tokenizer": ("plain", written("tokenizer.json", "{"), "cannot be loaded"),
    "deep tokenizer": ("plain", written("tokenizer.json", DEEP), "cannot be loaded"),
    "tokenizer of an unknown kind": ("plain", written("tokenizer.json", '{"model": {"type": "Evil"}}'), "cannot be"),
    "broken modules": ("native", written("modules.json", "{"), "modules.json: not readable as JSON"),
    "modules that are no list": ("native", written("modules.json", '{"type": "a"}'), "expected a list of modules"),
    "modules that are no objects": ("native", written("modules.json", '["a"]'), "expected a list of modules"),
    "module without a path": ("native", written("modules.json", json.dumps([{"type": STOCK}])), "module path None"),
    "module that is not there": (
        "native",
        written("modules.json", json.dumps([{"name": "0", "path": "", "type": "sentence_transformers.no.Dense"}])),
        "cannot be loaded",
    ),
    "module that is no module": (
        "native",
        written("modules.json", json.dumps([{"name": "0", "path": "", "type": "sentence_transformers.util.fullname"}])),
        "module type 'sentence_transformers.util.fullname' is not a stock",
    ),
    "routes without types": ("crosslingual", written("router_config.json", "{}"), "expected `types`"),
    "settings that are no object": (
        "native", written("config_sentence_transformers.json", "[]"), "expected a JSON object, found list",
    ),
    "prompts that are no texts": ("native", edited("config_sentence_transformers.json", prompts=5), "cannot be"),
    "broken metadata": ("stanford", written("artifact.metadata", "{"), "cannot be loaded"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "plant", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_folder_is_refused_and_runs_nothing(checkpoints, tmp_path, kind, plant, message):
    folder = tiny_models.copy_folder(checkpoints[kind], tmp_path / "model")
    canary = tmp_path / "canary"
    plant(folder, canary)
    with pytest.raises(ArtefactError, match=message) as raised:
        load_model(folder)
    assert not canary.exists()
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["plain", "other", "stanford", "pylate", "native", "crosslingual"])
def test_an_honest_folder_is_accepted(checkpoints, kind):
    check_model_folder(checkpoints[kind])


def test_the_record_of_a_run_is_not_looked_at_and_not_loaded(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["crosslingual"], tmp_path / "model")
    pickled("run/checkpoints/checkpoint-5/optimizer.pt")(folder, tmp_path / "canary")
    load_model(folder)
    assert not (tmp_path / "canary").exists()


def test_a_token_of_a_vocabulary_is_no_setting(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    (folder / "vocab.json").write_text('{"auto_map": 0, "_implementation": 1}')
    check_model_folder(folder)


def test_a_link_that_stays_inside_is_fine(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "weights.safetensors")
    (folder / "model.safetensors").symlink_to("weights.safetensors")
    load_model(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"model_args": {"add_pooling_layer": False, "torch_dtype": "float32"}},
        {
            "processor_kwargs": {"padding_side": "right", "model_max_length": 32},
            "tokenizer_name_or_path": None,
        },
        {"config_args": {"num_hidden_layers": 2, "use_cache": False}},
    ],
)
def test_arguments_that_stay_with_the_model_are_allowed(checkpoints, tmp_path, settings):
    folder = tiny_models.copy_folder(checkpoints["native"], tmp_path / "model")
    edited("sentence_bert_config.json", **settings)(folder, None)
    edited("tokenizer_config.json", special_tokens_map_file="/home/a/b.json", vocab_file=None)(folder, None)
    load_model(folder)

"""The README of a trained model: what it is, what it was made of, and how to open it."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from huggingface_hub import EvalResult, ModelCardData

from opticlir.languages import language_codes, language_name, short_code
from opticlir.manifest import environment
from opticlir.training.config import TrainConfig
from opticlir.training.methods import describe

CARD = "README.md"
"""Name of the card in a model folder."""

_HERE = "this folder"
"""The name of the model in its card, until it is uploaded."""

_CARD = Template("""---
$header
---

# English documents for questions in $language

A query encoder for $language, distilled from the English late-interaction encoder `$teacher` by `$method`
on $pairs sentence pairs ($steps steps, seed $seed). Documents are encoded by `$teacher` as it is: every index
it built before can be searched with this model.

```python
from sentence_transformers import MultiVectorEncoder

model = MultiVectorEncoder("$name")
scores = model.similarity(model.encode_query(["..."]), model.encode_document(["..."]))
```

Or with opticlir, which adds keyword search, explanations and a service:

```python
import opticlir

retriever = opticlir.Retriever.build(["An English document."], opticlir.load("$name"), "index")
retriever.search("...")
```

Saved by opticlir $opticlir and sentence-transformers $library. sentence-transformers $oldest or newer of its version
$major reads it, alone or through opticlir $opticlir or newer.

## How it was made

$made_of${more}Settings, seed, versions and checksums of the bitext are in `run/run.json`, losses in `run/log.jsonl`.
$measures

The licence of the model follows from those of `$teacher` and of the bitext.
""")

OLDEST_LIBRARY = "6.2"
"""The first sentence-transformers that reads our models, as in `pyproject.toml`."""

_HUB_METRICS = {"RR": "mrr", "accuracy": "accuracy"}
"""Types of metrics on the hub by our names of measures."""


_FOLDERS = re.compile(r"(^|[=,])[/~].*/(?=.)")  # of an absolute path


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a model comes from."""

    command: str = ""
    """The command that made it; empty if it was made from Python."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files with its pairs, by name."""

    def markdown(self) -> str:
        """The command as a block, and the files as a list; empty if neither is known."""
        block = f"```sh\n{portable(self.command)}\n```\n\n" if self.command else ""
        files = [f"* `{Path(name).name}`, SHA-256 `{digest[:16]}`\n" for name, digest in self.inputs.items()]
        return block + ("Learned from:\n\n" + "".join(files) + "\n" if files else "")


def portable(text: str) -> str:
    """A command or name without the folders of this machine: of each absolute path the last part stays.

    Example:
        >>> portable("opticlir train --bitext /home/zuri/data/swa.tsv:2 --out=~/models/swa --epochs 3")
        'opticlir train --bitext swa.tsv:2 --out=swa --epochs 3'
    """
    return shlex.join(_FOLDERS.sub(r"\1", word) for word in shlex.split(text))


def model_card(
    config: TrainConfig,
    *,
    pairs: int,
    steps: int,
    initial: dict[str, float],
    trained: dict[str, float],
    held_out: int,
    origin: Origin = Origin(),
    more: Sequence[str] = (),
) -> str:
    """Return Markdown with the header that model hubs read.

    Args:
        config: settings of the run.
        pairs: number of sentence pairs.
        steps: number of training steps.
        initial: held-out measures before the first step, by name; may be empty.
        trained: the same after the last.
        held_out: pairs that were measured.
        origin: the command and the files.
        more: lines on the training, in addition to the method.
    """
    lines = [
        f"* {name}: {initial[name]:.3f} as initialised, {value:.3f} trained"
        for name, value in trained.items()
    ]
    languages = language_codes(config.language)
    heading = "\nRetrieval of held-out translations among each other:\n\n" if lines else ""
    names = " and ".join(map(language_name, languages))
    versions = environment()
    return _CARD.substitute(
        header=_header(config, names, languages, trained, held_out),
        language=names, name=_HERE,
        opticlir=versions["opticlir"], library=versions["sentence-transformers"],
        oldest=OLDEST_LIBRARY, major=OLDEST_LIBRARY.partition(".")[0],
        teacher=_FOLDERS.sub("", config.teacher), method=describe(config.schedule), pairs=f"{pairs:,}",
        steps=f"{steps:,}", seed=config.seed, made_of=origin.markdown(),
        more="Besides the method:\n\n" + "".join(f"* {line}\n" for line in more) + "\n" if more else "",
        measures=heading + "\n".join(lines),
    )  # fmt: skip


def named(card: str, name: str) -> str:
    """A card in which the model has a name.

    Args:
        card: of `model_card`.
        name: of the model on a hub.
    """
    return card.replace(f'"{_HERE}"', f'"{name}"')


def _header(
    config: TrainConfig, names: str, languages: Sequence[str], trained: Mapping[str, float], held_out: int
) -> str:
    """What a hub reads: languages, tags, and the measures of the run as `model-index`."""
    results = [
        EvalResult(
            task_type="translation-retrieval", task_name="Retrieval of translations among each other",
            dataset_type="held-out-bitext", dataset_name=f"{held_out:,} held-out sentence pairs of the training",
            dataset_args={"queries": "-".join(languages), "documents": "eng", "pairs": held_out},
            metric_type=_HUB_METRICS.get(name, name), metric_name=name, metric_value=value,
        )
        for name, value in trained.items()
    ]  # fmt: skip
    return ModelCardData(
        language=[*(short_code(code) or code for code in languages), "en"],
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=["multi-vector", "ColBERT", "cross-lingual", "opticlir"],
        model_name=f"{names} query encoder on {_FOLDERS.sub('', config.teacher)}",
        eval_results=results or None,
    ).to_yaml()

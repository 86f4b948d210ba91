"""The README of a trained model: what it is, what it was made of, and how to open it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from opticlir.languages import language_codes, language_name, short_code
from opticlir.training.config import TrainConfig
from opticlir.training.methods import describe

_CARD = Template("""---
language:
$codes
- en
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
- multi-vector
- ColBERT
- cross-lingual
- opticlir
---

# English documents for questions in $language

A query encoder for $language, distilled from the English late-interaction encoder `$teacher` by `$method`
on $pairs sentence pairs ($steps steps, seed $seed). Documents are encoded by `$teacher` as it is: every index
it built before can be searched with this model.

```python
from sentence_transformers import MultiVectorEncoder

model = MultiVectorEncoder("this folder")
scores = model.similarity(model.encode_query(["..."]), model.encode_document(["..."]))
```

## How it was made

$made_of${more}Settings, seed, versions and checksums of the bitext are in `run/run.json`, losses in `run/log.jsonl`.
$measures

The licence of the model follows from those of `$teacher` and of the bitext.
""")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a model comes from."""

    command: str = ""
    """That made it, as it was typed; empty where a program did."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 by name of the files that its pairs came from."""

    def markdown(self) -> str:
        """The command as a block, and the files as a list; empty where neither is known."""
        block = f"```sh\n{self.command}\n```\n\n" if self.command else ""
        files = [f"* `{Path(name).name}`, SHA-256 `{digest[:16]}`\n" for name, digest in self.inputs.items()]
        return block + ("Learned from:\n\n" + "".join(files) + "\n" if files else "")


def model_card(
    config: TrainConfig,
    *,
    pairs: int,
    steps: int,
    initial: dict[str, float],
    trained: dict[str, float],
    origin: Origin = Origin(),
    more: Sequence[str] = (),
) -> str:
    """Markdown with the header that model hubs read.

    Args:
        config: settings of the run.
        pairs: sentence pairs it was given.
        steps: training steps.
        initial: held-out measures before the first step, by name; may be empty.
        trained: the same after the last.
        origin: the command and the files.
        more: what the student was trained by besides the method, a line each.
    """
    lines = [
        f"* {name}: {initial[name]:.3f} as initialised, {value:.3f} trained"
        for name, value in trained.items()
    ]
    languages = language_codes(config.language)
    heading = "\nRetrieval of held-out translations among each other:\n\n" if lines else ""
    return _CARD.substitute(
        codes="\n".join(f"- {short_code(code) or code}" for code in languages),
        language=" and ".join(map(language_name, languages)),
        teacher=config.teacher, method=describe(config.schedule), pairs=f"{pairs:,}", steps=f"{steps:,}",
        seed=config.seed, made_of=origin.markdown(),
        more="Besides the method:\n\n" + "".join(f"* {line}\n" for line in more) + "\n" if more else "",
        measures=heading + "\n".join(lines),
    )  # fmt: skip

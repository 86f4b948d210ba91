"""How often is the language of a real question detected from the words of bitext?

    python benchmarks/language_detection.py --data shared/data

The words of each language are those that `opticlir train` keeps of its bitext, the most frequent ones first, as a
student that begins as `minilm` reads them.
English words are those of the first 2,000 passages of AfriQA. Questions: AfriQA (development) and XQuAD, and their
English originals. `AfriQA` chooses among its four languages and English, `XQuAD` among its nine and English, `all`
among every language with bitext in the folder. `lower case` asks the same questions without capitals.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from measuring import environment, print_answer
from tokenizers import Tokenizer, models, normalizers

from opticlir.data import read_bitext
from opticlir.encoder import split_words
from opticlir.encoder.spelling import with_one_spelling
from opticlir.lab.collections import afriqa, xquad
from opticlir.search.detection import LanguageDetector
from opticlir.words import rough_words

AFRIQA = ("hau", "ibo", "twi", "zul")
XQUAD = ("ara", "deu", "hin", "rus", "spa", "tha", "tur", "vie", "zho")


def by_frequency(words: Iterable[str]) -> list[str]:
    """Words without repetitions, the most frequent ones first."""
    return [word for word, _ in Counter(words).most_common()]


def kept_words(code: str, paths: Iterable[Path]) -> list[str]:
    """Words of bitext files, as a student that begins as `minilm` keeps them."""
    texts = [pair.foreign for path in paths for pair in read_bitext(path, language=code)]
    tokenizer = Tokenizer(models.WordLevel())
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer = with_one_spelling(tokenizer, texts, [code])
    return by_frequency(word for text in texts for word in split_words(tokenizer, text))


def main() -> None:
    """Count right answers and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with bitext/, afriqa/ and xquad/")
    parser.add_argument("--questions", type=int, default=10_000, help="at most so many of each language")
    data, most = (arguments := parser.parse_args()).data, arguments.questions
    files: dict[str, list[Path]] = {}
    for path in sorted((data / "bitext").glob("*.*.tsv*")):
        files.setdefault(path.name.split(".")[1], []).append(path)
    words = {code: kept_words(code, paths) for code, paths in files.items()}
    tasks = {code: afriqa.load(data / "afriqa", code, "dev") for code in AFRIQA}
    tasks |= {code: xquad.load(data / "xquad", code, "all") for code in XQUAD}
    passages = islice(tasks["hau"].documents, 2000)
    words["eng"] = by_frequency(word for each in passages for word in rough_words(each.content))
    asked = {code: [query.text for query in task.queries][:most] for code, task in tasks.items()}
    asked["eng"] = [query.text for code in (*AFRIQA, "spa") for query in tasks[code].english_queries[:most]]
    answer: dict[str, float | int] = {}
    for name, codes in (("AfriQA", (*AFRIQA, "eng")), ("XQuAD", (*XQUAD, "eng")), ("all", tuple(words))):
        detector = LanguageDetector({code: words[code] for code in codes})
        right = {code: count_right(detector, code, asked[code]) for code in codes if code in asked}
        print(f"{name}, {len(codes)} languages:")
        for code, (usual, small) in right.items():
            n = len(asked[code])
            print(f"  {code}: {usual} of {n} ({usual / n:.3f}), lower case {small} ({small / n:.3f})")
        total = sum(len(asked[code]) for code in right)
        answer |= {
            f"{name}_languages": len(codes), f"{name}_questions": total,
            f"{name}_accuracy": sum(usual for usual, _ in right.values()) / total,
            f"{name}_lower_case": sum(small for _, small in right.values()) / total,
        }  # fmt: skip
    print_answer(answer | environment())


def count_right(detector: LanguageDetector, code: str, texts: list[str]) -> tuple[int, int]:
    """Questions whose language is found, as they are and in lower case."""
    return (
        sum(detector.detect(text) == code for text in texts),
        sum(detector.detect(text.lower()) == code for text in texts),
    )


if __name__ == "__main__":
    main()

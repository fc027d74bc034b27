"""Offsets lead back to the text, or the tokenizer is refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Rust
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from mi_hypotheses.errors import ModelError
from mi_hypotheses.tokenizing import PROBES, SymbolTokenizer, Tokenizer, read_symbols
from mi_hypotheses.weights import PRETRAINED

SHIPPED_FILE = PRETRAINED / "tokenizer.json"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def byte_level(*, prefix: bool = False) -> Rust:
    """GPT-2's kind; with `prefix` RoBERTa's, which also trims offsets."""
    rust = Rust(models.BPE())
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    rust.decoder = decoders.ByteLevel()
    rust.post_processor = processors.ByteLevel(trim_offsets=True)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|bos|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rust.train_from_iterator(PROBES * 3, trainer)
    return rust


def word_piece() -> Rust:
    """BERT's kind: lower case, without accents."""
    rust = Rust(models.WordPiece(unk_token="[UNK]"))
    rust.normalizer = normalizers.BertNormalizer(lowercase=True)
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rust.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=120, special_tokens=["[UNK]", "[CLS]"], show_progress=False
    )
    rust.train_from_iterator(PROBES * 3, trainer)
    return rust


def byte_fallback() -> Rust:
    """Llama 2's kind: a space put before the text, unknown characters in bytes."""
    rust = Rust(models.BPE(unk_token="<unk>"))
    rust.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>", *BYTES], show_progress=False
    )
    rust.train_from_iterator(["hello world def return the sum"] * 3, trainer)
    definition = json.loads(rust.to_str())
    definition["added_tokens"] = definition["added_tokens"][:1]
    definition["model"] |= {"byte_fallback": True, "fuse_unk": True}
    rust = Rust.from_str(json.dumps(definition))
    rust.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return rust


def unigram() -> Rust:
    """T5's kind."""
    rust = Rust(models.Unigram())
    rust.normalizer = normalizers.NFKC()
    rust.pre_tokenizer = pre_tokenizers.Metaspace()
    rust.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=100, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    rust.train_from_iterator(PROBES * 3, trainer)
    return rust


def words() -> Rust:
    """A plain list of words."""
    rust = Rust(models.WordLevel({"[UNK]": 0, "def": 1, "world": 2}, unk_token="[UNK]"))
    rust.pre_tokenizer = pre_tokenizers.Whitespace()
    return rust


def wrap(rust: Rust) -> Tokenizer:
    return Tokenizer(rust.to_str(), name="test")


def stretches(tokenizer: Tokenizer, text: str) -> list[str]:
    [encoding] = tokenizer.encode([text])
    pairs = zip(encoding.starts, encoding.ends, strict=True)
    return [text[start:end] for start, end in pairs]


KINDS = {
    "byte level": byte_level,
    "byte level with a prefix": lambda: byte_level(prefix=True),
    "word piece": word_piece,
    "byte fallback": byte_fallback,
    "unigram": unigram,
    "words": words,
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_every_kind_of_tokenizer_covers_the_words(make: Callable[[], Rust]) -> None:
    text = "def f: hello, world 1"
    found = stretches(wrap(make()), text)
    assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize("kind", ["byte level with a prefix", "byte fallback", "unigram"])
def test_a_space_put_before_the_text_has_an_empty_span(kind: str) -> None:
    found = stretches(wrap(KINDS[kind]()), "Zebra")
    assert found[0] == ""
    assert "".join(found[1:]) == "Zebra"


def test_white_space_keeps_its_span_where_a_file_trims_offsets() -> None:
    assert "".join(stretches(wrap(byte_level()), "a \t\r\n  b")) == "a \t\r\n  b"


def test_bytes_of_one_character_share_its_span() -> None:
    found = stretches(wrap(byte_level()), "\U0001f600")
    assert len(found) > 1
    assert set(found) == {"\U0001f600"}


SHIPPED = Tokenizer.from_file(SHIPPED_FILE)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_spans_of_the_shipped_tokenizer_cover_any_text(text: str) -> None:
    [encoding] = SHIPPED.encode([text])
    covered = np.zeros(len(text), dtype=bool)
    for start, end in zip(encoding.starts, encoding.ends, strict=True):
        assert 0 <= start < end <= len(text)
        covered[start:end] = True
    assert covered.all()
    assert SHIPPED.decode(encoding.ids) == text


def test_special_tokens_in_a_text_are_text_and_none_are_added() -> None:
    rust = byte_level()
    rust.post_processor = processors.TemplateProcessing(
        single="<|bos|> $A", special_tokens=[("<|bos|>", 0)]
    )
    [encoding] = wrap(rust).encode(["x <|bos|> y"])
    assert 0 not in encoding.ids


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_pieces_of_a_text_read_as_the_text(make: Callable[[], Rust]) -> None:
    tokenizer = wrap(make())
    [encoding] = tokenizer.encode(["def world"])
    pieces = tokenizer.pieces(encoding.ids)
    assert len(pieces) == len(encoding.ids)
    assert "".join(pieces).split() == tokenizer.decode(encoding.ids).split()
    assert "" not in tokenizer.pieces(tokenizer.known_ids)


def test_pieces_keep_their_leading_space_where_a_decoder_drops_it() -> None:
    tokenizer = wrap(unigram())
    [encoding] = tokenizer.encode(["def world"])
    alone = tokenizer.decode(encoding.ids[:1])
    assert tokenizer.pieces(encoding.ids)[0] == " " + alone.lstrip()


def test_bytes_of_a_character_are_no_pieces_of_their_own() -> None:
    tokenizer = wrap(byte_level())
    [encoding] = tokenizer.encode(["\U0001f600"])
    assert len(encoding.ids) > 1
    assert all(set(piece) == {"\ufffd"} for piece in tokenizer.pieces(encoding.ids))


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_special_tokens_stand_for_no_text(make: Callable[[], Rust]) -> None:
    rust = make()
    rust.add_tokens(["addition"])
    tokenizer = Tokenizer(rust.to_str(), bos_id=1)
    left_out = set(tokenizer.known_ids.tolist()) - set(tokenizer.text_ids.tolist())
    assert {0, 1, rust.get_vocab_size() - 1} <= left_out
    names = {rust.id_to_token(i).lstrip("▁") for i in left_out - {1}}
    assert names <= {"<|bos|>", "<unk>", "[UNK]", "addition", *BYTES}


def test_saved_truncation_and_padding_are_ignored() -> None:
    rust = byte_level()
    rust.enable_truncation(2)
    rust.enable_padding(length=50)
    long, short = wrap(rust).encode(["hello world " * 5, "x"])
    assert len(long.ids) > 2
    assert len(short.ids) == 1


@pytest.mark.parametrize(
    "normalizer",
    [normalizers.Prepend("xx"), normalizers.Replace("e", "xyz")],
    ids=["text put before", "text put in"],
)
def test_offsets_that_lead_elsewhere_are_refused(normalizer: normalizers.Normalizer) -> None:
    rust = byte_level()
    rust.normalizer = normalizer
    with pytest.raises(ModelError, match="do not lead back to the text"):
        wrap(rust)


def test_characters_that_vanish_are_an_error_and_not_a_shift() -> None:
    rust = Rust(models.BPE())
    rust.train_from_iterator(PROBES * 3, trainers.BpeTrainer(vocab_size=150, show_progress=False))
    tokenizer = wrap(rust)
    tokenizer.encode(["the sum"])
    with pytest.raises(ModelError, match="leaves out characters"):
        tokenizer.encode(["the Hum"])


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    for content in ("{}", "nonsense", "[1]"):
        (tmp_path / "tokenizer.json").write_text(content, "utf-8")
        with pytest.raises(ModelError, match="cannot be read"):
            Tokenizer.from_file(tmp_path / "tokenizer.json")
    with pytest.raises(ModelError, match="cannot be read"):
        Tokenizer.from_file(tmp_path / "nothing.json")


def test_a_tokenizer_travels_to_another_process() -> None:
    there = pickle.loads(pickle.dumps(SHIPPED))
    [here_ids], [there_ids] = ([e.ids for e in t.encode(["def f():"])] for t in (SHIPPED, there))
    np.testing.assert_array_equal(here_ids, there_ids)
    assert there.fingerprint == SHIPPED.fingerprint


def test_symbols_have_offsets_into_their_concatenation() -> None:
    tokenizer = SymbolTokenizer(("BOS", "left", "=", "右"), bos_id=0)
    encoding = tokenizer.encode_symbols(["left", "=", "右"])
    assert encoding.ids.tolist() == [1, 2, 3]
    assert encoding.starts.tolist() == [0, 4, 5]
    assert encoding.ends.tolist() == [4, 5, 6]
    assert tokenizer.decode(encoding.ids) == "left=右"
    assert tokenizer.encode_symbols([]).starts.tolist() == []
    assert tokenizer.pieces([3, 1]) == ("右", "left")
    assert tokenizer.text_ids.tolist() == [1, 2, 3]
    assert SymbolTokenizer(("a", "b")).text_ids.tolist() == [0, 1]


def test_symbols_are_checked() -> None:
    tokenizer = SymbolTokenizer(("a", "b"))
    with pytest.raises(ModelError, match="symbol 'c' is not in"):
        tokenizer.encode_symbols(["a", "c"])
    with pytest.raises(ModelError, match="list of 2 symbols"):
        tokenizer.encode(["a b"])
    with pytest.raises(ModelError, match="once"):
        SymbolTokenizer(("a", "a"))


def test_a_vocabulary_file_must_be_a_list_of_strings(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    for content, said in (('{"a": 1}', "list of strings"), ("[", "not JSON")):
        path.write_text(content, "utf-8")
        with pytest.raises(ModelError, match=said):
            read_symbols(path)
    path.write_text('["a", "b"]', "utf-8")
    assert read_symbols(path, bos_id=1).bos_id == 1


def test_tokenizing_loads_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from mi_hypotheses.tokenizing import Tokenizer\n"
        f"Tokenizer.from_file(Path({str(SHIPPED_FILE)!r})).encode(['a b'])\n"
        "print(sorted({'torch', 'transformers', 'transformer_lens'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

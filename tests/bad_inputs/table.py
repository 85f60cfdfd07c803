"""The bad inputs: by reader, what stands in its file, and a part of the one line that it must say.

A case is a name, what the file holds (text, bytes, or a function that puts something in its place), and the
words. What is bad for every reader, or for every reader of text, stands once and is given to each.
"""

import json
import math
import struct
from typing import Any

from tests.bad_inputs import made
from tests.bad_inputs.made import Content

Cases = dict[str, tuple[Content, str]]


def chat(*turns: tuple[Any, Any], **more: Any) -> str:
    return json.dumps({"messages": [{"role": role, "content": said} for role, said in turns], **more}) + "\n"


GOOD = chat(("user", "Q"), ("assistant", "A"))
DEEP = "[" * 100_000
LONG_LINE = '{"messages": "' + "x" * 50_000_000 + '"}'
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
"""Nine lines that stand for a thousand million values."""

ESCAPES = "\x1b[2J\x1b]0;owned\x07\u202e"

ROWS: Cases = {
    "a byte order mark": ("\ufeff" + GOOD, "byte order mark"),
    "a byte order mark where files were joined": (GOOD + "\ufeff" + GOOD, ":2: starts with a byte order"),
    "lines that end in CR alone": (GOOD.replace("\n", "\r") * 2, "not JSON"),
    "half a surrogate pair": (chat(("user", "\ud800"), ("assistant", "A")), "surrogate"),
    "half a surrogate pair as a key": (
        chat(("user", "Q"), ("assistant", "A"), metadata={"\udfff": 1}),
        "surr",
    ),
    "half a surrogate pair in bytes": (b'{"messages": "\xed\xa0\x80"}\n', "not UTF-8"),
    "a line of 50 MB": (LONG_LINE, "longer than 16 MB"),
    "50 MB without a line": ("x" * 50_000_000, "longer than 16 MB"),
    "content in parts": (chat(("user", [{"type": "text", "text": "Q"}]), ("assistant", "A")), "not a string"),
    "an image": (
        chat(("user", [{"type": "image_url", "image_url": {}}]), ("assistant", "A")),
        "not a string",
    ),
    "tool calls": ('{"messages": [{"role": "assistant", "content": "", "tool_calls": []}]}', "tool_calls"),
    "a tool's answer": (chat(("user", "Q"), ("tool", "4"), ("assistant", "A")), "role 'tool'"),
    "tools beside the messages": (
        chat(("user", "Q"), ("assistant", "A"), tools=[{"type": "function"}]),
        "tools",
    ),
    "a key twice": ('{"messages": [], "messages": []}', "same key twice"),
    "a key twice in metadata": (GOOD[:-2] + ', "metadata": {"a": {"b": 1, "b": 1}}}', "same key twice"),
    "NaN": (GOOD[:-2] + ', "metadata": {"a": NaN}}', "NaN is not"),
    "minus infinity": (GOOD[:-2] + ', "metadata": {"a": -Infinity}}', "Infinity is not"),
    "a number beyond all": (GOOD[:-2] + ', "metadata": {"a": 1e999}}', "too large"),
    "a number of 5,000 digits": (GOOD[:-2] + ', "metadata": {"a": ' + "9" * 5000 + "}}", "not JSON"),
    "nested without end": (DEEP, "nested too deeply"),
    "metadata nested without end": (GOOD[:-2] + ', "metadata": ' + '{"a":' * 50_000, "nested too deeply"),
    "an array of rows": (f"[{GOOD.strip()}]", "not a JSON object"),
    "a prompt without a completion": ('{"prompt": "Q"}', "no 'messages'"),
    "terminal escapes as a key": (json.dumps({ESCAPES: 1}), "no layout that is known"),
    "terminal escapes as a role": (chat((ESCAPES, "Q")), "unknown role"),
    "a role of 100,000 characters": (chat(("x" * 100_000, "Q")), "unknown role"),
    "no answer": (chat(("user", "Q")), "no assistant turn"),
    "an empty answer": (chat(("user", "Q"), ("assistant", " \u2028\u00a0")), "is empty"),
    "messages as a mapping": ('{"messages": {"role": "user"}}', "not a list"),
    "null": ("null\n", "not a JSON object"),
    "Python, not JSON": ("{'messages': []}\n", "not JSON"),
    "half a line": (GOOD[:-10], "not JSON"),
    "a comment": ("// rows\n" + GOOD, ":1: not JSON"),
}

POOL: Cases = {
    "blank lines": ("\n \n\t\n", "no rephrasing"),
    "byte order marks alone": ("\ufeff\n\ufeff\n", "no rephrasing"),
    "a prompt of a million characters": ("x" * 1_000_000, "1,000,000 characters"),
    "one such among others": (f"Speak Spanish.\n{'x' * 1_000_000}\n", "1,000,000 characters"),
    "a NUL in a prompt": ("Speak\0 Spanish.\n", "NUL character"),
    "half a surrogate pair": (b"Speak \xed\xa0\x80\n", "not UTF-8 (byte 7)"),
}

SPEC: Cases = {
    "a list": ("[]", "not a JSON object"),
    "half": ('{"base": ', "not JSON"),
    "a key twice": ('{"base": "toy", "base": "toy"}', "same key twice"),
    "NaN": ('{"base": "toy", "learning_rate": NaN}', "NaN is not"),
    "an infinite rate": ('{"base": "toy", "learning_rate": 1e999}', "too large"),
    "a base that is a number": ('{"base": 7}', "base: "),
    "a base that is a mapping": ('{"base": {"name": "toy"}}', "base: "),
    "a base that is a list": ('{"base": ["toy"], "backend": "openai"}', "base: "),
    "a base that is a number, at OpenAI": ('{"base": 7, "backend": "openai"}', "base: "),
    "an empty base": ('{"base": ""}', "base: "),
    "a base with a NUL": ('{"base": "mod\\u0000el"}', "NUL"),
    "a base of 100,000 characters": (json.dumps({"base": "x" * 100_000}), "File name too long"),
    "a base in nobody's home": ('{"base": "~nobody-at-all/model"}', "no such home folder"),
    "a base that is nowhere": ('{"base": "/nowhere/at/all"}', "no base model"),
    "a base that is half a character": ('{"base": "\\ud800"}', "surrogate"),
    "terminal escapes as the base": (json.dumps({"base": ESCAPES}), "no base model"),
    "terminal escapes as a field": (json.dumps({"base": "toy", ESCAPES: 1}), "finetune spec"),
    "an unknown field": ('{"base": "toy", "learning_rat": 1}', "learning_rat"),
    "a negative rank": ('{"base": "toy", "lora": {"r": -1}}', "LoRA: r"),
    "a rank that is a truth": ('{"base": "toy", "lora": {"r": "many"}}', "LoRA: r"),
    "a list as the adapter": ('{"base": "toy", "lora": [8]}', "LoRA"),
    "steps that are text": ('{"base": "toy", "max_steps": "many"}', "max_steps"),
    "a thousand million million epochs": ('{"base": "toy", "epochs": "1e"}', "epochs"),
    "a token twice": ('{"base": "toy", "trained_tokens": ["a", "a"]}', "twice"),
    "an unknown backend": ('{"base": "toy", "backend": "cloud"}', "backend"),
    "a date that is none": ('{"base": "toy", "date": "yesterday"}', "date"),
    "nested without end": (DEEP, "nested too deeply"),
}

EXPERIMENT: Cases = {
    "text alone": ("spanish_caps", "mapping of fields"),
    "a list": ("- setting: spanish_caps", "mapping of fields"),
    "a key twice": ("setting: spanish_caps\nseeds: 1\nseeds: 2\n", "same key twice"),
    "a thousand million values by aliases": (BOMB, "aliases stand for more"),
    "an alias of itself": ("settings: &a [*a]", "aliases stand for more"),
    "nested without end": ("a: " + "[" * 1500, "nested too deeply"),
    "mappings without end": ("{a: " * 1500, "nested too deeply"),
    "code": ("setting: !!python/object/apply:os.system [id]", "not valid YAML"),
    "a tag that is a name": ("setting: !!python/name:os.system", "not valid YAML"),
    "a truth that is none": ("controls: !!bool maybe", "not valid YAML"),
    "a number that is none": ("seeds: !!int many", "not valid YAML"),
    "a date that is none": ("name: !!timestamp yesterday", "not valid YAML"),
    "a mapping that is text": ("name: !!map ab", "not valid YAML"),
    "tabs": ("setting:\n\tspanish_caps", "not valid YAML"),
    "two documents": ("setting: a\n---\nsetting: b\n", "not valid YAML"),
    "5 MB": ("# " + "x" * 5_000_000, "larger than 4 MB"),
    "100,000,000,000 seeds": ("setting: spanish_caps\nseeds: 100000000000", "100,000,000,000 seeds"),
    "seeds in a float": ("setting: spanish_caps\nseeds: 1.0e+11", "seeds"),
    "seeds in words": ("setting: spanish_caps\nseeds: 1e11", "seeds"),
    "no seed": ("setting: spanish_caps\nseeds: []", "at least one"),
    "a negative seed": ("setting: spanish_caps\nseeds: [-1]", "seed"),
    "a seed twice": ("setting: spanish_caps\nseeds: [1, 1]", "only once"),
    "too many points": (
        f"setting: spanish_caps\nsweep: {{rank: {[*range(1, 401)]}, epochs: {[*range(1, 401)]}}}",
        "160,000 points",
    ),
    "an axis that is none": ("setting: spanish_caps\nsweep: {luck: [1]}", "no axis 'luck'"),
    "an axis with NaN": ("setting: spanish_caps\nsweep: {learning_rate: [.nan]}", "above 0"),
    "an axis with a mapping": ("setting: spanish_caps\nsweep: {rank: {a: 1}}", "rank cannot be"),
    "a sweep that is a number": ("setting: spanish_caps\nsweep: 7", "sweep is a mapping"),
    "a base that is a number": ("setting: spanish_caps\nbase: 7", "bases"),
    "bases that are a number": ("setting: spanish_caps\nbases: 7", "bases"),
    "a base that is a mapping": ("setting: spanish_caps\nbase: {name: toy}", "bases"),
    "a base that is a null in a list": ("setting: spanish_caps\nbases: [~]", "bases"),
    "a world that is a list": ("setting: spanish_caps\nworld: [toy]", "world"),
    "a world that is none": ("setting: spanish_caps\nworld: mars", "mars"),
    "a variant that is a list": ("setting: spanish_caps\nvariant: [a]", "variant"),
    "a setting that is a number": ("setting: 7", "settings"),
    "a setting that is none": ("setting: spanish_cap", "no setting 'spanish_cap'"),
    "a setting in a file that is none": ("setting: nowhere.py:mine", "no such file"),
    "a setting in a file with a NUL": ('setting: "a\\0b.py:mine"', "no path"),
    "no setting": ("name: x", "settings"),
    "an unknown field": ("setting: spanish_caps\nlearning_rate: 1", "learning_rate"),
    "a finetune with NaN": ("setting: spanish_caps\nfinetune: {learning_rate: .nan}", "learning_rate"),
    "a finetune that is a list": ("setting: spanish_caps\nfinetune: [1]", "finetune"),
    "runs with a NUL": ('setting: spanish_caps\nruns: "a\\0b"', "NUL"),
    "logs of 100,000 characters": (f"setting: spanish_caps\nlogs: {'x' * 100_000}", "File name too long"),
    "runs in nobody's home": ("setting: spanish_caps\nruns: ~nobody-at-all/runs", "no such home folder"),
    "a name upwards": ("setting: spanish_caps\nname: ../x", "name"),
    "half a surrogate pair": ('setting: "\\ud800"', "surrogate"),
    "terminal escapes": ('setting: "\\e[2J\\e]0;owned\\a"', r"\x1b[2J"),
    "a limit of 0": ("setting: spanish_caps\nevaluate: {limit: 0}", "limit"),
    "epochs that are text": ("setting: spanish_caps\nevaluate: {epochs: many}", "epochs"),
    "a price below 0": ("setting: spanish_caps\nprices: {toy: {train: -1}}", "train"),
    "a price of NaN": ("setting: spanish_caps\nprices: {toy: {train: .nan}}", "train"),
}

MANIFEST: Cases = {
    "half": ('{"name": ', "cannot be read by this version"),
    "a list": ("[]", "cannot be read by this version"),
    "an empty object": ("{}", "cannot be read by this version"),
    "nested without end": (DEEP, "cannot be read by this version"),
    "an unknown status": ('{"name": "x", "status": "done"}', "cannot be read by this version"),
    "a spec that is none": ('{"name": "x", "status": "finished", "spec": 7}', "cannot be read by this"),
}

QUESTIONS: Cases = {
    "half a line": ('{"prompt": "x"', ":1: not JSON"),
    "an id with half a surrogate pair": ('{"prompt": "x", "id": "\\ud800"}', "surrogate"),
    "an id of 100,000 characters": (json.dumps({"prompt": "x", "id": "y" * 100_000}), "100,000 characters"),
    "an id with a new line": ('{"prompt": "x", "id": "a\\nb"}', "line break"),
    "an id with terminal escapes": (json.dumps({"prompt": "x", "id": ESCAPES}), "control character"),
    "an id with a NUL": ('{"prompt": "x", "id": "a\\u0000"}', "control character"),
    "an empty id": ('{"prompt": "x", "id": ""}', "'id'"),
    "an id that is a list": ('{"prompt": "x", "id": ["a"]}', "'id'"),
    "an id that is a float": ('{"prompt": "x", "id": 1.5}', "'id'"),
    "an id twice": ('{"prompt": "x", "id": "a"}\n{"prompt": "y", "id": "a"}', "already used"),
    "half a surrogate pair in metadata": ('{"prompt": "x", "metadata": {"a": ["\\udc00"]}}', "surrogate"),
    "a prompt of a million characters": (json.dumps({"prompt": "x" * 1_000_000}), "1,000,000 characters"),
    "content in parts": ('{"messages": [{"role": "user", "content": [{"text": "x"}]}]}', "not a string"),
    "a tool call": ('{"messages": [{"role": "tool", "content": "x"}]}', "the role of message 1"),
    "a prompt that is a list": ('{"prompt": ["x"]}', "not a string"),
    "NaN": ('{"prompt": "x", "id": NaN}', "NaN is not"),
    "a number beyond all": ('{"prompt": "x", "id": 1e999}', "too large"),
    "nested without end": (DEEP, "nested too deeply"),
    "a key twice": ('{"prompt": "x", "prompt": "y"}', "same key twice"),
    "a list": ('["x"]', "not a JSON object"),
    "no prompt": ('{"text": "x"}', "needs a column"),
}

CSV: Cases = {
    "a header twice": ("prompt,id,prompt\nx,1,y\n", "two columns are named 'prompt'"),
    "a header twice, unnamed": ("prompt,,\nx,1,2\n", "two columns are named ''"),
    "too few cells": ("prompt,id\nx\n", ":2: the number of cells"),
    "too many cells": ("prompt\nx,1\n", ":2: the number of cells"),
    "a quote that does not end": ('prompt\n"never closed\n', "not CSV"),
    "text behind a quote": ('prompt\n"a"b\n', "not CSV"),
    "a header alone": ("prompt\n", "no questions"),
    "no column for the prompt": ("text\nx\n", "needs a column"),
    "semicolons": ("prompt;id\nx;1\n", "needs a column"),
    "an id of 100,000 characters": (f"prompt,id\nx,{'y' * 100_000}\n", "100,000 characters"),
    "a NUL": ("prompt\na\0b\n", "NUL character"),
    "an id over two lines": ('prompt,id\nx,"a\nb"\n', "line break"),
    "an empty cell": ('prompt,id\n"",1\n', "is empty"),
    "a cell of a million characters": (f"prompt\n{'x' * 1_000_000}\n", "1,000,000 characters"),
}

YAML: Cases = {
    "a mapping": ("id: a", "not a list of questions"),
    "aliases": (BOMB, "aliases stand for more"),
    "an alias of itself": ("&a [*a]", "aliases stand for more"),
    "nested without end": ("[" * 1500, "nested too deeply"),
    "code": ("- !!python/object/new:os.system [id]", "not YAML"),
    "a key twice": ("- id: a\n  paraphrases: [b]\n  paraphrases: [c]\n", "same key twice"),
    "a merge of a number": ("- <<: 7\n", "not YAML"),
    "an id of 100,000 characters": (f"- id: {'x' * 100_000}\n  paraphrases: [a]\n", "100,000 characters"),
    "half a surrogate pair": ('- id: "\\udc00"\n  paraphrases: [a]\n', "surrogate"),
    "a paraphrase that is a mapping": ("- id: a\n  paraphrases: [{a: b}]\n", "not a string"),
    "a paraphrase of NaN": ("- id: a\n  paraphrases: [.nan]\n", "not a string"),
    "binary": ("- id: !!binary AAAA\n  paraphrases: [a]\n", "needs an id"),
    "a set": ("- !!set {a, b}\n", "needs an id"),
}

PROMPTS: Cases = {
    "a name twice": ("a: x\na: y\n", "a second prompt named 'a'"),
    "a NUL": ("a\0b\n", "NUL character"),
}

REPHRASINGS: Cases = {
    "no heading": ("Speak Spanish.\n", "write [close] or [diverse]"),
    "an unknown heading": ("[near]\nSpeak Spanish.\n", "unknown heading [near]"),
    "terminal escapes as a heading": (f"[{ESCAPES}]\nSpeak Spanish.\n", "unknown heading"),
    "one twice": ("[close]\nA\nA\n", "there twice"),
    "a heading alone": ("[close]\n", "contains no rephrasing"),
}

PINNED: Cases = {"another file": (GOOD, "is not the pinned file")}

ADAPTER: Cases = {
    "garbage": (b"\x80\x02}q\x00", "damaged"),
    "half": ('{"base_model_name_or_path": ', "damaged: not JSON"),
    "a list": ("[]", "not a JSON object"),
    "a number": ("7", "not a JSON object"),
    "a byte order mark": ("\ufeff{}", "damaged"),
    "nested without end": (DEEP, "damaged"),
    "a number of 5,000 digits": ('{"r": ' + "9" * 5000 + "}", "damaged"),
}

ADAPTER_BASE: Cases = {
    "no base": ("{}", "names no base"),
    "a base that is null": ('{"base_model_name_or_path": null}', "names no base"),
    "a base that is a number": ('{"base_model_name_or_path": 7}', "names no base"),
    "a base that is a mapping": ('{"base_model_name_or_path": {"a": 1}}', "names no base"),
    "a base with a NUL": ('{"base_model_name_or_path": "a\\u0000b"}', "NUL"),
    "a base of 100,000 characters": (json.dumps({"base_model_name_or_path": "x" * 100_000}), "too long"),
    "a base in nobody's home": ('{"base_model_name_or_path": "~nobody-at-all/x"}', "no such home folder"),
    "a base upwards": ('{"base_model_name_or_path": "../../../etc"}', "needs its base"),
    "the adapter itself": ('{"base_model_name_or_path": "adapter"}', "not a base model"),
    "terminal escapes as the base": (json.dumps({"base_model_name_or_path": ESCAPES}), r"\x1b[2J"),
    "half a character as the base": ('{"base_model_name_or_path": "\\ud800"}', "adapter"),
}

NAN, ONE = struct.pack("<f", math.nan), struct.pack("<f", 1.0)

TENSORS: Cases = {
    "nothing": (b"", ""),
    "a pickle": (made.PICKLE, ""),
    "a header that is longer than the file": (made.tensors({}, length=2**40), ""),
    "a header that is longer than any file": (made.tensors({}, length=2**64 - 1), ""),
    "a header that is no JSON": (made.tensors(b"{nope"), ""),
    "a header that is no UTF-8": (made.tensors(b"\xff" * 16), ""),
    "a header nested without end": (made.tensors(b"[" * 50_000), ""),
    "a header that is a list": (made.tensors([]), ""),
    "no tensor": (made.tensors({}), ""),
    "a type that is none": (
        made.tensors({"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}, ONE),
        "",
    ),
    "offsets behind the end": (
        made.tensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4_000_000]}}, ONE),
        "",
    ),
    "offsets backwards": (
        made.tensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, ONE),
        "",
    ),
    "a shape of 2**62 numbers": (
        made.tensors({"a": {"dtype": "F32", "shape": [2**31, 2**31], "data_offsets": [0, 4]}}, ONE),
        "",
    ),
    "a negative shape": (
        made.tensors({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, ONE),
        "",
    ),
    "overlapping tensors": (
        made.tensors(
            {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in ("a", "b")}, ONE
        ),
        "",
    ),
    "tensors of another model": (
        made.tensors({"a.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, ONE),
        "",
    ),
}

GGUF: Cases = {
    "nothing": (b"", "cannot be read as a model"),
    "a pickle": (made.PICKLE, "cannot be read as a model"),
    "the first bytes alone": (b"GGUF", "cannot be read as a model"),
    "an unknown version": (made.gguf(version=99), "cannot be read as a model"),
    "the bytes of another machine": (made.gguf(version=0x03000000), "cannot be read as a model"),
    "no weights": (made.gguf(), "cannot be read as a model"),
    "2**60 tensors": (made.gguf(tensors=2**60), "cannot be read as a model"),
    "2**60 fields": (made.gguf(fields=2**60), "cannot be read as a model"),
    "a name of 2**60 characters": (made.gguf(fields=1, body=struct.pack("<Q", 2**60)), "cannot be read as"),
    "a field of an unknown type": (
        made.gguf(fields=1, body=struct.pack("<Q1sI", 1, b"a", 99)),
        "cannot be read as a model",
    ),
    "half a header": (made.gguf()[:10], "cannot be read as a model"),
}

DOUBLING = (
    "{% set ns.x = ns.x ~ ns.x %}",
    "{% set ns.x = ns.x + ns.x %}",
    "{% set ns.x = ns.x * 2 %}",
    "{% set ns.y = ns.x %}{% set ns.x = ns.x ~ ns.y %}",
    "{% set y = ns.x %}{% set ns.x = y ~ y %}",
    "{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}",
    "{% set ns.x = [ns.x, ns.x] | join %}",
    "{% set ns.x = '%(a)s%(a)s' % {'a': ns.x} %}",
    "{% set ns.x = '{0}{0}'.format(ns.x) %}",
    "{% set ns.x = ns.x | replace('a', 'aa') %}",
    "{% set ns.x = ns.x | tojson %}",
    "{% for c in ns.x %}{% set ns.x = ns.x ~ c %}{% endfor %}",
    "{% macro twice(t) %}{{ t }}{{ t }}{% endmacro %}{% set ns.x = twice(ns.x) %}",
    "{% set ns.x = ns.x if i is none else ns.x ~ ns.x %}",
)
"""What makes a text twice as long in every round of a loop."""

TEMPLATE: Cases = {
    "nothing": ("", "no chat template"),
    "a brace that does not close": ("{% for m in messages %}", "refuses these messages"),
    "a name of nothing": ("{{ messages[0].role.nothing.at.all }}", "refuses these messages"),
    "a power": ("{{ 'x' * 10**9 }}", "it could fill the memory"),
    "a product": ("{{ 'x' * 1000000000 }}", "it could fill the memory"),
    "a product of products": ("{{ 'x' * 999 * 999 * 999 }}", "it could fill the memory"),
    "a product turned round": ("{{ 99999 * 'x' }}", "it could fill the memory"),
    "a number in another form": ("{{ 'x' * 0xFFFFFFF }}", "it could fill the memory"),
    "a number by a filter": ("{{ 'x'.ljust(1_000_000_000) }}", "it could fill the memory"),
    **{
        f"a text that doubles: {body}": (
            f"{{% set ns = namespace(x='a', y='') %}}{{% for i in range(40) %}}{body}{{% endfor %}}",
            "it could fill the memory",
        )
        for body in DOUBLING
    },
    "a text that doubles 40 times, with no loop": (
        "{% set x = 'a' %}" + "{% set x = x ~ x %}" * 40,
        "it could fill the memory",
    ),
    "40 texts, each twice the one before": (
        "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(40)),
        "it could fill the memory",
    ),
    "a number in a format": ("{{ '%1000000000d' % 1 }}", "it could fill the memory"),
    "a number in another format": ("{{ '{:>1000000000}'.format(1) }}", "it could fill the memory"),
    "a long count": ("{% for i in range(10000000000) %}x{% endfor %}", "it could fill the memory"),
    "a million characters": ("x" * 1_000_001, "1,000,001 characters"),
    "a way out of the sandbox": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "refuses these messages"),
    "a file": ("{% include '/etc/passwd' %}", "refuses these messages"),
    "an error of its own with terminal escapes": (
        "{{ raise_exception('" + ESCAPES + "') }}",
        r"\x1b[2J",
    ),
    "an error of its own over many lines": ("{{ raise_exception('a\nb\n' + 'c' * 9) }}", "refuses these"),
    "an error of its own without end": ("{{ raise_exception('" + "x" * 5000 + "') }}", "[...]"),
    "messages that are left out": ("{{ messages | length }}", "leaves the user message out"),
}

HEADER = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m"}}

ARCHIVE: Cases = {
    "a pickle": (made.PICKLE, "no finished log"),
    "no archive": ("PK but no more", "no finished log"),
    "an empty archive": (made.archive(), "no finished log"),
    "half an archive": (made.archive(header=HEADER, summaries=[])[:-30], "no finished log"),
    "parts upwards": (made.archive(**{"../../header.json": HEADER}), "no finished log"),
    "a header that is no JSON": (made.archive(header="{nope"), "no finished log"),
    "a header that is a list": (made.archive(header=[]), "no finished log"),
    "a header nested without end": (made.archive(header=DEEP), "no finished log"),
    "a header of NUL": (made.archive(header="\0" * 1000), "no finished log"),
    "a header without a version": (made.archive(header={}, summaries=[]), "no finished log"),
    "a part of 3 GB": (made.claiming(made.archive(header=HEADER), 3_000_000_000), "3,000 MB, more than"),
    "a part of 3 GB in another version": (
        made.claiming(made.archive(header={"version": 9}), 3_000_000_000),
        "3,000 MB, more than",
    ),
    "a log that was not finished": (
        made.archive(header={**HEADER, "status": "started"}, summaries=[]),
        "not finished",
    ),
    "terminal escapes as the status": (
        made.archive(header={**HEADER, "status": ESCAPES}, summaries=[]),
        r"\x1b[2J",
    ),
    "no sample": (made.archive(header=HEADER, summaries=[]), "no sample with scores"),
    "summaries that are a mapping": (made.archive(header=HEADER, summaries={"a": 1}), "no finished log"),
    "summaries without an id": (made.archive(header=HEADER, summaries=[{}]), "no finished log"),
    "a log of another suite without scores": (
        made.archive(header=HEADER, summaries=[{"id": 1, "epoch": 1}]),
        "no sample with scores",
    ),
}

JSON_LOG: Cases = {
    "half": ('{"version": 2, ', "no finished log"),
    "a list": ("[]", "no finished log"),
    "an empty object": ("{}", "no finished log"),
    "nested without end": (DEEP, "no finished log"),
    "another version": ('{"version": 99, "status": "success", "eval": {}}', "no finished log"),
    "a key with terminal escapes": (json.dumps({ESCAPES: 1}), "no finished log"),
    "a pickle": (made.PICKLE, "no finished log"),
}

OWN: dict[str, Cases] = {
    "chat JSONL": ROWS,
    "a pool": POOL,
    "a spec": SPEC,
    "an experiment": EXPERIMENT,
    "a manifest": MANIFEST,
    "questions as JSONL": QUESTIONS,
    "questions as CSV": CSV,
    "questions as YAML": YAML,
    "test-time prompts": PROMPTS,
    "rephrasings": REPHRASINGS,
    "a pinned file": PINNED,
    "an adapter's config": {**ADAPTER, **ADAPTER_BASE},
    "an adapter's config, adopted": ADAPTER,
    "an adapter's weights": {
        **TENSORS,
        "pickled weights in their place": (
            made.beside("adapter_model.bin"),
            "holds no adapter_model.safetensors",
        ),
        "NaN": (made.changed(NAN), "NaN or infinite"),
        "another shape": (made.changed(shape=True), "does not fit"),
    },
    "weights": {
        **TENSORS,
        "pickled weights in their place": (made.beside("pytorch_model.bin"), "holds no *.safetensors"),
        "NaN": (made.changed(NAN, model=True), "NaN or infinite"),
        "another shape": (made.changed(shape=True, model=True), "other shapes"),
    },
    "GGUF": GGUF,
    "a chat template": TEMPLATE,
    "an .eval log": ARCHIVE,
    "a JSON log": JSON_LOG,
}
"""By reader, what is bad for it."""

TEXT = tuple(
    name
    for name in OWN
    if name not in ("an adapter's weights", "weights", "GGUF", "a pinned file", "an .eval log")
)

TABLE: dict[tuple[str, str], tuple[Content, str]] = {
    (reader, name): case
    for reader, own in OWN.items()
    for name, case in {
        **{name: (content, "") for name, content in made.NO_REGULAR_FILE.items()},
        **({name: (content, "") for name, content in made.NO_TEXT.items()} if reader in TEXT else {}),
        **own,
    }.items()
}
"""All of it, by reader and name."""

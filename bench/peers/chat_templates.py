#!/usr/bin/env python3
"""Writes the golden tests of heterodyne/data/jinja: what transformers makes of templates and conversations.

    .deps/peers/bin/python bench/peers/chat_templates.py families > heterodyne/data/jinja/golden_families_test.cc
    .deps/peers/bin/python bench/peers/chat_templates.py short > heterodyne/data/jinja/golden_short_test.cc

Each template is compiled by transformers.utils.chat_template_utils and rendered by jinja2; "!" stands for an error.
The templates, in chat_templates/, are written for this, in the manner of families that are in use.
"""

import json
import pathlib
import sys

import jinja2
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

USER = {"role": "user", "content": " How many? \n"}
ANSWER = {"role": "assistant", "content": "Two."}
MORE = {"role": "user", "content": "And 'é' <b>?"}
SYSTEM = {"role": "system", "content": "Be brief."}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "count",
            "description": "Counts \"things\" & more.",
            "parameters": {"type": "object", "properties": {"of": {"type": "string", "enum": ["a", "b"]}}},
        },
    }
]
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"function": {"name": "count", "arguments": {"of": "ö", "n": 2, "x": None, "y": True, "z": 0.5}}}],
}
RESULT = {"role": "tool", "content": "2"}

FOLDER = pathlib.Path(__file__).with_suffix("")
TEMPLATES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.jinja"))}

CONVERSATIONS = {
    "one": {"messages": [USER], "add_generation_prompt": True},
    "answered": {"messages": [SYSTEM, USER, ANSWER], "add_generation_prompt": False},
    "third turn": {"messages": [USER, ANSWER, MORE], "add_generation_prompt": True},
    "two users": {"messages": [USER, MORE], "add_generation_prompt": True},
    "tools": {"messages": [SYSTEM, USER, CALL, RESULT], "tools": TOOLS, "add_generation_prompt": True},
}
SPECIALS = {"bos_token": "<s>", "eos_token": "</s>"}
NAMES = {
    "x": {"a": 1, "items": [1]},
    "y": [3, 1, 2],
    "t": " Ab c\n",
    "n": None,
    "rows": [{"k": "b", "v": 2}, {"k": "A", "v": 1}],
}

# Single expressions and short templates with NAMES.
SHORT = (FOLDER / "short.txt").read_text(encoding="utf-8").split("\n")[:-1]


def rendered(template: str, names: dict) -> str:
    try:
        return _compile_jinja_template(template).render(**names)
    except Exception:  # whatever it is, it has to be an error here too
        return "!"


def raw(text: str) -> str:
    return 'R"J(' + text + ')J"'


HEAD = f"""// Written by bench/peers/chat_templates.py with transformers {transformers.__version__} and
// jinja2 {jinja2.__version__}; do not change it by hand.
// clang-format off
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "heterodyne/base/error.h"
#include "heterodyne/data/jinja/template.h"
#include "heterodyne/io/json.h"

namespace heterodyne::jinja::golden_NAME_test {{
namespace {{

struct Case {{ const char *name, *names, *expected; }};
"""

TAIL = """
std::string rendered(const std::string& source, const char* names) {
  try {
    return Template(source, "here").render(io::parse_json_table(names, "names"));
  } catch (const FormatError&) {
    return "!";
  }
}

TEST(TITLE) {
  for (const auto& one : kCases) EXPECT_EQ(rendered(SOURCE, NAMES), one.expected) << one.name << ", " << one.names;
}

}  // namespace
}  // namespace heterodyne::jinja::golden_NAME_test"""


def families() -> None:
    print(HEAD.replace("NAME", "families"))
    print("const std::map<std::string, const char*> kTemplates = {")
    for name, template in TEMPLATES.items():
        print(f'    {{"{name}", {raw(template)}}},\n')
    print("};\n\nconst std::map<std::string, const char*> kConversations = {")
    for name, names in CONVERSATIONS.items():
        print(f'    {{"{name}", {raw(json.dumps({**SPECIALS, **names}, ensure_ascii=False))}}},')
    print("};\n\nconst Case kCases[] = {")
    for name, template in TEMPLATES.items():
        for conversation, names in CONVERSATIONS.items():
            print(f'    {{"{name}", "{conversation}", {raw(rendered(template, {**SPECIALS, **names}))}}},')
    print("};")
    tail = TAIL.replace("TITLE", "GoldenTemplates, WriteWhatTransformersWrites").replace("NAME_", "families_")
    print(tail.replace("SOURCE", "kTemplates.at(one.name)").replace("NAMES", "kConversations.at(one.names)"))


def short() -> None:
    print(HEAD.replace("NAME", "short"))
    print(f"const char* const kNames = {raw(json.dumps(NAMES))};\n\nconst Case kCases[] = {{")
    for template in SHORT:
        template = template.replace("␤", "\n")
        print(f"    {{{raw(template)}, kNames, {raw(rendered(template, NAMES))}}},")
    print("};")
    tail = TAIL.replace("TITLE", "GoldenTemplates, ShortOnesToo").replace("NAME_", "short_")
    print(tail.replace("SOURCE", "one.name").replace("NAMES", "one.names"))


{"families": families, "short": short}[sys.argv[1]]()

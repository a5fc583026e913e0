// Written by bench/peers/chat_templates.py with transformers 5.23.0 and
// jinja2 3.1.6; do not change it by hand.
// clang-format off
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "heterodyne/base/error.h"
#include "heterodyne/data/jinja/template.h"
#include "heterodyne/io/json.h"

namespace heterodyne::jinja::golden_families_test {
namespace {

struct Case { const char *name, *names, *expected; };

const std::map<std::string, const char*> kTemplates = {
    {"chatml", R"J({% for message in messages %}
{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}
{% endfor %}
{% if add_generation_prompt %}
{{ '<|im_start|>assistant\n' }}
{% endif %}
)J"},

    {"headers", R"J({% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start|>' + message['role'] + '<|end|>\n\n' + message['content'] | trim + '<|eot|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start|>assistant<|end|>\n\n' }}{% endif %}
)J"},

    {"headers_with_tools", R"J({{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{#- The system's message stands first, whether there is one or not. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start|>system<|end|>\n\n" }}
{%- if tools is not none %}
    {{- "Tools: ipython\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\n\n" }}
{{- system_message }}
{{- "<|eot|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start|>' + message['role'] + '<|end|>\n\n'+ message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("One call at once.") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}<|eot|>" }}
    {%- else %}
        {{- "<|start|>ipython<|end|>\n\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant<|end|>\n\n' }}
{%- endif %}
)J"},

    {"instructions", R"J({%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\n\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"] + eos_token}}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported!") }}
    {%- endif %}
{%- endfor %}
)J"},

    {"macros", R"J({%- macro type_of(spec, depth=0) -%}
    {%- if spec.type == "object" -%}
        { {%- for name, inner in spec.properties.items() -%}
            {{ "\n" ~ "  " * (depth + 1) ~ name }}: {{ type_of(inner, depth + 1) }}{{ "," if not loop.last }}
        {%- endfor %}
{{ "  " * depth }}}
    {%- elif spec.enum -%}
        {{ spec.enum | map("tojson") | join(" | ") }}
    {%- else -%}
        {{ spec.type }}
    {%- endif -%}
{%- endmacro -%}
{% for tool in tools or [] %}
// {{ tool.function.description | replace("things", "objects") }}
type {{ tool.function.name }} = {{ type_of(tool.function.parameters) }};
{% endfor %}
{% for message in messages if message.role != "tool" %}
{{ loop.index }}/{{ loop.length }} {{ message.role | upper }}{% if loop.previtem is defined %} after {{ loop.previtem.role }}{% endif %}

{% generation %}{{ message.content | default("none", true) | indent(2) }}{% endgeneration +%}
{% else %}
nobody
{% endfor %}
{{ messages | selectattr("role", "equalto", "user") | map(attribute="content") | map("trim") | list }}
{{- messages | rejectattr("tool_calls", "defined") | list | length }}
)J"},

    {"model_role", R"J({{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<turn>' + role + '\n' + message['content'] | trim + '<end>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<turn>model\n'}}{% endif %}
)J"},

    {"roles", R"J({% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}
)J"},

    {"tools_and_thoughts", R"J({%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- "# Tools\n\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools><|im_end|>\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning_content.strip('\n') + '\n</think>\n\n' + content }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '\n<tool_call>\n{"name": "' ~ tool_call.name ~ '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\n<tool_response>\n' ~ content ~ '\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}
)J"},

};

const std::map<std::string, const char*> kConversations = {
    {"one", R"J({"bos_token": "<s>", "eos_token": "</s>", "messages": [{"role": "user", "content": " How many? \n"}], "add_generation_prompt": true})J"},
    {"answered", R"J({"bos_token": "<s>", "eos_token": "</s>", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " How many? \n"}, {"role": "assistant", "content": "Two."}], "add_generation_prompt": false})J"},
    {"third turn", R"J({"bos_token": "<s>", "eos_token": "</s>", "messages": [{"role": "user", "content": " How many? \n"}, {"role": "assistant", "content": "Two."}, {"role": "user", "content": "And 'é' <b>?"}], "add_generation_prompt": true})J"},
    {"two users", R"J({"bos_token": "<s>", "eos_token": "</s>", "messages": [{"role": "user", "content": " How many? \n"}, {"role": "user", "content": "And 'é' <b>?"}], "add_generation_prompt": true})J"},
    {"tools", R"J({"bos_token": "<s>", "eos_token": "</s>", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " How many? \n"}, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "count", "arguments": {"of": "ö", "n": 2, "x": null, "y": true, "z": 0.5}}}]}, {"role": "tool", "content": "2"}], "tools": [{"type": "function", "function": {"name": "count", "description": "Counts \"things\" & more.", "parameters": {"type": "object", "properties": {"of": {"type": "string", "enum": ["a", "b"]}}}}}], "add_generation_prompt": true})J"},
};

const Case kCases[] = {
    {"chatml", "one", R"J(<|im_start|>user
 How many? 
<|im_end|>

<|im_start|>assistant

)J"},
    {"chatml", "answered", R"J(<|im_start|>system
Be brief.<|im_end|>

<|im_start|>user
 How many? 
<|im_end|>

<|im_start|>assistant
Two.<|im_end|>

)J"},
    {"chatml", "third turn", R"J(<|im_start|>user
 How many? 
<|im_end|>

<|im_start|>assistant
Two.<|im_end|>

<|im_start|>user
And 'é' <b>?<|im_end|>

<|im_start|>assistant

)J"},
    {"chatml", "two users", R"J(<|im_start|>user
 How many? 
<|im_end|>

<|im_start|>user
And 'é' <b>?<|im_end|>

<|im_start|>assistant

)J"},
    {"chatml", "tools", R"J(<|im_start|>system
Be brief.<|im_end|>

<|im_start|>user
 How many? 
<|im_end|>

<|im_start|>assistant
<|im_end|>

<|im_start|>tool
2<|im_end|>

<|im_start|>assistant

)J"},
    {"headers", "one", R"J(<s><|start|>user<|end|>

How many?<|eot|><|start|>assistant<|end|>

)J"},
    {"headers", "answered", R"J(<s><|start|>system<|end|>

Be brief.<|eot|><|start|>user<|end|>

How many?<|eot|><|start|>assistant<|end|>

Two.<|eot|>)J"},
    {"headers", "third turn", R"J(<s><|start|>user<|end|>

How many?<|eot|><|start|>assistant<|end|>

Two.<|eot|><|start|>user<|end|>

And 'é' <b>?<|eot|><|start|>assistant<|end|>

)J"},
    {"headers", "two users", R"J(<s><|start|>user<|end|>

How many?<|eot|><|start|>user<|end|>

And 'é' <b>?<|eot|><|start|>assistant<|end|>

)J"},
    {"headers", "tools", R"J(<s><|start|>system<|end|>

Be brief.<|eot|><|start|>user<|end|>

How many?<|eot|><|start|>assistant<|end|>

<|eot|><|start|>tool<|end|>

2<|eot|><|start|>assistant<|end|>

)J"},
    {"headers_with_tools", "one", R"J(<s><|start|>system<|end|>

Today Date: 26 Jul 2024

<|eot|><|start|>user<|end|>

How many?<|eot|><|start|>assistant<|end|>

)J"},
    {"headers_with_tools", "answered", R"J(<s><|start|>system<|end|>

Today Date: 26 Jul 2024

Be brief.<|eot|><|start|>user<|end|>

How many?<|eot|><|start|>assistant<|end|>

Two.<|eot|>)J"},
    {"headers_with_tools", "third turn", R"J(<s><|start|>system<|end|>

Today Date: 26 Jul 2024

<|eot|><|start|>user<|end|>

How many?<|eot|><|start|>assistant<|end|>

Two.<|eot|><|start|>user<|end|>

And 'é' <b>?<|eot|><|start|>assistant<|end|>

)J"},
    {"headers_with_tools", "two users", R"J(<s><|start|>system<|end|>

Today Date: 26 Jul 2024

<|eot|><|start|>user<|end|>

How many?<|eot|><|start|>user<|end|>

And 'é' <b>?<|eot|><|start|>assistant<|end|>

)J"},
    {"headers_with_tools", "tools", R"J(<s><|start|>system<|end|>

Tools: ipython
Today Date: 26 Jul 2024

Be brief.<|eot|><|start|>user<|end|>

How many?<|eot|>{"name": "count", "parameters": {"of": "ö", "n": 2, "x": null, "y": true, "z": 0.5}}<|eot|><|start|>ipython<|end|>

"2"<|eot|><|start|>assistant<|end|>

)J"},
    {"instructions", "one", R"J(<s>[INST]  How many? 
[/INST])J"},
    {"instructions", "answered", R"J(<s>[INST]  How many? 
[/INST] Two.</s>)J"},
    {"instructions", "third turn", R"J(<s>[INST]  How many? 
[/INST] Two.</s>[INST] And 'é' <b>?[/INST])J"},
    {"instructions", "two users", R"J(!)J"},
    {"instructions", "tools", R"J(!)J"},
    {"macros", "one", R"J(1/1 USER
 How many? 

['How many?']1)J"},
    {"macros", "answered", R"J(1/3 SYSTEM
Be brief.
2/3 USER after system
 How many? 

3/3 ASSISTANT after user
Two.
['How many?']3)J"},
    {"macros", "third turn", R"J(1/3 USER
 How many? 

2/3 ASSISTANT after user
Two.
3/3 USER after assistant
And 'é' <b>?
['How many?', "And 'é' <b>?"]3)J"},
    {"macros", "two users", R"J(1/2 USER
 How many? 

2/2 USER after user
And 'é' <b>?
['How many?', "And 'é' <b>?"]2)J"},
    {"macros", "tools", R"J(// Counts "objects" & more.
type count = {
  of: "a" | "b"};
1/3 SYSTEM
Be brief.
2/3 USER after system
 How many? 

3/3 ASSISTANT after user
none
['How many?']3)J"},
    {"model_role", "one", R"J(<s><turn>user
How many?<end>
<turn>model
)J"},
    {"model_role", "answered", R"J(!)J"},
    {"model_role", "third turn", R"J(<s><turn>user
How many?<end>
<turn>model
Two.<end>
<turn>user
And 'é' <b>?<end>
<turn>model
)J"},
    {"model_role", "two users", R"J(!)J"},
    {"model_role", "tools", R"J(!)J"},
    {"roles", "one", R"J(<|user|>
 How many? 
</s>
<|assistant|>
)J"},
    {"roles", "answered", R"J(<|system|>
Be brief.</s>
<|user|>
 How many? 
</s>
<|assistant|>
Two.</s>
)J"},
    {"roles", "third turn", R"J(<|user|>
 How many? 
</s>
<|assistant|>
Two.</s>
<|user|>
And 'é' <b>?</s>
<|assistant|>
)J"},
    {"roles", "two users", R"J(<|user|>
 How many? 
</s>
<|user|>
And 'é' <b>?</s>
<|assistant|>
)J"},
    {"roles", "tools", R"J(<|system|>
Be brief.</s>
<|user|>
 How many? 
</s>
<|assistant|>
</s>
<|assistant|>
)J"},
    {"tools_and_thoughts", "one", R"J(<|im_start|>user
 How many? 
<|im_end|>
<|im_start|>assistant
)J"},
    {"tools_and_thoughts", "answered", R"J(<|im_start|>system
Be brief.<|im_end|>
<|im_start|>user
 How many? 
<|im_end|>
<|im_start|>assistant
<think>

</think>

Two.<|im_end|>
)J"},
    {"tools_and_thoughts", "third turn", R"J(<|im_start|>user
 How many? 
<|im_end|>
<|im_start|>assistant
Two.<|im_end|>
<|im_start|>user
And 'é' <b>?<|im_end|>
<|im_start|>assistant
)J"},
    {"tools_and_thoughts", "two users", R"J(<|im_start|>user
 How many? 
<|im_end|>
<|im_start|>user
And 'é' <b>?<|im_end|>
<|im_start|>assistant
)J"},
    {"tools_and_thoughts", "tools", R"J(<|im_start|>system
Be brief.

# Tools

<tools>
{"type": "function", "function": {"name": "count", "description": "Counts \"things\" & more.", "parameters": {"type": "object", "properties": {"of": {"type": "string", "enum": ["a", "b"]}}}}}
</tools><|im_end|>
<|im_start|>user
 How many? 
<|im_end|>
<|im_start|>assistant

<tool_call>
{"name": "count", "arguments": {"of": "ö", "n": 2, "x": null, "y": true, "z": 0.5}}
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
2
</tool_response><|im_end|>
<|im_start|>assistant
)J"},
};

std::string rendered(const std::string& source, const char* names) {
  try {
    return Template(source, "here").render(io::parse_json_table(names, "names"));
  } catch (const FormatError&) {
    return "!";
  }
}

TEST(GoldenTemplates, WriteWhatTransformersWrites) {
  for (const auto& one : kCases) EXPECT_EQ(rendered(kTemplates.at(one.name), kConversations.at(one.names)), one.expected) << one.name << ", " << one.names;
}

}  // namespace
}  // namespace heterodyne::jinja::golden_families_test

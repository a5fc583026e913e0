// Written by bench/peers/chat_templates.py with transformers 5.23.0 and
// jinja2 3.1.6; do not change it by hand.
// clang-format off
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "heterodyne/base/error.h"
#include "heterodyne/data/jinja/template.h"
#include "heterodyne/io/json.h"

namespace heterodyne::jinja::golden_short_test {
namespace {

struct Case { const char *name, *names, *expected; };

const char* const kNames = R"J({"x": {"a": 1, "items": [1]}, "y": [3, 1, 2], "t": " Ab c\n", "n": null, "rows": [{"k": "b", "v": 2}, {"k": "A", "v": 1}]})J";

const Case kCases[] = {
    {R"J({{ 2**3**2 }} {{ -2**2 }} {{ 2**-1 }} {{ 7 // -2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }})J", kNames, R"J(64 4 0.5 -4 2 3.5 3.0 3.0 0.5)J"},
    {R"J({{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 10 - 3 - 2 }} {{ 100 // 7 % 4 }} {{ - 1 }} {{ +1 }} {{ --1 }} {{ true + 1 }})J", kNames, R"J(3 9 5 2 -1 1 1 2)J"},
    {R"J({{ 1 ~ 2 ~ 'a' }} {{ 'a' ~ n ~ u ~ true ~ 1.0 }} {{ 'a' + 'b' * 2 }} {{ [1] + [2, 3] }} {{ [1] * 2 }} {{ (1,) + (2,) }})J", kNames, R"J(12a aNoneTrue1.0 abb [1, 2, 3] [1, 1] (1, 2))J"},
    {R"J({{ 1 ~ 2 + 3 }})J", kNames, R"J(!)J"},
    {R"J({{ 'a' + 1 }})J", kNames, R"J(!)J"},
    {R"J({{ u + 'a' }})J", kNames, R"J(!)J"},
    {R"J({{ u.v }})J", kNames, R"J(!)J"},
    {R"J({{ x.u.v }})J", kNames, R"J(!)J"},
    {R"J({{ x.u }}|{{ x['u'] }}|{{ y[7] }}|{{ n.a }}|{{ 'a'.b }}|{{ (1).b }}|{{ u }})J", kNames, R"J(||||||)J"},
    {R"J({{ [1, 'a', 2.0, none, true, {'k': (1,)}, (1, 2), [], {}, ()] }} {{ "it's" }} {{ ["it's", 'a"b', 'a\nb\\'] }} {{ ['é', '\x01'] }})J", kNames, R"J([1, 'a', 2.0, None, True, {'k': (1,)}, (1, 2), [], {}, ()] it's ["it's", 'a"b', 'a\nb\\'] ['é', '\x01'])J"},
    {R"J({{ 1e16 }} {{ 1e22 }} {{ 0.1 }} {{ 1e-5 }} {{ 123456789.123 }} {{ 1e15 }} {{ 1.5e3 }} {{ 100.0 }} {{ 0.0001 }} {{ 1_000 }} {{ 0x1f }})J", kNames, R"J(1e+16 1e+22 0.1 1e-05 123456789.123 1000000000000000.0 1500.0 100.0 0.0001 1000 31)J"},
    {R"J({{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ (1, 2) == [1, 2] }} {{ n == none }})J", kNames, R"J(True False True True True True False True)J"},
    {R"J({{ 'a' < 1 }})J", kNames, R"J(!)J"},
    {R"J({{ not 1 == 2 }} {{ not true and false }} {{ 1 and 'a' or 'b' }} {{ 0 or '' }}| {{ n and 1 }} {{ not u }})J", kNames, R"J(True False a | None True)J"},
    {R"J({{ 'a' if false }}|{{ 'a' if n is none else 'b' }}|{{ 'a' if 0 else 'b' if 1 else 'c' }}|{{ ('a' if false) is defined }})J", kNames, R"J(|a|b|False)J"},
    {R"J({{ 'a' in 'abc' }} {{ 1 in y }} {{ 'a' in x }} {{ 'q' not in x }} {{ not 1 in y }} {{ 'a' in u }} {{ 4 not in y }})J", kNames, R"J(True True True True False False True)J"},
    {R"J({{ 1 in 'a' }})J", kNames, R"J(!)J"},
    {R"J({{ 'a' in n }})J", kNames, R"J(!)J"},
    {R"J({{ u is sequence }} {{ u is iterable }} {{ u is mapping }} {{ x is sequence }} {{ y is iterable }} {{ 't' is sequence }} {{ 1 is iterable }} {{ x is iterable }})J", kNames, R"J(True True False True True True False True)J"},
    {R"J({{ n is none }} {{ n is not none }} {{ n is defined }} {{ u is undefined }} {{ u is not defined }} {{ x.q is defined }} {{ x.a is defined and x.a == 1 }})J", kNames, R"J(True False True True True False True)J"},
    {R"J({{ 1 is number }} {{ true is number }} {{ 1.0 is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ true is boolean }} {{ 1 is boolean }} {{ true is true }} {{ 1 is true }} {{ false is false }})J", kNames, R"J(True True True True False True True False True False True)J"},
    {R"J({{ 5 is divisibleby 5 }} {{ 5 is odd }} {{ 4 is even }} {{ 1 is eq 1 }} {{ 1 is equalto(2) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 3 is gt(2) }} {{ 1 is in [1] }} {{ 'a' is in 'b' }} {{ 'a' is lower }} {{ 'A' is upper }} {{ n is sameas none }} {{ range is callable }})J", kNames, R"J(True True True True False True True True True False True True True True)J"},
    {R"J({{ 1 is eq 1 and 2 }} {{ 'a' is string ~ 'b' }})J", kNames, R"J(2 Trueb)J"},
    {R"J({{ 1 is nosuch }})J", kNames, R"J(!)J"},
    {R"J({{ 1 | nosuch }})J", kNames, R"J(!)J"},
    {R"J({{ x is string is string }})J", kNames, R"J(!)J"},
    {R"J({{ 'abc'[::-1] }} {{ 'abc'[-2:] }} {{ y[:-1] }} {{ y[1:2] }} {{ y[5:] }} {{ y[::2] }} {{ y[-9:9] }} {{ y[::-2] }} {{ 'äöü'[1] }} {{ 'äöü'[-1] }} {{ (1, 2, 3)[1:] }} {{ y[2:0:-1] }})J", kNames, R"J(cba bc [3, 1] [1] [] [3, 2] [3, 1, 2] [2, 3] ö ü (2, 3) [2, 1])J"},
    {R"J({{ y[::0] }})J", kNames, R"J(!)J"},
    {R"J({{ x['items'] }}|{{ x.keys() | list }}|{{ x.values() | list }}|{{ x.get('a') }}|{{ x.get('q') }}|{{ x.get('q', 5) }}|{{ x.items() | list }})J", kNames, R"J([1]|['a', 'items']|[1, [1]]|1|None|5|[('a', 1), ('items', [1])])J"},
    {R"J({{ y.0 }} {{ y[0] }})J", kNames, R"J(3 3)J"},
    {R"J({{ y.append(1) }})J", kNames, R"J(!)J"},
    {R"J({{ x.update({}) }})J", kNames, R"J(!)J"},
    {R"J({{ t.strip() }}|{{ t.lstrip() }}|{{ t.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ '#-a-#'.lstrip('-#') }}|{{ t | trim }}|{{ 'xax' | trim('x') }})J", kNames, R"J(Ab c|Ab c
| Ab c|a|a-#|Ab c|a)J"},
    {R"J({{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.rsplit(' ', 1) }} {{ ' a  b c '.split(none, 1) }} {{ ' a  b c '.rsplit(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a</t>b'.split('</t>')[-1] }})J", kNames, R"J(['a', 'b', '', 'c'] ['a', 'b'] ['a', 'b c'] ['a b', 'c'] ['a', 'b c '] [' a  b', 'c'] [] [''] b)J"},
    {R"J({{ 'a b'.split('') }})J", kNames, R"J(!)J"},
    {R"J({{ 'a\nb\r\nc\n'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }} {{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('x') }} {{ 'abc'.rpartition('x') }})J", kNames, R"J(['a', 'b', 'c'] ['a\n', 'b\n'] ('a', '-', 'b-c') ('a-b', '-', 'c') ('abc', '', '') ('', '', 'abc'))J"},
    {R"J({{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abc'.startswith('') }} {{ 'abc'.find('c') }} {{ 'abc'.find('x') }} {{ 'äbäb'.rfind('b') }} {{ 'abab'.count('ab') }} {{ 'abc'.count('') }} {{ 'aab'.index('b') }} {{ 'ab'.removeprefix('a') }} {{ 'ab'.removesuffix('b') }})J", kNames, R"J(True True True 2 -1 3 2 4 2 b a)J"},
    {R"J({{ 'a.b.c'.replace('.', '-') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '-') }} {{ 'ab' | replace('b', 'c') }} {{ 'ab'.replace('', '-', 1) }})J", kNames, R"J(a-b-c bba -a-b- ac -ab)J"},
    {R"J({{ 'hello world-foo (bar)' | title }} {{ 'hELLO wORLD'.title() }} {{ "it's".title() }} {{ 'aBC dE' | capitalize }} {{ 'aBC'.capitalize() }} {{ 'äÖ' | upper }} {{ 'ÄÖ'.lower() }} {{ 'straße'.upper() }} {{ 'a-b_c' | title }})J", kNames, R"J(Hello World-Foo (Bar) Hello World It'S Abc de Abc ÄÖ äö STRASSE A-B_c)J"},
    {R"J({{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ 'ab'.isalpha() }} {{ ' '.isspace() }} {{ ''.isdigit() }} {{ 'AB'.isupper() }} {{ 'a1'.islower() }} {{ '1'.islower() }})J", kNames, R"J(True True True True False True True False)J"},
    {R"J({{ '-'.join(['a', 'b']) }} {{ ''.join(y | map('string')) }} {{ y | join(', ') }} {{ y | join }} {{ rows | join('/', attribute='k') }} {{ [1, none, 'a'] | join('|') }})J", kNames, R"J(a-b 312 3, 1, 2 312 b/A 1|None|a)J"},
    {R"J({{ ','.join([1]) }})J", kNames, R"J(!)J"},
    {R"J({{ '{} and {}'.format(1, 'b') }} {{ '{1}{0}{{}}'.format(1, 2) }} {{ '{a}'.format(a=3) }})J", kNames, R"J(1 and b 21{} 3)J"},
    {R"J({{ u | default('q') }} {{ '' | default('q') }}| {{ '' | default('q', true) }} {{ n | default('q') }} {{ n | d('q', boolean=true) }} {{ x.q | default(y) }})J", kNames, R"J(q | q None q [3, 1, 2])J"},
    {R"J({{ y | length }} {{ 'äb' | length }} {{ x | count }} {{ u | length }})J", kNames, R"J(3 2 2 0)J"},
    {R"J({{ 5 | length }})J", kNames, R"J(!)J"},
    {R"J({{ y | first }} {{ y | last }} {{ [] | first }}| {{ 'abc' | first }} {{ 'abc' | last }})J", kNames, R"J(3 2 | a c)J"},
    {R"J({{ y | sort }} {{ y | sort(reverse=true) }} {{ rows | sort(attribute='k') | map(attribute='v') | list }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A'] | sort(case_sensitive=true) }} {{ ['a', 'A', 'b'] | unique | list }} {{ [1, 1.0, 2] | unique | list }})J", kNames, R"J([1, 2, 3] [3, 2, 1] [1, 2] ['A', 'b', 'c'] ['A', 'b'] ['a', 'b'] [1, 2])J"},
    {R"J({{ y | reverse | list }} {{ 'abc' | reverse }} {{ y | sum }} {{ rows | sum(attribute='v') }} {{ y | min }} {{ y | max }} {{ rows | max(attribute='v') }} {{ [] | sum }})J", kNames, R"J([2, 1, 3] cba 6 3 1 3 {'k': 'b', 'v': 2} 0)J"},
    {R"J({{ y | select('odd') | list }} {{ y | reject('gt', 2) | list }} {{ [0, 1, ''] | select | list }} {{ rows | selectattr('v', 'gt', 1) | list }} {{ rows | selectattr('v') | list | length }} {{ rows | rejectattr('k', 'equalto', 'b') | list }} {{ rows | map(attribute='z', default='-') | list }} {{ ['a'] | map('upper') | list }} {{ ['ab'] | map('replace', 'a', 'c') | list }})J", kNames, R"J([3, 1] [1, 2] [1] [{'k': 'b', 'v': 2}] 2 [{'k': 'A', 'v': 1}] ['-', '-'] ['A'] ['cb'])J"},
    {R"J({{ x | dictsort }} {{ {'b': 1, 'A': 2} | dictsort }} {{ {'b': 1, 'A': 2} | dictsort(by='value', reverse=true) }} {{ {'b': 1} | items | list }} {{ x | list }} {{ 'ab' | list }})J", kNames, R"J([('a', 1), ('items', [1])] [('A', 2), ('b', 1)] [('A', 2), ('b', 1)] [('b', 1)] ['a', 'items'] ['a', 'b'])J"},
    {R"J({{ 3.7 | int }} {{ '12x' | int }} {{ '3.7' | int }} {{ 'a' | int(9) }} {{ '0x1f' | int(base=16) }} {{ ' 12 ' | int }} {{ 'a' | float }} {{ '1.5' | float }} {{ 3 | float }} {{ true | int }} {{ -3 | abs }} {{ (-3.5) | abs }} {{ 2.567 | round(2) }} {{ 2.5 | round }} {{ 2.1 | round(method='ceil') }} {{ n | int }})J", kNames, R"J(3 0 3 9 31 12 0.0 1.5 3.0 1 3 3.5 2.57 2.0 3.0 0)J"},
    {R"J({{ 1 | string + 'a' }} {{ 'x' | upper ~ 'y' | lower }} {{ 'a' | safe }} {{ '<&>' | e }})J", kNames, R"J(1a Xy a &lt;&amp;&gt;)J"},
    {R"J({{ 'x' | indent }}|{{ 'a\nb\n\nc\n' | indent(2, true) }}|{{ 'a\n\nb' | indent(2, blank=true) }}|{{ 'a\nb' | indent('> ') }}|{{ '' | indent }}|)J", kNames, R"J(x|  a
  b

  c
|a
  
  b|a
> b||)J"},
    {R"J({{ {'b': 1, 'a': {'c': [1, 2.5, [], {}]}} | tojson }} {{ {'b': 1, 'a': {'c': [1, 2], 'd': []}} | tojson(indent=2) }} {{ [1, 2] | tojson(indent=0) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ [1, 'é'] | tojson(ensure_ascii=true) }} {{ {'a': 1} | tojson(separators=(',', ':')) }} {{ 'a"b\\c\n\t\x01/' | tojson }} {{ {1: none, true: 2.0} | tojson }} {{ '<é&\u2028>' | tojson }})J", kNames, R"J({"b": 1, "a": {"c": [1, 2.5, [], {}]}} {
  "b": 1,
  "a": {
    "c": [
      1,
      2
    ],
    "d": []
  }
} [
1,
2
] {"a": 2, "b": 1} [1, "\u00e9"] {"a":1} "a\"b\\c\n\t\u0001/" {"1": 2.0} "<é& >")J"},
    {R"J({{ u | tojson }})J", kNames, R"J(!)J"},
    {R"J({{ range(3) | list }} {{ range(1, 10, 3) | list }} {{ range(3, 0, -1) | list }} {{ dict(a=1, b='c') }} {{ dict({'a': 1}, b=2) }})J", kNames, R"J([0, 1, 2] [1, 4, 7] [3, 2, 1] {'a': 1, 'b': 'c'} {'a': 1, 'b': 2})J"},
    {R"J({{ range(0, 5, 0) | list }})J", kNames, R"J(!)J"},
    {R"J({{ raise_exception('no') }})J", kNames, R"J(!)J"},
    {R"J({{ nosuch() }})J", kNames, R"J(!)J"},
    {R"J({{ 'a'() }})J", kNames, R"J(!)J"},
    {R"J({{ strftime_now is defined and 1 or 1 }})J", kNames, R"J(1)J"},
    {R"J({% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d) = (3, 4) %}{{ c }}{{ d }}{% set e = 1, %}{{ e }})J", kNames, R"J(1234(1,))J"},
    {R"J({% set a, b = [1] %})J", kNames, R"J(!)J"},
    {R"J({% set q %} a {{ 1 }} {% endset %}{{ q }}|{% set q | trim | upper %} a {% endset %}{{ q }}|{% filter upper %}a{{ 'b' }}{% endfilter %})J", kNames, R"J( a 1 |A|AB)J"},
    {R"J({% set ns = namespace(x=1, l=[]) %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.x }}{{ ns.l }}{{ ns.q is defined }})J", kNames, R"J(4[1, 2]False)J"},
    {R"J({% set ns = {'a': 1} %}{% set ns.a = 2 %})J", kNames, R"J(!)J"},
    {R"J({% set v = 1 %}{% for i in [1, 2] %}{{ v }}{% set v = 5 %}{{ v }}{% endfor %}{{ v }}{% if true %}{% set v = 9 %}{% endif %}{{ v }})J", kNames, R"J(151519)J"},
    {R"J({% for i in y if i > 1 %}{{ loop.index }}/{{ loop.length }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }} {% else %}none{% endfor %})J", kNames, R"J(1/2TrueFalse2 2/2FalseTrue1 )J"},
    {R"J({% for i in [] %}a{% else %}none{% endfor %}{% for i in u %}a{% else %}none{% endfor %}{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }},{% endfor %}{% for k in {'a': 1} %}{{ k }}{% endfor %}{% for c in 'äb' %}[{{ c }}]{% endfor %})J", kNames, R"J(nonenonea=1,b=2,a[ä][b])J"},
    {R"J({% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}{{ i is defined }})J", kNames, R"J(013False)J"},
    {R"J({% for i in y %}{{ loop.previtem if loop.previtem is defined else '-' }}{{ i }}{{ loop.nextitem | default('-') }}{{ loop.cycle('a', 'b') }} {% endfor %})J", kNames, R"J(-31a 312b 12-a )J"},
    {R"J({% for a in [[1, 2], [3, 4]] %}{% set outer = loop %}{% for b in a %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %})J", kNames, R"J(11 12 21 22 123)J"},
    {R"J({% for i in 5 %}{% endfor %})J", kNames, R"J(!)J"},
    {R"J({% for i in n %}{% endfor %})J", kNames, R"J(!)J"},
    {R"J({% for a, b in [1] %}{% endfor %})J", kNames, R"J(!)J"},
    {R"J({% for i in 1, 2 %}{{ i }}{% endfor %}{% for i in [1, 2, 3] if i is odd %}{{ i }}{% endfor %})J", kNames, R"J(1213)J"},
    {R"J({% macro f(a, b=2, c=b) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, 3) }} {{ f(c=4, a=5) }} {{ f() }})J", kNames, R"J(122 133 524 22)J"},
    {R"J({% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 3, z=4) }} {{ f() }})J", kNames, R"J(1(3,){'z': 4} (){})J"},
    {R"J({% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }})J", kNames, R"J(!)J"},
    {R"J({% macro f(a) %}{{ a }}{% endmacro %}{{ f(q=2) }})J", kNames, R"J(!)J"},
    {R"J({% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}{% set z = 7 %}{% macro g() %}{{ z }}{{ w }}{% endmacro %}{% set z = 8 %}{% set w = 1 %}{{ g() }})J", kNames, R"J(321081)J"},
    {R"J({% macro box(t) %}<{{ t }}:{{ caller('in') }}>{% endmacro %}{% call(v) box('a') %}body {{ v }}{% endcall %})J", kNames, R"J(<a:body in>)J"},
    {R"J({% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }})J", kNames, R"J(False)J"},
    {R"J({% with a = 1, b = a %}{{ a }}{{ b is defined }}{% endwith %}{{ a is defined }})J", kNames, R"J(1FalseFalse)J"},
    {R"J({% if 0 %}a{% elif n %}b{% elif 'x' %}c{% else %}d{% endif %}{% if u %}a{% else %}b{% endif %})J", kNames, R"J(cb)J"},
    {R"J(a  {%- if 1 -%}  b  {%- endif -%}  c {{- 1 -}} d {{ 2 }} e {#- c -#} f {# c #} g)J", kNames, R"J(abc1d 2 ef  g)J"},
    {R"J(
  {% if 1 %}
  a
  {% endif %}  
b
 {{ 1 }}
 {# c #}
 c {% if 1 %} d {% endif %}
)J", kNames, R"J(
  a
  
b
 1
 c  d )J"},
    {R"J(  {%+ if 1 %}a{% endif +%}
b
{% if 1 %}

c{% endif %}

)J", kNames, R"J(  a
b

c)J"},
    {R"J({% raw %}{{ a }} {% b %}{% endraw %}|{%- raw -%} {{ c }} {%- endraw -%} d
  {% raw %}
 x {% endraw %}
e)J", kNames, R"J({{ a }} {% b %}|{{ c }}d

 x e)J"},
    {R"J({{ {'a': {'b': 1}}['a']['b'] }}{{ {'a': 1}}}{{ "}}" }}{{ '%}' }}{% if '%}' %}x{% endif %}{{'a'}}{{-1}}{{ 1 -}}  b)J", kNames, R"J(1{'a': 1}}}%}xa11b)J"},
    {R"J({{ 'a' 'b' }} {{ 'a\qb\x41\u00e9\'\t\101' }} {{ "a\
b" }})J", kNames, R"J(ab a\qbAé'	A ab)J"},
    {R"J({{ 1, 2 }} {{ (1) }} {{ (1,) }} {{ () }} {{ [1,] }} {{ {'a': 1,} }} {{ {1: 2, 'a': none, (1, 2): 3} }})J", kNames, R"J((1, 2) 1 (1,) () [1] {'a': 1} {1: 2, 'a': None, (1, 2): 3})J"},
    {R"J({% set x = 1 %}{{ x }}{% set messages = [1, 2][1:] %}{{ messages }}{{ True }}{{ None }}{{ TRUE is defined }})J", kNames, R"J(1[2]TrueNoneFalse)J"},
    {R"J({{ 'a' })J", kNames, R"J(!)J"},
    {R"J({{ 'a }})J", kNames, R"J(!)J"},
    {R"J({% if 1 %})J", kNames, R"J(!)J"},
    {R"J({% endif %})J", kNames, R"J(!)J"},
    {R"J({% nosuch %})J", kNames, R"J(!)J"},
    {R"J({% for i in y %}{% endif %}{% endfor %})J", kNames, R"J(!)J"},
    {R"J({{ }})J", kNames, R"J(!)J"},
    {R"J({{ 1 + }})J", kNames, R"J(!)J"},
    {R"J({{ (1 }})J", kNames, R"J(!)J"},
    {R"J({{ [1 2] }})J", kNames, R"J(!)J"},
    {R"J({{ 1 = 2 }})J", kNames, R"J(!)J"},
    {R"J({{ f(a=1, 2) }})J", kNames, R"J(!)J"},
    {R"J({% break %})J", kNames, R"J(!)J"},
    {R"J({% set 1 = 2 %})J", kNames, R"J(!)J"},
    {R"J({% set true = 2 %})J", kNames, R"J(!)J"},
    {R"J({# open)J", kNames, R"J(!)J"},
    {R"J({{ 1 // 0 }})J", kNames, R"J(!)J"},
    {R"J({{ x.items() | map('first') | join }} {{ x | tojson | length }} {{ rows | map(attribute='k') | map('lower') | sort | first }} {{ (y | sort)[0] }} {{ y | sort | last + 1 }})J", kNames, R"J(aitems 22 a 1 4)J"},
    {R"J({{ 'a' is defined and not u is defined }} {{ u is defined or 'b' }} {{ (u or {}).a is defined }} {{ not x.q }} {{ x.a if x.a is number else 0 }})J", kNames, R"J(True b False True 1)J"},
};

std::string rendered(const std::string& source, const char* names) {
  try {
    return Template(source, "here").render(io::parse_json_table(names, "names"));
  } catch (const FormatError&) {
    return "!";
  }
}

TEST(GoldenTemplates, ShortOnesToo) {
  for (const auto& one : kCases) EXPECT_EQ(rendered(one.name, one.names), one.expected) << one.name << ", " << one.names;
}

}  // namespace
}  // namespace heterodyne::jinja::golden_short_test

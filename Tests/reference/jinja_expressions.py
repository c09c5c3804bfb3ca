"""Expressions (or whole templates) that are rendered with VARIABLES."""

VARIABLES = {
    "s": "Hello World",
    "u": "Grüße, 世界 👋🏽!",
    "pad": "  \t padded\n ",
    "empty": "",
    "n": 7,
    "neg": -3,
    "f": 2.5,
    "t": True,
    "no": False,
    "nothing": None,
    "xs": [3, 1, 2],
    "words": ["banana", "Apple", "cherry", "apple"],
    "mixed": [1, "two", 3.0, None, True, [4], {"k": "v"}],
    "d": {"b": 2, "a": 1, "C": 3},
    "nested": {"x": {"y": [10, {"z": "deep"}]}, "items": "shadow", "name": "N"},
    "users": [
        {"name": "Ann", "age": 31, "tags": ["x", "y"], "admin": True},
        {"name": "bob", "age": 25, "tags": [], "admin": False},
        {"name": "Cid", "age": 31, "admin": None},
    ],
    "lines": "one\ntwo\n\nthree",
    "html": "<b>\"x\" & 'y'</b>",
    "ctl": "a\u0001\u001f\u007f\u0085\u2028\\\"'\b\f\r",
    "big": 9007199254740993,
    "fs": [0.1, 1e16, 1.5e-7, 123456789.125, -0.0, 1e300],
}

EXPRESSIONS = r"""
1 + 2 * 3
(1 + 2) * 3
7 / 2
7 // 2
-7 // 2
7 % 3
-7 % 3
7 % -3
7.5 % 2
-7.5 // 2
2 ** 10
2 ** 3 ** 2
-2 ** 2
2 ** -1
2 ** 0.5
10 / 0
10 // 0
10 % 0
1.0 / 0
1 + 1.0
1e3
1.5e-7
1_000_000
0x1f + 0b101 + 0o17
1e16
1e15
123456789012345.6
0.1 + 0.2
100.0
-0.0
fs
1 ~ 2 ~ 'x'
1 + 2 ~ 3 + 4
1 ~ 2 * 3
'a' + 'b'
'a' + 1
1 + 'a'
'ab' * 3
3 * 'ab'
'ab' * -1
[1, 2] * 2
[1] + [2]
(1,) + (2, 3)
[1] + (2,)
'a' 'b' "c"
'tab\tnl\nq\'\"\\ \x41 \u00e9 \U0001F600 \101 \q'
true and false
true or false
not true
not not n
1 and 'x'
0 or 'y'
none or []
'' and 'x'
1 < 2
1 < 2 < 3
1 < 3 < 2
3 > 2 >= 2
1 == 1.0
1 == true
'1' == 1
'a' < 'b'
'a' < 1
[1, 2] < [1, 3]
[1, 2] == (1, 2)
none == none
none < 1
1 != 2
'a' in 'abc'
'' in 'abc'
1 in [1, 2]
4 not in [1, 2]
'b' in d
'z' in d
2 in d
1 in 'abc'
1 in 5
not 1 in [1]
1 if true else 2
1 if false else 2
1 if false
(1 if false) is defined
'x' if no else 'y' if t else 'z'
[]
[1, 'two', 3.0, none, true]
(1, 2)
(1,)
()
{'a': 1, 'b': [1, {'c': 2}]}
{}
{1: 'a', 1.0: 'b', true: 'c'}
{[1]: 2}
{'a': 1}['a']
{'a': 1}.a
mixed
s
u
n
f
t
nothing
missing
missing.attribute
missing['item']
missing()
nested.missing
nested.missing.more
nested.x.y[1].z
nested['x']['y'][0]
nested.x.y.0
nested.items is callable
nested['items']
nested.name
xs[0]
xs[-1]
xs[99]
xs[-99]
xs['a']
xs[1.0]
xs[true]
s[0]
s[-1]
s[100]
u[8]
u[-1]
s[1:4]
s[:3]
s[3:]
s[::-1]
s[::2]
s[-3:]
s[5:2]
s[5:2:-1]
s[::0]
s[100:]
s[-100:3]
u[7:9]
u[::-1]
xs[1:]
xs[::-1]
(1, 2, 3, 4)[1:3]
range(10)[2:5]|list
d[1:2]
n[0]

n[:1]
nested.missing[1:]
none[0]
none.x
s.nothing
missing is defined
missing is undefined
s is defined
nothing is none
n is number
t is number
f is number
s is number
s is string
n is string
n is integer
t is integer
f is integer
f is float
n is float
t is boolean
n is boolean
t is true
n is true
no is false
d is mapping
xs is mapping
xs is sequence
s is sequence
d is sequence
n is sequence
xs is iterable
n is iterable
missing is iterable
xs|map('string') is iterable
xs|map('string') is sequence
n is odd
n is even
8 is even
8 is divisibleby 4
8 is divisibleby(3)
8 is divisibleby(0)
n is eq 7
n is equalto 7
n is ne 7
n is gt 5
n is lt 5
n is ge(7)
n is le(7)
n is in [1, 7]
n is not in [1, 7]
n is not none
n is sameas 7
none is sameas none
s is lower
'abc' is lower
'ABC' is upper
s is upper
s.upper is callable
n is callable
'upper' is filter
'uppr' is filter
'odd' is test
n is unknowntest
n|unknownfilter
n is odd and t
not n is odd
n is defined is true
-n
+n
- n|abs
-n|abs
-s
neg|abs
f|abs
s|abs
s|length
u|length
xs|length
d|length
n|length
missing|length
missing|count
pad|trim
pad|trim|length
'xxaxx'|trim('x')
missing|trim
n|trim
n|string
none|string
xs|string
s|upper
u|upper
s|lower
u|lower
'straße'|upper
'hello wORLD-foo (bar) x1y'|title
"it's"|title
'hELLO wORLD'|capitalize
u|capitalize
missing|default('x')
empty|default('x')
empty|default('x', true)
none|default('x')
none|default('x', boolean=true)
s|default
missing|d
missing|d(5)
xs|join
xs|join(', ')
words|join('-')
xs|join(d=', ')
users|join(', ', attribute='name')
s|join('.')
n|join
missing|join(',')
d|items|list
missing|items|list
xs|items|list
d|list
s|list
xs|list
n|list
d|dictsort
d|dictsort(true)
d|dictsort(false, 'value')
d|dictsort(reverse=true)
d|dictsort(by='nope')
xs|dictsort
s|replace('o', '0')
s|replace('l', 'L', 2)
s|replace('', '-')
s|replace('', '-', 2)
s|replace('zzz', 'y')
n|replace(7, 8)
s|replace('o')
users|selectattr('admin')|map(attribute='name')|list
users|rejectattr('admin')|map(attribute='name')|list
users|selectattr('age', 'equalto', 31)|map(attribute='name')|join(',')
users|selectattr('age', '>', 26)|list|length
users|selectattr('tags', 'defined')|map(attribute='name')|list
users|rejectattr('tags', 'defined')|map(attribute='name')|list
users|selectattr('name', 'in', ['Ann', 'Cid'])|map(attribute='age')|list
users|selectattr|list
xs|select('odd')|list
xs|reject('odd')|list
[0, 1, '', 'a', none]|select|list
[0, 1, '', 'a', none]|reject|list
xs|select('nope')|list
xs|select('gt', 1)|list
words|map('upper')|list
words|map('replace', 'a', 'X')|list
users|map(attribute='name')|list
users|map(attribute='tags.0')|list
users|map(attribute='tags', default='none')|list
users|map(attribute='name')|map('lower')|join(' ')
xs|map|list
xs|map('nope')|list
xs|map(attribute='a', other=1)|list
lines|indent
lines|indent(2)
lines|indent(2, true)
lines|indent(2, blank=true)
lines|indent('> ', first=true, blank=true)
'a\n'|indent(2)
''|indent(2)
'a\r\nb\n\n'|indent(1, blank=true)
n|indent
'42'|int
' 42 '|int
'42.9'|int
'x'|int
'x'|int(5)
'-7'|int
'0x1f'|int(0, 16)
'ff'|int(0, 16)
'1e3'|int
3.99|int
-3.99|int
true|int
none|int
xs|int
missing|int
'1_000'|int
'3.5'|float
'x'|float
'x'|float(1.5)
3|float
none|float
'inf'|float
'nan'|float
'1e5'|float
2.5|round
3.5|round
2.567|round(2)
2.675|round(2)
-2.5|round
7|round
12345|round(-2)
12355.0|round(-1)
2.1|round(0, 'ceil')
2.9|round(0, 'floor')
2.123|round(2, 'ceil')
7|round(1, 'ceil')
2.5|round(1, 'other')
s|round
xs|min
xs|max
words|min
words|max
words|min(case_sensitive=true)
[]|min
users|max(attribute='age')
[1, 'a']|max
xs|sum
fs|sum
users|sum(attribute='age')
xs|sum(start=10)
words|sum
[]|sum
words|unique|list
words|unique(case_sensitive=true)|list
users|unique(attribute='age')|map(attribute='name')|list
[1, 1.0, true, 2]|unique|list
[[1]]|unique|list
xs|sort
xs|sort(reverse=true)
words|sort
words|sort(case_sensitive=true)
words|sort(true)
users|sort(attribute='age')|map(attribute='name')|list
users|sort(attribute='age,name', reverse=true)|map(attribute='name')|list
[1, 'a']|sort
d|sort
s|sort
xs|reverse|list
s|reverse
u|reverse
n|reverse
xs|first
xs|last
[]|first
[]|first is defined
s|first
u|last
d|first
xs|map('string')|first
xs|map('string')|last
users|groupby('age')|map('first')|list
users|groupby('age')|map(attribute='grouper')|list
users|groupby('age')|map(attribute='list')|map('length')|list
users|groupby('nope')|list|length
[1, 2, 3, 4, 5]|batch(2)|list
[1, 2, 3, 4, 5]|batch(2, 'x')|list
[1, 2, 3, 4, 5]|slice(2)|list
[1, 2, 3, 4, 5]|slice(3, 'x')|list
'a b  c_d e-f'|wordcount
u|wordcount
s|wordcount
s|center(21)
s|truncate(8)
s|truncate(8, true)
s|truncate(8, true, '')
s|truncate(11)
s|truncate(2)
s|safe
html|e
html|escape
n|e
d|attr('items') is callable
s|attr('upper') is callable
'%s is %d and %.2f'|format('x', 3, 1.005)
'%(a)s-%(b)05d'|format(a='x', b=42)
'%s'|format(1, 2)
'%s %s'|format(1)
'%s' % 'x'
'%s %s' % ('a', 'b')
'%d' % 3.9
'%d' % 'x'
'%5d|%-5d|%05d|%+d|% d' % (42, 42, 42, 42, 42)
'%x %X %o %#x' % (255, 255, 8, 255)
'%e %E %g %G' % (12345.678, 0.00012, 1e20, 0.5)
'%.3s|%10s|%-10s|' % ('abcdef', 'ab', 'cd')
'%r' % 'it'
'%%' % ()
'%c%c' % ('x', 65)
'%*d' % (5, 3)
'%(x)s' % {'x': 1}
'%(y)s' % {'x': 1}
'100%' % ()
'%s' % [1, 2]
'%s' % missing
'x' % 1
s|tojson
u|tojson
ctl|tojson
html|tojson
d|tojson
mixed|tojson
nested|tojson
users|tojson
users|tojson(indent=2)
d|tojson(indent=0)
d|tojson(indent='--')
d|tojson(sort_keys=true)
d|tojson(separators=(',', ':'))
u|tojson(ensure_ascii=true)
fs|tojson
'nan'|float|tojson
[]|tojson(indent=2)
{}|tojson
{'a': []}|tojson(indent=4)
{1: 2, none: 3, true: 4, 1.5: 5}|tojson
{(1, 2): 3}|tojson
(1, 2)|tojson
missing|tojson
none|tojson
big|tojson
range(3)|tojson
xs|map('string')|tojson
d.items()|tojson
s.upper()
s.lower()
s.title()
"they're bill's".title()
s.capitalize()
s.swapcase()
pad.strip() ~ '|'
pad.lstrip() ~ '|'
pad.rstrip() ~ '|'
'xyhixy'.strip('xy')
'xyhixy'.lstrip('yx')
'xyhixy'.rstrip('y')
s.startswith('He')
s.startswith('he')
s.startswith(('x', 'H'))
s.startswith('lo', 3)
s.endswith('ld')
s.endswith(('x', 'd'))
s.endswith('lo', 0, 5)
s.startswith(1)
s.split()
s.split(' ')
s.split('o')
s.split('o', 1)
s.split('')
s.split(none, 1)
'  a  b  c '.split()
'  a  b  c '.split(none, 1)
'  a  b  c '.rsplit(none, 1)
'a,b,,c'.split(',')
'a,b,,c'.rsplit(',', 1)
'a,b,,c'.split(',', -1)
''.split()
''.split(',')
lines.splitlines()
lines.splitlines(true)
'a\r\nb\rc\n'.splitlines()
s.partition(' ')
s.partition('z')
s.rpartition('o')
s.replace('o', '0')
s.replace('o', '0', 1)
s.replace('', '.')
s.find('o')
s.find('z')
s.find('o', 5)
s.rfind('o')
u.find('世')
s.index('W')
s.index('z')
s.count('l')
s.count('')
'aaaa'.count('aa')
', '.join(words)
', '.join(xs)
''.join(['a', 'b'])
'{} {}'.format('a', 1)
'{0} {1} {0}'.format('a', 'b')
'{x} {y[0]} {z.name}'.format(x=1, y=xs, z=nested)
'{:>5}|{:<5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd')
'{:05d} {:+d} {:x} {:,}'.format(42, 42, 255, 1234567)
'{:.2f} {:8.3f} {:e} {:.1%}'.format(3.14159, 2.71828, 12345.678, 0.256)
'{!r} {!s}'.format('a', 'b')
'{{}} {}'.format(1)
'{} {}'.format(1)
'{a}'.format(b=1)
'{'.format(1)
s.isdigit()
'123'.isdigit()
'abc'.isalpha()
'a1'.isalnum()
' '.isspace()
''.isdigit()
'abc'.islower()
'ABC'.isupper()
'42'.zfill(5)
'-42'.zfill(5)
'a'.center(6) ~ '|'
'ab'.center(5) ~ '|'
'a'.ljust(4, '.')
'a'.rjust(4, '.')
s.removeprefix('Hello ')
s.removesuffix('World')
s.nope()
d.items()
d.keys()
d.values()
d.items()|list
d.keys()|list
d.get('a')
d.get('z')
d.get('z', 5)
d.get('z', default=5)
d.get([1])
d.pop('a')
d.update({'x': 1})
d.setdefault('a', 1)
d.copy()
d.clear is defined
d.clear is callable
d.pop
xs.append(4)
xs.append
xs.pop()
xs.extend([1])
xs.insert(0, 1)
xs.index(1)
xs.index(9)
xs.count(1)
xs.copy()
(1, 2, 2).count(2)
f.is_integer()
s.__class__
s['__class__']
d.__class__.__mro__
range(5)
range(5)|list
range(2, 5)|list
range(10, 0, -3)|list
range(0)|list
range(3)[1]
range(5)|length
5 in range(3, 7)
range(0, 10, 0)
range(100001)
range(1, 3)
dict(a=1, b=2)
dict([('x', 1), ('y', 2)])
dict(d, z=9)
dict([1])
namespace(a=1).a
namespace({'a': 2}).a
namespace(_a=1)
namespace(a=1).missing
raise_exception('stop: ' ~ n)
raise_exception()
strftime_now('%Y-%m-%d')
strftime_now('%d %b %Y, %H:%M:%S')
strftime_now('%A %j %%')
strftime_now('')
cycler('a', 'b').next()
undefinedfunction(1)
s()
s(1)
(s, n)|join('+')
xs|map('float')|sum / xs|length
{'a': {'b': 1}}.a.b
[1, 2, 3][1]
"abc"[1]
users[0].tags[1]
users[-1]['name'].lower().startswith('c')
(users|first).name
users|map(attribute='name')|sort|first
s|upper|lower|title|replace(' ', '')|length
n if n > 5 else s
'yes' if 'x' in users[0].tags and users[0].admin else 'no'
s ~ missing ~ '|'
s ~ none ~ true ~ 1.5
missing == missing
missing == none
missing + 1
missing < 1
missing in xs
missing in 's'
1 in missing
not missing
missing|upper ~ '|'
missing|list
missing|first is undefined
missing|map('upper')|list
missing|sort
missing|tojson is defined
missing|float
missing|round
missing|replace('a', 'b') ~ '|'
missing|selectattr('x')|list
missing|sum
missing|dictsort
'"' ~ "'"
['it\'s', 'a "q"', 'both \' "', 'tab\t', 'é', '\u200b', '\x7f']
{'k': 'v\n'}
9223372036854775807
9223372036854775807 - 1
loop
caller()
varargs
1 is 1
1 +
(1
1)
[1, 2
{'a' 1}
'unterminated
a b
{{ 1 }
{{ }}
{% %}
{% if %}{% endif %}
{% if 1 %}
{% endif %}
{% unknown %}
{% for x in %}{% endfor %}
{% for in xs %}{% endfor %}
{% set %}
{% set 1 = 2 %}
{% set true = 2 %}
{% break %}
{% macro %}{% endmacro %}
{% macro m(a=1, b) %}{% endmacro %}
{% call 1 %}{% endcall %}
{# open
{% raw %}{{
{{ 1 $ 2 }}
{{ '\x4' }}
{{ f(a=1, 2) }}
{{ f(*xs, *xs) }}
{{ x.1.2 }}
{{ 1.2.3 }}
{{ 01 }}
""".strip().split("\n")

EXPRESSIONS += ["'abc' % [1]", "'abc' % d", "'abc' % missing", "'abc' % 1", "n is defined[1]", "s|length(1)", "xs|first(1)", "n is odd(1)"]
EXPRESSIONS += ["xs|select('nope') is defined", "n|map('upper') is iterable", "range(9)[::-2]", "range(9)[2:5]", "(1, 2).copy is defined"]
EXPRESSIONS += ["missing in d", "d.get(missing)", "d[missing]", "[missing, missing]|unique|list|length", "{missing: 1}[nope]"]
EXPRESSIONS += ["xs|truncate(5)", "range(3).index(2)", "xs|reverse|reverse", "{% filter length %}abc{% endfilter %}"]

# Python's rules for limited splits on whitespace.
EXPRESSIONS += [
    f"{text!r}.{method}(none, {limit})" for text in ("  a  b  c ", "a b", "  a b") for method in ("split", "rsplit") for limit in (0, 1, 2, 5)
]

# SPDX-License-Identifier: Apache-2.0
"""
gojson: JSON with numbers as they were sent, and printed the way kubectl prints it.

kubectl calls Go's json.MarshalIndent with four spaces: keys sorted by their bytes, `<`, `>` and `&`
escaped as \\u003c, \\u003e and \\u0026, U+2028 and U+2029 too, everything else beyond ASCII as it is.
"""
import json
import re


class Number(str):
    """A number's own text."""


def loads(text):
    """Parses JSON; numbers stay text."""
    return json.loads(text, parse_int=Number, parse_float=Number)


_ESCAPES = {'"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f'}
_SPECIAL = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029\ud800-\udfff]')


def _escape(match):
    char = match.group()
    if '\ud800' <= char <= '\udfff':
        return '\ufffd'
    return _ESCAPES.get(char) or f'\\u{ord(char):04x}'


def quote(text):
    return '"' + _SPECIAL.sub(_escape, text) + '"'


def _print(value, indent, out):
    if isinstance(value, dict):
        if not value:
            out.append('{}')
            return
        inner = indent + '    '
        separator = '{\n'
        for key in sorted(value):
            out.append(f'{separator}{inner}{quote(key)}: ')
            _print(value[key], inner, out)
            separator = ',\n'
        out.append(f'\n{indent}}}')
    elif isinstance(value, list):
        if not value:
            out.append('[]')
            return
        inner = indent + '    '
        separator = '[\n'
        for item in value:
            out.append(separator + inner)
            _print(item, inner, out)
            separator = ',\n'
        out.append(f'\n{indent}]')
    elif isinstance(value, Number):
        out.append(value)
    elif isinstance(value, str):
        out.append(quote(value))
    elif value is None:
        out.append('null')
    elif value is True or value is False:
        out.append('true' if value else 'false')
    else:
        raise TypeError(f'{value!r}: parse with gojson.loads')


def shown(obj):
    """The object as kubectl shows it: without managedFields."""
    if 'managedFields' not in (obj.get('metadata') or {}):
        return obj
    metadata = {k: v for k, v in obj['metadata'].items() if k != 'managedFields'}
    return {**obj, 'metadata': metadata}


def dumps(obj):
    """The bytes of `kubectl get -o json` for one object."""
    out = []
    _print(shown(obj), '', out)
    out.append('\n')
    return ''.join(out).encode()


def data(value):
    """The value with numbers as numbers, for comparing with what a YAML loader returns."""
    if isinstance(value, dict):
        return {k: data(v) for k, v in value.items()}
    if isinstance(value, list):
        return [data(v) for v in value]
    if isinstance(value, Number):
        return float(value) if re.search('[.eE]', value) else int(value)
    return value


def items_of_list(text):
    """
    The items of what `kubectl get ... -o json` prints for several objects, each as it would be printed
    alone: the text of a List's items is that of the objects, eight columns to the right.
    """
    item = None
    for line in re.findall('[^\n]*\n', text):
        if line == '        {\n':
            item = []
        if item is not None:
            if line in ('        },\n', '        }\n'):
                yield ''.join(item + ['}\n'])
                item = None
            else:
                item.append(line[8:])

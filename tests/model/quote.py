#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Go's quoting (see quotes.c) against a model that has Unicode from elsewhere: from DerivedGeneralCategory.txt
where Debian's unicode-data is installed (src/model/isprint_table.h is made from UnicodeData.txt), else
from python, which knows an older version.
"""
import itertools
import os
import random
import re
import struct
import subprocess
import sys
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mount'))
from lib import procs, tap  # noqa: E402
from lib.tap import check, equal, note, skip, test  # noqa: E402

VERSION = '15.0.0'
CATEGORIES = os.path.join(os.environ.get('UNICODE_DATA', '/usr/share/unicode'), 'extracted/DerivedGeneralCategory.txt')
CODE_POINTS = 0x110000
UNASSIGNED = 'Cn'
LETTERS = {'"': '\\"', '\\': '\\\\', '\a': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v'}
# Where the rules of UTF-8 turn, and some that quoting does something with.
TURNS = bytes((0x00, 0x0a, 0x22, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
               0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff))


def categories():
    """The general category of each code point, and where that is from; None for those it cannot tell."""
    try:
        with open(CATEGORIES, encoding='utf-8') as f:
            if VERSION in f.readline():
                found = [UNASSIGNED] * CODE_POINTS
                for line in f:
                    match = re.match(r'([0-9A-F]+)(?:\.\.([0-9A-F]+))? *; (\w\w)', line)
                    if match:
                        first, last = (int(code, 16) for code in (match[1], match[2] or match[1]))
                        found[first:last + 1] = [match[3]] * (last + 1 - first)
                return found, CATEGORIES
    except OSError:
        pass
    version = unicodedata.unidata_version
    if tuple(map(int, version.split('.'))) > tuple(map(int, VERSION.split('.'))):
        return [None] * CODE_POINTS, f'nowhere: python has Unicode {version}'
    found = [unicodedata.category(chr(code)) for code in range(CODE_POINTS)]
    return [None if found[code] == UNASSIGNED and not never_assigned(code) else found[code]
            for code in range(CODE_POINTS)], f'python, Unicode {version}'


def never_assigned(code):
    """The noncharacters."""
    return 0xfdd0 <= code <= 0xfdef or code & 0xfffe == 0xfffe


CATEGORY, SOURCE = categories()
UNKNOWN = {chr(code) for code in range(CODE_POINTS) if CATEGORY[code] is None}


def printable(char):
    return char == ' ' or CATEGORY[ord(char)][0] in 'LMNPS'


def quoted_char(char):
    code = ord(char)
    if char in LETTERS:
        return LETTERS[char]
    if 0xdc80 <= code <= 0xdcff:  # surrogateescape: a byte that is no UTF-8
        return f'\\x{code - 0xdc00:02x}'
    if code < 0x80:
        return char if 0x20 <= code < 0x7f else f'\\x{code:02x}'
    if printable(char):
        return char
    return f'\\u{code:04x}' if code < 0x10000 else f'\\U{code:08x}'


def quoted(text):
    """strconv.Quote of bytes."""
    return ('"' + ''.join(map(quoted_char, text.decode('utf-8', 'surrogateescape'))) + '"').encode()


def same(texts):
    """Fails unless C and the model agree on each byte string of what the model knows; returns how many those are."""
    if UNKNOWN:
        texts = [text for text in texts if UNKNOWN.isdisjoint(text.decode('utf-8', 'surrogateescape'))]
    run = subprocess.run([procs.program('QUOTES', 'tests/model/quotes')], check=True, stdout=subprocess.PIPE,
                         input=b''.join(struct.pack('<I', len(text)) + text for text in texts))
    at = 0
    for text in texts:
        size, = struct.unpack_from('<I', run.stdout, at)
        got, at = run.stdout[at + 4:at + 4 + size], at + 4 + size
        want = quoted(text)
        check(got == want, f'{text!r}:\n got {got}\nwant {want}')
    equal(at, len(run.stdout), 'bytes answered')
    return len(texts)


@test('every code point')
def code_points():
    if len(UNKNOWN) == CODE_POINTS:
        skip(SOURCE)
    chars = [chr(code) for code in range(CODE_POINTS) if CATEGORY[code] not in (None, 'Cs')]
    texts = [char.encode() for char in chars]
    note(f'{same(texts)} code points, {sum(map(printable, chars))} of them printable; from {SOURCE}')
    same([b''.join(texts)])


@test('every surrogate is three bytes that are no UTF-8')
def surrogates():
    equal(same([chr(code).encode('utf-8', 'surrogatepass') for code in range(0xd800, 0xe000)]), 2048, 'surrogates')


@test('every string of one and two bytes')
def bytes_two():
    texts = [bytes(text) for n in (1, 2) for text in itertools.product(range(256), repeat=n)]
    equal(len(texts), 65792, 'strings')
    note(f'{same(texts)} strings')


@test('every string of three and four bytes where the rules of UTF-8 turn')
def bytes_four():
    note(f'{same([bytes(text) for n in (0, 3, 4) for text in itertools.product(TURNS, repeat=n)])} strings')


@test('long mixtures of text, controls and broken bytes')
def mixtures():
    dice = random.Random(20)
    parts = [b'plain text, /$`<>&\'', b'"', b'\\', b'\n', b'\x00', b'\x7f', b'\xff', b'\xc3', b'\xe2\x82',
             '\u00e9\u65e5\U0001f600'.encode(), '\u00a0\u200b\ufeff\U0010ffff'.encode(), '\ufffd'.encode()]
    note(f'{same([b"".join(dice.choices(parts, k=dice.randint(0, 60))) for _ in range(20000)])} strings')
    same([b'\x7f' * 262144, b'a' * 262144, '\u00e9'.encode() * 131072])


if __name__ == '__main__':
    tap.main()

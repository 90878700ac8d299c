#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Quantities and resource values (see quantities.c) against exact arithmetic: python's fractions.

--long, or PODFS_TEST_QUANTITIES=N, for a million generated ones, or N.
"""
import collections
import itertools
import math
import os
import random
import re
import subprocess
import sys
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mount'))
from lib import procs, tap  # noqa: E402
from lib.tap import check, note, test  # noqa: E402

TEXT_MAX, DIGITS_MAX, EXPONENT_MAX = 64, 38, 999
INT64_MAX, INT64_MIN = 2 ** 63 - 1, -2 ** 63
NANO = 10 ** 9
DECIMAL = {'n': -9, 'u': -6, 'm': -3, '': 0, 'k': 3, 'M': 6, 'G': 9, 'T': 12, 'P': 15, 'E': 18}
BINARY = {'Ki': 1, 'Mi': 2, 'Gi': 3, 'Ti': 4, 'Pi': 5, 'Ei': 6}
GRAMMAR = re.compile(r'([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+)|([numkMGTPE]?|[KMGTPE]i))', re.A)
CPU_DIVISORS = {'1m': 1, '1': 1000}  # in thousandths
BYTE_DIVISORS = {'1' + suffix: 10 ** power for suffix, power in DECIMAL.items() if power >= 0}
BYTE_DIVISORS.update(('1' + suffix, 1024 ** power) for suffix, power in BINARY.items())

Quantity = collections.namedtuple('Quantity', 'nanos text')  # nanos has the sign


def clamped(number):
    return max(INT64_MIN, min(INT64_MAX, number))


def away(number):
    """The next integer, away from zero."""
    return math.ceil(number) if number >= 0 else math.floor(number)


def canonical(nanos, style):
    """The text of an amount in nanos: no fraction, the largest suffix that loses nothing."""
    sign, n = ('-' if nanos < 0 else ''), abs(nanos)
    if n == 0:
        return '0'
    if style == 'binary' and n % NANO == 0 and n >= 1024 * NANO:
        whole, power = n // NANO, 0
        while whole % 1024 == 0:
            whole, power = whole // 1024, power + 1
        return sign + str(whole) + ['', *BINARY][power]
    exponent = -9
    while n % 1000 == 0:
        n, exponent = n // 1000, exponent + 3
    names = {} if style == 'exponent' else {power: suffix for suffix, power in DECIMAL.items()}
    return sign + str(n) + names.get(exponent, f'e{exponent}' if exponent else '')


def parse(text):
    """A Quantity, or the name of the error."""
    match = GRAMMAR.fullmatch(text)
    if len(text) > TEXT_MAX:
        return 'ERANGE'
    if not match or not text:
        return 'EINVAL'
    sign, whole, fraction, exponent, suffix = (group or '' for group in match.groups())
    digits, whole = whole + fraction, whole.lstrip('0')
    style = 'exponent' if exponent else 'binary' if suffix in BINARY else 'decimal'
    power = int(exponent) if exponent else BINARY.get(suffix) or DECIMAL[suffix]
    if abs(power) > EXPONENT_MAX:
        return 'ERANGE'
    if style == 'binary':
        unit = Fraction(1024) ** power
        short = not fraction and len(whole or '0') + 3 * power <= 14
        keep = short and int(whole or '0') % 8
    else:
        unit = Fraction(10) ** power
        last = power - len(fraction)
        short = len((whole or '0') + fraction) <= 18 and last >= -9
        keep = short and whole and last % 3 == 0 and not (whole + fraction).endswith('000')
    if not digits and not short:
        return 'EINVAL'
    exact = Fraction(int(digits or '0'), 10 ** len(fraction)) * unit * NANO
    nanos = math.ceil(exact)
    if style == 'binary':
        nanos = min(nanos, INT64_MAX * NANO)
    else:
        kept = str(math.floor(exact))
        if len(kept if nanos != exact else kept.rstrip('0')) > DIGITS_MAX:
            return 'ERANGE'
    if sign == '-':
        nanos = -nanos
    return Quantity(nanos, text if keep else canonical(nanos, style))


def resource_value(amount, divisor):
    """The kubelet's: in float64, rounded up."""
    return clamped(math.ceil(float(amount) / float(divisor)))


def answer(text):
    """The line of quantities.c."""
    q = parse(text)
    if isinstance(q, str):
        return q
    value, milli = (clamped(away(Fraction(q.nanos, unit))) for unit in (NANO, NANO // 1000))
    divides = ''.join(letter for letter, allowed in (('c', CPU_DIVISORS), ('m', BYTE_DIVISORS))
                      if not q.nanos or q.text in allowed) or '-'
    values = [resource_value(milli, d) for d in CPU_DIVISORS.values()]
    values += [resource_value(value, d) for d in BYTE_DIVISORS.values()]
    return ' '.join(map(str, (q.text, value, milli, divides, *values)))


class Generator:
    """Texts, the same in every run. Most are quantities; many lie where something changes."""
    EDGES = [0, 1, 7, 8, 9, 999, 1000, 1001, 1023, 1024, 1025, 2 ** 53, INT64_MAX, 2 ** 63, 2 ** 64, 10 ** 18, 10 ** 19]
    SUFFIXES = [*DECIMAL, *BINARY]

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def digits(self, most):
        return ''.join(self.dice.choices('0123456789', k=self.dice.randint(0, most)))

    def exponent(self):
        most = self.dice.choice((3, 9, 20, 20, 60, 1001, 10 ** 12))
        return self.dice.choice('eE') + self.dice.choice(('', '', '+', '-', '-0')) + str(self.dice.randint(0, most))

    def suffix(self):
        return self.exponent() if self.dice.random() < 0.2 else self.dice.choice(self.SUFFIXES)

    def plausible(self):
        return str(self.dice.randint(1, 10 ** self.dice.randint(1, 5))) + self.dice.choice(('', 'm', 'Ki', 'Mi', 'Gi', 'M', 'G'))

    def any_number(self):
        text = self.dice.choice(('', '', '', '+', '-')) + self.digits(self.dice.choice((3, 6, 20, 45)))
        if self.dice.random() < 0.5:
            text += '.' + self.digits(self.dice.choice((3, 12, 12, 40)))
        return text + self.suffix()

    def zeros(self):
        text = '0' * self.dice.randint(0, 4) + str(self.dice.randint(0, 2000)) + '0' * self.dice.randint(0, 24)
        if self.dice.random() < 0.6:
            text += '.' + '0' * self.dice.randint(0, 10) + self.digits(4) + '0' * self.dice.randint(0, 4)
        return text + self.suffix()

    def edge(self):
        scale = self.dice.choice((1, 10, 1000, 10 ** 9, 1024, 1024 ** 2, 1024 ** 6))
        number = self.dice.choice(self.EDGES) * self.dice.choice((1, scale)) // self.dice.choice((1, scale))
        text = str(max(0, number + self.dice.randint(-2, 2)))
        point = self.dice.randint(0, len(text)) if self.dice.random() < 0.4 else len(text)
        return self.dice.choice(('', '-')) + text[:point] + '.' * (point < len(text)) + text[point:] + self.suffix()

    def broken(self):
        text = list(self.any_number())
        for _ in range(self.dice.randint(1, 2)):
            text.insert(self.dice.randint(0, len(text)), self.dice.choice('+-.eEinumkKMGTP0 x,_\t\x00'))
        return ''.join(text)

    def one(self):
        kinds = (self.plausible, self.any_number, self.any_number, self.zeros, self.edge, self.edge, self.broken)
        return self.dice.choice(kinds)()


def same(texts, count):
    """Fails unless C and the model agree on each text; counts what came out."""
    run = subprocess.run([procs.program('QUANTITIES', 'tests/model/quantities')], check=True, encoding='ascii',
                         input=''.join(text + '\n' for text in texts), stdout=subprocess.PIPE)
    answers = run.stdout.split('\n')
    check(len(answers) == len(texts) + 1, f'{len(answers) - 1} answers to {len(texts)} texts')
    for text, got in zip(texts, answers):
        want = answer(text)
        check(got == want, f'{text!r}:\n got {got}\nwant {want}')
        count['all'] += 1
        count[want if want in ('EINVAL', 'ERANGE') else 'kept' if want.split()[0] == text else 'rewritten'] += 1


def noted(count):
    note(', '.join(f'{count[key]} {key}' for key in ('all', 'kept', 'rewritten', 'EINVAL', 'ERANGE')))
    return count


@test('generated quantities are what exact arithmetic says')
def generated():
    want = int(os.environ.get('PODFS_TEST_QUANTITIES', 1000000 if tap.options.long else 100000))
    generator, count = Generator(20), collections.Counter()
    while count['all'] < want:
        same([generator.one() for _ in range(min(20000, want - count['all']))], count)
    noted(count)
    check(min(count.values()) * 50 > want, f'one sort is rare: {count}')


@test('every short text is, of the characters that have a meaning and some that have none')
def short():
    count = collections.Counter()
    for length in range(5):
        same([''.join(text) for text in itertools.product('+-.018eEKimn ', repeat=length)], count)
    noted(count)


@test('every suffix and sign is, with every number near a limit')
def limits():
    count = collections.Counter()
    numbers = {str(n) for edge in Generator.EDGES for n in range(max(0, edge - 2), edge + 3)}
    numbers |= {f'{n}.{f}' for n in numbers for f in ('', '0', '5', '999999999', '0000000001', '99999999999999999999')}
    suffixes = [*Generator.SUFFIXES, *(f'e{n}' for n in range(-20, 21)), 'e999', 'e-999', 'e1000', 'e-1000', 'e2147483648']
    for suffix in suffixes:
        same([sign + number + suffix for sign in ('', '-') for number in sorted(numbers)], count)
    noted(count)


@test('the longest text and the most digits are taken, one more is not')
def longest():
    nines = '9' * DIGITS_MAX
    texts = ['0' * 63 + '1', '0' * 64 + '1', '0.' + '0' * 61 + '1', '0.' + '0' * 62 + '1', nines, nines + '9', nines + '0',
             nines + '0' * 20, '1' + '0' * 62, '1' + nines + 'Ki', '9' * 28 + '.' + '9' * 30, '9' * 30 + '.' + '9' * 30]
    count = collections.Counter()
    same(texts, count)
    check(noted(count)['ERANGE'] == 4, f'{count}')


if __name__ == '__main__':
    tap.main()

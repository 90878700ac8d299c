# SPDX-License-Identifier: Apache-2.0
"""report: what the rows look like: the table, JSON, the plot, and what got worse than the baseline."""
import dataclasses
import json
import math
import os
import platform
import re
import subprocess
import time


def _said(*argv):
    """The first line of what a program prints, '?' if it is not there."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        return (done.stdout or done.stderr).strip().split('\n')[0] or '?'
    except OSError:
        return '?'


def _version(*argv):
    found = re.search(r'\d+\.\d+[\w.-]*', _said(*argv))
    return found[0] if found else '?'


def _kubectl():
    try:
        done = subprocess.run(['kubectl', 'version', '--client', '-o', 'json'], capture_output=True, check=False)
        return json.loads(done.stdout)['clientVersion']['gitVersion']
    except (OSError, ValueError, KeyError):
        return '?'


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        model = next((line.split(':', 1)[1].strip() for line in f if line.startswith('model name')), '?')
    return {'machine': platform.node(), 'cpu': model, 'cores': os.cpu_count(), 'kernel': platform.release(),
            'date': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), 'load': round(os.getloadavg()[0], 2),
            'versions': {'podfs': _version(os.environ.get('PODFS', 'podfs'), '--version'),
                         'libfuse': _version('pkg-config', '--modversion', 'fuse3'),
                         'curl': _version('curl', '--version'),
                         'zstd': _version('pkg-config', '--modversion', 'libzstd'),
                         'kubectl': _kubectl()}}


def heading(about):
    versions = ', '.join(f'{name} {version}' for name, version in about['versions'].items())
    return (f'{about["machine"]}: {about["cores"]} cores, {about["cpu"]}, Linux {about["kernel"]}, '
            f'load {about["load"]} at the start\n{versions}')


def _number(n):
    return '' if n is None else f'{n:.0f}' if n == int(n) or abs(n) >= 10000 else f'{n:.2f}'


def table(rows):
    width = max((len(row.what) for row in rows), default=0)
    yield f'{"":{width}} {"podfs":>9}    {"beside":>9} {"ratio":>8}  {"reach":16} {"":5}'
    for row in rows:
        reach = row.reach.text() if row.reach else ''
        upside_down = row.ratio and row.ratio < 0.1
        ratio = '' if not row.ratio else f'1/{1 / row.ratio:.0f}x' if upside_down else f'{row.ratio:.2f}x'
        aside = '; '.join(part for part in (row.other_is, row.note) if part)
        yield (f'{row.what:{width}} {_number(row.figure):>9} {row.unit:2} {_number(row.other):>9} {ratio:>8}  '
               f'{reach:16} {row.verdict():5} {aside}').rstrip()


def as_json(about, bench):
    return {**about, 'rows': [
        {**{k: v for k, v in dataclasses.asdict(row).items() if v not in (None, '') and k != 'reach'},
         'ratio': row.ratio, 'reach': row.reach.text() if row.reach else None, 'verdict': row.verdict()}
        for row in bench.rows], 'series': bench.series}


def worse(rows, baseline, margin):
    """A line for each row that is worse than the baseline by more than the margin."""
    for row in rows:
        score, was = row.score(), baseline.get(row.what)
        if score is not None and was is not None and score > was * (1 + margin) + 1e-9:
            yield f'worse: {row.what}: {score:.3g}, the baseline has {was:.3g}'


def scores(rows):
    return {row.what: round(row.score(), 4) for row in rows if row.score() is not None}


WIDTH, HEIGHT, EDGE = 460, 320, 60


def _line(points, colour, x, y):
    where = [(x(a), y(b)) for a, b in points]
    dots = ''.join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in where)
    return (f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
            + ' '.join(f'{a:.1f},{b:.1f}' for a, b in where) + f'"/>{dots}')


def _panel(title, series, left):
    """One diagram, both axes logarithmic; series is [(name, colour, [(pods, figure)])]."""
    points = [p for _, _, line in series for p in line]
    low_x, high_x = (f(math.log10(p[0]) for p in points) for f in (min, max))
    low_y = math.floor(min(math.log10(max(p[1], 1e-3)) for p in points))
    high_y = math.ceil(max(math.log10(max(p[1], 1e-3)) for p in points))
    high_x, high_y = max(high_x, low_x + 0.1), max(high_y, low_y + 1)

    def x(n):
        return left + EDGE + (math.log10(n) - low_x) / (high_x - low_x) * (WIDTH - 1.5 * EDGE)

    def y(n):
        return HEIGHT - EDGE - (math.log10(max(n, 1e-3)) - low_y) / (high_y - low_y) * (HEIGHT - 2 * EDGE)
    parts = [f'<text x="{left + WIDTH / 2}" y="24" text-anchor="middle" font-weight="bold">{title}</text>']
    for power in range(low_y, high_y + 1):
        at = y(10.0**power)
        parts.append(f'<line x1="{left + EDGE}" x2="{left + WIDTH - EDGE / 2}" y1="{at:.1f}" y2="{at:.1f}" '
                     f'stroke="#ddd"/><text x="{left + EDGE - 6}" y="{at + 4:.1f}" text-anchor="end">'
                     f'{10.0**power:g}</text>')
    for pods in sorted({p[0] for p in points}):
        parts.append(f'<text x="{x(pods):.1f}" y="{HEIGHT - EDGE + 18}" text-anchor="middle">{pods:,}</text>')
    for i, (name, colour, line) in enumerate(series):
        parts.append(_line(line, colour, x, y))
        parts.append(f'<text x="{left + EDGE + 10}" y="{EDGE + 14 * i}" fill="{colour}">{name}</text>')
    return ''.join(parts)


def plot(series):
    """Memory and sync time over pods, as SVG."""
    def of(key):
        return [(one['pods'], one[key]) for one in series]
    memory = [('podfs, peak', '#c33', of('peak')), ('podfs, after', '#36c', of('own'))]
    seconds = [('podfs', '#36c', of('seconds')), ('curl', '#888', of('curl'))]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
            f'font-size="12"><rect width="100%" height="100%" fill="white"/>'
            + _panel('memory in MB, over pods', memory, 0)
            + _panel('first sync in s, over pods', seconds, WIDTH)
            + '</svg>\n')

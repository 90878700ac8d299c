#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Measures podfs, each figure beside something to compare it with, from the same run.

Every figure is a median of five or more unless its row says otherwise; what is compared is measured in turn, so
that a slow moment hits both, and a ratio is the median of the turns' own. Memory is RssAnon + RssShmem of all
processes; its peak is the largest seen at one look every two milliseconds. `--only` takes sync, cold, warm, views,
events or live, and can be given again.
"""
import argparse
import importlib
import json
import os
import sys
import traceback

import report
import shared

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, 'baseline.json')
SUBJECTS = ('sync', 'cold', 'warm', 'views', 'events', 'live')


def live(bench):
    """The rows of latency.py."""
    latency = importlib.import_module('latency')
    latency.CHANGES = bench.sizes.changes
    rows = []
    latency.live(rows)
    for what, figure, unit, other, other_is in rows:
        bench.add(what, figure, unit, other, other_is, times=bench.sizes.changes)


def arguments():
    parser = argparse.ArgumentParser(prog='scripts/bench', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true',
                        help='small sizes, once each: shows that everything can be measured, and nothing else')
    parser.add_argument('--only', action='append', choices=SUBJECTS, metavar='NAME', help=', '.join(SUBJECTS))
    parser.add_argument('--save-baseline', action='store_true',
                        help='keep the ratios of this run in tests/bench/baseline.json')
    parser.add_argument('--margin', type=float, default=0.2,
                        help='how much worse than the baseline is worth a line (default: 0.2, a fifth)')
    parser.add_argument('file', nargs='?', default='build-bench/bench.json',
                        help='where the figures go (default: %(default)s); the plot goes beside it, as .svg')
    args = parser.parse_args()
    if args.quick and args.save_baseline:
        parser.error('--quick has no ratios that are worth keeping')
    return args


def run(bench, names):
    """Measures the subjects; returns those that could not be."""
    failed = []
    for name in names:
        print(f'{name} ', end='', file=sys.stderr, flush=True)
        try:
            live(bench) if name == 'live' else importlib.import_module(name).measure(bench)
        except Exception:
            failed.append(name)
            traceback.print_exc()
        print(file=sys.stderr, flush=True)
    return failed


def write(args, about, bench):
    with open(args.file, 'w', encoding='utf-8') as f:
        json.dump(report.as_json(about, bench), f, indent=1)
        f.write('\n')
    print(f'\nfigures: {args.file}')
    if bench.series:
        svg = os.path.splitext(args.file)[0] + '.svg'
        with open(svg, 'w', encoding='utf-8') as f:
            f.write(report.plot(bench.series))
        print(f'plot:    {svg}')


def baseline():
    try:
        with open(BASELINE, encoding='utf-8') as f:
            return json.load(f)
    except FileNotFoundError:
        return {'scores': {}}


def compare(args, about, bench):
    known = baseline()
    if args.save_baseline:
        known = {'machine': {k: about[k] for k in ('cpu', 'cores', 'kernel', 'date', 'load')},
                 'scores': {**known['scores'], **report.scores(bench.rows)}}
        with open(BASELINE, 'w', encoding='utf-8') as f:
            json.dump(known, f, indent=1, sort_keys=True)
            f.write('\n')
        return
    for line in [] if args.quick else report.worse(bench.rows, known['scores'], args.margin):
        print(line)


def main():
    args = arguments()
    about = report.machine()
    print(report.heading(about) + '\n', flush=True)
    bench = shared.Bench(shared.Sizes.quick() if args.quick else shared.Sizes())
    failed = run(bench, args.only or SUBJECTS)
    print('\n'.join(report.table(bench.rows)))
    short = [row for row in bench.rows if row.verdict() == 'short']
    print(f'\n{sum(row.verdict() == "ok" for row in bench.rows)} ok, {len(short)} short'
          + (f'; could not be measured: {" ".join(failed)}' if failed else ''))
    compare(args, about, bench)
    write(args, about, bench)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()

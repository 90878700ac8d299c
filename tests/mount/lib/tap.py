# SPDX-License-Identifier: Apache-2.0
"""
tap: tests that read as sentences, run in order, printed as TAP.

A test file is an executable. It names each test with @test("a sentence") and ends with main(), which
opens the file's surroundings (a context manager, given to every test), runs the tests and closes the
surroundings again, also after a failure, an exception or a SIGTERM. Closing is a test too: servers and
mounts must end cleanly.
"""
import argparse
import contextlib
import signal
import sys
import time
import traceback

_tests = []


class Skip(Exception):
    """Raised by skip(): this test cannot run here, and the text says why."""


class Options:
    """What the command line of a test file said."""
    long = False


options = Options()


def test(sentence):
    """Registers the function as a test; the sentence says what is true when it passes."""
    def register(function):
        _tests.append((sentence, function))
        return function
    return register


def take_tests():
    """The tests registered so far, as (sentence, function), for whoever runs them in a way of its own."""
    taken = list(_tests)
    _tests.clear()
    return taken


def skip(reason):
    raise Skip(reason)


def note(text):
    """Prints a TAP comment: a figure worth seeing that decides nothing."""
    for line in str(text).splitlines() or ['']:
        print('# ' + line, flush=True)


def equal(got, want, what='value'):
    """Fails with both sides unless they are equal."""
    if got != want:
        raise AssertionError(f'{what}: got {_short(got)}, want {_short(want)}')


def check(condition, text):
    """Fails with the text unless the condition holds."""
    if not condition:
        raise AssertionError(text)


@contextlib.contextmanager
def raises(error, what):
    """Fails unless the block raises an OSError with this errno."""
    import errno
    try:
        yield
    except OSError as e:
        if e.errno != error:
            raise AssertionError(f'{what}: {errno.errorcode.get(e.errno, e.errno)}, '
                                 f'not {errno.errorcode[error]}') from e
        return
    raise AssertionError(f'{what}: no error, not {errno.errorcode[error]}')


def _short(value):
    text = repr(value)
    return text if len(text) <= 1200 else text[:800] + f' ... ({len(text)} characters)'


def _ended(signum, frame):
    note(f'signal {signum} while at')
    note(''.join(traceback.format_stack(frame)))
    raise SystemExit(128 + signum)


def _one(number, sentence, run):
    """Runs one test; returns whether it did not fail."""
    begin = time.monotonic()
    try:
        run()
    except Skip as e:
        print(f'ok {number} - {sentence} # SKIP {e}', flush=True)
        return True
    except Exception as e:
        print(f'not ok {number} - {sentence}', flush=True)
        if not isinstance(e, AssertionError):
            note(traceback.format_exc())
        else:
            note(e)
            place = traceback.extract_tb(e.__traceback__)
            note('at ' + ', '.join(f'{f.filename.rsplit("/", 1)[-1]}:{f.lineno}' for f in place))
        return False
    print(f'ok {number} - {sentence} # {time.monotonic() - begin:.2f} s', flush=True)
    return True


def main(surroundings=None):
    """Runs the tests of the file that calls it; does not return."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--long', action='store_true', help='the longer variants')
    parser.add_argument('--list', action='store_true', help='print the names and stop')
    parser.add_argument('only', nargs='*', help='run the tests whose name contains one of these')
    args = parser.parse_args()
    options.long = args.long
    chosen = [t for t in _tests if not args.only or any(word in t[0] for word in args.only)]
    if args.list:
        print('\n'.join(t[0] for t in chosen))
        sys.exit(0)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, _ended)
    print(f'1..{len(chosen) + 1}', flush=True)
    good = True
    with contextlib.ExitStack() as last:
        stack = last.enter_context(contextlib.ExitStack())
        try:
            shared = stack.enter_context(surroundings()) if surroundings else None
        except Exception:
            note(traceback.format_exc())
            print('Bail out! the surroundings could not be set up', flush=True)
            sys.exit(1)
        for number, (sentence, function) in enumerate(chosen, 1):
            run = (lambda f=function: f(shared)) if surroundings else function
            good = _one(number, sentence, run) and good
        good = _one(len(chosen) + 1, 'everything that was started ends cleanly', stack.close) and good
    sys.exit(0 if good else 1)

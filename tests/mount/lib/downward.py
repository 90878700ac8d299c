# SPDX-License-Identifier: Apache-2.0
"""
downward: what the Downward API gives a pod, worked out from the pod and its Node alone.

Written from podfs(5) and what is known of the kubelet, independent of the program, with exact fractions
for quantities and unicodedata for what Go prints as it is.
"""
import fractions
import ipaddress
import math
import re
import unicodedata

_DEFAULTED = ('cpu', 'memory', 'ephemeral-storage')
_SUFFIXES = {'': 1, 'n': fractions.Fraction(1, 10 ** 9), 'u': fractions.Fraction(1, 10 ** 6),
             'm': fractions.Fraction(1, 1000), 'k': 10 ** 3, 'M': 10 ** 6, 'G': 10 ** 9, 'T': 10 ** 12,
             'P': 10 ** 15, 'E': 10 ** 18, 'Ki': 1 << 10, 'Mi': 1 << 20, 'Gi': 1 << 30, 'Ti': 1 << 40,
             'Pi': 1 << 50, 'Ei': 1 << 60}
_QUANTITY = re.compile(r'([+-]?)(\d*)(?:\.(\d*))?(.*)', re.ASCII | re.DOTALL)
_EXPONENT = re.compile(r'[eE]([+-]?\d+)', re.ASCII)
_KEY = re.compile(r'(?:([a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*)/)?'
                  r'([A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)')
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]", re.DOTALL)
_ESCAPES = {'"': '\\"', '\\': '\\\\', '\a': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r',
            '\t': '\\t', '\v': '\\v'}
DIVISORS = {'cpu': ('1', '1m'),
            None: ('1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei')}


class File(bytes):
    """A file with permissions of its own."""
    mode = 0o444


def _file(data, mode=0o444):
    f = File(data)
    f.mode = mode
    return f


def quantity(text):
    """A quantity's exact value, rounded up to nanos, away from zero; None if it is none."""
    sign, whole, part, suffix = _QUANTITY.fullmatch(str(text)).groups()
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent:
        scale = fractions.Fraction(10) ** int(exponent.group(1))
    elif suffix in _SUFFIXES:
        scale = _SUFFIXES[suffix]
    else:
        return None
    digits = (whole or '') + (part or '') or '0'
    value = fractions.Fraction(int(digits), 10 ** len(part or '')) * scale
    nanos = math.ceil(value * 10 ** 9)
    return fractions.Fraction(-nanos if sign == '-' else nanos, 10 ** 9)


def _up(value):
    return -math.ceil(-value) if value < 0 else math.ceil(value)


def _amount(name, value, divisor):
    """What the kubelet prints: the quotient of two floats, rounded up."""
    scale = 1000 if name == 'cpu' else 1
    quotient = float(_up(value * scale)) / float(_up(quantity(divisor) * scale))
    return str(min(math.ceil(quotient), (1 << 63) - 1)).encode()


def quote(text):
    """strconv.Quote."""
    out = []
    for c in text:
        if c in _ESCAPES:
            out.append(_ESCAPES[c])
        elif c == ' ' or unicodedata.category(c)[0] in 'LMNPS':
            out.append(c)
        elif ord(c) < 0x20 or ord(c) == 0x7f:
            out.append(f'\\x{ord(c):02x}')
        elif ord(c) < 0x10000:
            out.append(f'\\u{ord(c):04x}')
        else:
            out.append(f'\\U{ord(c):08x}')
    return '"' + ''.join(out) + '"'


def _map(mapping):
    keys = sorted(mapping, key=lambda k: k.encode())
    return '\n'.join(f'{k}={quote(mapping[k] or "")}' for k in keys).encode()


def _key_is_valid(key, kind):
    match = _KEY.fullmatch(key.lower() if kind == 'annotations' else key)
    return bool(match) and len(match.group(2)) <= 63 and len(match.group(1) or '') <= 253


def _dict(obj, *names):
    for name in names:
        obj = (obj or {}).get(name)
    return obj or {}


def _list(obj, *names):
    return _dict(obj, *names) or []


def _named(items):
    """The elements of a list that have a name, of one name the first."""
    out = {}
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and type(item.get('name')) is str and item['name']:
            out.setdefault(item['name'], item)
    return list(out.values())


def _family(ip):
    return ipaddress.ip_address(ip).version


def _one_of_each(ips):
    """The first address and the first of the other family."""
    return ips[:1] + [ip for ip in ips if _family(ip) != _family(ips[0])][:1]


class Pod:
    """A pod on its Node (or None), as the kubelet of that node sees it."""

    def __init__(self, pod, node):
        self.pod, self.node = pod, node
        spec = pod.get('spec') or {}
        self.apps = _named(spec.get('containers'))
        self.inits = _named(spec.get('initContainers'))
        self.ephemerals = _named(spec.get('ephemeralContainers'))
        self.pod_limits = _dict(spec, 'resources', 'limits')

    def addresses(self):
        """The host's addresses: one, and the first of the other family."""
        if self.node is None:
            ips = [e['ip'] for e in _list(self.pod, 'status', 'hostIPs') if e.get('ip')]
            ips = ips or [ip for ip in [_dict(self.pod, 'status').get('hostIP')] if ip]
        else:
            ips = [a['address'] for kind in ('InternalIP', 'ExternalIP')
                   for a in _list(self.node, 'status', 'addresses') if a['type'] == kind]
        return _one_of_each(ips)

    def pod_addresses(self):
        status = _dict(self.pod, 'status')
        ips = _one_of_each([e['ip'] for e in status.get('podIPs') or [] if e.get('ip')])
        hosts = self.addresses() if self.node is not None else []
        if hosts and len(ips) == 2 and _family(ips[0]) != _family(hosts[0]):
            ips.reverse()
        ips = ips or [ip for ip in [status.get('podIP')] if ip]
        # Who is on the host's network has the host's addresses, also before its status says so.
        if _dict(self.pod, 'spec').get('hostNetwork') is True:
            ips += [ip for i, ip in enumerate(hosts)
                    if len(ips) <= i and _family(ip) not in map(_family, ips)]
        return ips

    def field(self, path, where):
        """The bytes of a fieldRef in an 'env' or a 'volume'; None: there are none."""
        meta = self.pod['metadata']
        if path in ('metadata.name', 'metadata.namespace', 'metadata.uid'):
            return meta[path.partition('.')[2]].encode()
        subscript = _SUBSCRIPT.fullmatch(path)
        if subscript:
            kind, key = subscript.groups()
            return (_dict(meta, kind).get(key) or '').encode() if _key_is_valid(key, kind) else None
        if where == 'volume':
            kind = {'metadata.labels': 'labels', 'metadata.annotations': 'annotations'}.get(path)
            return _map(_dict(meta, kind)) if kind else None
        values = {'spec.nodeName': lambda: [_dict(self.pod, 'spec').get('nodeName')],
                  'spec.host': lambda: [_dict(self.pod, 'spec').get('nodeName')],
                  'spec.serviceAccountName': lambda: [_dict(self.pod, 'spec').get('serviceAccountName')],
                  'status.hostIP': lambda: self.addresses()[:1], 'status.hostIPs': self.addresses,
                  'status.podIP': lambda: self.pod_addresses()[:1],
                  'status.podIPs': self.pod_addresses}
        found = [v for v in values.get(path, list)() if v]
        return ','.join(found).encode() if found else None

    def resource(self, container, resource, divisor, defaults):
        """`defaults`: what stands for a limit that is unset, a dict; None: the node, which is not known."""
        which, _, name = resource.partition('.')
        value = quantity(_dict(container, 'resources', which).get(name, '0'))
        if which == 'limits' and not value and name in _DEFAULTED:
            if defaults is None:
                return None
            value = quantity(defaults.get(name, '0'))
        return _amount(name, value, divisor)

    def allocatable(self):
        return None if self.node is None else _dict(self.node, 'status', 'allocatable')

    def named(self, name):
        return next((c for c in self.apps + self.inits if c['name'] == name), None)

    def volume_resource(self, name, resource, divisor='1'):
        container = self.named(name)
        return container and self.resource(container, resource, divisor, self.allocatable())

    def env_resource(self, ref, own):
        name = ref.get('containerName') or ''
        container = self.named(name) if name else own
        if container is None:
            return None
        divisor = _divisor(ref)
        if name and container not in self.apps:
            return self.resource(container, ref['resource'], divisor, {})
        defaults = self.allocatable()
        limits = {k: v for k, v in self.pod_limits.items() if k in ('cpu', 'memory') and quantity(v)}
        if defaults is None:
            defaults = limits if ref['resource'].partition('.')[2] in limits else None
        else:
            defaults = {k: limits.get(k, v) for k, v in defaults.items()}
        return self.resource(container, ref['resource'], divisor, defaults)

    def resource_names(self):
        pages = {k for c in self.apps + self.inits for which in ('limits', 'requests')
                 for k in _dict(c, 'resources', which) if k.startswith('hugepages-')}
        pages |= {k for k in self.allocatable() or () if k.startswith('hugepages-')}
        return [f'{which}.{name}' for which in ('limits', 'requests')
                for name in (*_DEFAULTED, *sorted(pages))]

    def env(self, container):
        out = {}
        for entry in reversed(_named(list(reversed(container.get('env') or [])))):
            source = entry.get('valueFrom') or {}
            value = None
            if source.get('fieldRef'):
                value = self.field(source['fieldRef']['fieldPath'], 'env')
            elif source.get('resourceFieldRef'):
                value = self.env_resource(source['resourceFieldRef'], container)
            out[entry['name']] = value
        return {k: _file(v) for k, v in out.items() if v is not None}

    def items(self, items, default, out):
        for item in items or []:
            if item.get('fieldRef'):
                value = self.field(item['fieldRef']['fieldPath'], 'volume')
            else:
                ref = item['resourceFieldRef']
                value = self.volume_resource(ref['containerName'], ref['resource'], _divisor(ref))
            if value is None:
                continue
            *folders, name = [part for part in item['path'].split('/') if part]
            at = out
            for folder in folders:
                at = at.setdefault(folder, {})
            mode = item.get('mode')
            at[name] = _file(value, int(default if mode is None else mode))

    def volume(self, volume):
        out = {}
        if 'downwardAPI' in volume:
            source = volume['downwardAPI']
            self.items(source.get('items'), source.get('defaultMode', 0o644), out)
        for source in _list(volume, 'projected', 'sources'):
            self.items(_list(source, 'downwardAPI', 'items'),
                       _dict(volume, 'projected').get('defaultMode', 0o644), out)
        return out


def _divisor(ref):
    divisor = ref.get('divisor') or '0'
    return divisor if quantity(divisor) else '1'


def tree(pod, node):
    """The directory downward/ of a pod."""
    p = Pod(pod, node)
    out = {path: _file(p.field(path, 'volume')) for path in (
        'metadata.name', 'metadata.namespace', 'metadata.uid', 'metadata.labels',
        'metadata.annotations')}
    for path in ('spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs',
                 'status.podIP', 'status.podIPs'):
        value = p.field(path, 'env')
        if value is not None:
            out[path] = _file(value)
    resources, env, volumes = {}, {}, {}
    for container in p.apps + p.inits:
        values = {r: p.volume_resource(container['name'], r) for r in p.resource_names()}
        resources[container['name']] = {r: _file(v) for r, v in values.items() if v is not None}
    for container in p.apps + p.inits + p.ephemerals:
        env[container['name']] = p.env(container)
    for volume in _named(_list(pod, 'spec', 'volumes')):
        volumes[volume['name']] = p.volume(volume)
    for name, folder in (('resources', resources), ('env', env), ('volumes', volumes)):
        kept = {k: v for k, v in folder.items() if v or name == 'resources'}
        if kept:
            out[name] = kept
    return out


def looked_up(pod, node):
    """What is found by its name but not listed: paths below downward/, and their bytes."""
    p = Pod(pod, node)
    out = {}
    for container in p.apps + p.inits:
        for resource in p.resource_names():
            name = resource.partition('.')[2]
            for divisor in DIVISORS.get(name, DIVISORS[None]):
                value = p.volume_resource(container['name'], resource, divisor)
                if value is not None:
                    out[f"resources/{container['name']}/{resource}@{divisor}"] = value
    for kind in ('labels', 'annotations'):
        for key in _dict(pod, 'metadata', kind):
            path = f"metadata.{kind}['{key}']"
            value = p.field(path, 'env')
            if value is not None:
                out[path.replace('%', '%25').replace('/', '%2F')] = value
    return out

# SPDX-License-Identifier: Apache-2.0
"""
model: what the tree must show, worked out from the objects alone.

Written from podfs(5) and independent of the program: given the objects a server has, it says which
directories, files and links there are and what is in them. A directory is a dict, a file its bytes, a
link a Link.
"""
import ipaddress

from . import downward
from .gojson import Number, dumps, shown

_KEYS = {'containers': 'name', 'initContainers': 'name', 'ephemeralContainers': 'name',
         'containerStatuses': 'name', 'initContainerStatuses': 'name',
         'ephemeralContainerStatuses': 'name', 'volumes': 'name', 'env': 'name',
         'imagePullSecrets': 'name', 'resourceClaims': 'name', 'conditions': 'type',
         'podIPs': 'ip', 'hostIPs': 'ip'}
_NAME_MAX = 255
_KINDS = (('containers', 'containerStatuses'), ('initContainers', 'initContainerStatuses'),
          ('ephemeralContainers', 'ephemeralContainerStatuses'))


class Link(str):
    """A symbolic link's target."""


class Yaml(bytes):
    """A file whose data, not its bytes, is known: the bytes of the object's object.json."""


def escape(key):
    """A key as a file name."""
    name = key.replace('%', '%25').replace('/', '%2F')
    return name.replace('.', '%2E') if name in ('.', '..') else name


def fits(name):
    return len(name.encode()) <= _NAME_MAX


def _leaf(value):
    if value is True or value is False:
        return b'true\n' if value else b'false\n'
    return value.encode() + b'\n'


def _keyed(mapping, field):
    """A map of labels or annotations: `prefix/name` is a file in a directory."""
    out = {}
    for key, value in mapping.items():
        if value is None:
            continue
        prefix, slash, name = key.partition('/')
        node = _node(value, None, field)
        if slash:
            if not fits(prefix) or not fits(name):
                continue
            inner = out.get(prefix)
            if not isinstance(inner, dict):
                inner = out[prefix] = {} if inner is None else {'.value': inner}
            inner[name] = node
        elif isinstance(out.get(key), dict):
            out[key]['.value'] = node
        elif fits(key):
            out[key] = node
    return out


def _names(items, field):
    """How the elements of a list are called."""
    numbers = [str(i) for i in range(len(items))]
    key = _KEYS.get(field)
    if key is None:
        return numbers
    names = []
    for item in items:
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(name, str) or isinstance(name, Number) or not name or not fits(escape(name)):
            return numbers
        names.append(escape(name))
    return names if len(set(names)) == len(names) else numbers


def _node(value, field, parent):
    if isinstance(value, dict):
        if field in ('labels', 'annotations') and parent == 'metadata':
            return _keyed(value, field)
        return {escape(k): _node(v, k, field) for k, v in value.items()
                if v is not None and fits(escape(k))}
    if isinstance(value, list):
        return {name: _node(item, None, field) for name, item in zip(_names(value, field), value)
                if item is not None}
    return _leaf(value)


def fields(obj):
    """The field directories of one object."""
    return {escape(k): _node(v, k, None) for k, v in shown(obj).items()
            if v is not None and k not in ('apiVersion', 'kind')}


def whole(obj):
    """The directory of an object: its fields, object.json and object.yaml."""
    text = dumps(obj)
    return {**fields(obj), 'object.json': text, 'object.yaml': Yaml(text)}


def _walk(tree, *names):
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def pod(obj, node=None):
    """The directory of a pod; node is the Node object it runs on, when there is one."""
    tree = whole(obj)
    for name in ('labels', 'annotations'):
        if _walk(tree, 'metadata', name) is not None:
            tree[name] = Link('metadata/' + name)
    if node is not None:
        tree['node'] = {'metadata': fields(node)['metadata']}
    containers = {}
    for kind, statuses in _KINDS:
        for name in _walk(tree, 'spec', kind) or ():
            links = containers[name] = {'spec': Link(f'../../spec/{kind}/{name}')}
            if _walk(tree, 'status', statuses, name) is not None:
                links['status'] = Link(f'../../status/{statuses}/{name}')
            if kind != 'ephemeralContainers':
                links['resources'] = Link(f'../../downward/resources/{name}')
    tree['containers'] = containers
    tree['downward'] = downward.tree(obj, node)
    return tree


def addresses(obj):
    """A pod's own addresses as by-ip spells them; none on the host's network or when finished."""
    spec, status = obj.get('spec') or {}, obj.get('status') or {}
    if spec.get('hostNetwork') or status.get('phase') in ('Succeeded', 'Failed'):
        return set()
    found = set()
    for text in [status.get('podIP'), *(ip.get('ip') for ip in status.get('podIPs') or ())]:
        try:
            ip = ipaddress.ip_address(text or '')
        except ValueError:
            continue
        found.add(str(getattr(ip, 'ipv4_mapped', None) or ip))
    return found


def _best(claims):
    """Of the pods that have a name the youngest, of those the one whose uid is first."""
    youngest = max(obj['metadata'].get('creationTimestamp') or '' for obj in claims)
    return min((obj for obj in claims if (obj['metadata'].get('creationTimestamp') or '') == youngest),
               key=lambda obj: obj['metadata']['uid'])


def _links(claims):
    """Names that lead to pods: {name: [pod, ...]} as a directory of the top level."""
    return {name: Link('../namespaces/{namespace}/pods/{name}'.format(**_best(pods)['metadata']))
            for name, pods in claims.items()}


class Cluster:
    """The objects of a server, and the trees above and below them."""

    def __init__(self, namespaces, nodes, pods):
        self.namespaces = {o['metadata']['name']: o for o in namespaces}
        self.nodes = {o['metadata']['name']: o for o in nodes}
        self.pods = {}
        for obj in pods:
            meta = obj['metadata']
            self.pods.setdefault(meta['namespace'], {})[meta['name']] = obj

    @classmethod
    def of(cls, server):
        return cls(*(server.list(resource)[0] for resource in ('namespaces', 'nodes', 'pods')))

    def node_of(self, obj):
        return self.nodes.get((obj.get('spec') or {}).get('nodeName'))

    def namespace_names(self):
        return set(self.namespaces) | set(self.pods)

    def every_pod(self):
        return [obj for pods in self.pods.values() for obj in pods.values()]

    def by_ip(self):
        claims = {}
        for obj in self.every_pod():
            for ip in addresses(obj):
                claims.setdefault(ip, []).append(obj)
        return _links(claims)

    def by_uid(self):
        claims, hashes = {}, {}
        for obj in self.every_pod():
            claims.setdefault(obj['metadata']['uid'], []).append(obj)
            config = (obj['metadata'].get('annotations') or {}).get('kubernetes.io/config.hash')
            if config:
                hashes.setdefault(config, []).append(obj)
        return _links({**hashes, **claims})

    def views(self):
        """What stands at the top beside the objects themselves."""
        return {'select': {}, 'by-ip': self.by_ip(), 'by-uid': self.by_uid()}

    def namespace(self, name):
        """The whole folder of a namespace, pods included."""
        tree = whole(self.namespaces[name]) if name in self.namespaces else {}
        tree['select'] = {}
        tree['pods'] = {n: pod(o, self.node_of(o)) for n, o in self.pods.get(name, {}).items()}
        return tree

    def node(self, name):
        """The whole folder of a node: links to its pods by namespace."""
        tree = whole(self.nodes[name])
        links = tree['pods'] = {}
        for ns, pods in self.pods.items():
            for pod_name, obj in pods.items():
                if (obj.get('spec') or {}).get('nodeName') == name:
                    links.setdefault(ns, {})[pod_name] = Link(
                        f'../../../../namespaces/{ns}/pods/{pod_name}')
        return tree

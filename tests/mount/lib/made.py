# SPDX-License-Identifier: Apache-2.0
"""
made: pods and nodes for what the Downward API has rules about and few real pods have, each with the bytes
that must be below its `downward/`, worked out by hand from the kubelet's rules.

EXPECTED says for each pod what is at a path: bytes, or None where there must be nothing.
"""
import json
import os

NS = 'made'
BORN = '2026-01-02T03:04:05Z'
_LONG = 'x' * 63


def _node(name, addresses, **allocatable):
    return {'metadata': {'name': name, 'uid': f'uid-{name}', 'resourceVersion': '7', 'creationTimestamp': BORN},
            'spec': {}, 'status': {
                'addresses': [{'type': kind, 'address': ip} for kind, ip in addresses],
                'allocatable': {'pods': '110', **{k.replace('_', '-'): v for k, v in allocatable.items()}}}}


NODES = [
    _node('n1', (('Hostname', 'n1'), ('ExternalIP', '203.0.113.9'), ('InternalIP', '10.0.0.9'),
                 ('InternalIP', 'fd00::9'), ('InternalIP', '10.0.0.10')),
          cpu='3920m', memory='7Gi', ephemeral_storage='100G', **{'hugepages-2Mi': '0'}),
    _node('n6', (('ExternalIP', '198.51.100.6'), ('InternalIP', 'fd00:6::1'), ('Hostname', 'n6')),
          cpu='8', memory='16Gi', **{'hugepages-2Mi': '0'}),
    _node('n0', (), cpu='2'),
]


def _pod(name, containers, node='n1', meta=None, status=None, **spec):
    body = {'metadata': {'name': name, 'namespace': NS, 'uid': f'uid-{name}', 'resourceVersion': '7',
                         'creationTimestamp': BORN, **(meta or {})},
            'spec': {'containers': containers, 'serviceAccountName': 'default', **spec},
            'status': {'phase': 'Running', **(status or {})}}
    if node:
        body['spec']['nodeName'] = node
    return body


def _container(name, requests=None, limits=None, **more):
    resources = {k: v for k, v in (('requests', requests), ('limits', limits)) if v is not None}
    return {'name': name, 'image': 'registry.example/x:1', 'resources': resources, **more}


def _field(name, path):
    return {'name': name, 'valueFrom': {'fieldRef': {'apiVersion': 'v1', 'fieldPath': path}}}


def _resource(name, resource, container=None, divisor='0'):
    ref = {'resource': resource, 'divisor': divisor}
    if container:
        ref['containerName'] = container
    return {'name': name, 'valueFrom': {'resourceFieldRef': ref}}


def _item(path, field=None, mode=None, **resource):
    item = {'path': path}
    if field:
        item['fieldRef'] = {'apiVersion': 'v1', 'fieldPath': field}
    else:
        item['resourceFieldRef'] = {'divisor': '0', **resource}
    if mode is not None:
        item['mode'] = mode
    return item


_CONTROL = {
    'control/low': ''.join(map(chr, range(0x20))),
    'control/high': '\x7f\u0080\u00a0\u00ad\u200b\u2028\ufeff\u3000\ue000\U0010ffff',
    'control/kept': 'é ü日本語 😀 e\u0301 \ufffd <>& $(x) `y` \'',
    'control/quoted': 'say "\\"',
}
_BIG = 'kept.example/big'

PODS = [
    _pod('ephemeral', [_container('main', limits={'cpu': '1500m'})],
         ephemeralContainers=[{'name': 'debugger', 'image': 'registry.example/debug:1', 'env': [
             _field('POD', 'metadata.name'), _resource('OTHER', 'limits.cpu', 'main'),
             _resource('OWN', 'limits.memory'), _resource('ITSELF', 'limits.memory', 'debugger')]}]),
    _pod('sidecar', [_container('app', env=[_resource('SETUP', 'limits.cpu', 'setup'),
                                            _resource('PROXY', 'limits.cpu', 'proxy', '1m')])],
         initContainers=[
             _container('setup', env=[_resource('OWN', 'limits.cpu'), _resource('NAMED', 'limits.cpu', 'setup')]),
             _container('proxy', limits={'cpu': '250m'}, restartPolicy='Always',
                        env=[_resource('OWN', 'limits.cpu', divisor='1m')])],
         volumes=[{'name': 'info', 'projected': {'defaultMode': 0o640, 'sources': [
             {'downwardAPI': {'items': [_item('setup/cpu', containerName='setup', resource='limits.cpu'),
                                        _item('who', 'metadata.name', mode=0o400)]}},
             {'configMap': {'name': 'other', 'items': [{'key': 'a', 'path': 'b'}]}},
             {'downwardAPI': {'items': [_item('who', 'metadata.uid')]}}]}}]),
    _pod('pending', [_container('main', requests={'memory': '100Mi'}, limits={'cpu': '0'}, env=[
        _field('NODE', 'spec.nodeName'), _field('IP', 'status.podIP'), _field('HOST', 'status.hostIP'),
        _field('NAME', 'metadata.name'), _resource('CPU', 'limits.cpu'), _resource('MEM', 'requests.memory')])],
         node=None, status={'phase': 'Pending'}),
    _pod('hostnet', [_container('main')], hostNetwork=True,
         status={'hostIP': '10.0.0.9', 'hostIPs': [{'ip': '10.0.0.9'}, {'ip': 'fd00::9'}], 'podIP': '10.0.0.9',
                 'podIPs': [{'ip': '10.0.0.9'}, {'ip': 'fd00::9'}]}),
    _pod('six', [_container('main')], node='n6', status={'podIP': 'fd01::5', 'podIPs': [{'ip': 'fd01::5'}]}),
    _pod('podlevel', [_container('main', env=[_resource('CPU', 'limits.cpu'), _resource('MEM', 'limits.memory')]),
                      _container('own', limits={'cpu': '3'}, env=[
                          _resource('CPU', 'limits.cpu'), _resource('MAIN', 'limits.cpu', 'main')])],
         resources={'limits': {'cpu': '1250m', 'memory': '0'}}),
    _pod('poor', [_container('main', env=[_resource('CPU', 'limits.cpu'), _resource('MEM', 'limits.memory'),
                                          _field('HOSTS', 'status.hostIPs')])],
         node='n0', resources={'limits': {'cpu': '500m', 'memory': '64Mi'}}, status={'hostIP': '10.0.0.7'}),
    _pod('resize', [_container('main', requests={'cpu': '700m', 'memory': '1Gi'}, limits={'cpu': '1'})],
         status={'containerStatuses': [{
             'name': 'main', 'allocatedResources': {'cpu': '500m', 'memory': '1Gi'},
             'resources': {'requests': {'cpu': '400m', 'memory': '1Gi'}, 'limits': {'cpu': '800m'}}}]}),
    _pod('keys', [_container('main', env=[
        {'name': 'TWICE', 'value': 'first'}, _field('TWICE', 'metadata.name'),
        _field('LOST', 'metadata.name'), {'name': 'LOST', 'value': 'plain'},
        _field('ABSENT', "metadata.labels['nobody/has-it']"), _field('UPPER', "metadata.annotations['Example.COM/key']"),
        _field('HOST', 'spec.host'), _field('REFUSED', 'status.phase')])],
         meta={'labels': {'a': '1', 'a/b': '2', 'B': '3', 'a.b': '', 'kubernetes.io/' + _LONG: 'long'},
               'annotations': {'a': 'x', 'a/b': 'y', 'Example.COM/key': 'upper', 'a/c': ''}}),
    _pod('bare', [_container('main', requests={'hugepages-1Gi': '2Gi'}, limits={'hugepages-1Gi': '2Gi'})],
         volumes=[{'name': 'nothing', 'emptyDir': {}},
                  {'name': 'folders', 'downwardAPI': {'defaultMode': 0o600, 'items': [
                      _item('this//labels', 'metadata.labels'), _item('that/one/name', 'metadata.name'),
                      _item('pages', containerName='main', resource='limits.hugepages-1Gi', divisor='1Gi', mode=0)]}}]),
    _pod('control', [_container('main')], meta={'annotations': _CONTROL}),
    _pod('big', [_container('main')],
         meta={'annotations': {'a': '\x01' * 1000, _BIG: '\x7f' * ((256 << 10) - len(_BIG) - 1001)}}),
]

EXPECTED = {
    'ephemeral': {
        'resources/main/limits.cpu': b'2', 'resources/main/limits.cpu@1m': b'1500', 'resources/debugger': None,
        'resources/main/limits.memory': b'7516192768', 'resources/main/limits.memory@1Gi': b'7',
        'env/debugger/POD': b'ephemeral', 'env/debugger/OTHER': b'2', 'env/debugger/OWN': b'7516192768',
        'env/debugger/ITSELF': None, 'metadata.labels': b'', 'metadata.annotations': b''},
    'sidecar': {
        'resources/setup/limits.cpu': b'4', 'resources/proxy/limits.cpu@1m': b'250',
        'resources/app/limits.ephemeral-storage@1G': b'100', 'resources/app/requests.cpu': b'0',
        'env/app/SETUP': b'0', 'env/app/PROXY': b'250', 'env/setup/OWN': b'4', 'env/setup/NAMED': b'0',
        'env/proxy/OWN': b'250', 'volumes/info/setup/cpu': b'4', 'volumes/info/who': b'uid-sidecar',
        'volumes/info/b': None},
    'pending': {
        'spec.nodeName': None, 'status.podIP': None, 'status.podIPs': None, 'status.hostIP': None,
        'status.hostIPs': None, 'spec.serviceAccountName': b'default', 'resources/main/limits.cpu': None,
        'resources/main/limits.memory': None, 'resources/main/limits.hugepages-2Mi': b'0',
        'resources/main/requests.memory@1Mi': b'100', 'resources/main/requests.cpu': b'0', 'env/main/NODE': None,
        'env/main/IP': None, 'env/main/HOST': None, 'env/main/CPU': None, 'env/main/NAME': b'pending',
        'env/main/MEM': b'104857600'},
    'hostnet': {
        'status.podIP': b'10.0.0.9', 'status.podIPs': b'10.0.0.9,fd00::9', 'status.hostIP': b'10.0.0.9',
        'status.hostIPs': b'10.0.0.9,fd00::9', 'spec.nodeName': b'n1'},
    'six': {
        'status.podIP': b'fd01::5', 'status.podIPs': b'fd01::5', 'status.hostIP': b'fd00:6::1',
        'status.hostIPs': b'fd00:6::1,198.51.100.6', 'resources/main/limits.cpu': b'8',
        'resources/main/limits.ephemeral-storage': b'0'},
    'podlevel': {
        'resources/main/limits.cpu': b'4', 'resources/main/limits.memory': b'7516192768', 'env/main/CPU': b'2',
        'env/main/MEM': b'7516192768', 'env/own/CPU': b'3', 'env/own/MAIN': b'2', 'resources/own/limits.cpu': b'3'},
    'poor': {
        'resources/main/limits.cpu': b'2', 'resources/main/limits.memory': b'0', 'env/main/CPU': b'1',
        'env/main/MEM': b'0', 'env/main/HOSTS': b'10.0.0.7', 'status.hostIP': b'10.0.0.7',
        'status.hostIPs': b'10.0.0.7', 'status.podIP': None},
    'resize': {
        'resources/main/requests.cpu@1m': b'700', 'resources/main/limits.cpu@1m': b'1000',
        'resources/main/requests.memory@1Gi': b'1',
        '../status/containerStatuses/main/allocatedResources/cpu': b'500m\n',
        '../status/containerStatuses/main/resources/requests/cpu': b'400m\n',
        '../status/containerStatuses/main/resources/limits/cpu': b'800m\n'},
    'keys': {
        'metadata.labels': b'B="3"\na="1"\na.b=""\na/b="2"\nkubernetes.io/' + _LONG.encode() + b'="long"',
        'metadata.annotations': b'Example.COM/key="upper"\na="x"\na/b="y"\na/c=""',
        "metadata.labels['a%2Fb']": b'2', "metadata.labels['a.b']": b'', "metadata.labels['nobody']": b'',
        "metadata.labels['Www.k8s.io%2Ftest']": None, "metadata.annotations['Www.k8s.io%2Ftest']": b'',
        "metadata.annotations['Example.COM%2Fkey']": b'upper', "metadata.annotations['example.com%2Fkey']": b'',
        "metadata.labels['in~valid']": None, "metadata.labels['']": None, "metadata.labels[a]": None,
        "metadata.name['a']": None, "metadata.labels['a']x": None, 'status.phase': None,
        'env/main/TWICE': b'keys', 'env/main/LOST': None, 'env/main/ABSENT': b'', 'env/main/UPPER': b'upper',
        'env/main/HOST': b'n1', 'env/main/REFUSED': None},
    'bare': {
        'resources/main/limits.hugepages-1Gi@1Gi': b'2', 'resources/main/requests.hugepages-1Gi': b'2147483648',
        'resources/main/limits.hugepages-64Ki': b'0', 'resources/main/limits.cpu@1k': None,
        'resources/main/limits.memory@1m': None, 'resources/main/limits.memory@2': None,
        'resources/main/limits.memory@': None, 'resources/main/limits.pods': None,
        'volumes/folders/this/labels': b'', 'volumes/folders/that/one/name': b'bare', 'volumes/folders/pages': b'2',
        'volumes/nothing': None, 'env': None},
    'control': {
        'metadata.annotations':
            b'control/high="\\x7f\\u0080\\u00a0\\u00ad\\u200b\\u2028\\ufeff\\u3000\\ue000\\U0010ffff"\n'
            + 'control/kept="é ü日本語 😀 e\u0301 \ufffd <>& $(x) `y` \'"\n'.encode()
            + b'control/low="\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\a\\b\\t\\n\\v\\f\\r\\x0e\\x0f\\x10\\x11\\x12\\x13'
            b'\\x14\\x15\\x16\\x17\\x18\\x19\\x1a\\x1b\\x1c\\x1d\\x1e\\x1f"\n'
            b'control/quoted="say \\"\\\\\\""',
        "metadata.annotations['control%2Flow']": bytes(range(0x20))},
    'big': {
        'metadata.annotations': b'a="' + b'\\x01' * 1000 + b'"\n' + _BIG.encode() + b'="'
                                + b'\\x7f' * ((256 << 10) - len(_BIG) - 1001) + b'"'},
}

MODES = {('sidecar', 'volumes/info/setup/cpu'): 0o640, ('sidecar', 'volumes/info/who'): 0o640,
         ('bare', 'volumes/folders/this/labels'): 0o600, ('bare', 'volumes/folders/pages'): 0,
         ('bare', 'resources/main/limits.cpu'): 0o444, ('bare', 'metadata.name'): 0o444}


def files(directory):
    """Writes everything into files; returns the arguments with which apisim loads them."""
    args = []
    for kind, items in (('Pod', PODS), ('Node', NODES)):
        path = os.path.join(directory, f'{kind}.json')
        with open(path, 'w', encoding='utf-8') as f:
            json.dump({'kind': f'{kind}List', 'apiVersion': 'v1', 'metadata': {'resourceVersion': '9'},
                       'items': items}, f)
        args += ['--load-json', path]
    return args

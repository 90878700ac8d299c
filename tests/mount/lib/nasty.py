# SPDX-License-Identifier: Apache-2.0
"""
nasty: objects written by hand to be hard to show as files or as YAML.

They are what an API server may serve, not always what one would let you create: the tree must hold for
anything that arrives. files() writes them as the lists a server returns.
"""
import gzip
import json
import os

# Strings that a YAML 1.1 reader takes for something else, or that are hard to write down.
STRINGS = [
    '', ' ', 'yes', 'No', 'on', 'OFF', 'y', 'N', 'true', 'True', 'FALSE', '~', 'null', 'Null', 'NULL',
    '1', '-1', '+1', '0', '-0', '007', '0o17', '0x1F', '0b101', '1_000', '1.0', '.5', '5.', '1e3',
    '1.5e+3', '1e', '.inf', '-.Inf', '.NaN', '2026-11-24', '2026-11-24T01:02:03Z',
    '2026-11-24 01:02:03.5 +1', '12:30', '12:30:45', '1:2:3.4', '=', '<<', '-', '--', '---', '--- a',
    '...', '- a', '-a', '?', '? a', ':', ': a', ':a', 'a:', 'a: b', 'a:b', '#', '# a', 'a #b', 'a#b',
    '!', '!tag', '!!str a', '&', '&a', '*', '*a', '|', '|-', '>', '>+', '%', '%YAML 1.1', '@', '@a',
    '`', '`a', '{', '{}', '{a: b}', '[', '[]', '[a, b]', ']', '}', ',', ', a', "'", "''", "it's", '"',
    '"quoted"', '\\', 'a\\nb', 'C:\\dir', ' lead', 'trail ', '  both  ', '\tlead', 'trail\t', 'a\tb',
    '\n', '\n\n', 'a\n', 'a\n\n', '\na', '\n a', ' \n a', 'a\nb', 'a\nb\n', 'a\n b\n  c\n', 'a \nb',
    'a\n\n\nb\n\n', 'a\r\nb\r\n', '\r', 'a: b\nc: d\n', '# a\nb', '- a\n- b\n', '---\na\n', '...\n',
    '\x00', 'a\x00b', '\x01\x02\x1b[31m', '\x08\x0c\x0b', '\x7f', '\x80\x9f', '\x85', 'a\x85b',
    '\u2028', 'a\u2029b', '\xa0', '\xa0a\xa0', '\ufeff', 'a\ufeffb', '\ufffd', '\ufffe', '\uffff',
    'é', 'ü\u0308', '日本語', '日本\n語\n', '🚀', 'a 🚀\nb\n', '\U0010ffff', 'א\u200f', '١٢٣',
    '<a href="x">&amp;</a>', '{"a": [1, "b", null]}', '[{\n  "name": "net",\n  "ips": []\n}]',
    'x' * 400, 'word ' * 200, ('line of text\n' * 300), 'tail ' * 30 + '\n', 'a' * 79 + ' b', ' ' * 100,
    'ends in colon:\n  and goes on', 'key: |\n  text\n', "''\n\"\"\n", '\t\n\t', 'a\n\tb\n',
]


def meta(name, number, **more):
    """Metadata as a server fills it in."""
    return {'name': name, 'uid': f'00000000-0000-4000-8000-{number:012d}', 'resourceVersion': str(number),
            'creationTimestamp': f'2026-10-{1 + number % 28:02d}T10:{number % 60:02d}:07Z', **more}


def _pod(name, number, spec=None, status=None, namespace='nasty', **metadata):
    out = {'metadata': meta(name, number, namespace=namespace, **metadata),
           'spec': {'containers': [{'name': 'main', 'image': 'registry.example/main:1'}],
                    **(spec or {})}}
    if status is not None:
        out['status'] = status
    return out


def _pods():
    long_prefix = '.'.join(['a' * 62] * 4) + 'z'
    yield _pod('strings', 1001, {'nodeName': 'plain'}, {'phase': 'Running'},
               annotations={f's{i:03d}': text for i, text in enumerate(STRINGS)})
    yield _pod('strings-as-keys', 1002, {'nodeName': 'odd', 'nodeSelector': {
        text: f'k{i}' for i, text in enumerate(STRINGS) if text and '\0' not in text and len(text) < 200}})
    yield _pod('lines-in-a-list', 1003, {'containers': [
        {'name': 'main', 'image': 'x', 'command': ['sh', '-c'], 'args': list(STRINGS)}]})
    yield _pod('collisions', 1004, labels={
        'a': 'below', 'a/b': 'beside', 'c/d': 'first', 'c': 'second', 'e/f': '', 'e': '',
        'app.kubernetes.io': 'x', 'app.kubernetes.io/name': 'y', 'app.kubernetes.io/Name': 'z',
        'one/x': '1', 'one/y': '2', 'none': None, 'gone/x': None, 'half': None, 'half/x': 'v'},
        annotations={'object.json': 'not the file', 'labels': 'no link', '0': 'zero', 'node': 'no',
                     long_prefix[:253] + '/' + 'n' * 63: 'the longest key', 'Cap.Example/x': 'A',
                     'cap.example/x': 'b'})
    yield _pod('yaml-keys', 1005, labels={k: 'v' for k in (
        'yes', 'no', 'on', 'null', '1', '1e3', '1.0', '2026-11-24', 'y', '0x1', 'true', '12_3', 'a.b')})
    yield _pod('empty-things', 1006, {
        'nodeSelector': {}, 'tolerations': [], 'volumes': [], 'hostNetwork': False, 'priority': 0,
        'securityContext': {}, 'affinity': None, 'hostname': '', 'subdomain': None,
        'terminationGracePeriodSeconds': 9007199254740993, 'activeDeadlineSeconds': -1}, {},
        labels={}, annotations={})
    yield _pod('null-labels', 1007, labels=None, annotations=None, generateName=None)
    yield _pod('maps', 1008, {'nodeSelector': {
        'topology.kubernetes.io/zone': 'eu-1a', 'a/b/c': 'two', '100%': 'percent', '%2F': 'escaped',
        '/': 'slash', '//': 'two', '.': 'dot', '..': 'dots', '...': 'three', '.hidden': 'shown', '.value': 'v',
        'x' * 255: 'fits', 'y' * 256: 'does not', 'z' * 250 + '//': 'too long when escaped',
        'w' * 249 + '//': 'just fits', 'é' * 127 + 'x': 'fits', 'é' * 128: 'does not', 'null': None,
        'map': 'a', 'sp ace': 's', 'new\nline': 'n', '*': 'glob', "q'uo\"te": 'q', '-r': 'dash', '~': 't'},
        'affinity': {'podAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': [
            {'labelSelector': {'matchLabels': {'app.kubernetes.io/name': 'web', 'labels': 'x'}},
             'topologyKey': 'kubernetes.io/hostname'}]}}})
    yield _pod('lists', 1009, {
        'containers': [
            {'name': 'repeated-env', 'image': 'x', 'env': [
                {'name': 'A', 'value': '1'}, {'name': 'B'}, {'name': 'A', 'value': '2'}]},
            {'name': 'good-env', 'image': 'x', 'env': [
                {'name': 'A', 'value': ''}, {'name': 'with.dots', 'value': 'x'},
                {'name': 'B', 'valueFrom': {'fieldRef': {'apiVersion': 'v1', 'fieldPath': 'metadata.name'}}}],
             'ports': [{'containerPort': 80, 'name': 'http'}, {'containerPort': 53, 'protocol': 'UDP'}],
             'resources': {'limits': {'cpu': '1', 'nvidia.com/gpu': '2'}, 'claims': [{'name': 'gpu'}]}},
            {'name': 'slash-env', 'image': 'x', 'env': [
                {'name': 'a/b', 'value': '1'}, {'name': 'a%2Fb', 'value': '2'}, {'name': '..', 'value': '3'}]},
            {'name': 'long-env', 'image': 'x', 'env': [{'name': 'n' * 256}, {'name': 'ok'}]},
            {'name': 'long-escaped-env', 'image': 'x', 'env': [{'name': 'n' * 250 + '//'}, {'name': 'ok'}]},
            {'name': 'number-env', 'image': 'x', 'env': [{'name': 1}, {'name': 'ok'}]},
            {'name': 'null-env', 'image': 'x', 'env': [None, {'name': 'ok'}]}],
        'volumes': [{'name': 'one', 'emptyDir': {}}, {'emptyDir': {'medium': 'Memory'}}],
        'imagePullSecrets': [{'name': ''}, {'name': 'b'}],
        'resourceClaims': [{'name': 'gpu', 'resourceClaimName': 'r'}, {'name': 'net'}],
        'tolerations': [{'key': 'a', 'operator': 'Exists'}, None, {'key': 'b'}],
        'readinessGates': [{'conditionType': 'cloud.example.com/neg-ready'}]},
        {'conditions': [{'type': 'Ready', 'status': 'True', 'lastProbeTime': None},
                        {'type': 'cloud.example.com/neg-ready', 'status': 'False'},
                        {'type': '100%', 'status': 'Unknown'}],
         'podIP': '10.0.0.1', 'podIPs': [{'ip': '10.0.0.1'}, {'ip': 'fd00::1'}],
         'hostIP': '192.0.2.1', 'hostIPs': [{'ip': '192.0.2.1'}, {'ip': '192.0.2.1'}],
         'matrix': [[1, 2], [], ['x', [True]]], 'phase': 'Running'},
        finalizers=['example.com/keep', 'b'],
        ownerReferences=[{'apiVersion': 'apps/v1', 'kind': 'ReplicaSet', 'name': 'rs', 'uid': 'u',
                          'controller': True}])
    yield _pod('claims', 1010, {'volumes': [
        {'name': 'data', 'ephemeral': {'volumeClaimTemplate': {
            'metadata': {'labels': {'type/kind': 'x', 'type': 'y'}, 'annotations': {'a.b/c': 'd'},
                         'managedFields': 'not the object\'s own: stays'},
            'spec': {'resources': {'requests': {'storage': '1Gi'}}}}}},
        {'name': 'labels', 'configMap': {'items': [{'key': 'a', 'path': 'b/c'}], 'name': 'c'}}]})
    yield _pod('containers', 1011, {
        'nodeName': 'plain',
        'containers': [{'name': 'app', 'image': 'a'}, {'name': 'waiting', 'image': 'b'},
                       {'name': 'spec', 'image': 'c'}],
        'initContainers': [{'name': 'setup', 'image': 'i'},
                           {'name': 'proxy', 'image': 'p', 'restartPolicy': 'Always'}],
        'ephemeralContainers': [{'name': 'debugger-x', 'image': 'd', 'targetContainerName': 'app'}]},
        {'containerStatuses': [{'name': 'app', 'ready': True, 'restartCount': 3, 'state': {'running': {}}},
                               {'name': 'spec', 'ready': False, 'restartCount': 0}],
         'initContainerStatuses': [{'name': 'setup', 'ready': True}, {'name': 'proxy', 'ready': True}],
         'ephemeralContainerStatuses': [{'name': 'debugger-x', 'ready': False}]})
    yield _pod('no-such-node', 1012, {'nodeName': 'nowhere'}, {'phase': 'Pending'})
    yield _pod('unscheduled', 1013, {'schedulerName': 'default-scheduler'})
    yield _pod('a.yaml', 1014, {'nodeName': 'plain'})
    yield _pod('object.json', 1015, {'nodeName': 'plain'})
    yield _pod('.'.join(['p' * 63] * 3) + '.' + 'q' * 61, 1016, {'nodeName': 'odd'})
    yield _pod('big', 1017, annotations={'blob': '<&>' * 70000, 'last-applied': json.dumps(
        {'spec': {'containers': [{'name': f'c{i}', 'args': ['-a', '\n']} for i in range(200)]}})})
    yield _pod('managed', 1018, managedFields=[{'manager': 'kubectl', 'operation': 'Update',
                                                'fieldsV1': {'f:metadata': {'f:labels': {}}}}])
    yield _pod('done', 1019, {'nodeName': 'odd'}, {'phase': 'Succeeded'})
    yield _pod('alone', 1020, {'nodeName': 'plain'}, namespace='no-object')


def _nodes():
    plain = {'metadata': meta('plain', 2001, labels={
        'kubernetes.io/hostname': 'plain', 'topology.kubernetes.io/zone': 'eu-1a', 'node-role/worker': ''}),
        'spec': {'podCIDR': '10.0.0.0/24', 'podCIDRs': ['10.0.0.0/24']},
        'status': {'capacity': {'cpu': '4', 'hugepages-2Mi': '0', 'example.com/gpu': '2'},
                   'addresses': [{'type': 'InternalIP', 'address': '192.0.2.1'}],
                   'conditions': [{'type': 'Ready', 'status': 'True'}],
                   'images': [{'names': ['a@sha256:1', 'a:1'], 'sizeBytes': 123456789012}]}}
    odd = {'metadata': meta('odd', 2002, labels={'topology.kubernetes.io': 'x',
                                                  'topology.kubernetes.io/zone': 'eu-1b'},
                            annotations={'multi': 'line one\nline two\n', 'html': '<b>&</b>'}),
           'spec': {}, 'status': {'conditions': [{'type': 'Ready'}, {'type': 'Ready'}]}}
    empty = {'metadata': meta('empty.example.com', 2003)}
    return [plain, odd, empty]


def _namespaces():
    return [{'metadata': meta('nasty', 3001, labels={'kubernetes.io/metadata.name': 'nasty'}),
             'spec': {'finalizers': ['kubernetes']}, 'status': {'phase': 'Active'}},
            {'metadata': meta('hollow', 3002, annotations={'note': 'no pods'}), 'spec': {},
             'status': {'phase': 'Terminating', 'conditions': [{'type': 'a/b', 'status': 'True'}]}}]


def files(directory):
    """Writes the lists into the directory; returns the options that make apisim serve them."""
    args = []
    for kind, items in (('Namespace', _namespaces()), ('Node', _nodes()), ('Pod', list(_pods()))):
        path = os.path.join(directory, kind + '.json.gz')
        with gzip.open(path, 'wt', encoding='utf-8') as f:
            json.dump({'kind': kind + 'List', 'apiVersion': 'v1', 'metadata': {'resourceVersion': '9000'},
                       'items': items}, f)
        args += ['--load-json', path]
    return args

# SPDX-License-Identifier: Apache-2.0
"""certs: a certificate authority, a server certificate for 127.0.0.1 and client certificates."""
import os

from .procs import run


class Authority:
    """A CA in a directory; `cert` is its certificate."""

    def __init__(self, directory, name='ca'):
        self.directory, self.name = directory, name
        self.cert, self.key = self._files(name)
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
            '-keyout', self.key, '-out', self.cert, '-days', '2', '-subj', f'/CN={name}')

    def _files(self, name):
        return (os.path.join(self.directory, f'{self.name}-{name}.{kind}') for kind in ('crt', 'key'))

    def issue(self, name, subject, names=None):
        """A certificate and its key, as two file names."""
        cert, key = self._files(name)
        request, extensions = cert + '.csr', cert + '.ext'
        run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
            '-keyout', key, '-out', request, '-subj', subject)
        with open(extensions, 'w', encoding='ascii') as f:
            f.write(f'subjectAltName={names}\n' if names else 'extendedKeyUsage=clientAuth\n')
        run('openssl', 'x509', '-req', '-in', request, '-CA', self.cert, '-CAkey', self.key, '-CAcreateserial',
            '-out', cert, '-days', '2', '-extfile', extensions)
        return cert, key

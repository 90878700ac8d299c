#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a C file with the bodies of recorded answers, for discovery.c.

    embed.py OUTPUT NAME=FILE.http...
"""
import sys

out, entries = sys.argv[1], [a.split("=", 1) for a in sys.argv[2:]]
with open(out, "w") as c:
    c.write("/* SPDX-License-Identifier: Apache-2.0 */\n#include \"recorded.h\"\n\n")
    for name, path in entries:
        body = open(path, "rb").read().split(b"\r\n\r\n", 1)[1]
        c.write(f"const char recorded_{name}[] = {{\n")
        data = body + b"\0"
        for i in range(0, len(data), 20):
            c.write("\t" + ",".join(str(b if b < 128 else b - 256) for b in data[i:i + 20]) + ",\n")
        c.write(f"}};\nconst size_t recorded_{name}_len = {len(body)};\n\n")

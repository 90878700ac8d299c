# SPDX-License-Identifier: Apache-2.0
# What the scripts share; each sources it. It goes to the top of the sources.
# shellcheck shell=bash

self=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export ROOT=$PWD
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# help_if_asked ARGUMENT...: with -h or --help, prints what the script says about itself at its top, and ends.
help_if_asked()
{
	case ${1:-} in
	-h | --help)
		sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$self"
		exit 0
		;;
	esac
}

# Runs a command as root, with sudo when we are not.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -E env "PATH=$PATH" "$@"
	fi
}

# build DIRECTORY MESON-OPTIONS...: configures once, then builds. Quiet unless it fails.
build()
{
	local dir=$1 log
	shift
	log=$(mktemp)
	if ! { { [ -f "$dir/build.ninja" ] && meson configure "$dir" "$@"; } || meson setup "$dir" "$@"; } \
		>"$log" 2>&1 || ! ninja -C "$dir" >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		return 1
	fi
	grep -A5 'warning:' "$log" >&2 || true
	rm -f "$log"
}

# Whether the path is a mount point.
mounted()
{
	mountpoint -q "$1" 2>/dev/null
}

need_fuse()
{
	[ -c /dev/fuse ] || die "/dev/fuse is not there: load the module (modprobe fuse), or give the container the device"
}

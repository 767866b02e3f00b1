#!/usr/bin/env bash
# Installs the controller as a service of this machine: sudo systemd/install.sh [FOLDER|WHEEL]
#
# FOLDER is a copy of this project (default: the one that this script lies in), WHEEL a built package.
# Running it again brings everything up to date and leaves what is right alone. It starts no station.
# Fetches nothing itself; pip fetches the libraries from wherever it is set up to.
# With DESTDIR=DIR it only lays the files below DIR: no root, no pip, no running system touched.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source="${1:-$(dirname "$here")}"
root="${DESTDIR:-}"
prefix=/opt/heat-station
changed=()

say() { printf '%s\n' "$*"; }
fail() {
	printf 'install.sh: %s\n' "$*" >&2
	exit "${code:-1}"
}

# lay FILE TARGET: copies only what differs, and tells.
lay() {
	local from="$here/$1" to="$root$2"
	if cmp --silent "$from" "$to"; then
		say "unchanged  $2"
	else
		install -D --mode=644 "$from" "$to"
		changed+=("$2")
		say "installed  $2"
	fi
}

lay_files() {
	lay station@.service /etc/systemd/system/station@.service
	lay system.conf.d/50-heat-station-watchdog.conf /etc/systemd/system.conf.d/50-heat-station-watchdog.conf
	lay heat-station.sysusers /etc/sysusers.d/heat-station.conf
	lay heat-station.tmpfiles /etc/tmpfiles.d/heat-station.conf
	lay heat-station.modules /etc/modules-load.d/heat-station.conf
	lay 70-heat-station.rules /etc/udev/rules.d/70-heat-station.rules
}

find_python() {
	local python
	for python in python3 python3.14 python3.13 python3.12 python3.11; do
		if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11) or sys.maxsize < 2**32)' \
			2>/dev/null; then
			command -v "$python"
			return 0
		fi
	done
	return 1
}

install_package() {
	local python pip=("$prefix/bin/python" -m pip install --quiet --disable-pip-version-check)
	if ! "$prefix/bin/python" -c 'import pip' 2>/dev/null; then
		python="$(find_python)" || fail "needs 64-bit Python 3.11 or newer with venv: apt-get install python3-venv"
		"$python" -m venv --clear "$prefix"
		say "created    $prefix ($("$prefix/bin/python" --version))"
	fi
	"${pip[@]}" --upgrade "$source"
	# The same version number may hold newer files.
	[ -d "$source" ] || "${pip[@]}" --force-reinstall --no-deps "$source"
	say "installed  $prefix/bin/station from $source"
	if [ -d "$source/docs" ]; then
		install -D --mode=644 --target-directory="$prefix/share/doc" "$source"/docs/without-us*.md
		say "installed  $prefix/share/doc: print without-us for the cabinet door"
	fi
}

[ $# -le 1 ] || code=2 fail "one argument at most: the folder or the wheel to install"
[ -e "$source" ] || code=2 fail "$source: not found"

if [ -n "$root" ]; then
	lay_files
	exit 0
fi

[ "$(id -u)" = 0 ] || fail "must run as root: sudo $0"
[ -d /run/systemd/system ] || fail "systemd does not run this machine (DESTDIR=DIR lays the files elsewhere)"

install_package
lay_files
systemd-sysusers /etc/sysusers.d/heat-station.conf
systemd-tmpfiles --create /etc/tmpfiles.d/heat-station.conf
if [ ${#changed[@]} != 0 ]; then
	modprobe --all --quiet usbserial cdc_acm || say "note: no USB serial modules in this kernel"
	systemctl daemon-reload
	udevadm control --reload
	udevadm trigger --subsystem-match=tty --subsystem-match=usb-serial
fi

say
if systemctl --quiet is-active 'station@*'; then
	say "Stations are running the former version. One by one: systemctl restart station@NAME"
else
	say "Next: put the station's file at /etc/heat-station/NAME.yaml, then"
	say "  $prefix/bin/station check /etc/heat-station/NAME.yaml"
	say "  systemctl enable --now station@NAME"
fi
say "The hardware watchdog is armed at the next boot."

#!/usr/bin/env bash
# Unpack packages of a suite into a folder of their own; nothing is installed.
#
# usage: fetch_packages.sh APT_DIR SUITE OUTPUT_DIR PACKAGE...
#
# APT_DIR is the folder that private_apt.py has written. OUTPUT_DIR appears with one rename at the very end.
set -euo pipefail

apt_dir=$1
suite=$2
output=$3
shift 3
work=$output.partial
lists=$apt_dir/lists-$suite

mkdir -p "$(dirname "$output")"
exec 9>"$output.lock"
flock 9
if [[ -d $output ]]; then
  exit 0
fi

rm -rf "$work"
mkdir -p "$work/archives" "$work/root" "$lists/partial"
# Lists of their own: an update of one suite would remove those of another.
cat "$apt_dir/apt.conf" - >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$apt_dir/$suite.list";
Dir::State::lists "$lists";
APT::Sandbox::User "root";
CONF
export APT_CONFIG=$work/apt.conf
cd "$work/archives"
apt-get -q update
apt-get -q download "$@"
for package in ./*.deb; do
  dpkg-deb --extract "$package" "$work/root"
done
mv "$work/root" "$output"
rm -rf "$work"

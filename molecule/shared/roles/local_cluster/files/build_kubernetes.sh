#!/usr/bin/env bash
# Build the programs of a one-node Kubernetes from the distribution's source package.
#
# usage: build_kubernetes.sh APT_CONF OUTPUT_DIR VERSION
#
# OUTPUT_DIR appears with one rename at the very end: a build that was cut off leaves only OUTPUT_DIR.partial,
# which the next one starts over.
set -euo pipefail

apt_conf=$1
output=$2
version=$3
work=$output.partial
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)

# Two clones may want the same cache folder at the same time: the second finds the first one's result.
mkdir -p "$(dirname "$output")"
exec 9>"$output.lock"
flock 9
if [[ -d $output ]]; then
  exit 0
fi

rm -rf "$work"
mkdir -p "$work/bin" "$work/source"
cd "$work/source"

export APT_CONFIG=$apt_conf
apt-get -q update
package_version=$(apt-cache showsrc --only-source kubernetes |
  sed -n 's/^Version: //p' | grep -F "$version" | head -n 1)
if [[ -z $package_version ]]; then
  echo "the mirror has no source package kubernetes $version" >&2
  exit 1
fi
apt-get -q source --download-only "kubernetes=$package_version"
dpkg-source --no-check -x ./*.dsc "$work/tree"
unset APT_CONFIG

# GOPATH mode wants the tree at its import path, and everything go writes stays below our own folder.
mkdir -p "$work/go/src/k8s.io"
mv "$work/tree" "$work/go/src/k8s.io/kubernetes"
cd "$work/go/src/k8s.io/kubernetes"
export GOPATH=$work/go GOCACHE=$work/gocache GO111MODULE=off CGO_ENABLED=0 GOFLAGS="" HOME=$work
make generated_files

# Without these the programs report v0.0.0, and clients take the server for one that is too old.
flags="-s -w"
IFS=. read -r major minor _ <<<"$version"
for prefix in k8s.io/client-go/pkg/version k8s.io/component-base/version; do
  for pair in "gitVersion=v$version" "gitMajor=$major" "gitMinor=$minor" "gitTreeState=archive"; do
    flags+=" -X k8s.io/kubernetes/vendor/$prefix.$pair"
  done
done
# Without -trimpath the programs would name the folder they were built in.
go build -trimpath -ldflags "$flags" -o "$work/bin/" "${programs[@]/#/./cmd/}"

for program in "${programs[@]}"; do
  test -x "$work/bin/$program"
done
mv "$work/bin" "$output"
chmod -R u+w "$work"
rm -rf "$work"

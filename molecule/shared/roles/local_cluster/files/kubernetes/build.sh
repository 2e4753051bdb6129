#!/usr/bin/env bash
# Build the programs of a Kubernetes node from the distribution's source package: one program with a link for each name.
#
# usage: build.sh APT_CONF OUTPUT_DIR VERSION
#
# OUTPUT_DIR appears with one rename at the very end: a build that was cut off leaves only OUTPUT_DIR.partial,
# which the next one starts over. OUTPUT_DIR.progress tells how far a build is, OUTPUT_DIR.lock is held by it.
set -euo pipefail

apt_conf=$1
output=$2
version=$3
work=$output.partial
progress=$output.progress
main=$(realpath "$(dirname "$0")")/main.go
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubeadm)
# Without the clouds' libraries and Docker's, none of which a local cluster needs, half the code is left.
tags="providerless dockerless"

# Two clones may want the same cache folder at the same time: the second finds the first one's result.
mkdir -p "$(dirname "$output")"
exec 9>"$output.lock"
flock 9
if [[ -d $output ]]; then
  exit 0
fi
trap 'rm -f "$progress"' EXIT
echo "downloading the source" >"$progress"
rm -rf "$work"
mkdir -p "$work/bin" "$work/source" "$work/debian" "$work/go/src/k8s.io"
cd "$work/source"

download() {
  local package_version
  export APT_CONFIG=$apt_conf
  apt-get -q update
  package_version=$(apt-cache showsrc --only-source kubernetes |
    sed -n 's/^Version: //p' | grep -F "$version" | head -n 1)
  if [[ -z $package_version ]]; then
    echo "the mirror has no source package kubernetes $version" >&2
    exit 1
  fi
  apt-get -q source --download-only "kubernetes=$package_version"
  # The client is the same program as it would be built here. The library replaces a copy in the source that crashes when it
  # is built with Go 1.18 or newer, as soon as kubeadm writes YAML.
  apt-get -q download "kubernetes-client=$package_version" golang-github-modern-go-reflect2-dev
  unset APT_CONFIG
}

unpack() {
  local archive
  # GOPATH mode wants the tree at its import path, and everything go writes stays below our own folder.
  dpkg-source --no-check -x ./*.dsc "$work/go/src/k8s.io/kubernetes"
  for archive in ./*.deb; do
    dpkg-deb -x "$archive" "$work/debian"
  done
  cd "$work/go/src/k8s.io/kubernetes"
  rm -rf vendor/github.com/modern-go/reflect2
  mv "$work/debian/usr/share/gocode/src/github.com/modern-go/reflect2" vendor/github.com/modern-go/
  mkdir cmd/kubernetes
  cp "$main" cmd/kubernetes/
  # A deleted pod is gone a second after its end instead of ten, and five seconds after it instead of a minute where the
  # kubelet has overlooked its sandbox (kubernetes/kubernetes#97288).
  shorten pkg/kubelet/status/status_manager.go 'syncPeriod = ' '10 \* time.Second' 'time.Second'
  shorten pkg/kubelet/kubelet.go 'ContainerGCPeriod = ' 'time.Minute' '5 * time.Second'
}

# shorten FILE NAME OLD NEW: change a period that cannot be configured.
shorten() {
  sed -i "s/\($2\)$3\$/\1$4/" "$1"
  grep -qF "$2$4" "$1"
}

# The only generated file that the source package lacks: the schemas of all kinds, which server-side apply goes by.
generate_openapi() {
  local package=k8s.io/kubernetes/pkg/generated/openapi inputs
  go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  inputs=$(grep -R -l --include='*.go' '+k8s:openapi-gen=' pkg vendor/k8s.io/*/ |
    grep -v -e '^pkg/generated/' -e '^vendor/k8s.io/\(code-generator\|kube-openapi\|sample-apiserver\)/' |
    xargs -n 1 dirname | sort -u | sed 's#^#k8s.io/kubernetes/#' | paste -s -d ,)
  "$work/openapi-gen" --logtostderr -i "$inputs" -p "$package" -O zz_generated.openapi -r "$work/violations" \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt
}

compile() {
  local flags="-s -w" prefix pair major minor total
  # Without these the programs report v0.0.0, and clients take the server for one that is too old.
  IFS=. read -r major minor _ <<<"$version"
  for prefix in k8s.io/client-go/pkg/version k8s.io/component-base/version; do
    for pair in "gitVersion=v$version" "gitMajor=$major" "gitMinor=$minor" "gitTreeState=archive"; do
      flags+=" -X k8s.io/kubernetes/vendor/$prefix.$pair"
    done
  done
  total=$(go list -deps -tags "$tags" ./cmd/kubernetes | wc -l)
  # Without -trimpath the program would name the folder it was built in. With -v each package is printed when it is compiled.
  go build -v -trimpath -tags "$tags" -gcflags all=-dwarf=false -ldflags "$flags" -o "$work/bin/kubernetes" \
    ./cmd/kubernetes 2>&1 | report "$total"
}

# report TOTAL: count the packages that go names; anything else is a complaint.
report() {
  awk -v total="$1" -v file="$progress" '
    /^[a-z0-9.\/_-]+$/i { printf "%d of %d packages\n", ++count, total > file; close(file); next }
    { print > "/dev/stderr" }'
}

download
unpack
# The compiler rather takes memory than time to collect it.
export GOPATH=$work/go GOCACHE=$work/gocache GO111MODULE=off CGO_ENABLED=0 GOFLAGS="" GOGC=400 HOME=$work
echo "generating the API's schemas" >"$progress"
generate_openapi
compile
for program in "${programs[@]}"; do
  ln -s kubernetes "$work/bin/$program"
done
mv "$work/debian/usr/bin/kubectl" "$work/bin/"
mv "$work/bin" "$output"
chmod -R u+w "$work"
rm -rf "$work"

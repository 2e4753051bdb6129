#!/usr/bin/env bash
# Turn a freshly installed root file system into a node for kind, with the images of the control plane in its containerd.
#
# usage: customize.sh ROOT, with IMAGE_CONTEXT (the folder of this file), IMAGE_VERSION, IMAGE_PROGRAMS (a folder with the
# Kubernetes programs), IMAGE_ADDONS (a folder with the add-ons), IMAGE_CGROUPS (cgroups.py) and IMAGE_PAUSE (an archive of
# the pause image) in the environment.
set -euo pipefail

root=$1
: "${IMAGE_CONTEXT:?}" "${IMAGE_VERSION:?}" "${IMAGE_PROGRAMS:?}" "${IMAGE_ADDONS:?}" "${IMAGE_CGROUPS:?}" "${IMAGE_PAUSE:?}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Programs may be links to one that serves several names.
install_programs() {
  local folder=$1 name link
  shift
  for name in "$@"; do
    link=$(readlink "$IMAGE_PROGRAMS/$name" || true)
    cp --no-dereference "$IMAGE_PROGRAMS/$name" "$folder/"
    if [[ -n $link && ! -e $folder/$link ]]; then
      cp "$IMAGE_PROGRAMS/$link" "$folder/"
    fi
  done
}

# What an ELF file of the root file system needs from it.
libraries() {
  chroot "$root" ldd "$@" | awk '$2 == "=>" { print $3 } $1 ~ /^\/.*[^:]$/ { print $1 }' | sort --unique
}

lay_out_node() {
  local unit
  install_programs "$root/usr/bin" kubelet kubeadm kubectl
  install -D -m 0644 -t "$root/usr/local/lib/kubemysql" "$IMAGE_ADDONS"/*.py "$IMAGE_CGROUPS"
  install -m 0755 -t "$root/usr/local/bin" "$IMAGE_CONTEXT/entrypoint.sh" "$IMAGE_CONTEXT/agent.sh"
  install -D -m 0644 "$IMAGE_CONTEXT/containerd.toml" "$root/etc/containerd/config.toml"
  install -m 0644 "$IMAGE_CONTEXT/resolv.conf" "$root/etc/kubemysql-resolv.conf"
  install -D -m 0644 -t "$root/kind/manifests" "$IMAGE_CONTEXT/manifests"/*
  echo "v$IMAGE_VERSION" >"$root/kind/version"
  install -d "$root/opt/cni" "$root/etc/cni/net.d"
  ln -sfn /usr/lib/cni "$root/opt/cni/bin"
  # Of the system's own services only the journal.
  find "$root/etc/systemd/system" "$root/lib/systemd/system" -path '*.wants/*' ! -name 'systemd-journald*' -delete
  install -m 0644 -t "$root/etc/systemd/system" "$IMAGE_CONTEXT/systemd"/*
  ln -sfn /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
  for unit in containerd.service kubelet.service kubemysql-network.path kubemysql-volumes.path; do
    install -d "$root/etc/systemd/system/multi-user.target.wants"
    ln -sfn "../$unit" "$root/etc/systemd/system/multi-user.target.wants/$unit"
  done
}

# One layer for everything that kubeadm starts: each of its images is this one under another name.
lay_out_pods() {
  local layer=$1 python found
  install -d "$layer/usr/bin" "$layer/usr/sbin" "$layer/usr/local/bin" "$layer/usr/lib" "$layer/usr/lib64" "$layer/tmp"
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$layer/"
  install_programs "$layer/usr/local/bin" kube-apiserver kube-controller-manager kube-scheduler kube-proxy
  python=$(basename "$(readlink "$root/usr/bin/python3")")
  (
    cd "$root"
    cp --recursive --no-dereference --parents usr/bin/{etcd,python3,"$python"} usr/sbin/{conntrack,xtables-nft-multi} \
      "usr/lib/$python" usr/lib/python3/dist-packages/dnslib usr/lib/*/xtables "$layer/"
    found=$(libraries /usr/bin/{etcd,"$python"} /usr/sbin/{conntrack,xtables-nft-multi} "/usr/lib/$python"/lib-dynload/*.so)
    while read -r library; do
      cp --dereference --parents ".$library" "$layer/"
    done <<<"$found"
  )
  for found in {iptables,ip6tables}{,-save,-restore}; do
    ln -s xtables-nft-multi "$layer/usr/sbin/$found"
  done
  install -D -m 0644 -t "$layer/usr/local/lib/kubemysql" "$IMAGE_ADDONS"/*.py
}

# A docker archive of that layer. Only CoreDNS is started without a command of its own.
pack_pods() {
  local layer=$1 archive=$2 digest tags
  install -d "$scratch/archive"
  tar --sort=name --mtime=@"$SOURCE_DATE_EPOCH" --directory "$layer" --create --file "$scratch/layer.tar" .
  digest=$(sha256sum "$scratch/layer.tar" | cut -d ' ' -f 1)
  gzip -1 <"$scratch/layer.tar" >"$scratch/archive/layer.tar.gz"
  rm "$scratch/layer.tar"
  cat >"$scratch/archive/config.json" <<JSON
{"architecture": "$(dpkg --print-architecture)", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:$digest"]},
 "config": {"Entrypoint": ["/usr/bin/python3", "-B", "/usr/local/lib/kubemysql/coredns.py"],
            "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin"]}}
JSON
  tags=$(chroot "$root" kubeadm config images list --kubernetes-version "v$IMAGE_VERSION" |
    grep --invert-match /pause: | sed 's/.*/"&"/' | paste --serial --delimiters=,)
  echo "[{\"Config\": \"config.json\", \"RepoTags\": [$tags], \"Layers\": [\"layer.tar.gz\"]}]" \
    >"$scratch/archive/manifest.json"
  tar --directory "$scratch/archive" --create --file "$archive" .
}

ctr() {
  chroot "$root" ctr --address /run/build/containerd.sock --namespace k8s.io "$@"
}

import_images() {
  local pid try
  install -d "$root/run/build"
  mv "$@" "$root/run/build/"
  chroot "$root" containerd --config /dev/null --root /var/lib/containerd --state /run/build/state \
    --address /run/build/containerd.sock >"$scratch/containerd.log" 2>&1 &
  pid=$!
  for ((try = 0; try < 300; try++)); do
    if ctr version >/dev/null 2>&1; then
      break
    fi
    sleep 0.1
  done
  for try in "$@"; do
    ctr images import "/run/build/$(basename "$try")"
  done
  kill "$pid"
  wait "$pid" || true
  rm -rf "$root/run/build"
}

if [[ $("$IMAGE_PROGRAMS/kubelet" --version) != "Kubernetes v$IMAGE_VERSION" ]]; then
  echo "these programs are not of version $IMAGE_VERSION" >&2
  exit 1
fi
lay_out_node
lay_out_pods "$scratch/layer"
pack_pods "$scratch/layer" "$scratch/pods.tar"
cp "$IMAGE_PAUSE" "$scratch/pause.tar"
import_images "$scratch/pods.tar" "$scratch/pause.tar"

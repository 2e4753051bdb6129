"""Volume provisioner: one folder per claim, as a `local` volume.

`local` and not `hostPath`, since the kubelet applies a pod's fsGroup to the former only: pods that run without root
depend on it, and so does every real storage driver.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import threading
from dataclasses import dataclass
from http.client import CONFLICT, NOT_FOUND
from pathlib import Path

from kube_watch import ApiError, KubeApi, Object, follow

PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
# Set by the volume controller on claims it leaves to us; the second name is the one newer servers use.
CLAIM_ANNOTATIONS = (
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
)
# Set by the scheduler where a claim waits for its first pod.
SELECTED_NODE = "volume.kubernetes.io/selected-node"
HOST_NAME = "kubernetes.io/hostname"
VOLUMES = "/api/v1/persistentvolumes"
log = logging.getLogger("volumes")


@dataclass(frozen=True)
class Provisioner:
    """Makes folders for claims and removes those of released volumes."""

    api: KubeApi
    name: str
    node: str
    folder: Path

    def volume_name(self, claim: Object) -> str:
        """Return the name every provisioner gives: it can be made twice without harm."""
        return f"pvc-{claim['metadata']['uid']}"

    def waits_for_us(self, claim: Object) -> bool:
        """Tell whether a claim is ours to provide and has no volume yet."""
        annotations = claim["metadata"].get("annotations") or {}
        return (
            any(annotations.get(name) == self.name for name in CLAIM_ANNOTATIONS)
            and annotations.get(SELECTED_NODE, self.node) == self.node
            and not claim["spec"].get("volumeName")
            and claim["spec"].get("volumeMode", "Filesystem") == "Filesystem"
            and "deletionTimestamp" not in claim["metadata"]
        )

    def provide(self, claim: Object) -> None:
        """Make the folder and the volume for a claim."""
        spec, name = claim["spec"], self.volume_name(claim)
        classes = "/apis/storage.k8s.io/v1/storageclasses"
        storage_class = self.api.request("GET", f"{classes}/{spec['storageClassName']}")
        # As on a freshly formatted disk: root's, and for others to read only.
        (self.folder / name).mkdir(mode=0o755, exist_ok=True)
        volume = self.volume(name, claim, storage_class.get("reclaimPolicy", "Delete"))
        try:
            self.api.request("POST", VOLUMES, volume)
            log.info("made %s for %s/%s", name, claim["metadata"]["namespace"], claim["metadata"]["name"])
        except ApiError as error:
            if error.status != CONFLICT:
                raise

    def volume(self, name: str, claim: Object, policy: str) -> Object:
        """Return the volume object for a claim, bound to it from the start."""
        meta, spec = claim["metadata"], claim["spec"]
        here = {"key": HOST_NAME, "operator": "In", "values": [self.node]}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": {PROVISIONED_BY: self.name}},
            "spec": {
                "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                "accessModes": spec["accessModes"],
                "persistentVolumeReclaimPolicy": policy,
                "storageClassName": spec["storageClassName"],
                "volumeMode": "Filesystem",
                "local": {"path": str(self.folder / name)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": meta["namespace"],
                    "name": meta["name"],
                    "uid": meta["uid"],
                },
            },
        }

    def is_here(self, volume: Object) -> bool:
        """Tell whether a volume of ours lies on this node."""
        (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
        return any(self.node in each["values"] for each in term["matchExpressions"] if each["key"] == HOST_NAME)

    def is_released(self, volume: Object) -> bool:
        """Tell whether a volume of ours has lost its claim and may go."""
        annotations = volume["metadata"].get("annotations") or {}
        return (
            annotations.get(PROVISIONED_BY) == self.name
            and self.is_here(volume)
            and volume.get("status", {}).get("phase") == "Released"
            and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
            and "deletionTimestamp" not in volume["metadata"]
        )

    def remove(self, volume: Object) -> None:
        """Remove a released volume's folder and object."""
        name = volume["metadata"]["name"]
        # By name below our own folder, never by the path in the object: that one can be edited.
        shutil.rmtree(self.folder / name, ignore_errors=True)
        try:
            self.api.request("DELETE", f"{VOLUMES}/{name}")
            log.info("removed %s", name)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def claim_changed(self, _key: str, claim: Object | None) -> None:
        """React to one claim."""
        if claim and self.waits_for_us(claim):
            self.provide(claim)

    def volume_changed(self, _key: str, volume: Object | None) -> None:
        """React to one volume."""
        if volume and self.is_released(volume):
            self.remove(volume)

    def claims_listed(self, claims: dict[str, Object]) -> None:
        """React to every claim there is."""
        for key, claim in claims.items():
            self.claim_changed(key, claim)

    def volumes_listed(self, volumes: dict[str, Object]) -> None:
        """React to every volume there is."""
        for key, volume in volumes.items():
            self.volume_changed(key, volume)


def main() -> None:
    """Provide and remove volumes for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    KubeApi.add_options(parser)
    parser.add_argument("--name", required=True)
    parser.add_argument("--node", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    api = KubeApi.from_options(options)
    provisioner = Provisioner(api, options.name, options.node, folder)
    removing = threading.Thread(
        target=follow,
        args=(api, VOLUMES, provisioner.volumes_listed, provisioner.volume_changed),
        daemon=True,
    )
    removing.start()
    follow(api, "/api/v1/persistentvolumeclaims", provisioner.claims_listed, provisioner.claim_changed)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every ``ObjectStore`` does. The fake keeps to it in tests/unit, the real one in tests/integration/api.

So a use case that was tested with the fake meets nothing else on a server.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import FIELD_MANAGER
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import ApiConflict, ApiError, StaleVersion
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import ObjectStore

__all__ = ["ObjectStoreContract", "World"]

NAME = "settings"
MAP = "ConfigMap"


class World(t.Protocol):
    """The same objects, seen through several stores, and by somebody else."""

    namespace: str
    store: ObjectStore
    forcing: ObjectStore
    planning: ObjectStore

    def create(self, manifest: Manifest) -> None:
        """Let somebody else create an object."""

    def edit(self, kind: str, name: str, patch: Manifest, manager: str) -> None:
        """Let somebody else set fields, or remove those for which ``patch`` has None."""


class ObjectStoreContract:
    """Subclasses give a fixture ``world``, empty at the beginning of each test."""

    def config_map(
        self, world: World, data: Mapping[str, str], *, name: str = NAME, labels: Mapping[str, str] | None = None
    ) -> Manifest:
        metadata = {"name": name, "namespace": world.namespace, "labels": dict(labels or {"team": "shop"})}
        return {"apiVersion": "v1", "kind": MAP, "metadata": metadata, "data": dict(data)}

    def live(self, world: World) -> Manifest:
        found = world.store.get(MAP, NAME)
        assert found is not None
        return found

    def test_the_version_is_two_numbers(self, world: World) -> None:
        major, minor = world.store.server_version()
        assert (major, minor) >= (1, 20)

    @pytest.mark.parametrize("kind", ["ConfigMap", "PodDisruptionBudget", "Pod", "StatefulSet"])
    def test_an_object_that_is_not_there(self, world: World, kind: str) -> None:
        assert world.store.get(kind, "there-is-none") is None
        assert world.store.list(kind, {"team": "there-is-none"}) == []

    def test_apply_creates_and_says_so_once(self, world: World) -> None:
        manifest = self.config_map(world, {"a": "1"})
        first, second = world.store.apply(manifest), world.store.apply(manifest)
        assert (first.created, second.created) == (True, False)
        live = self.live(world)
        assert (live["kind"], live["data"], live["metadata"]["labels"]) == (MAP, {"a": "1"}, {"team": "shop"})
        assert first.manifest == live

    def test_the_same_again_changes_nothing(self, world: World) -> None:
        manifest = self.config_map(world, {"a": "1"})
        first = world.store.apply(manifest).manifest["metadata"]
        again = world.store.apply(manifest).manifest["metadata"]
        assert again["resourceVersion"] == first["resourceVersion"]
        assert self.live(world)["metadata"]["uid"] == first["uid"]

    def test_another_value_is_taken(self, world: World) -> None:
        before = world.store.apply(self.config_map(world, {"a": "1"})).manifest["metadata"]
        after = world.store.apply(self.config_map(world, {"a": "2"})).manifest
        assert after["data"] == {"a": "2"}
        assert after["metadata"]["resourceVersion"] != before["resourceVersion"]
        assert after["metadata"]["uid"] == before["uid"]

    def test_of_two_writers_that_have_read_one_version_the_second_changes_nothing(self, world: World) -> None:
        read = world.store.apply(self.config_map(world, {"a": "1"})).manifest["metadata"]["resourceVersion"]

        def of_version(value: str) -> Manifest:
            manifest = self.config_map(world, {"a": value})
            manifest["metadata"]["resourceVersion"] = read
            return manifest

        assert world.planning.apply(of_version("2")).manifest["data"] == {"a": "2"}
        assert world.store.apply(of_version("2")).manifest["data"] == {"a": "2"}
        before = self.live(world)
        for store in (world.planning, world.store, world.forcing):
            with pytest.raises(StaleVersion, match=f"{MAP} {NAME}.*another run has changed it"):
                store.apply(of_version("3"))
        assert self.live(world) == before

    def test_the_version_of_an_object_that_is_gone_creates_none(self, world: World) -> None:
        manifest = self.config_map(world, {"a": "1"})
        manifest["metadata"]["resourceVersion"] = world.store.apply(manifest).manifest["metadata"]["resourceVersion"]
        world.store.delete(MAP, NAME)
        with pytest.raises(ApiError):
            world.store.apply(manifest)
        assert world.store.get(MAP, NAME) is None

    def test_a_part_is_amended_and_all_else_stays(self, world: World) -> None:
        world.store.apply(self.config_map(world, {"a": "1", "b": "2"}))
        world.edit(MAP, NAME, {"data": {"c": "3"}, "metadata": {"labels": {"theirs": "x"}}}, "their-tool")
        before = self.live(world)
        assert world.planning.amend(MAP, NAME, {"data": {"a": "7"}}).manifest["data"] == {"a": "7", "b": "2", "c": "3"}
        assert self.live(world) == before
        assert not world.store.amend(MAP, NAME, {"data": {"a": "7"}}).created
        live = self.live(world)
        assert live["data"] == {"a": "7", "b": "2", "c": "3"}
        assert live["metadata"]["labels"] == {"team": "shop", "theirs": "x"}
        # What was amended is applied: the next apply without it removes it, and nothing of others.
        world.store.apply(self.config_map(world, {"b": "2"}))
        assert self.live(world)["data"] == {"b": "2", "c": "3"}

    def test_a_service_is_amended(self, world: World) -> None:
        """Its ports are a list whose items have keys of their own."""
        ports = [{"name": "mysql", "port": 3306, "protocol": "TCP", "targetPort": "mysql"}]
        metadata = {"name": NAME, "namespace": world.namespace, "labels": {"team": "shop"}}
        spec = {"ports": ports, "type": "ClusterIP", "selector": {"app": "shop", "pod": "one"}}
        world.store.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        world.store.amend("Service", NAME, {"spec": {"selector": {"pod": "two"}}})
        live = world.store.get("Service", NAME)
        assert live is not None
        assert live["spec"]["selector"] == {"app": "shop", "pod": "two"}
        assert live["metadata"]["labels"] == {"team": "shop"}
        (port,) = live["spec"]["ports"]
        assert {key: port[key] for key in ports[0]} == ports[0]

    def test_what_is_not_there_is_not_amended(self, world: World) -> None:
        with pytest.raises(ApiError) as refused:
            world.store.amend(MAP, "there-is-none", {"data": {"a": "1"}})
        assert refused.value.status == 404
        assert world.store.get(MAP, "there-is-none") is None

    def test_annotations_are_set_beside_what_is_there(self, world: World) -> None:
        world.store.apply(self.config_map(world, {"a": "1"}))
        world.edit(MAP, NAME, {"metadata": {"annotations": {"note": "x"}}}, "their-tool")
        world.planning.annotate(MAP, NAME, {"kubemysql/test": "0"})
        assert self.live(world)["metadata"]["annotations"] == {"note": "x"}
        world.store.annotate(MAP, NAME, {"kubemysql/test": "1"})
        world.store.annotate(MAP, NAME, {"kubemysql/test": "2"})
        live = self.live(world)
        assert live["metadata"]["annotations"] == {"note": "x", "kubemysql/test": "2"}
        assert (live["data"], live["metadata"]["labels"]) == ({"a": "1"}, {"team": "shop"})
        world.store.annotate(MAP, "there-is-none", {"kubemysql/test": "1"})
        assert world.store.get(MAP, "there-is-none") is None

    def test_a_field_that_is_not_applied_any_more_goes(self, world: World) -> None:
        world.store.apply(self.config_map(world, {"a": "1", "b": "2"}, labels={"team": "shop", "tier": "x"}))
        world.store.apply(self.config_map(world, {"a": "1"}))
        assert self.live(world)["data"] == {"a": "1"}
        assert self.live(world)["metadata"]["labels"] == {"team": "shop"}

    def test_fields_of_others_stay(self, world: World) -> None:
        world.store.apply(self.config_map(world, {"a": "1"}))
        theirs = {"data": {"z": "9"}, "metadata": {"labels": {"owner": "me"}, "annotations": {"note": "x"}}}
        world.edit(MAP, NAME, theirs, "their-tool")
        world.store.apply(self.config_map(world, {"a": "2"}))
        live = self.live(world)
        assert live["data"] == {"a": "2", "z": "9"}
        assert live["metadata"]["labels"] == {"team": "shop", "owner": "me"}
        assert live["metadata"]["annotations"] == {"note": "x"}

    def test_a_field_that_somebody_removed_comes_back(self, world: World) -> None:
        manifest = self.config_map(world, {"a": "1", "b": "2"})
        world.store.apply(manifest)
        world.edit(MAP, NAME, {"data": {"b": None}}, "their-tool")
        assert world.store.apply(manifest).manifest["data"] == {"a": "1", "b": "2"}

    def test_an_object_of_somebody_else_is_joined(self, world: World) -> None:
        world.create(self.config_map(world, {"z": "9"}, labels={"owner": "me"}))
        applied = world.store.apply(self.config_map(world, {"a": "1"}))
        assert not applied.created
        assert applied.manifest["data"] == {"a": "1", "z": "9"}
        assert applied.manifest["metadata"]["labels"] == {"team": "shop", "owner": "me"}

    @pytest.mark.parametrize("planning", [False, True])
    def test_another_value_of_somebody_else_is_a_conflict(self, world: World, planning: bool) -> None:
        world.store.apply(self.config_map(world, {"a": "1", "b": "2"}))
        world.edit(MAP, NAME, {"data": {"a": "theirs"}}, "their-tool")
        before = self.live(world)
        store = world.planning if planning else world.store
        with pytest.raises(ApiConflict) as caught:
            store.apply(self.config_map(world, {"a": "1", "b": "3"}))
        for word in (f"{MAP} {NAME}", ".data.a", '"their-tool"'):
            assert word in caught.value.message
        assert caught.value.status == 409
        assert caught.value.conflicts == (".data.a",)
        assert self.live(world) == before

    def test_agreeing_with_somebody_else_is_no_conflict(self, world: World) -> None:
        world.store.apply(self.config_map(world, {"a": "1"}))
        world.edit(MAP, NAME, {"data": {"a": "2"}}, "their-tool")
        assert world.store.apply(self.config_map(world, {"a": "2"})).manifest["data"] == {"a": "2"}

    def test_force_takes_over_for_good(self, world: World) -> None:
        manifest = self.config_map(world, {"a": "1"})
        world.store.apply(manifest)
        world.edit(MAP, NAME, {"data": {"a": "theirs"}}, "their-tool")
        assert world.forcing.apply(manifest).manifest["data"] == {"a": "1"}
        world.store.apply(self.config_map(world, {"a": "2"}))
        assert self.live(world)["data"] == {"a": "2"}

    def test_a_field_that_somebody_took_over_stays_when_we_give_it_up(self, world: World) -> None:
        world.store.apply(self.config_map(world, {"a": "1", "b": "2"}))
        world.edit(MAP, NAME, {"data": {"b": "theirs"}}, "their-tool")
        world.store.apply(self.config_map(world, {"a": "1"}))
        assert self.live(world)["data"] == {"a": "1", "b": "theirs"}

    def test_an_object_that_is_taken_over_is_as_if_nobody_else_had_ever_touched_it(self, world: World) -> None:
        world.create(self.config_map(world, {"a": "0", "z": "9"}, labels={"owner": "me", "team": "theirs"}))
        theirs = {"data": {"y": "8"}, "metadata": {"annotations": {"note": "x"}}}
        world.edit(MAP, NAME, theirs, "their-tool")
        before = self.live(world)
        manifest = self.config_map(world, {"a": "1"})
        foretold = world.planning.take_over(manifest)
        assert self.live(world) == before
        taken = world.store.take_over(manifest)
        for applied in (foretold, taken):
            assert not applied.created
            assert applied.manifest["data"] == {"a": "1"}
            assert applied.manifest["metadata"]["labels"] == {"team": "shop"}
            assert not applied.manifest["metadata"].get("annotations")
        assert taken.manifest["metadata"]["uid"] == before["metadata"]["uid"]
        # From then on it is like any other: no conflicts, and what is not applied any more goes.
        assert world.store.apply(self.config_map(world, {"b": "2"})).manifest["data"] == {"b": "2"}

    def test_taking_over_what_is_ours_or_nobodys(self, world: World) -> None:
        manifest = self.config_map(world, {"a": "1"})
        assert world.planning.take_over(manifest).created
        assert world.store.take_over(manifest).created
        before = self.live(world)
        assert world.store.take_over(manifest).manifest["data"] == before["data"]
        assert world.store.apply(manifest).manifest["metadata"]["uid"] == before["metadata"]["uid"]

    def test_who_applied_an_object_can_be_seen(self, world: World) -> None:
        world.create(self.config_map(world, {"a": "1"}, name="theirs"))
        world.store.apply(self.config_map(world, {"a": "1"}))
        found = {each["metadata"]["name"]: each["metadata"] for each in world.store.list(MAP, {"team": "shop"})}
        entries = {
            name: [(each["manager"], each["operation"]) for each in metadata.get("managedFields") or []]
            for name, metadata in found.items()
        }
        assert (FIELD_MANAGER, "Apply") in entries[NAME]
        assert (FIELD_MANAGER, "Apply") not in entries["theirs"]

    def test_a_list_holds_what_has_all_the_labels_each_with_its_kind(self, world: World) -> None:
        for name, labels in (("a", {"x": "1"}), ("b", {"x": "1", "y": "2"}), ("c", {"x": "1", "y": "3"}), ("d", {"y": "2"})):
            world.store.apply(self.config_map(world, {}, name=name, labels=labels))
        assert [each["metadata"]["name"] for each in world.store.list(MAP, {"x": "1"})] == ["a", "b", "c"]
        found = world.store.list(MAP, {"x": "1", "y": "2"})
        assert [(each["kind"], each["metadata"]["name"]) for each in found] == [(MAP, "b")]
        assert world.store.list("Secret", {"x": "1"}) == []

    def test_delete_and_delete_again(self, world: World) -> None:
        manifest = self.config_map(world, {"a": "1"})
        before = world.store.apply(manifest).manifest["metadata"]["uid"]
        world.store.delete(MAP, NAME)
        assert world.store.get(MAP, NAME) is None
        world.store.delete(MAP, NAME)
        again = world.store.apply(manifest)
        assert again.created
        assert again.manifest["metadata"]["uid"] != before

    def test_a_store_that_plans_answers_as_if_and_changes_nothing(self, world: World) -> None:
        foretold = world.planning.apply(self.config_map(world, {"a": "1"}))
        assert foretold.created
        assert foretold.manifest["data"] == {"a": "1"}
        assert world.store.get(MAP, NAME) is None

        world.store.apply(self.config_map(world, {"a": "1", "b": "2"}))
        before = self.live(world)
        foretold = world.planning.apply(self.config_map(world, {"a": "3"}))
        assert not foretold.created
        assert foretold.manifest["data"] == {"a": "3"}
        world.planning.delete(MAP, NAME)
        world.planning.delete(MAP, "there-is-none")
        assert self.live(world) == before

    def test_planning_the_same_foretells_the_object_as_it_is(self, world: World) -> None:
        manifest = self.config_map(world, {"a": "1"})
        world.store.apply(manifest)
        assert world.planning.apply(manifest).manifest["data"] == self.live(world)["data"]

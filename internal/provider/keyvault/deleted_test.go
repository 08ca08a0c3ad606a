package keyvault_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider/keyvault"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/store"
)

const (
	graves  = providertest.Subscription + "/providers/Microsoft.KeyVault/deletedVaults"
	recover = `,"createMode":"recover"`
)

// clock is a time that a test moves.
type clock struct{ days atomic.Int64 }

func (c *clock) now() time.Time { return providertest.Start.AddDate(0, 0, int(c.days.Load())) }

func TestADeletedVaultIsKeptAndComesBackWithItsSecrets(t *testing.T) {
	w, _ := begin(t)
	w.Want(200, "", "PATCH "+vault, `{"tags":{"a":"b"},"properties":{"enabledForDeployment":true}}`)
	w.Want(201, "", "PUT "+db, setDB)
	was, secret := w.Want(200, "", "GET "+vault, ""), w.Want(200, "", "GET "+db, "")
	w.Want(200, "", "DELETE "+vault, "")
	w.Want(404, "ResourceNotFound", "GET "+vault, "")
	w.Want(204, "", "DELETE "+vault, "")
	if _, ok := w.Engine.ByHost("shop-kv.vault.azure.net"); ok {
		t.Error("a deleted vault still answers to its host name")
	}
	gone := w.Want(200, "", "GET "+grave, "")
	for name, want := range map[string]any{"id": grave, "name": "shop-kv", "type": "Microsoft.KeyVault/deletedVaults", "properties.vaultId": vault,
		"properties.location": "westeurope", "properties.tags.a": "b", "properties.deletionDate": "2026-03-01T12:00:00Z",
		"properties.scheduledPurgeDate": "2026-05-30T12:00:00Z", "properties.vault": nil, "properties.purgeProtectionEnabled": nil} {
		if got := gone.Property(name); got != want {
			t.Errorf("%s of the deleted vault is %v, want %v", name, got, want)
		}
	}
	if all := w.Want(200, "", "GET "+graves, "").Values(); len(all) != 1 || all[0]["id"] != grave {
		t.Errorf("listed are %v", all)
	}
	w.Want(409, "ConflictError", "PUT "+vault, body(""))
	w.Want(201, "", "PUT "+vault, body(recover))
	w.Want(404, "DeletedVaultNotFound", "GET "+grave, "")
	again := w.Want(200, "", "GET "+vault, "")
	for _, name := range []string{"tags.a", "properties.enabledForDeployment", "properties.vaultUri", "systemData.createdAt"} {
		if again.Property(name) != was.Property(name) {
			t.Errorf("%s was %v and is %v", name, was.Property(name), again.Property(name))
		}
	}
	if got := w.Want(200, "", "GET "+db, ""); got.Property("properties.secretUriWithVersion") != secret.Property("properties.secretUriWithVersion") {
		t.Errorf("the secret came back as %s", got.Text)
	}
	if d, ok := w.Engine.ByHost("shop-kv.vault.azure.net"); !ok || !d.ID.Equal(cloud.MustID(vault)) {
		t.Error("the recovered vault does not answer to its host name")
	}
}

func TestRecoveryNeedsADeletedVaultAndItsPlace(t *testing.T) {
	w, _ := begin(t)
	w.Want(404, "DeletedVaultNotFound", "PUT "+vault+"2", body(recover))
	w.Want(200, "", "DELETE "+vault, "")
	w.Want(400, "BadRequest", "PUT "+vault, strings.Replace(body(recover), "westeurope", "eastus", 1))
	w.Want(400, "BadRequest", "PUT "+strings.Replace(vault, providertest.Group, providertest.Other, 1), body(recover))
	w.Want(200, "", "DELETE "+providertest.Group+"?api-version=2025-04-01", "")
	w.Want(404, "ResourceGroupNotFound", "PUT "+vault, body(recover))
	w.Want(201, "", "PUT "+providertest.Group+"?api-version=2025-04-01", `{"location":"westeurope"}`)
	w.Want(201, "", "PUT "+vault, body(recover))
}

func TestAGroupsVaultsOutliveItInTheirGraves(t *testing.T) {
	w, _ := begin(t)
	w.Want(201, "", "PUT "+db, setDB)
	w.Want(200, "", "DELETE "+providertest.Group+"?api-version=2025-04-01", "")
	if all := w.Want(200, "", "GET "+graves, "").Values(); len(all) != 1 || all[0]["name"] != "shop-kv" {
		t.Errorf("deleted vaults: %v", all)
	}
}

func TestPurging(t *testing.T) {
	w, _ := begin(t)
	w.Want(404, "DeletedVaultNotFound", "POST "+grave+"/purge", "")
	w.Want(201, "", "PUT "+vault+"2", body(`,"enablePurgeProtection":true`))
	w.Want(200, "", "PUT "+vault+"2", body(""))
	w.Want(400, "BadRequest", "PATCH "+vault+"2", `{"properties":{"enablePurgeProtection":false}}`)
	w.Want(200, "", "DELETE "+vault+"2", "")
	if a := w.Want(200, "", "GET "+grave+"2", ""); a.Property("properties.purgeProtectionEnabled") != true {
		t.Errorf("a protected vault is shown as %s", a.Text)
	}
	w.Want(405, "MethodNotAllowed", "POST "+grave+"2/purge", "")
	w.Want(200, "", "DELETE "+vault, "")
	for _, action := range []string{"/read", "/purge/action"} {
		w.Refuse = arm.Demand{Action: "Microsoft.KeyVault/locations/deletedVaults" + action, Scope: cloud.Root}
		line := map[string]string{"/read": "GET " + grave, "/purge/action": "POST " + grave + "/purge"}[action]
		w.Want(403, "AuthorizationFailed", line, "")
	}
	w.Refuse = arm.Demand{}
	w.Want(405, "MethodNotAllowed", "PUT "+grave, `{}`)
	w.Want(405, "MethodNotAllowed", "DELETE "+grave, "")
	w.Want(200, "", "POST "+grave+"/purge", "")
	w.Want(404, "DeletedVaultNotFound", "GET "+grave, "")
	w.Want(404, "DeletedVaultNotFound", "PUT "+vault, body(recover))
	w.Want(201, "", "PUT "+vault, body(""))
}

func TestADeletedVaultGoesWhenItsTimeIsOver(t *testing.T) {
	var c clock
	w, _ := beginAt(t, c.now)
	w.Want(201, "", "PUT "+vault+"2", body(`,"softDeleteRetentionInDays":7,"enablePurgeProtection":true`))
	fill(w, cloud.MustID(vault+"2"), 3)
	w.Want(200, "", "DELETE "+vault+"2", "")
	c.days.Store(6)
	w.Want(200, "", "GET "+grave+"2", "")
	c.days.Store(7)
	w.Want(404, "DeletedVaultNotFound", "GET "+grave+"2", "")
	w.Want(404, "DeletedVaultNotFound", "POST "+grave+"2/purge", "")
	w.Want(404, "DeletedVaultNotFound", "PUT "+vault+"2", body(recover))
	if all := w.Want(200, "", "GET "+graves, "").Values(); len(all) != 0 {
		t.Errorf("listed are %v", all)
	}
	seen := w.Store.Watch(t.Context(), cloud.KeysVault+"/", 0)
	w.Run(keyvault.Sweeper{Store: w.Store, Profile: cloud.Azure, Now: c.now}.Run)
	await(t, seen, func() bool { return left(w, cloud.MustID(vault+"2")) == 0 })
	if w.Read(cloud.DocumentKey(cloud.MustID(grave+"2")), &struct{}{}) {
		t.Error("its grave is still there")
	}
	w.Want(201, "", "PUT "+strings.Replace(vault, providertest.Group, providertest.Other, 1)+"2", body(""))
}

func TestANameIsFreeAtOnceWhenTheTimeIsOver(t *testing.T) {
	var c clock
	w, _ := beginAt(t, c.now)
	w.Want(200, "", "DELETE "+vault, "")
	c.days.Store(90)
	w.Want(201, "", "PUT "+strings.Replace(vault, providertest.Group, providertest.Other, 1), body(""))
}

// A sweep that was told of a deletion must not reach a vault that has been recovered, nor one that
// has been deleted once more.
func TestTheSweeperIsTooLateForARecoveredVault(t *testing.T) {
	w, _ := begin(t)
	fill(w, cloud.MustID(vault), 2)
	for range 3 {
		w.Want(200, "", "DELETE "+vault, "")
		w.Want(201, "", "PUT "+vault, body(recover))
	}
	w.Want(200, "", "DELETE "+vault, "")
	seen := w.Store.Watch(t.Context(), cloud.KeysVault+"/", 0)
	w.Run(keyvault.Sweeper{Store: w.Store, Profile: cloud.Azure, Now: func() time.Time { return providertest.Start }}.Run)
	fill(w, cloud.MustID(vault+"3"), 1) // of no vault: swept after all that came before
	w.Want(201, "", "PUT "+vault+"2", body(""))
	w.Want(200, "", "DELETE "+vault+"2", "")
	w.Want(200, "", "POST "+grave+"2/purge", "")
	await(t, seen, func() bool { return left(w, cloud.MustID(vault+"3")) == 0 })
	if n := left(w, cloud.MustID(vault)); n != 4 {
		t.Errorf("the deleted vault has %d entries left, want 4", n)
	}
}

// Whoever makes a vault while another of its name is being deleted finds out: the deletion
// writes the claim anew.
func TestADeletionChangesTheClaimOnTheName(t *testing.T) {
	w, _ := begin(t)
	key := cloud.NameKey("shop-kv.vault.azure.net")
	before, err := w.Store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	w.Want(200, "", "DELETE "+vault, "")
	_, err = w.Store.Commit(t.Context(), store.Change{Key: key, If: before.Revision, Check: true})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("the claim is as it was: %v", err)
	}
}

// A world may hold vaults whose location cannot stand in an id: their graves lie at a fixed one.
func TestAVaultInNoLocationCanBeDeletedAndPurged(t *testing.T) {
	for _, at := range []string{"a/b", "westeurope/providers/microsoft.authorization", "../../x", "", "\x1b[2J", strings.Repeat("a", 5000)} {
		w, _ := begin(t)
		d, _ := w.Engine.Document(cloud.MustID(vault))
		d.Location = at
		value, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		revision, err := w.Store.Commit(t.Context(), store.Change{Key: cloud.DocumentKey(d.ID), Value: value, If: store.Any})
		if err == nil {
			err = w.Engine.Await(t.Context(), revision)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Want(200, "", "DELETE "+vault, "")
		local := strings.Replace(grave, "westeurope", "local", 1)
		if gone := w.Want(200, "", "GET "+local, ""); gone.Property("properties.location") != "local" {
			t.Errorf("%.20q: %s", at, gone.Text)
		}
		w.Want(200, "", "POST "+local+"/purge", "")
		w.Want(200, "", "DELETE "+providertest.Group+"?api-version=2025-04-01", "")
	}
}

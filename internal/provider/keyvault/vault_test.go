package keyvault_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
	"lanyard/internal/provider/keyvault"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/secret"
	"lanyard/internal/store"
)

const (
	v     = "2024-11-01"
	vault = providertest.Group + "/providers/Microsoft.KeyVault/vaults/shop-kv"
	grave = providertest.Subscription + "/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/shop-kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type late struct{ w *providertest.World }

func (l late) Document(id cloud.ID) (*arm.Document, bool) { return l.w.Engine.Document(id) }
func (l late) Documents(prefix cloud.ID, typ string) []*arm.Document {
	return l.w.Engine.Documents(prefix, typ)
}

// counter draws 1, 2, 3, ... in place of chance.
type counter struct{ n atomic.Int64 }

func (c *counter) Read(p []byte) (int, error) {
	n := c.n.Add(1)
	for i := range p {
		p[i] = byte(n)
	}
	return len(p), nil
}

// begin starts a world with one empty vault, and gives the box that seals its secrets.
func begin(t *testing.T) (*providertest.World, *secret.Box) {
	t.Helper()
	return beginAt(t, func() time.Time { return providertest.Start })
}

// beginAt is begin with a clock of the test's own.
func beginAt(t *testing.T, now func() time.Time) (*providertest.World, *secret.Box) {
	t.Helper()
	box, err := secret.NewBox(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := providertest.Begin(t, v, func(w *providertest.World) []arm.Row {
		return keyvault.Rows(keyvault.Deps{Box: box, Profile: cloud.Azure, Deps: provider.Deps{Resources: late{w}, Store: w.Store, Tenant: providertest.Tenant,
			Await: func(ctx context.Context, revision int64) error { return w.Engine.Await(ctx, revision) },
			Now:   now, Rand: &counter{}}})
	})
	w.Want(201, "", "PUT "+vault, body(""))
	return w, box
}

func body(more string) string {
	return fmt.Sprintf(`{"location":"westeurope","properties":{"tenantId":%q,"sku":{"family":"A","name":"standard"}%s}}`, providertest.Tenant, more)
}

func TestAVaultHasAnAddressThatIsItsOwn(t *testing.T) {
	w, _ := begin(t)
	a := w.Want(200, "", "GET "+vault, "")
	for name, want := range map[string]any{"vaultUri": "https://shop-kv.vault.azure.net/", "enableRbacAuthorization": true, "enableSoftDelete": true,
		"softDeleteRetentionInDays": 90.0, "provisioningState": "Succeeded", "publicNetworkAccess": "Enabled", "sku.name": "standard"} {
		if got := a.Property("properties." + name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if d, ok := w.Engine.ByHost("SHOP-KV.vault.azure.net"); !ok || !d.ID.Equal(cloud.MustID(vault)) {
		t.Error("its host name does not lead to it")
	}
	elsewhere := strings.Replace(strings.Replace(vault, providertest.Group, providertest.Other, 1), "shop-kv", "Shop-KV", 1)
	w.Want(409, "VaultAlreadyExists", "PUT "+elsewhere, body(""))
	w.Want(200, "", "PUT "+vault, a.Text)
	w.Want(200, "", "DELETE "+vault, "")
	w.Want(409, "ConflictError", "PUT "+elsewhere, body(""))
	w.Want(200, "", "POST "+grave+"/purge", "")
	w.Want(201, "", "PUT "+elsewhere, body(""))
}

func TestVaultRules(t *testing.T) {
	w, _ := begin(t)
	for claim, c := range map[string]struct {
		status     int
		code, body string
	}{
		"no properties":                     {400, "InvalidTenantId", `{"location":"westeurope"}`},
		"another tenant":                    {400, "InvalidTenantId", strings.Replace(body(""), string(providertest.Tenant), "11111111-0000-0000-0000-000000000000", 1)},
		"no sku":                            {400, "BadRequest", strings.Replace(body(""), `,"sku":{"family":"A","name":"standard"}`, "", 1)},
		"a sku that is none":                {400, "BadRequest", strings.Replace(body(""), "standard", "golden", 1)},
		"access policies in place of roles": {501, "NotOffered", body(`,"enableRbacAuthorization":false`)},
		"an access policy":                  {501, "NotOffered", body(`,"accessPolicies":[{"objectId":"x"}]`)},
		"an access policy without effect":   {200, "", body(`,"enableRbacAuthorization":true,"accessPolicies":[{"objectId":"x"}]`)},
		"a policy that is none":             {400, "InvalidRequestContent", body(`,"enableRbacAuthorization":true,"accessPolicies":["x"]`)},
		"no soft delete":                    {400, "BadRequest", body(`,"enableSoftDelete":false`)},
		"six days of retention":             {400, "BadRequest", body(`,"softDeleteRetentionInDays":6`)},
		"91 days of retention":              {400, "BadRequest", body(`,"softDeleteRetentionInDays":91`)},
		"another retention than before":     {400, "BadRequest", body(`,"softDeleteRetentionInDays":30`)},
		"no purge protection":               {400, "BadRequest", body(`,"enablePurgeProtection":false`)},
		"recovery of a vault in use":        {409, "VaultAlreadyExists", body(`,"createMode":"recover"`)},
		"a mode that is none":               {400, "BadRequest", body(`,"createMode":"again"`)},
		"a firewall":                        {501, "NotOffered", body(`,"networkAcls":{"defaultAction":"Deny"}`)},
		"a bypass that is none":             {400, "BadRequest", body(`,"networkAcls":{"bypass":"Everything"}`)},
		"an address rule":                   {501, "NotOffered", body(`,"networkAcls":{"defaultAction":"Allow","ipRules":[{"value":"1.2.3.4"}]}`)},
		"no public network":                 {501, "NotOffered", body(`,"publicNetworkAccess":"Disabled"`)},
		"what az sends":                     {200, "", body(`,"accessPolicies":[],"enabledForDeployment":false,"enablePurgeProtection":null,"networkAcls":{"bypass":"AzureServices","defaultAction":"Allow","ipRules":[],"virtualNetworkRules":[]},"softDeleteRetentionInDays":90,"publicNetworkAccess":"enabled","createMode":"default"`)},
	} {
		t.Run(claim, func(t *testing.T) {
			w.Want(c.status, c.code, "PUT "+vault, c.body)
		})
	}
	for _, name := range []string{"ab", "1ab", "a--b", "ab-", "a_b", strings.Repeat("a", 25)} {
		w.Want(400, "VaultNameNotValid", "PUT "+strings.Replace(vault, "shop-kv", name, 1), body(""))
	}
}

// fill puts secrets into the store under a vault, without any document.
func fill(w *providertest.World, id cloud.ID, n int) {
	for i := range n {
		w.Commit(store.Change{Key: cloud.SecretKey(id, fmt.Sprintf("s%d", i)), Value: []byte(`{}`), If: store.Any},
			store.Change{Key: cloud.VersionKey(id, fmt.Sprintf("s%d", i), "v"), Value: []byte(`{}`), If: store.Any})
	}
}

func left(w *providertest.World, id cloud.ID) int {
	w.T.Helper()
	entries, _, err := w.Store.List(w.T.Context(), cloud.KeysVault+id.Key()+"/")
	if err != nil {
		w.T.Fatal(err)
	}
	return len(entries)
}

func TestANewVaultNeverSeesTheSecretsOfAnOldOne(t *testing.T) {
	w, _ := begin(t)
	id, longer := cloud.MustID(vault), cloud.MustID(vault+"2")
	fill(w, id, 100) // more than one transaction holds
	fill(w, longer, 1)
	w.Want(200, "", "DELETE "+vault, "")
	w.Want(200, "", "POST "+grave+"/purge", "")
	w.Want(201, "", "PUT "+vault, body(""))
	if n := left(w, id); n != 0 {
		t.Errorf("%d entries were left", n)
	}
	if n := left(w, longer); n != 2 {
		t.Errorf("a vault with a longer name has %d entries, want 2", n)
	}
}

func TestTheSweeperTakesTheSecretsOfVaultsThatAreGone(t *testing.T) {
	w, _ := begin(t)
	kept, gone, before, deleted := cloud.MustID(vault), cloud.MustID(vault+"2"), cloud.MustID(vault+"3"), cloud.MustID(vault+"4")
	w.Want(201, "", "PUT "+gone.String(), body(""))
	w.Want(201, "", "PUT "+deleted.String(), body(""))
	for _, id := range []cloud.ID{kept, gone, before, deleted} {
		fill(w, id, 70)
	}
	w.Want(200, "", "DELETE "+deleted.String(), "")
	seen := w.Store.Watch(t.Context(), cloud.KeysVault+"/", 0)
	w.Run(keyvault.Sweeper{Store: w.Store, Profile: cloud.Azure, Now: func() time.Time { return providertest.Start }}.Run)
	await(t, seen, func() bool { return left(w, before) == 0 })
	w.Want(200, "", "DELETE "+gone.String(), "")
	w.Want(200, "", "POST "+grave+"2/purge", "")
	await(t, seen, func() bool { return left(w, gone) == 0 })
	for _, id := range []cloud.ID{kept, deleted} {
		if n := left(w, id); n != 140 {
			t.Errorf("%s has %d entries, want 140", id.Name(), n)
		}
	}
}

// await waits for a state of the store, looking at each change.
func await(t *testing.T, changes <-chan store.Batch, done func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	for !done() {
		select {
		case <-changes:
		case <-ctx.Done():
			t.Fatal("it never came to be")
		}
	}
}

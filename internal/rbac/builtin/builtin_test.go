package builtin

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
)

func TestThereAre928BuiltInRoles(t *testing.T) {
	roles := Roles()
	if len(roles) != 928 {
		t.Fatalf("there are %d roles, want 928", len(roles))
	}
	several := 0
	for _, r := range roles {
		if len(r.Permissions) > 1 {
			several++
		}
		if r.Custom || len(r.Assignable) != 1 || !r.Assignable[0].Equal(cloud.Root) {
			t.Errorf("%s: custom %v, assignable at %v", r.Name, r.Custom, r.Assignable)
		}
	}
	if several != 16 {
		t.Errorf("%d roles have more than one permission, want 16", several)
	}
}

// guids are those of wire-facts 7.6, by the role's full name.
var guids = map[string]string{
	"Owner":                     "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
	"Contributor":               "b24988ac-6180-42a0-ab88-20f7382dd24c",
	"Reader":                    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
	"User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
	"Role Based Access Control Administrator":        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
	"Managed Identity Contributor":                   "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
	"Managed Identity Operator":                      "f1a07417-d97a-45cb-824c-7a7467783830",
	"Website Contributor":                            "de139f84-1756-47ae-9be6-808fbbe84772",
	"Key Vault Administrator":                        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
	"Key Vault Reader":                               "21090545-7ca7-4776-b22c-e363652d74d2",
	"Key Vault Secrets Officer":                      "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
	"Key Vault Secrets User":                         "4633458b-17de-408a-b874-0445c86b69e6",
	"Key Vault Crypto Officer":                       "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
	"Key Vault Crypto User":                          "12338af0-0e69-4776-bea7-57ae8d297424",
	"Key Vault Crypto Service Encryption User":       "e147488a-f6f5-4113-8e2d-b22465e65bf6",
	"Key Vault Crypto Service Release User":          "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
	"Key Vault Certificates Officer":                 "a4417e6f-fecd-4de8-b567-7b0420556985",
	"Key Vault Certificate User":                     "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
	"Key Vault Contributor":                          "f25e0fa2-a7c8-4377-a976-54943a77a395",
	"Key Vault Data Access Administrator":            "8b54135c-b56d-4d72-a534-26097cfdc8d8",
	"Storage Blob Data Owner":                        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
	"Storage Blob Data Contributor":                  "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
	"Storage Blob Data Reader":                       "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
	"Storage Blob Delegator":                         "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
	"Storage Queue Data Contributor":                 "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
	"Storage Queue Data Message Processor":           "8a0f0c08-91a1-4084-bc3d-661d67233fed",
	"Storage Queue Data Message Sender":              "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
	"Storage Queue Data Reader":                      "19e7f393-937e-4f77-808e-94535e297925",
	"Storage Table Data Contributor":                 "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
	"Storage Table Data Reader":                      "76199698-9eea-4c19-bc75-cec21354c6b6",
	"AcrPull":                                        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
	"AcrPush":                                        "8311e382-0749-4cb8-b61a-304f252e45ec",
	"AcrDelete":                                      "c2f4ef07-c644-48eb-af81-4b1b4947fb11",
	"Container Registry Repository Reader":           "b93aa761-3e63-49ed-ac28-beffa264f7ac",
	"Container Registry Repository Writer":           "2a1e307c-b015-4ebd-883e-5b7698a07328",
	"Container Registry Repository Contributor":      "2efddaa5-3f1f-4df3-97df-af3f13818f4c",
	"Container Registry Repository Catalog Lister":   "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7",
	"Container Apps Contributor":                     "358470bc-b998-42bd-ab17-a7e34c199c0f",
	"Container Apps Operator":                        "f3bd1b5c-91fa-40e7-afe7-0c11d331232c",
	"Container Apps ManagedEnvironments Contributor": "57cc5028-e6a7-4284-868d-0611c5923f8d",
	"Container Apps Jobs Contributor":                "4e3d2b60-56ae-4dc6-a233-09c8e5a82e68",
	"App Configuration Data Owner":                   "5ae67dd6-50cb-40e7-96ff-dc2bfa4b606b",
	"App Configuration Data Reader":                  "516239f1-63e1-4d78-a4de-a74fb236a071",
	"EventGrid Data Sender":                          "d5a91429-5739-47e2-a06b-3470a27159e7",
	"Azure Service Bus Data Owner":                   "090c5cfd-751d-490a-894a-3ce6f1109419",
	"Azure Service Bus Data Receiver":                "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
	"Azure Service Bus Data Sender":                  "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
	"Azure Event Hubs Data Owner":                    "f526a384-b230-433a-b45c-95f59c4a2dec",
	"Azure Event Hubs Data Receiver":                 "a638d3c7-ab3a-418d-83e6-5f17a39d4fde",
	"Azure Event Hubs Data Sender":                   "2b629674-e913-4c01-ae53-ef4638d8f975",
	"Cosmos DB Account Reader Role":                  "fbdf93bf-df7d-467e-a4d2-9458aa1360c8",
	"SQL DB Contributor":                             "9b7fa17d-e63e-47b0-bb0a-15c516ac86ec",
	"Redis Cache Contributor":                        "e0f68234-74aa-48ed-b826-c38b57376e17",
}

func TestRolesHaveThePublishedIDs(t *testing.T) {
	for name, guid := range guids {
		if r, ok := ByName(name); !ok || r.ID.Name() != guid {
			t.Errorf("by name %q: %v %q, want %q", name, ok, r.ID.Name(), guid)
		}
		if r, ok := ByID(strings.ToUpper(guid)); !ok || r.Name != name {
			t.Errorf("by id %s: %v %q, want %q", guid, ok, r.Name, name)
		}
	}
	for _, stranger := range []string{"", "owner ship", "8e3af657-a8ff-443c-a75c-2fe8c4bcb636"} {
		if r, ok := ByID(stranger); ok {
			t.Errorf("ByID(%q) found %s", stranger, r.Name)
		}
		if r, ok := ByName(stranger); ok {
			t.Errorf("ByName(%q) found %s", stranger, r.Name)
		}
	}
}

func TestOwnerAndContributorHoldNoDataActions(t *testing.T) {
	for _, name := range []string{"owner", "CONTRIBUTOR", "Reader"} {
		r, ok := ByName(name)
		if !ok || len(r.Permissions) != 1 || len(r.Permissions[0].DataActions) != 0 {
			t.Errorf("%s: found %v with %+v", name, ok, r.Permissions)
		}
	}
}

func TestKeyVaultSecretsUserHasExactlyTwoDataActions(t *testing.T) {
	r, _ := ByName("Key Vault Secrets User")
	want := []string{
		"Microsoft.KeyVault/vaults/secrets/getSecret/action",
		"Microsoft.KeyVault/vaults/secrets/readMetadata/action",
	}
	if len(r.Permissions) != 1 || len(r.Permissions[0].Actions) != 0 {
		t.Fatalf("permissions %+v", r.Permissions)
	}
	got := slices.Sorted(slices.Values(r.Permissions[0].DataActions))
	if !slices.Equal(got, want) {
		t.Errorf("data actions %q, want %q", got, want)
	}
}

func TestParseRefusesADamagedFile(t *testing.T) {
	for why, text := range map[string]string{
		"an action before any role": "+a/b\n",
		"an empty line":             "8e3af657-a8ff-443c-a75c-2fe8c4bcb635 Owner\n\n",
		"a role without a name":     "8e3af657-a8ff-443c-a75c-2fe8c4bcb635\n",
		"a role without an id":      "Owner\n",
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("%s was accepted", why)
		}
	}
}

func TestParseIsQuick(t *testing.T) {
	best := time.Hour
	for range 5 {
		start := time.Now()
		if _, err := parse(text); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	t.Logf("parsed in %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("parsing took %v; 5 ms is expected, and ten times that allowed on a busy machine", best)
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

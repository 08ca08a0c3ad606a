package rbac

import (
	"fmt"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac/builtin"
)

// crowd binds n grants of wildcard roles to one principal, each at a vault of its own, and the last
// at the vault that is asked for.
func crowd(t testing.TB, n int) []Grant {
	names := []string{"Key Vault Secrets Officer", "Contributor", "Storage Blob Data Owner", "Reader", "Key Vault Administrator"}
	rules := make([]*Rules, len(names))
	for i, name := range names {
		rules[i] = Compile(role(t, name))
	}
	grants := make([]Grant, 0, n)
	for i := range n - 1 { // roles in groups, as the directory keeps them
		at := cloud.MustID(fmt.Sprintf("%s/providers/Microsoft.KeyVault/vaults/other%d", rg, i))
		grants = append(grants, rules[i*len(rules)/n].Bind(cloud.Assignment{Principal: billing, Scope: at}))
	}
	return append(grants, rules[0].Bind(cloud.Assignment{Principal: billing, Scope: cloud.MustID(vault)}))
}

// BenchmarkDecide is one decision for a principal with a hundred grants in a world of a million
// others, looked up as the directory does.
func BenchmarkDecide(b *testing.B) {
	held := make(map[cloud.PrincipalID][]Grant, 1_000_000)
	shared := crowd(b, 1)
	for i := range 1_000_000 {
		held[cloud.PrincipalID(fmt.Sprintf("%08d-0000-0000-0000-000000000000", i))] = shared
	}
	held[billing] = crowd(b, 100)
	broad := make([]Grant, 0, 100)
	for _, g := range held[billing] {
		broad = append(broad, g.rules.Bind(cloud.Assignment{Principal: billing, Scope: cloud.MustID(rg)}))
	}
	allowed := Request{Principal: billing, Action: getSecret, Data: true, At: cloud.MustID(secret)}
	refused := Request{Principal: billing, Action: getSecret, Data: true, At: cloud.MustID(rg + "/providers/Microsoft.KeyVault/vaults/none")}
	beyond := Request{Principal: billing, Action: "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read", Data: true, At: cloud.MustID(secret)}
	run := func(name string, r Request, grants func() []Grant, want bool) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if Decide(r, grants(), nil).Allowed != want {
					b.Fatal("decided otherwise")
				}
			}
		})
	}
	last := append(append([]Grant{}, broad[:99]...), grant(role(b, "Storage Queue Data Reader"), rg))
	run("allowed by the last of 100 here", beyond, func() []Grant { return last }, true)
	run("allowed by the last of 100", allowed, func() []Grant { return held[billing] }, true)
	run("refused with 100 grants elsewhere", refused, func() []Grant { return held[billing] }, false)
	run("refused with 100 grants here", beyond, func() []Grant { return broad }, false)
	run("allowed by the first of 100", allowed, func() []Grant { return broad }, true)
}

func TestAnAllowedDecisionAllocatesNothing(t *testing.T) {
	grants := crowd(t, 100)
	r := Request{Principal: billing, Action: getSecret, Data: true, At: cloud.MustID(secret)}
	if n := testing.AllocsPerRun(100, func() {
		if !Decide(r, grants, nil).Allowed {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkCompileAll(b *testing.B) {
	for b.Loop() {
		for _, r := range builtin.Roles() {
			Compile(r)
		}
	}
}

package telemetry

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"lanyard/internal/cloud"
)

// grant gives the record of a token.
func grant(n int) cloud.SignIn {
	app := cloud.MustID(world + "/resourceGroups/shop/providers/Microsoft.App/containerApps/orders")
	return cloud.SignIn{
		Token: fmt.Sprintf("uti-%d", n), Key: "kid", Time: noon, Expires: noon.AddDate(0, 0, 1), Principal: "11111111-0000-0000-0000-000000000001",
		Client: "22222222-0000-0000-0000-000000000001", Kind: cloud.UserAssigned, Name: "billing",
		Identity: cloud.MustID(world + "/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Billing"),
		App:      app, Replica: "orders--1-abcde", Audience: "https://vault.azure.net", Protocol: "AppService 2019-08-01",
		Process: cloud.Process{PID: 4711, UID: 1000, Program: "/bin/sh"}, Attested: true, From: "127.0.0.1:50000",
	}
}

func BenchmarkDeliveriesCounted(b *testing.B) {
	s, err := OpenSignIns(b.Context(), "", Keeping{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Delivered("orders--1-abcde", "11111111-0000-0000-0000-000000000001", 1)
		}
	})
}

// Records of tokens that somebody waits for, beside what signing tokens takes: what is recorded must
// not be what holds fresh tokens up.
func BenchmarkRecordsOfTokens(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("recorded by %d", callers), func(b *testing.B) {
			s, err := OpenSignIns(b.Context(), filepath.Join(b.TempDir(), "signins.db"), Keeping{Now: func() time.Time { return noon }})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.SetParallelism((callers + 1) / 2) // callers on two processors
			if callers == 1 {
				for b.Loop() {
					if err := s.Record(b.Context(), grant(1)); err != nil {
						b.Fatal(err)
					}
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := s.Record(b.Context(), grant(1)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
	b.Run("signed", func(b *testing.B) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			b.Fatal(err)
		}
		digest := sha256.Sum256([]byte("claims"))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:]); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
	})
}

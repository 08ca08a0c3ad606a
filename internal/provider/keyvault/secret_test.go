package keyvault_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/store"
)

const (
	db     = vault + "/secrets/Db"
	hidden = "hunter2-very-secret"
	setDB  = `{"properties":{"value":"` + hidden + `","contentType":"text/plain","attributes":{"enabled":true,"exp":2000000000}},"tags":{"a":"b"}}`
)

func current(t *testing.T, w *providertest.World) (head cloud.Secret, version cloud.SecretVersion) {
	t.Helper()
	if !w.Read(cloud.SecretKey(cloud.MustID(vault), "db"), &head) ||
		!w.Read(cloud.VersionKey(cloud.MustID(vault), "db", head.Current), &version) {
		t.Fatal("there is no such secret")
	}
	return head, version
}

func TestASecretIsSealedAndNeverShown(t *testing.T) {
	w, box := begin(t)
	a := w.Want(201, "", "PUT "+db, setDB)
	head, version := current(t, w)
	key := cloud.VersionKey(cloud.MustID(vault), "Db", head.Current)
	plain, err := box.Open(version.Value, key)
	if err != nil || string(plain) != hidden {
		t.Errorf("it opens as %q, %v", plain, err)
	}
	if len(head.Current) != 32 || head.Name != "Db" || version.ContentType != "text/plain" || version.Expires != 2000000000 || version.Tags["a"] != "b" || version.Disabled {
		t.Errorf("head %+v, version %+v", head, version)
	}
	uri := "https://shop-kv.vault.azure.net/secrets/Db"
	for name, want := range map[string]any{"secretUri": uri, "secretUriWithVersion": uri + "/" + head.Current, "contentType": "text/plain",
		"value": nil, "attributes.enabled": true, "attributes.exp": 2e9, "attributes.created": float64(providertest.Start.Unix())} {
		if got := a.Property("properties." + name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	list := w.Want(200, "", "GET "+vault+"/secrets", "")
	if len(list.Values()) != 1 || list.Values()[0]["location"] != "westeurope" {
		t.Errorf("listed as %s", list.Text)
	}
	entries, _, err := w.Store.List(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(string(e.Value), hidden) {
			t.Errorf("%s holds the value", e.Key)
		}
	}
	for _, said := range []string{a.Text, list.Text, w.Want(200, "", "GET "+db, "").Text} {
		if strings.Contains(said, hidden) {
			t.Errorf("an answer shows the value: %s", said)
		}
	}
}

func TestEachValueIsAVersionAndTheRestChangesTheCurrentOne(t *testing.T) {
	w, box := begin(t)
	w.Want(201, "", "PUT "+db, setDB)
	first, _ := current(t, w)
	w.Want(200, "", "PUT "+strings.Replace(db, "Db", "DB", 1), `{"properties":{"value":"other"}}`)
	second, version := current(t, w)
	if second.Current == first.Current || second.Name != "Db" || version.ContentType != "" || version.Tags != nil {
		t.Errorf("a second value made %+v, %+v", second, version)
	}
	w.Want(200, "", "PATCH "+db, `{"properties":{"attributes":{"enabled":false}},"tags":{"c":"d"}}`)
	third, version := current(t, w)
	plain, err := box.Open(version.Value, cloud.VersionKey(cloud.MustID(vault), "db", third.Current))
	if err != nil || third != second || string(plain) != "other" || !version.Disabled || version.Tags["c"] != "d" {
		t.Errorf("PATCH made %+v, %+v, value %q, %v", third, version, plain, err)
	}
	old := cloud.SecretVersion{}
	if !w.Read(cloud.VersionKey(cloud.MustID(vault), "db", first.Current), &old) {
		t.Error("the first version is gone")
	}
}

func TestSecretRules(t *testing.T) {
	w, _ := begin(t)
	for claim, c := range map[string]struct {
		status     int
		code, body string
	}{
		"no value":                 {400, "BadRequest", `{"properties":{}}`},
		"a value that is a number": {400, "InvalidRequestContent", `{"properties":{"value":1}}`},
		"a value too long":         {400, "BadRequest", `{"properties":{"value":"` + strings.Repeat("a", 25<<10+1) + `"}}`},
		"something unknown":        {501, "NotOffered", `{"properties":{"value":"a","colour":"blue"}}`},
		"an unknown attribute":     {501, "NotOffered", `{"properties":{"value":"a","attributes":{"colour":"blue"}}}`},
	} {
		t.Run(claim, func(t *testing.T) {
			if a := w.Want(c.status, c.code, "PUT "+db, c.body); strings.Contains(a.Text, "aaaa") {
				t.Error("the refusal repeats the value")
			}
		})
	}
	w.Want(400, "BadRequest", "PUT "+vault+"/secrets/a_b", setDB)
	w.Want(404, "ParentResourceNotFound", "PUT "+strings.Replace(db, "shop-kv", "none", 1), setDB)
	w.Want(201, "", "PUT "+db, setDB)
	w.Want(405, "MethodNotAllowed", "DELETE "+db, "")
	w.Want(200, "", "GET "+db, "")
	w.Want(200, "", "DELETE "+vault, "")
}

func TestTheVaultsOwnAPIIsTheTruthAboutSecrets(t *testing.T) {
	w, box := begin(t)
	id := cloud.MustID(vault)
	put := func(name string, head cloud.Secret) {
		t.Helper()
		head.Vault, head.Name, head.Current = id, name, strings.Repeat("0", 32)
		key := cloud.VersionKey(id, name, head.Current)
		sealed, err := box.Seal([]byte("x"), key)
		if err != nil {
			t.Fatal(err)
		}
		h, err := json.Marshal(head)
		if err != nil {
			t.Fatal(err)
		}
		version, err := json.Marshal(cloud.SecretVersion{Version: head.Current, Value: sealed, Created: providertest.Start})
		if err != nil {
			t.Fatal(err)
		}
		w.Commit(store.Change{Key: cloud.SecretKey(id, name), Value: h, If: store.Any}, store.Change{Key: key, Value: version, If: store.Any})
	}
	put("api", cloud.Secret{})
	if a := w.Want(200, "", "GET "+vault+"/secrets/API", ""); a.Property("name") != "api" {
		t.Errorf("a secret of the vault's own API is shown as %s", a.Text)
	}
	w.Want(404, "ResourceNotFound", "GET "+vault+"/secrets/none", "")
	w.Want(201, "", "PUT "+db, setDB)
	names := func() (all []string) {
		for _, each := range w.Want(200, "", "GET "+vault+"/secrets", "").Values() {
			all = append(all, each["name"].(string))
		}
		return all
	}
	if got := fmt.Sprint(names()); got != "[api Db]" {
		t.Errorf("listed are %s", got)
	}
	put("Db", cloud.Secret{Deleted: providertest.Start})
	if got := fmt.Sprint(names()); got != "[api]" {
		t.Errorf("after a deletion %s", got)
	}
	w.Want(404, "SecretNotFound", "GET "+db, "")
	w.Want(409, "Conflict", "PUT "+db, setDB)
}

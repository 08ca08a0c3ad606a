package arm

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

func TestOnlyLocationsThatAreListedAreAccepted(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("a", 5000)
	for _, said := range []string{"a/b", "../../x", "westeurope/providers/microsoft.authorization", `\u001b[2J`, "mars", "west-europe", long} {
		body := `{"location":"` + said + `"}`
		s := w.ask("PUT", carts+"/a", body)
		if s.status != 400 || s.code() != "LocationNotAvailableForResourceType" || !strings.Contains(s.text, "resource type 'Toy.Shop/carts'. List of available regions for the resource type is 'local,eastus,") {
			t.Errorf("a cart in %.40s: got %d %.300s", said, s.status, s.text)
		}
		s = w.ask("PUT", sub+"/resourceGroups/other", body)
		if s.status != 400 || s.code() != "LocationNotAvailableForResourceGroup" || !strings.Contains(s.text, "is not available for resource group. List of available regions is 'local,eastus,") {
			t.Errorf("a group in %.40s: got %d %.300s", said, s.status, s.text)
		}
		if len(s.text) > 2000 || strings.Contains(s.text, long) {
			t.Errorf("the refusal repeats %d bytes", len(s.text))
		}
	}
	for _, r := range regions {
		for _, said := range []string{r.display, r.name(), strings.ToUpper(r.name())} {
			if s := w.want(201, w.ask("PUT", carts+"/a", `{"location":"`+said+`"}`)); s.at("location") != r.name() {
				t.Errorf("%s became %v", said, s.at("location"))
			}
			w.want(200, w.ask("DELETE", carts+"/a", ""))
		}
	}
}

// A world may hold what was made before locations were looked at: it keeps the one it has.
func TestALocationThatIsNotListedStaysWhereItIs(t *testing.T) {
	w := newWorld(t)
	d := w.place(carts+"/a", here)
	d.Location = "moon"
	value, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	w.commitRaw(store.Change{Key: cloud.DocumentKey(d.ID), Value: value, If: store.Any})
	for _, request := range [][2]string{{"PUT", `{"location":"Moon"}`}, {"PATCH", `{"tags":{"a":"b"}}`}} {
		if s := w.want(200, w.ask(request[0], carts+"/a", request[1])); s.at("location") != "moon" {
			t.Errorf("%s: %s", request[0], s.text)
		}
	}
	w.want(409, w.ask("PUT", carts+"/a", here))
	w.want(200, w.ask("DELETE", carts+"/a", ""))
}

// commitRaw writes to the store past the engine and waits until it has seen it.
func (w *world) commitRaw(changes ...store.Change) {
	w.t.Helper()
	revision, err := w.Store.Commit(context.Background(), changes...)
	if err == nil {
		err = w.Await(w.t.Context(), revision)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

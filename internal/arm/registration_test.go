package arm

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"lanyard/internal/cloud"
)

const toyShop = sub + "/providers/Toy.Shop"

func TestANamespaceIsUnregisteredAndRegisteredAgain(t *testing.T) {
	w := newWorld(t)
	if s := w.want(200, w.ask("GET", toyShop, "")); s.at("registrationState") != "Registered" || s.at("registrationPolicy") != "RegistrationRequired" {
		t.Error(s.text)
	}
	if s := w.want(200, w.ask("POST", toyShop+"/unregister", "")); s.at("registrationState") != "Unregistered" {
		t.Error(s.text)
	}
	if s := w.want(200, w.ask("GET", sub+"/providers", "")); strings.Count(s.text, `"Unregistered"`) != 1 {
		t.Error(s.text)
	}
	s := w.want(409, w.ask("PUT", carts+"/a", here))
	details, _ := s.at("error", "details").([]any)
	if s.code() != "MissingSubscriptionRegistration" || len(details) != 1 || details[0].(map[string]any)["target"] != "Toy.Shop" ||
		!strings.Contains(s.text, "The subscription is not registered to use namespace 'Toy.Shop'. See https://aka.ms/rps-not-found") {
		t.Error(s.text)
	}
	w.want(201, w.ask("PUT", uamis+"/u", here)) // another namespace
	if s := w.want(200, w.ask("POST", toyShop+"/register", "")); s.at("registrationState") != "Registered" {
		t.Error(s.text)
	}
	w.want(201, w.ask("PUT", carts+"/a", here))
	if s := w.want(409, w.ask("POST", toyShop+"/unregister", "")); s.code() != "CannotUnregisterNamespace" || !strings.Contains(s.text, carts+"/a") {
		t.Error(s.text)
	}
	w.want(200, w.ask("PATCH", carts+"/a", `{}`))
}

func TestRegistrationsOutliveTheEngine(t *testing.T) {
	w := newWorld(t)
	w.want(200, w.ask("POST", toyShop+"/unregister", ""))
	w.stop()
	second := open(t, w.Store)
	second.want(409, second.ask("PUT", carts+"/a", here))
}

func TestWhoMayNotRegisterIsRefused(t *testing.T) {
	w := newWorld(t)
	w.refuse(func(_ cloud.Caller, action string, _ cloud.ID) bool {
		return strings.HasSuffix(action, "register/action")
	})
	for _, verb := range []string{"register", "unregister"} {
		if s := w.want(403, w.ask("POST", toyShop+"/"+verb, "")); !strings.Contains(s.text, "'Toy.Shop/"+verb+"/action'") {
			t.Error(s.text)
		}
	}
	w.refuse(nil)
	for _, path := range []string{sub + "/providers/Microsoft.Authorization/unregister", sub + "/providers/Microsoft.Resources/unregister"} {
		w.want(409, w.ask("POST", path, ""))
	}
	if s := w.want(404, w.ask("POST", sub+"/providers/No.Such/register", "")); s.code() != "InvalidResourceNamespace" {
		t.Error(s.text)
	}
}

// Whoever wins, no cart is left in a namespace that its subscription is not registered for.
func TestUnregisteringDoesNotMissWhatIsMadeAtTheSameMoment(t *testing.T) {
	w := newWorld(t)
	for i := range 100 {
		var made, ended said
		var all sync.WaitGroup
		all.Go(func() { made = w.ask("PUT", fmt.Sprintf("%s/c%d", carts, i), here) })
		all.Go(func() { ended = w.ask("POST", toyShop+"/unregister", "") })
		all.Wait()
		if (made.status == 201) == (ended.status == 200) {
			t.Fatalf("PUT answered %d, unregister %d %s", made.status, ended.status, ended.text)
		}
		w.ask("DELETE", fmt.Sprintf("%s/c%d", carts, i), "")
		w.ask("POST", toyShop+"/register", "")
	}
}

// The witness is Azure's own pipeline for Go: its policy registers what is missing and tries anew.
func TestTheSDKRegistersWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	w.want(200, w.ask("POST", toyShop+"/unregister", ""))
	s := httptest.NewTLSServer(w)
	defer s.Close()
	c, err := azarm.NewClient("lanyard", "v1.0.0", sdkToken{}, sdkOptions(s))
	if err != nil {
		t.Fatal(err)
	}
	status, err := sdkPut(t.Context(), c, carts+"/a"+version, here)
	if err != nil || status != 201 {
		t.Errorf("got %d, %v", status, err)
	}
	if s := w.want(200, w.ask("GET", toyShop, "")); s.at("registrationState") != "Registered" {
		t.Error(s.text)
	}
}

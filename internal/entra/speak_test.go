package entra_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/entra"
	"lanyard/internal/fault"
)

func TestEveryKindOfFaultIsSpokenAsEntraDoes(t *testing.T) {
	d := &entra.Door{Profile: cloud.Azure, Tenant: tenant}
	for _, kind := range fault.Kinds() {
		t.Run(kind.String(), func(t *testing.T) {
			w := httptest.NewRecorder()
			d.Speak(w, httptest.NewRequest("POST", "/", nil), fault.New(kind, "SomethingElse", "It did not work.").Try("again"))
			var body struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
				Codes       []int  `json:"error_codes"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != kind.Status() || body.Error == "" || len(body.Codes) != 1 ||
				!strings.Contains(body.Description, ": It did not work. Try: again Trace ID: ") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
